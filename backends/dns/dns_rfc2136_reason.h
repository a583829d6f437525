/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rfc2136_reason (private to backends/dns): what the code in an answer of a name server means
 * for the one who has to repair it. Pure. */
#ifndef DNS_RFC2136_REASON_H
#define DNS_RFC2136_REASON_H

#include "backends/dns/wire/dns_msg.h"

/** 0 for NOERROR, and NXDOMAIN in the answer to a question. Else -1: PERMANENT "UpdateRefused"
 *  "NotAuthoritative" "NotInZone" "UpdateNotSupported" "UpdateMalformed" "QueryRefused", TRANSIENT
 *  "NameServerFailed". @key: name of our key, or NULL. */
int dns_rfc2136_reason(const struct dns_msg *m, const char *key, struct cl_err *err);

#endif
