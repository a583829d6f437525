/* SPDX-License-Identifier: Apache-2.0 */
/* spec_check: what an ACME issuer could not honour. Only known once the issuer is, so these are not
 * errors of a file. */
#include "spec/spec_check.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"
#include "spec/spec_parse.h"

#include <string.h>
#include <strings.h>

static bool is_wildcard(const char *name)
{
    return cl_str_starts(name, "*.");
}

bool cert_spec_redundant_name(const struct cert_spec *spec, char buf[256])
{
    cl_strv_for_each(wildcard, &spec->dns_names) {
        cl_strv_for_each(name, &spec->dns_names) {
            const char *dot = strchr(name, '.');

            if (is_wildcard(wildcard) && !is_wildcard(name) && dot != NULL &&
                strcmp(dot, wildcard + 1) == 0) {
                (void)cl_format(buf, 256, "%s", name);
                return true;
            }
        }
    }
    return false;
}

/* Is the common name one of the names? It is compared as a name: case and IDN do not count. */
static bool common_name_covered(const struct cert_spec *spec)
{
    char why[200];
    struct ip_address ip;
    char text[IP_TEXT];

    if (cl_str_empty(spec->common_name)) {
        return true;
    }
    if (ip_parse(spec->common_name, &ip) == 0) {
        return cl_strv_has(&spec->ip_addresses, ip_format(&ip, text));
    }
    char *name = host_name_normalise(spec->common_name, why, sizeof(why));
    bool found = name != NULL && cl_strv_has(&spec->dns_names, name);
    cl_free(name);
    return found;
}

static bool has_dns01(const struct solver_list *l)
{
    for (size_t i = 0; l != NULL && i < l->len; i++) {
        if (l->items[i].has_dns01) {
            return true;
        }
    }
    return false;
}

/* A wildcard that no solver could prove, or NULL. */
static const char *hopeless_wildcard(const struct cert_spec *spec, const struct solver_list *issuer)
{
    cl_strv_for_each(name, &spec->dns_names) {
        if (is_wildcard(name) && !has_dns01(&spec->solvers) && !has_dns01(issuer)) {
            return name;
        }
    }
    return NULL;
}

static bool has_ip_solver(const struct solver_list *l)
{
    for (size_t i = 0; l != NULL && i < l->len; i++) {
        if (l->items[i].has_http01 || l->items[i].has_tlsalpn01) {
            return true;
        }
    }
    return false;
}

/* An address that no solver could prove: dns-01 never does (RFC 8738 7). */
static const char *hopeless_address(const struct cert_spec *spec, const struct solver_list *issuer)
{
    return spec->ip_addresses.len > 0 && !has_ip_solver(&spec->solvers) && !has_ip_solver(issuer)
               ? spec->ip_addresses.items[0]
               : NULL;
}

bool cert_spec_acme_problem(const struct cert_spec *spec, const struct solver_list *issuer,
                            char *buf, size_t size)
{
    const char *wildcard = hopeless_wildcard(spec, issuer);
    const char *address = hopeless_address(spec, issuer);
    char name[256];

    if (spec->is_ca) {
        (void)cl_format(buf, size, "spec.isCA: an ACME issuer signs no CA certificates");
    } else if (spec->uris.len > 0) {
        (void)cl_format(buf, size, "spec.uris: ACME knows host names and IP addresses only");
    } else if (spec->email_addresses.len > 0) {
        (void)cl_format(buf, size,
                        "spec.emailAddresses: ACME knows host names and IP addresses only");
    } else if (spec->dns_names.len + spec->ip_addresses.len == 0) {
        (void)cl_format(buf, size, "spec.dnsNames: an ACME issuer needs at least one name");
    } else if (!common_name_covered(spec)) {
        (void)cl_format(buf, size,
                        "spec.commonName: %s is none of dnsNames and ipAddresses, as ACME requires",
                        spec->common_name);
    } else if (cert_spec_redundant_name(spec, name)) {
        (void)cl_format(buf, size,
                        "RedundantName: spec.dnsNames: %s is covered by a wildcard beside it; "
                        "remove one of the two",
                        name);
    } else if (wildcard != NULL) {
        (void)cl_format(buf, size,
                        "spec.dnsNames: %s: a wildcard needs a dns01 solver; neither the "
                        "Certificate nor its Issuer has one",
                        wildcard);
    } else if (address != NULL) {
        (void)cl_format(buf, size,
                        "spec.ipAddresses: %s: an IP address is proved by a http01 or tlsalpn01 "
                        "solver, never by dns01; neither the Certificate nor its Issuer has one",
                        address);
    } else {
        return false;
    }
    return true;
}
