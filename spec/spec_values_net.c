/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values_net: addresses, URLs, e-mail addresses and PEM as values of a spec. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"
#include "spec/spec_values.h"

#include <string.h>
#include <strings.h>

#define PEM_START "-----BEGIN CERTIFICATE-----"

static char *refuse(char *why, size_t size, const char *text)
{
    (void)cl_format(why, size, "%s", text);
    return NULL;
}

/* Printable ASCII without space: what a URI consists of. */
static bool graphic(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s <= ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

/* ---- addresses ---- */

char *value_ip(const char *text, char *why, size_t why_size)
{
    struct ip_address ip;
    char buf[IP_TEXT];

    if (ip_parse(text, &ip) < 0) {
        return refuse(why, why_size, "not an IP address");
    }
    return cl_strdup(ip_format(&ip, buf));
}

char *value_ip_range(const char *text, char *why, size_t why_size)
{
    char buf[IP_TEXT];

    if (ip_range_normalise(text, buf) < 0) {
        return refuse(why, why_size,
                      "expected a network such as 10.0.0.0/8, with no address bits after the "
                      "prefix");
    }
    return cl_strdup(buf);
}

/* Splits HOST:PORT or [V6]:PORT. *ret_host is owned, without brackets; the port, or 0. */
static unsigned split_port(const char *text, char **ret_host)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    struct ip_address ip;

    *ret_host = NULL;
    if (colon == NULL || cl_parse_u64(colon + 1, 65535, &port) < 0 || port == 0) {
        return 0;
    }
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        char *host = cl_strndup(text + 1, len - 2);
        if (ip_parse(host, &ip) < 0 || ip.len != 16) {
            cl_free(host);
            return 0;
        }
        *ret_host = host;
        return (unsigned)port;
    }
    if (memchr(text, ':', len) != NULL) { /* an IPv6 address without brackets */
        return 0;
    }
    *ret_host = cl_strndup(text, len);
    return (unsigned)port;
}

static char *join_port(const char *host, unsigned port)
{
    struct ip_address ip;
    char buf[IP_TEXT];

    if (ip_parse(host, &ip) == 0) {
        return cl_printf(ip.len == 16 ? "[%s]:%u" : "%s:%u", ip_format(&ip, buf), port);
    }
    return cl_printf("%s:%u", host, port);
}

char *value_listen(const char *text, char *why, size_t why_size)
{
    struct ip_address ip;
    char *host = NULL;
    char *normal = NULL;
    unsigned port = split_port(text, &host);

    if (port > 0 && host[0] == '\0') { /* ":80" is all addresses, as elsewhere */
        normal = join_port("::", port);
    } else if (port > 0 && (ip_parse(host, &ip) == 0)) {
        normal = join_port(host, port);
    } else if (port > 0 && strcasecmp(host, "localhost") == 0) {
        normal = join_port("127.0.0.1", port);
    } else {
        (void)refuse(why, why_size,
                     "expected ADDRESS:PORT such as \"[::]:80\", \"0.0.0.0:80\" or "
                     "\"127.0.0.1:5002\"");
    }
    cl_free(host);
    return normal;
}

char *value_listen_or_unix(const char *text, char *why, size_t why_size)
{
    if (!cl_str_starts(text, "unix:")) {
        return value_listen(text, why, why_size);
    }
    char *path = value_path(text + strlen("unix:"), why, why_size);
    char *whole = path != NULL ? cl_printf("unix:%s", path) : NULL;
    cl_free(path);
    return whole;
}

char *value_server_name(const char *text, char *why, size_t why_size)
{
    return value_zone(text, why, why_size);
}

char *value_connect(const char *text, char *why, size_t why_size)
{
    struct ip_address ip;
    char *host = NULL;
    char *normal = NULL;
    unsigned port = split_port(text, &host);

    if (port == 0) {
        (void)refuse(why, why_size, "expected HOST:PORT, such as \":443\" for this machine");
    } else if (host[0] == '\0') {
        normal = join_port("localhost", port);
    } else if (ip_parse(host, &ip) == 0) {
        normal = join_port(host, port);
    } else {
        char *name = value_zone(host, why, why_size);
        normal = name != NULL ? join_port(name, port) : NULL;
        cl_free(name);
    }
    cl_free(host);
    return normal;
}

/* ---- URLs ---- */

/* The host of "SCHEME://HOST[:PORT][/...]" after @rest; owned. NULL if there is none, or user
 * information, which no CA needs and which would be logged. */
static char *url_host(const char *rest)
{
    size_t len = strcspn(rest, "/?#");

    if (len == 0 || memchr(rest, '@', len) != NULL) {
        return NULL;
    }
    if (rest[0] == '[') {
        size_t end = strcspn(rest, "]");
        return end < len ? cl_strndup(rest + 1, end - 1) : NULL;
    }
    return cl_strndup(rest, strcspn(rest, ":/?#"));
}

