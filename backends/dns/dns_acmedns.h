/* SPDX-License-Identifier: Apache-2.0 */
/* dns_acmedns: records at a server of acme-dns. Each domain has an account there, whose name is the
 * target of the CNAME _acme-challenge.DOMAIN; an account keeps its last two values. Accounts come
 * from a JSON file of the user, in the form that cert-manager and lego use, or are registered and
 * kept in STATE/dns/acmedns.json. */
#ifndef DNS_ACMEDNS_H
#define DNS_ACMEDNS_H

#include "backends/dns/dns_provider.h"
#include "backends/net/http.h"
#include "spec/base/cl_err.h"

struct dns_acmedns_params {
    struct loop *loop;
    struct http *http;
    const char *host;       /* URL */
    const char *accounts;   /* JSON: {DOMAIN: {username, password, fulldomain, subdomain}},
                                         or NULL */
    const char *state_path; /* where registered accounts are kept */
    const struct cl_strv *allow_from; /* for registration */
};
/** Errors: PERMANENT "CredentialInvalid" (@accounts), LOCAL "StateCorrupt". */
int dns_acmedns_create(const struct dns_acmedns_params *params, struct dns_provider **ret,
                       struct cl_err *err);

#endif
