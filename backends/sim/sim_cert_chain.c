/* SPDX-License-Identifier: Apache-2.0 */
/* sim_cert_chain: choosing among toy chains, and putting one in order. */
#include "backends/sim/sim.h"
#include "backends/sim/sim_crypto.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define CHAIN_BYTES ((size_t)64 << 10)

void cert_links_deinit(struct cert_links *l)
{
    for (size_t i = 0; i < l->len; i++) {
        cl_free(l->items[i].issuer_cn);
        cl_free(l->items[i].sha256);
    }
    l->len = 0;
}

int cert_links_read(const char *pem, struct cert_links *ret, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    int n = toy_chain_parse(pem, c, err);

    if (n < 0) {
        return -1;
    }
    ret->len = (size_t)n;
    for (int i = 0; i < n; i++) {
        char hex[CL_SHA256_TEXT];
        struct cl_buf b;

        cl_buf_init(&b, CHAIN_BYTES);
        (void)toy_cert_print(&c[i], &b);
        ret->items[i].issuer_cn = cl_strdup(
            cl_str_starts(c[i].issuer, "CN=") ? c[i].issuer + strlen("CN=") : c[i].issuer);
        ret->items[i].sha256 = cl_strdup(cl_sha256_hex(cl_buf_str(&b), b.len, hex));
        cl_buf_deinit(&b);
    }
    toy_chain_deinit(c, n);
    return 0;
}

static int find(const struct toy_cert *c, int from, int n, const char *spki)
{
    while (from < n && !cl_streq(c[from].spki, spki)) {
        from++;
    }
    return from;
}

/* Leaf first, each signed by the next: how many certificates do so in the end. */
static int put_in_order(struct toy_cert *c, int n, const char *leaf_spki)
{
    int len = 0;

    for (const char *wanted = leaf_spki; len < n; wanted = c[len - 1].signer_spki) {
        int at = find(c, len, n, wanted);
        if (at == n) {
            break;
        }
        struct toy_cert x = c[at];
        memmove(&c[len + 1], &c[len], (size_t)(at - len) * sizeof *c);
        c[len++] = x;
    }
    return len;
}

int cert_chain_repair(const char *pem, const struct key *k, char **ret, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    struct cl_buf b;
    int n = toy_chain_parse(pem, c, err);

    *ret = NULL;
    if (n < 0) {
        return -1;
    }
    int len = put_in_order(c, n, k->spki);
    if (len == 0 || (len == 1 && n > 1)) {
        toy_chain_deinit(c, n);
        return cl_fail(err, CL_ERR_BAD_RESULT, len == 0 ? "WrongKey" : "InvalidChain",
                       "the chain cannot be put in order");
    }
    cl_buf_init(&b, CHAIN_BYTES);
    for (int i = 0; i < len; i++) {
        (void)toy_cert_print(&c[i], &b);
    }
    toy_chain_deinit(c, n);
    if (cl_streq(cl_buf_str(&b), pem)) {
        cl_buf_deinit(&b);
    } else {
        *ret = cl_buf_take(&b);
    }
    return 0;
}
