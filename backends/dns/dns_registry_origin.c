/* SPDX-License-Identifier: Apache-2.0 */
/* dns_registry_origin: which inputs of a description decide where requests, and so secrets, go. Read
 * from its templates, so that nobody has to remember to say it. */
#include "backends/dns/dns_api_desc.h"
#include "backends/dns/dns_registry_impl.h"

#include <string.h>

/* Does @e use cred.NAME, or an input that is only known when it is evaluated? */
static bool mentions(const struct dns_expr *e, const char *name)
{
    bool member = e->kind == DNS_EXPR_GET && e->n_args == 2 &&
                  e->args[0]->kind == DNS_EXPR_VARIABLE && strcmp(e->args[0]->name, "cred") == 0;

    if (member && e->args[1]->kind == DNS_EXPR_LITERAL) {
        return cl_streq(json_string_value(e->args[1]->literal.json), name);
    }
    if (member || (e->kind == DNS_EXPR_VARIABLE && strcmp(e->name, "cred") == 0)) {
        return true;
    }
    for (size_t i = 0; i < e->n_args; i++) {
        if (mentions(e->args[i], name)) {
            return true;
        }
    }
    return false;
}

/* Up to the first slash after the scheme. */
static bool in_host(const struct dns_tpl *t, const char *name)
{
    for (size_t i = 0; t != NULL && t->kind == DNS_TPL_STRING && i < t->n_parts; i++) {
        const struct dns_part *part = &t->parts[i];
        if (part->expr != NULL) {
            if (mentions(part->expr, name)) {
                return true;
            }
            continue;
        }
        const char *rest = strstr(part->text, "://");
        if (strchr(rest != NULL ? rest + strlen("://") : part->text, '/') != NULL) {
            return false;
        }
    }
    return false;
}

bool dns_input_decides_origin(const struct dns_description *d, const char *name)
{
    if (in_host(d->api->request.base, name)) {
        return true;
    }
    for (size_t i = 0; i < d->api->n_urls; i++) {
        if (in_host(d->api->urls[i], name)) {
            return true;
        }
    }
    return false;
}
