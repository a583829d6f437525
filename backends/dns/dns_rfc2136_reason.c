/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rfc2136_reason: response codes of RFC 2136 2.2 in plain words, with what to do. */
#include "backends/dns/dns_rfc2136_reason.h"

#include "spec/base/cl_str.h"

static int fail_refused(const struct dns_msg *m, const char *key, struct cl_err *err)
{
    if (m->opcode != DNS_OP_UPDATE) {
        return cl_fail(err, CL_ERR_PERMANENT, "QueryRefused",
                       "the name server answers REFUSED: it does not hold the zone of %s, or does "
                       "not let %s%s ask",
                       cl_str_or(m->qname, "the name"), key != NULL ? "key " : "this machine",
                       cl_str_or(key, ""));
    }
    if (key == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "UpdateRefused",
                       "the name server refuses unsigned updates from this machine (REFUSED): give "
                       "a TSIG key, or permit the address there");
    }
    return cl_fail(
        err, CL_ERR_PERMANENT, "UpdateRefused",
        "the name server does not let key \"%s\" change these TXT records (REFUSED)%s: "
        "BIND wants \"update-policy { grant %s ... TXT; };\" in the zone, Knot an acl "
        "with \"action: update\", PowerDNS the metadata TSIG-ALLOW-DNSUPDATE",
        key, m->tsig != 0 ? "" : "; the answer is not signed, so it may not even know it", key);
}

int dns_rfc2136_reason(const struct dns_msg *m, const char *key, struct cl_err *err)
{
    const char *zone = cl_str_or(m->qname, "the zone");
    bool update = m->opcode == DNS_OP_UPDATE;
    char rcode[16];

    switch (m->rcode) {
    case DNS_NOERROR:
        return 0;
    case DNS_NXDOMAIN:
        if (!update) {
            return 0;
        }
        break;
    case DNS_REFUSED:
        return fail_refused(m, key, err);
    case DNS_NOTAUTH:
        return cl_fail(err, CL_ERR_PERMANENT, "NotAuthoritative",
                       "the name server is not the primary of %s, or does not accept the key "
                       "(NOTAUTH): name the primary as nameserver",
                       zone);
    case DNS_NOTZONE:
        return cl_fail(err, CL_ERR_PERMANENT, "NotInZone",
                       "a name to be changed does not lie in zone %s (NOTZONE)", zone);
    case DNS_NOTIMP:
        return cl_fail(err, CL_ERR_PERMANENT, "UpdateNotSupported",
                       "the name server has no dynamic updates (NOTIMP): PowerDNS wants "
                       "dnsupdate=yes");
    case DNS_FORMERR:
        return cl_fail(err, CL_ERR_PERMANENT, "UpdateMalformed",
                       "the name server cannot read the request (FORMERR)");
    default:
        break;
    }
    return cl_fail(err, CL_ERR_TRANSIENT, "NameServerFailed", "the name server answers %s%s",
                   dns_rcode_name(m->rcode, rcode),
                   update && m->rcode == DNS_SERVFAIL
                       ? ": its log says why; often it may not write its journal"
                       : "");
}
