/* SPDX-License-Identifier: Apache-2.0 */
/* acme_url: scheme, host and origin of URLs, by their text alone. */
#include "backends/acme/acme_url.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

struct url_parts {
    bool https, http;
    const char *authority; /* host[:port], not terminated */
    size_t authority_len;
    char host[256]; /* lower case, brackets removed; "" if unusable */
    char port[8];   /* "" = the scheme's */
};

static void url_split_authority(struct url_parts *p)
{
    const char *a = p->authority;
    size_t host_len = p->authority_len;
    const char *port = NULL;

    if (host_len > 0 && a[0] == '[') {
        const char *end = memchr(a, ']', host_len);
        if (end == NULL) {
            return;
        }
        port = end + 1 < a + p->authority_len && end[1] == ':' ? end + 2 : NULL;
        a++;
        host_len = (size_t)(end - a);
    } else {
        const char *colon = memchr(a, ':', host_len);
        if (colon != NULL) {
            port = colon + 1;
            host_len = (size_t)(colon - a);
        }
    }
    if (host_len >= sizeof p->host) {
        return;
    }
    memcpy(p->host, a, host_len);
    p->host[host_len] = '\0';
    cl_str_lower(p->host);
    if (port != NULL) {
        size_t n = (size_t)(p->authority + p->authority_len - port);
        if (n >= sizeof p->port) {
            p->host[0] = '\0';
            return;
        }
        memcpy(p->port, port, n);
        p->port[n] = '\0';
    }
}

static void url_split(const char *url, struct url_parts *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->https = cl_str_starts(url, "https://");
    ret->http = cl_str_starts(url, "http://");
    if (!ret->https && !ret->http) {
        return;
    }
    ret->authority = url + (ret->https ? strlen("https://") : strlen("http://"));
    ret->authority_len = strcspn(ret->authority, "/?#");
    url_split_authority(ret);
}

bool acme_url_ok(const char *url, bool allow_http)
{
    struct url_parts p;

    if (url == NULL || strlen(url) > ACME_URL_MAX) {
        return false;
    }
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || strchr("\"\\<>^`{|}#", *c) != NULL) {
            return false;
        }
    }
    url_split(url, &p);
    if (!p.https && !(p.http && allow_http)) {
        return false;
    }
    return p.host[0] != '\0' && memchr(p.authority, '@', p.authority_len) == NULL;
}

static bool v4_is_private(uint32_t a)
{
    return a >> 24 == 127 || a >> 24 == 10 || a >> 24 == 0 || a >> 20 == 0xac1 ||
           a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe || a >> 22 == 0x191; /* 100.64.0.0/10 */
}

static bool v6_is_private(const unsigned char a[16])
{
    static const unsigned char ZERO[15];
    bool low = memcmp(a, ZERO, sizeof ZERO) == 0 && a[15] <= 1; /* :: and ::1 */

    return low || (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return cl_streq(host, "localhost") || cl_str_ends(host, ".localhost");
}

bool acme_url_is_loopback_http(const char *url)
{
    struct url_parts p;

    url_split(url, &p);
    return p.http && host_is_loopback(p.host);
}

bool acme_url_host_is_private(const char *url)
{
    static const char *const SUFFIXES[] = {".internal",  ".local", ".localhost",
                                           ".home.arpa", ".test",  NULL};
    struct url_parts p;
    struct in_addr v4;
    struct in6_addr v6;

    url_split(url, &p);
    if (inet_pton(AF_INET, p.host, &v4) == 1) {
        return v4_is_private(ntohl(v4.s_addr));
    }
    if (inet_pton(AF_INET6, p.host, &v6) == 1) {
        return v6_is_private(v6.s6_addr);
    }
    if (strchr(p.host, '.') == NULL) {
        return true; /* one label, or no host at all */
    }
    for (const char *const *s = SUFFIXES; *s != NULL; s++) {
        if (cl_str_ends(p.host, *s)) {
            return true;
        }
    }
    return false;
}

bool acme_url_same_origin(const char *a, const char *b)
{
    struct url_parts pa;
    struct url_parts pb;

    url_split(a, &pa);
    url_split(b, &pb);
    if (pa.https != pb.https || pa.http != pb.http || pa.host[0] == '\0') {
        return false;
    }
    const char *scheme_port = pa.https ? "443" : "80";
    return cl_streq(pa.host, pb.host) &&
           cl_streq(cl_str_or(pa.port, scheme_port), cl_str_or(pb.port, scheme_port));
}

char *acme_url_resolve(const char *base, const char *location)
{
    struct url_parts p;

    if (cl_str_starts(location, "https://") || cl_str_starts(location, "http://")) {
        return cl_strdup(location);
    }
    url_split(base, &p);
    if (p.host[0] == '\0' || location[0] != '/' || location[1] == '/') {
        return NULL;
    }
    return cl_printf("%s%.*s%s", p.https ? "https://" : "http://", (int)p.authority_len,
                     p.authority, location);
}
