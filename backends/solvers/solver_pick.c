/* SPDX-License-Identifier: Apache-2.0 */
/* solver_pick: which solver answers for a name. cert-manager's order: a selector must match as a
 * whole; then a matching dnsNames entry beats the longest matching zone, that beats the number of
 * labels, that beats the place in the list. Pure. */
#include "backends/solvers/solvers.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_dns01.h"
#include "spec/spec_ip.h"
#include "spec/spec_parse.h"

struct rank {
    size_t names, zone_labels, labels;
};

static size_t count_labels(const char *zone)
{
    size_t n = 1;
    for (const char *c = zone; *c != '\0'; c++) {
        n += *c == '.' && c[1] != '\0';
    }
    return n;
}

/* The longest zone of @zones that holds @name, in labels; 0 if none does. */
static size_t longest_zone(const struct cl_strv *zones, const char *name)
{
    size_t best = 0;
    cl_strv_for_each(zone, zones) {
        if (dns_name_in_zone(name, zone)) {
            size_t labels = count_labels(zone);
            best = labels > best ? labels : best;
        }
    }
    return best;
}

static bool labels_match(const struct string_map *wanted, const struct string_map *have)
{
    for (size_t i = 0; i < wanted->len; i++) {
        if (!cl_streq(string_map_get(have, wanted->items[i].key), wanted->items[i].value)) {
            return false;
        }
    }
    return true;
}

/* An address is in no zone and has no name: a selector of those is for others. */
static bool selects(const struct solver_selector *s, const struct object *cert, const char *name,
                    struct rank *ret)
{
    bool ip = ip_is(name);
    ret->names = !ip && cl_strv_has(&s->dns_names, name) ? 1 : 0;
    ret->zone_labels = ip ? 0 : longest_zone(&s->dns_zones, name);
    ret->labels = s->match_labels.len;
    return (s->dns_names.len == 0 || ret->names > 0) &&
           (s->dns_zones.len == 0 || ret->zone_labels > 0) &&
           labels_match(&s->match_labels, &cert->metadata.labels);
}

static bool better(const struct rank *a, const struct rank *b)
{
    if (a->names != b->names) {
        return a->names > b->names;
    }
    if (a->zone_labels != b->zone_labels) {
        return a->zone_labels > b->zone_labels;
    }
    return a->labels > b->labels;
}

static const char *type_of(const struct solver_spec *s)
{
    return s->has_http01      ? "http-01"
           : s->has_tlsalpn01 ? "tls-alpn-01"
           : s->has_dns01     ? dns01_challenge_type(&s->dns01)
                              : "";
}

/* A wildcard is proved by a record alone (RFC 8555 7.1.3 with 8.3), an address never by one
 * (RFC 8738 7). */
static bool can_solve(const struct solver_spec *s, const char *name, const struct cl_strv *types)
{
    bool fits = s->has_dns01 ? !ip_is(name) : !cl_str_starts(name, "*.");
    return fits && cl_strv_has(types, type_of(s));
}

static const struct solver_spec *pick_from(const struct solver_list *list,
                                           const struct object *cert, const char *name,
                                           const struct cl_strv *types, struct rank *ret_rank)
{
    const struct solver_spec *best = NULL;
    for (size_t i = 0; list != NULL && i < list->len; i++) {
        const struct solver_spec *s = &list->items[i];
        struct rank rank;
        if (can_solve(s, name, types) && selects(&s->selector, cert, name, &rank) &&
            (best == NULL || better(&rank, ret_rank))) {
            best = s;
            *ret_rank = rank;
        }
    }
    return best;
}

static char *why(const char *whose, const struct solver_list *list, const struct solver_spec *s,
                 const struct rank *rank, const char *name)
{
    size_t index = (size_t)(s - list->items);
    char *kind = s->has_dns01 ? dns01_label(&s->dns01) : NULL;
    char zone[48] = "", labels[48] = "";
    if (rank->zone_labels > 0) {
        (void)cl_format(zone, sizeof(zone), ", a zone of %zu labels", rank->zone_labels);
    }
    if (rank->labels > 0) {
        (void)cl_format(labels, sizeof(labels), ", %zu labels match", rank->labels);
    }
    const char *named = rank->names > 0 ? ", named in dnsNames" : "";
    bool any = rank->names > 0 || rank->zone_labels > 0 || rank->labels > 0;
    char *text = cl_printf("solver %zu of the %s for %s: %s%s%s%s%s%s%s", index + 1, whose, name,
                           type_of(s), kind != NULL ? " by " : "", cl_str_or(kind, ""), named, zone,
                           labels, any ? "" : ", without a selector");
    cl_free(kind);
    return text;
}

const struct solver_spec *solver_pick(const struct object *cert, const struct solver_list *issuer,
                                      const char *dns_name, const struct cl_strv *types,
                                      char **ret_why)
{
    const struct {
        const char *whose;
        const struct solver_list *list;
    } LISTS[] = {{"Certificate", &cert->cert->solvers}, {"Issuer", issuer}};

    for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
        struct rank rank = {0};
        const struct solver_spec *s = pick_from(LISTS[i].list, cert, dns_name, types, &rank);
        if (s != NULL) {
            if (ret_why != NULL) {
                *ret_why = why(LISTS[i].whose, LISTS[i].list, s, &rank, dns_name);
            }
            return s;
        }
    }
    if (ret_why != NULL) {
        char *offered = cl_strv_join(types, ", ");
        *ret_why =
            types->len == 0
                ? cl_strdup("the CA offers no challenge that a solver can answer")
                : cl_printf("no solver of the Certificate or its Issuer fits %s with one of: %s",
                            dns_name, offered);
        cl_free(offered);
    }
    return NULL;
}
