/* SPDX-License-Identifier: Apache-2.0 */
/* dns_origin: where does a URL lead? What this file cannot read beyond doubt is refused: libcurl must not
 * see another host in it. */
#include "backends/dns/dns_origin.h"

#include "backends/dns/dns_described.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <strings.h>

int dns_url_split(const char *url, struct dns_url *ret)
{
    static const char HOST[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

    memset(ret, 0, sizeof *ret);
    ret->https = strncasecmp(url, "https://", 8) == 0;
    if (!ret->https && strncasecmp(url, "http://", 7) != 0) {
        return -1;
    }
    for (const char *s = url; *s != '\0'; s++) {
        if ((unsigned char)*s <= ' ' || *s == '\\' || *s == '#' || (unsigned char)*s == 0x7F) {
            return -1;
        }
    }
    ret->origin = url;
    ret->host = url + (ret->https ? 8 : 7);
    ret->host_len = strcspn(ret->host, "/?");
    if (ret->host_len == 0 || strspn(ret->host, HOST) < ret->host_len) {
        return -1;
    }
    ret->origin_len = (size_t)(ret->host - url) + ret->host_len;
    ret->path = ret->host + ret->host_len;
    ret->path_len = strcspn(ret->path, "?");
    ret->query = ret->path[ret->path_len] == '?' ? ret->path + ret->path_len + 1 : "";
    return 0;
}

char *dns_url_origin(const char *url)
{
    struct dns_url u;

    if (dns_url_split(url, &u) < 0) {
        return NULL;
    }
    char *origin = cl_str_lower(cl_strndup(u.origin, u.origin_len));
    const char *port = u.https ? ":443" : ":80";
    if (cl_str_ends(origin, port)) {
        origin[strlen(origin) - strlen(port)] = '\0';
    }
    return origin;
}

bool dns_origin_is_loopback(const char *origin)
{
    static const char *const HOSTS[] = {"127.0.0.1", "localhost", "[::1]", NULL};
    struct dns_url u;

    if (dns_url_split(origin, &u) < 0 || u.path_len > 0) {
        return false;
    }
    for (size_t i = 0; HOSTS[i] != NULL; i++) {
        size_t len = strlen(HOSTS[i]);
        if (u.host_len >= len && strncasecmp(u.host, HOSTS[i], len) == 0 &&
            (u.host_len == len || u.host[len] == ':')) {
            return true;
        }
    }
    return false;
}

int dns_origin_map_check(const char *pair, struct cl_err *err)
{
    char clean[CL_CLEAN_TEXT];
    const char *eq = strchr(pair, '=');
    char *from = eq != NULL ? cl_strndup(pair, (size_t)(eq - pair)) : NULL;
    char *origin = from != NULL ? dns_url_origin(from) : NULL;
    int rc = 0;

    if (origin == NULL || !dns_origin_is_loopback(eq + 1)) {
        rc = cl_fail(
            err, CL_ERR_PERMANENT, "OriginRefused",
            "%s: expected FROM=TO, as https://api.example=http://127.0.0.1:8080; TO has to be "
            "127.0.0.1, [::1] or localhost, without a path",
            cl_clean(clean, sizeof clean, pair, strlen(pair)));
    }
    cl_free(from);
    cl_free(origin);
    return rc;
}

char *dns_origin_mapped(const struct cl_strv *map, const char *url)
{
    struct dns_url u;
    char *origin = dns_url_origin(url);
    char *mapped = NULL;

    for (size_t i = 0; origin != NULL && mapped == NULL && i < map->len; i++) {
        const char *eq = strchr(map->items[i], '=');
        char *from = cl_strndup(map->items[i], (size_t)(eq - map->items[i]));
        char *plain = dns_url_origin(from);
        if (cl_streq(plain, origin) && dns_url_split(url, &u) == 0) {
            mapped = cl_printf("%s%s", eq + 1, u.path);
        }
        cl_free(plain);
        cl_free(from);
    }
    cl_free(origin);
    return mapped;
}
