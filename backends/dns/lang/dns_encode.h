/* SPDX-License-Identifier: Apache-2.0 */
/* dns_encode: percent-encoding, forms, TXT quoting, and the forms in which providers write names. */
#ifndef DNS_ENCODE_H
#define DNS_ENCODE_H

#include "backends/dns/lang/dns_value.h"
#include "spec/base/cl_buf.h"

/** Percent-encodes all but unreserved characters (RFC 3986 2.3). Owned by the caller. */
char *dns_url_encode(const char *s, size_t len);
/** key=value&... of an object; members that are null are left out, lists repeat the key. @sorted: by key.
 *  Owned. */
char *dns_form_encode(const json_t *object, bool sorted);

/** A TXT value as one or more quoted strings of at most 255 bytes (RFC 1035 3.3.14, 5.1). Owned. */
char *dns_txt_quote(const char *value);
/** The value behind quoted strings, joined; text without quotes comes back as it is. Owned. */
char *dns_txt_unquote(const char *text);

/** Is @got (relative, absolute, with or without final dot, "@", "") the name @fqdn of @zone? */
bool dns_same_name(const char *got, const char *fqdn, const char *zone);
/** Lower case, without final dot; owned. */
char *dns_name_plain(const char *name);
/** Does @fqdn equal @zone or lie below it? */
bool dns_is_within(const char *fqdn, const char *zone);

#endif
