/* SPDX-License-Identifier: Apache-2.0 */
/* acme_ari_msg: the answer of renewalInfo (RFC 9773 4.2) as plain data. Pure. */
#ifndef ACME_ARI_MSG_H
#define ACME_ARI_MSG_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_time.h"

#include <stddef.h>

struct acme_renewal_msg {
    cl_time start, end;    /* start < end */
    char *explanation_url; /* owned; https and fit to be printed, or NULL */
};
void acme_renewal_msg_deinit(struct acme_renewal_msg *m);
/** A window that ends before it starts counts as no answer (RFC 9773 4.2): BAD_RESULT, as is all that
 *  cannot be read. @ret is filled on success only. */
int acme_msg_renewal_info(const char *text, size_t len, struct acme_renewal_msg *ret,
                          struct cl_err *err);

#endif
