/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values_dns: single values of dns01 solvers: servers, resolvers, names of TSIG keys, scripts.
 * What they are used for: spec_tables_dns01.c. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"
#include "spec/spec_values.h"

#include <string.h>

#define DNS_PORT "53"
#define NAME_MAX_BYTES 253

static char *refuse(char *why, size_t size, const char *text)
{
    (void)cl_format(why, size, "%s", text);
    return NULL;
}

char *value_http_url(const char *text, char *why, size_t why_size)
{
    if (!cl_str_starts(text, "http://") && !cl_str_starts(text, "https://")) {
        return refuse(why, why_size, "expected a URL that starts with http:// or https://");
    }
    return value_url(text, why, why_size);
}

/* Is there a port after the host? Of "2001:db8::1" nothing is. */
static bool has_port(const char *text)
{
    struct ip_address ip;
    const char *colon = strrchr(text, ':');

    return colon != NULL && ip_parse(text, &ip) < 0 && strchr(colon, ']') == NULL;
}

char *value_nameserver(const char *text, char *why, size_t why_size)
{
    struct ip_address ip;
    bool bare6 = ip_parse(text, &ip) == 0 && ip.len == 16;
    char *whole = has_port(text) ? cl_strdup(text)
                  : bare6        ? cl_printf("[%s]:" DNS_PORT, text)
                                 : cl_printf("%s:" DNS_PORT, text);
    char *normal = whole[0] == ':' ? refuse(why, why_size, "expected HOST or HOST:PORT")
                                   : value_connect(whole, why, why_size);

    cl_free(whole);
    return normal;
}

char *value_resolver(const char *text, char *why, size_t why_size)
{
    static const char *const EXPECTED =
        "expected the address of a resolver, such as 192.0.2.53 or \"192.0.2.53:53\", or an "
        "https:// URL";

    if (cl_str_starts(text, "https://")) {
        return value_url(text, why, why_size);
    }
    char *normal = value_nameserver(text, why, why_size);
    if (normal == NULL) {
        return refuse(why, why_size, EXPECTED);
    }
    struct ip_address ip;
    char *host = cl_strndup(normal, (size_t)(strrchr(normal, ':') - normal));
    size_t len = strlen(host);
    char *bare = host[0] == '[' ? cl_strndup(host + 1, len - 2) : cl_strdup(host);
    bool address = ip_parse(bare, &ip) == 0; /* a name could not be looked up without a resolver */

    cl_free(bare);
    cl_free(host);
    if (!address) {
        cl_free(normal);
        return refuse(why, why_size, EXPECTED);
    }
    return normal;
}

char *value_key_name(const char *text, char *why, size_t why_size)
{
    size_t len = strlen(text);
    size_t label = 0;

    len -= len > 1 && text[len - 1] == '.';
    if (len == 0 || len > NAME_MAX_BYTES) {
        return refuse(why, why_size, "expected the name of a TSIG key");
    }
    char *name = cl_strndup(text, len);
    for (char *c = name; *c != '\0'; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        bool ok = upper || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
                  strchr("-_.", *c) != NULL;
        label = *c == '.' ? 0 : label + 1;
        if (!ok || label > 63 || (*c == '.' && (c == name || c[1] == '.'))) {
            cl_free(name);
            return refuse(why, why_size,
                          "a TSIG key is named like a host: letters, digits, '-', '_' and '.'");
        }
        *c = upper ? (char)(*c - 'A' + 'a') : *c;
    }
    return name;
}

char *value_script(const char *text, char *why, size_t why_size)
{
    return text[0] == '/' ? value_path(text, why, why_size) : value_plain_name(text, why, why_size);
}
