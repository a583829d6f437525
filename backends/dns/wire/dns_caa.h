/* SPDX-License-Identifier: Apache-2.0 */
/* dns_caa: what CAA records say about a CA (RFC 8659), an account and a challenge (RFC 8657). Pure. */
#ifndef DNS_CAA_H
#define DNS_CAA_H

#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_str.h"

struct dns_caa_question {
    const char *owner;        /* the name whose records they are, for the text */
    bool wildcard;            /* is a certificate for a wildcard wanted? */
    const struct cl_strv *ca; /* issuer domains of the CA (meta.caaIdentities) */
    const char *account;      /* account URL; NULL = not known */
    const char *method;       /* "http-01", ...; NULL = any */
};
enum dns_caa_verdict {
    DNS_CAA_NONE, /* there are no records here: the parent's count */
    DNS_CAA_ALLOWED,
    DNS_CAA_UNKNOWN, /* there are records, but the CA does not say how they name it */
    DNS_CAA_FORBIDDEN
};
#define DNS_CAA_TEXT 400
/** Judges the CAA records in the answer section of @m, at whatever owner: a resolver has followed
 *  aliases. @text: if it is forbidden, why, and the record to publish; else "". */
enum dns_caa_verdict dns_caa_judge(const struct dns_msg *m, const struct dns_caa_question *q,
                                   char text[DNS_CAA_TEXT]);

#endif
