/* SPDX-License-Identifier: Apache-2.0 */
/* acme_url: which addresses a CA may send us to. Pure.
 *
 * URLs from a CA must be https. Plain http is accepted only if the directory itself is http on
 * loopback. What has another origin than the directory is, if the directory's host is a public one,
 * not allowed to resolve to a loopback, private or link-local address. A host is not public if it
 * is such an address, a name of one label, or ends in a name that is never public (.internal,
 * .local, .localhost, .home.arpa, .test). */
#ifndef ACME_URL_H
#define ACME_URL_H

#include <stdbool.h>

#define ACME_URL_MAX 2000

/** Fit to be requested, put into a JWS header and printed: scheme, length, visible ASCII without
 *  quotes and brackets, a host, no user, no fragment. NULL is not. */
bool acme_url_ok(const char *url, bool allow_http);
/** Is it http:// to a loopback address or localhost? */
bool acme_url_is_loopback_http(const char *url);
bool acme_url_host_is_private(const char *url);
/** Equal scheme, host and port. */
bool acme_url_same_origin(const char *a, const char *b);
/** The target of a redirect from @base: an absolute URL or an absolute path. Owned; NULL if it is
 *  neither. */
char *acme_url_resolve(const char *base, const char *location);

#endif
