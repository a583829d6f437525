/* SPDX-License-Identifier: Apache-2.0 */
/* registered_domain: what a CA counts a name under: the registered domain by the Public Suffix List,
 * an IPv4 address itself, an IPv6 address by its /64. */
#ifndef REGISTERED_DOMAIN_H
#define REGISTERED_DOMAIN_H

#include <stddef.h>

#define REGISTERED_DOMAIN 256
/** @name: a dNSName of a spec ("*.x" counts as x). A public suffix itself, or a name in none, is its
 *  own. Returns @ret. */
const char *registered_domain(const char *name, char ret[REGISTERED_DOMAIN]);
/** @address: canonical text. IPv6: "2001:db8::/64". Returns @ret. */
const char *registered_network(const char *address, char ret[REGISTERED_DOMAIN]);

#endif
