/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values_acme: values of the fields that say how a CA is reached and who we are to it. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_values.h"

#include <string.h>
#include <strings.h>

#define KEY_ID_MAX 512u

static char *refuse(char *why, size_t size, const char *text)
{
    (void)cl_format(why, size, "%s", text);
    return NULL;
}

static bool graphic(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("\"\\<>", *p) != NULL) {
            return false;
        }
    }
    return true;
}

/* HOST[:PORT][/], where HOST may be an IPv6 address in brackets. */
static bool is_authority(const char *rest)
{
    static const char HOST[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    size_t len = *rest == '[' ? strspn(rest + 1, "0123456789abcdefABCDEF:.") : strspn(rest, HOST);
    uint64_t port = 1;

    if (len == 0 || (*rest == '[' && rest[len + 1] != ']')) {
        return false;
    }
    rest += *rest == '[' ? len + 2 : len;
    if (*rest == ':') {
        char digits[8] = "";
        size_t n = strspn(rest + 1, "0123456789");
        if (n == 0 || n >= sizeof(digits)) {
            return false;
        }
        memcpy(digits, rest + 1, n);
        if (cl_parse_u64(digits, 65535, &port) < 0 || port == 0) {
            return false;
        }
        rest += 1 + n;
    }
    return *rest == '\0' || strcmp(rest, "/") == 0;
}

char *value_proxy(const char *text, char *why, size_t why_size)
{
    static const char *const SCHEMES[] = {"http://", "https://", "socks5h://"};

    if (strcmp(text, "none") == 0) {
        return cl_strdup(text);
    }
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        size_t len = strlen(SCHEMES[i]);
        if (strncasecmp(text, SCHEMES[i], len) != 0) {
            continue;
        }
        if (strchr(text, '@') != NULL) {
            return refuse(why, why_size,
                          "user and password do not belong into a spec: put USER:PASSWORD into a "
                          "secret and name it in proxySecretRef");
        }
        if (graphic(text) && is_authority(text + len)) {
            return cl_strdup(text);
        }
    }
    return refuse(why, why_size,
                  "expected http://HOST:PORT, https://HOST:PORT, socks5h://HOST:PORT or none");
}

char *value_no_proxy(const char *text, char *why, size_t why_size)
{
    if (*text == '\0' || !graphic(text) || strchr(text, ',') != NULL ||
        strstr(text, "://") != NULL) {
        return refuse(why, why_size,
                      "expected a host, a domain, an address or a network such as 10.0.0.0/8");
    }
    return cl_strdup(text);
}

char *value_eab_key_id(const char *text, char *why, size_t why_size)
{
    if (*text == '\0' || strlen(text) > KEY_ID_MAX || !graphic(text)) {
        return refuse(why, why_size,
                      "expected the key identifier as the CA shows it, without spaces and quotes");
    }
    return cl_strdup(text);
}
