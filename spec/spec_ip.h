/* SPDX-License-Identifier: Apache-2.0 */
/* spec_ip: addresses of a spec in their one canonical form (RFC 5952), without asking the system. */
#ifndef SPEC_IP_H
#define SPEC_IP_H

#include <stdbool.h>
#include <stddef.h>

struct ip_address {
    unsigned char bytes[16];
    size_t len; /* 4 or 16 */
};
#define IP_TEXT 64

/** Parses dotted-quad IPv4 (no leading zeros) or IPv6 without a zone: 0 or -1. */
int ip_parse(const char *text, struct ip_address *ret);
/** Writes the canonical text and returns @buf. */
const char *ip_format(const struct ip_address *ip, char buf[IP_TEXT]);
/** Is it an address and not a name of the DNS? */
bool ip_is(const char *text);
/** The name that stands for it where only names go (RFC 8738 6): "1.2.0.192.in-addr.arpa", nibbles
 *  and "ip6.arpa" for IPv6. */
#define IP_REVERSE_TEXT 80
const char *ip_reverse_name(const struct ip_address *ip, char buf[IP_REVERSE_TEXT]);
/** Parses ADDRESS/BITS with no bits set after the prefix; writes its canonical text: 0 or -1. */
int ip_range_normalise(const char *text, char buf[IP_TEXT]);

#endif
