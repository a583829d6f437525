/* SPDX-License-Identifier: Apache-2.0 */
/* acme_chain: the questions that preferredChain asks of a chain. The root itself is not in a chain:
 * it is known by the name in the topmost certificate's issuer. */
#include "backends/acme/acme_chain.h"

#include "backends/crypto/cert.h"

static bool link_fits(const struct cert_links *l, size_t i, const struct chain_preference *p)
{
    const struct cert_link *c = &l->items[i];

    if (!cl_str_empty(p->sha256)) {
        return cl_streq(c->sha256, p->sha256);
    }
    if (!cl_str_empty(p->issuer)) {
        return cl_streq(c->issuer_cn, p->issuer);
    }
    return i + 1 == l->len && cl_streq(c->issuer_cn, p->root);
}

bool acme_chain_fits(const char *pem, const struct chain_preference *p)
{
    struct cert_links l = {0};
    bool fits = false;

    if (cert_links_read(pem, &l, NULL) < 0) {
        return false;
    }
    for (size_t i = 0; i < l.len && !fits; i++) {
        fits = link_fits(&l, i, p);
    }
    cert_links_deinit(&l);
    return fits;
}

size_t acme_chain_length(const char *pem)
{
    struct cert_links l = {0};

    if (cert_links_read(pem, &l, NULL) < 0) {
        return 0;
    }
    size_t n = l.len;
    cert_links_deinit(&l);
    return n;
}
