/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_change: certloop dns add|remove|list: one change by hand, through the engine that the daemon
 * uses: the zone is found, the values at the name are read, and only what is named is touched. */
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static int list(struct dns_session *s, const char *zone, const char *fqdn)
{
    struct cl_strv values = {0};
    int code = 0;

    if (dns_session_list(s, zone, fqdn, &values) < 0) {
        code = dns_session_failed(s);
    }
    cl_strv_for_each(value, &values) {
        char *clean = cl_clean_dup(value, strlen(value));
        (void)fprintf(s->c->out, "%s\n", clean);
        cl_free(clean);
    }
    cl_strv_deinit(&values);
    return code;
}

static int change(struct dns_session *s, const char *verb, const char *zone, const char *fqdn)
{
    struct dns_change wanted = {.fqdn = fqdn};
    struct cl_strv *values = cl_streq(verb, "add") ? &wanted.add : &wanted.remove;
    int code = 0;

    for (size_t i = 3; i < s->c->args.len; i++) {
        cl_strv_add(values, s->c->args.items[i]);
    }
    if (dns_session_apply(s, zone, &wanted, 1) < 0) {
        code = dns_session_failed(s);
    } else {
        (void)fprintf(s->c->out, "%s: %s in zone %s: done\n", verb, fqdn, zone);
    }
    cl_strv_deinit(values);
    return code;
}

int dns_cmd_change(struct cli *c, const char *verb)
{
    struct dns_session s;
    const char *given = NULL;
    char *zone = NULL;
    bool lists = cl_streq(verb, "list");

    if (lists ? c->args.len != 3 : c->args.len < 4) {
        return cli_usage(c, "%s needs PROVIDER, FQDN%s", verb, lists ? "" : " and VALUE");
    }
    char *fqdn = dns_cmd_name(c->args.items[2]);
    (void)cli_flag_value(c, "--zone", &given);
    int code = dns_session_open(&s, c);
    if (code == 0) {
        code = dns_session_provider(&s, c->args.items[1]);
    }
    if (code == 0 && lists && !s.traits.lists) {
        code = cli_error(c, 1, "%s cannot tell which values are there", c->args.items[1]);
    }
    if (code == 0 && dns_session_zone(&s, fqdn, given, &zone) < 0) {
        code = dns_session_failed(&s);
    }
    if (code == 0) {
        code = lists ? list(&s, zone, fqdn) : change(&s, verb, zone, fqdn);
    }
    dns_session_close(&s);
    cl_free(zone);
    cl_free(fqdn);
    return code;
}