static bool is_loopback(const char *host)
{
    struct ip_address ip;

    if (ip_parse(host, &ip) == 0) {
        char buf[IP_TEXT];
        return ip.len == 4 ? ip.bytes[0] == 127 : cl_streq(ip_format(&ip, buf), "::1");
    }
    return strcasecmp(host, "localhost") == 0;
}

char *value_directory_url(const char *text, char *why, size_t why_size)
{
    static const struct {
        const char *host, *instead;
    } OLD[] = {
        {"acme-v01.api.letsencrypt.org", "https://acme-v02.api.letsencrypt.org/directory"},
        {"acme-staging.api.letsencrypt.org",
         "https://acme-staging-v02.api.letsencrypt.org/directory"},
    };
    bool https = strncasecmp(text, "https://", 8) == 0;
    bool http = strncasecmp(text, "http://", 7) == 0;
    char *host = https || http ? url_host(text + (https ? 8 : 7)) : NULL;
    bool bad = host == NULL || *host == '\0' || !graphic(text) || strchr(text, '#') != NULL;

    if (bad) {
        (void)refuse(why, why_size,
                     "expected the https:// URL of an ACME directory, without user and password");
    } else if (http && !is_loopback(host)) {
        (void)refuse(why, why_size, "must be https://; http:// is for a CA on this machine only");
        bad = true;
    }
    for (size_t i = 0; !bad && i < sizeof(OLD) / sizeof(OLD[0]); i++) {
        if (strcasecmp(host, OLD[i].host) == 0) {
            (void)cl_format(why, why_size, "ACME v1 no longer exists; use %s", OLD[i].instead);
            bad = true;
        }
    }
    cl_free(host);
    return bad ? NULL : cl_strdup(text);
}

char *value_url(const char *text, char *why, size_t why_size)
{
    static const char *const SCHEMES[] = {"http://", "https://", "ldap://"};

    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        if (cl_str_starts(text, SCHEMES[i])) {
            char *host = graphic(text) ? url_host(text + strlen(SCHEMES[i])) : NULL;
            bool ok = !cl_str_empty(host);

            cl_free(host);
            return ok ? cl_strdup(text) : refuse(why, why_size, "not a URL");
        }
    }
    return refuse(why, why_size, "expected a URL that starts with http://, https:// or ldap://");
}

char *value_uri(const char *text, char *why, size_t why_size)
{
    const char *colon = strchr(text, ':');
    bool letter = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');

    if (colon == NULL || colon[1] == '\0' || !letter || !graphic(text) ||
        strcspn(text, "/?#[]@") < (size_t)(colon - text)) {
        return refuse(why, why_size, "expected a URI such as spiffe://cluster.local/web");
    }
    return cl_strdup(text);
}

/* ---- mail ---- */

char *value_email(const char *text, char *why, size_t why_size)
{
    const char *at = strrchr(text, '@');
    size_t local = at != NULL ? (size_t)(at - text) : 0;

    if (local == 0 || local > 64 || !graphic(text) || strpbrk(text, "<>(),;:\\\"[]") != NULL ||
        memchr(text, '@', local) != NULL) {
        return refuse(why, why_size, "expected a bare e-mail address such as ops@example.com");
    }
    char *domain = value_zone(at + 1, why, why_size);
    char *whole = domain != NULL ? cl_printf("%.*s@%s", (int)local, text, domain) : NULL;
    cl_free(domain);
    return whole;
}

char *value_email_or_domain(const char *text, char *why, size_t why_size)
{
    return strchr(text, '@') != NULL ? value_email(text, why, why_size)
                                     : value_domain(text, why, why_size);
}

/* ---- certificates ---- */

char *value_pem(const char *text, char *why, size_t why_size)
{
    unsigned char *data = NULL;
    char *pem = NULL;
    size_t len = 0;

    if (strstr(text, PEM_START) != NULL) {
        pem = cl_strdup(text);
    } else {
        struct cl_strv lines = {0};

        cl_strv_split(&lines, text, " \t\r\n");
        char *joined = cl_strv_join(&lines, "");
        cl_strv_deinit(&lines);
        if (cl_base64_decode(joined, strlen(joined), &data, &len) == 0 &&
            memchr(data, '\0', len) == NULL && strstr((const char *)data, PEM_START) != NULL) {
            pem = cl_strndup((const char *)data, len);
        }
        cl_free(joined);
        cl_free(data);
    }
    for (const char *c = pem; c != NULL && *c != '\0'; c++) {
        if ((*c < ' ' && strchr("\t\r\n", *c) == NULL) || *c > '~') {
            cl_free(pem);
            pem = NULL;
            break;
        }
    }
    return pem != NULL
               ? pem
               : refuse(why, why_size, "expected certificates as PEM text, or that text in base64");
}
