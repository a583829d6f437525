/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a CA sends: every decoder of acme_msg and acme_problem gets the same bytes. */
#include "backends/acme/acme_account.h"
#include "backends/acme/acme_problem.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct cl_err err;
    struct acme_directory directory;
    struct acme_order_msg order;
    struct acme_authz_msg authz;
    struct acme_account_msg account;
    struct acme_account_doc doc;

    if (acme_msg_directory(text, size, true, &directory, &err) == 0) {
        acme_directory_deinit(&directory);
    }
    if (acme_msg_order(text, size, false, &order, &err) == 0) {
        acme_order_msg_deinit(&order);
    }
    if (acme_msg_authz(text, size, false, &authz, &err) == 0) {
        acme_authz_msg_deinit(&authz);
    }
    if (acme_msg_account(text, size, &account, &err) == 0) {
        acme_account_msg_deinit(&account);
    }
    if (acme_account_doc_from_json(text, size, &doc, &err) == 0) {
        acme_account_doc_deinit(&doc);
    }
    struct acme_failure f = {.status = 400 + (long)size % 200, .body = text, .len = size};
    acme_problem_to_err(&f, CL_DAY, &err);
    (void)acme_problem_holds_issuer(&err);
    return 0;
}
