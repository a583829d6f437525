/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_download: DOWNLOAD gets the certificate with its chain and, if a preference asks for
 * another one, the alternates, one after the other (RFC 8555 7.4.2). An alternate is asked for only
 * while no chain fits; if none does, the default stays and a warning says so. */
#include "backends/acme/acme_chain.h"
#include "backends/acme/acme_order_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/spec_acme.h"

#include <string.h>

#define CHAIN_MARK "-----BEGIN CERTIFICATE-----"

static bool is_pem(const struct acme_reply *r)
{
    return memmem(r->body, r->len, CHAIN_MARK, strlen(CHAIN_MARK)) != NULL;
}

static enum acme_step none_fits(struct acme_order *o)
{
    char *wanted = chain_preference_text(o->p.chain);

    if (!o->p.chain->shortest) {
        cl_strv_take(
            &o->warnings,
            cl_printf("the CA offers no chain with preferredChain %s among %zu; its default "
                      "chain is used",
                      wanted, o->alternates.len + 1));
    }
    cl_free(wanted);
    return acme_order_go(o, ORDER_CLEANUP);
}

static enum acme_step next_chain(struct acme_order *o)
{
    if (o->alternate == o->alternates.len) {
        return none_fits(o);
    }
    acme_order_ask(o, ACME_CERTIFICATE, 0, o->alternates.items[o->alternate++], NULL);
    return STEP_WAIT;
}

static enum acme_step default_arrived(struct acme_order *o, const struct acme_reply *r)
{
    const struct chain_preference *p = o->p.chain;
    struct cl_err err;

    if (!is_pem(r)) {
        (void)cl_fail(&err, CL_ERR_BAD_RESULT, "NotPEM",
                      "the CA's answer for the certificate is not PEM");
        return acme_order_fail(o, &err);
    }
    o->chain = cl_strndup(r->body, r->len);
    if (p == NULL || (!p->shortest && acme_chain_fits(o->chain, p))) {
        return acme_order_go(o, ORDER_CLEANUP);
    }
    if (r->alternates != NULL) {
        cl_strv_copy(&o->alternates, r->alternates);
    }
    return next_chain(o);
}

static enum acme_step alternate_arrived(struct acme_order *o, const struct acme_reply *r)
{
    char *chain = is_pem(r) ? cl_strndup(r->body, r->len) : NULL;
    size_t len = chain != NULL ? acme_chain_length(chain) : 0;
    bool shortest = o->p.chain->shortest;
    bool better = shortest ? len > 0 && len < acme_chain_length(o->chain)
                           : len > 0 && acme_chain_fits(chain, o->p.chain);

    if (better) {
        cl_free(o->chain);
        o->chain = chain;
    } else {
        cl_free(chain);
    }
    return better && !shortest ? acme_order_go(o, ORDER_CLEANUP) : next_chain(o);
}

/* There is a certificate already: it is not thrown away for another chain's sake. */
static enum acme_step alternate_failed(struct acme_order *o, const struct cl_err *err)
{
    cl_strv_take(
        &o->warnings,
        cl_printf("another chain of the certificate could not be downloaded: %s", err->text));
    return next_chain(o);
}

enum acme_step acme_order_download(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER:
        acme_order_ask(o, ACME_CERTIFICATE, 0, o->certificate_url, NULL);
        return STEP_WAIT;
    case EV_REPLY:
        return o->chain == NULL ? default_arrived(o, ev->reply) : alternate_arrived(o, ev->reply);
    case EV_FAILED:
        return o->chain == NULL ? acme_order_request_failed(o, ev->err, "download the certificate")
                                : alternate_failed(o, ev->err);
    case EV_FETCHED:
    case EV_TIMER:
        return STEP_WAIT;
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_DOWNLOAD");
}
