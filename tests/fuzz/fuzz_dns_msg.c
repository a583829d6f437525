/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a name server sends: messages, the names in them, and TSIG records; and names as text. */
#include "backends/dns/wire/dns_msg.h"
#include "backends/dns/wire/dns_tsig.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read as a name is written as the same name. */
static void check_name(const char *name)
{
    unsigned char wire[DNS_NAME_MAX];
    char text[DNS_NAME_TEXT];
    size_t pos = 0;
    int len = dns_name_encode(name, wire);

    cl_assert(len > 0);
    cl_assert(dns_name_decode(wire, (size_t)len, &pos, text) == 0);
    cl_assert(cl_streq(text, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_msg m;
    struct cl_err err;

    if (dns_msg_decode(data, size, &m, &err) == 0) {
        for (size_t i = 0; i < m.n; i++) {
            check_name(m.rrs[i].name);
        }
        struct dns_tsig_key k = {0};
        struct dns_tsig_mac mac = {.len = 32};
        cl_assert(dns_tsig_key_init(&k, "acme", NULL, "AAAA", &err) == 0);
        struct cl_buf msg;
        cl_buf_init(&msg, size + 1);
        (void)cl_buf_add(&msg, data, size);
        (void)dns_tsig_verify(&k, &msg, m.tsig, &mac, 1795516948, &err);
        cl_buf_deinit(&msg);
        dns_tsig_key_deinit(&k);
        dns_msg_deinit(&m);
    }
    char *text = cl_strndup((const char *)data, size);
    char *name = dns_name_normalise(text);
    if (name != NULL) {
        check_name(name);
    }
    cl_free(name);
    cl_free(text);
    return 0;
}
