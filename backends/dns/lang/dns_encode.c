/* SPDX-License-Identifier: Apache-2.0 */
/* dns_encode: the forms in which requests carry text, and in which providers write TXT and names. */
#include "backends/dns/lang/dns_encode.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TXT_STRING 255u
#define FORM_MAX ((size_t)32 << 20)

char *dns_url_encode(const char *s, size_t len)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *text = cl_malloc(3 * len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x80 && isalnum(c)) || (c != '\0' && strchr("-_.~", c) != NULL)) {
            text[n++] = (char)c;
        } else {
            text[n++] = '%';
            text[n++] = HEX[c >> 4];
            text[n++] = HEX[c & 15];
        }
    }
    text[n] = '\0';
    return text;
}

static void form_pair(struct cl_buf *b, const char *key, const json_t *value)
{
    size_t len = 0;
    char *text = dns_json_string(value, &len);
    char *encoded_key = dns_url_encode(key, strlen(key));
    char *encoded = dns_url_encode(text, len);

    (void)cl_buf_addf(b, "%s%s=%s", b->len > 0 ? "&" : "", encoded_key, encoded);
    cl_free_secret(text);
    cl_free(encoded_key);
    cl_free_secret(encoded);
}

char *dns_form_encode(const json_t *object, bool sorted)
{
    struct cl_strv keys = {0};
    struct cl_buf b;
    const char *name = NULL;
    json_t *member = NULL;

    cl_buf_init_secret(&b, FORM_MAX);
    json_object_foreach(dns_mut(object), name, member)
    {
        cl_strv_add(&keys, name);
    }
    if (sorted) {
        cl_strv_sort(&keys);
    }
    cl_strv_for_each(key, &keys) {
        const json_t *value = json_object_get(object, key);
        if (json_is_array(value)) {
            for (size_t i = 0; i < json_array_size(value); i++) {
                form_pair(&b, key, json_array_get(value, i));
            }
        } else if (!json_is_null(value)) {
            form_pair(&b, key, value);
        }
    }
    cl_strv_deinit(&keys);
    char *text = cl_buf_take(&b);
    cl_buf_deinit(&b);
    return text;
}

char *dns_txt_quote(const char *value)
{
    struct cl_buf b;
    size_t used = 0;

    cl_buf_init(&b, 2 * strlen(value) + strlen(value) / TXT_STRING * 3 + 8);
    (void)cl_buf_adds(&b, "\"");
    for (; *value != '\0'; value++) {
        if (used == TXT_STRING) {
            (void)cl_buf_adds(&b, "\" \"");
            used = 0;
        }
        if (*value == '"' || *value == '\\') {
            (void)cl_buf_adds(&b, "\\");
        }
        (void)cl_buf_add(&b, value, 1);
        used++;
    }
    (void)cl_buf_adds(&b, "\"");
    char *text = cl_buf_take(&b);
    cl_buf_deinit(&b);
    return text;
}

/* One quoted string at *at into @b, past its closing quote; false if it has none. */
static bool unquote_one(const char **at, struct cl_buf *b)
{
    const char *s = *at + 1;

    for (; *s != '\0' && *s != '"'; s++) {
        if (*s == '\\' && isdigit((unsigned char)s[1]) && isdigit((unsigned char)s[2]) &&
            isdigit((unsigned char)s[3])) { /* RFC 1035 5.1: \DDD */
            int code = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
            char c = (char)code;
            (void)cl_buf_add(b, &c, 1);
            s += 3;
            continue;
        }
        s += *s == '\\' && s[1] != '\0' ? 1 : 0;
        (void)cl_buf_add(b, s, 1);
    }
    *at = *s == '"' ? s + 1 : s;
    return *s == '"';
}

char *dns_txt_unquote(const char *text)
{
    struct cl_buf b;
    const char *at = text;

    while (isspace((unsigned char)*at)) {
        at++;
    }
    if (*at != '"') {
        return cl_strdup(text);
    }
    cl_buf_init(&b, strlen(text) + 1);
    while (*at == '"') {
        if (!unquote_one(&at, &b)) {
            cl_buf_deinit(&b);
            return cl_strdup(text); /* a quote that is part of the value */
        }
        while (isspace((unsigned char)*at)) {
            at++;
        }
    }
    if (*at != '\0') {
        cl_buf_deinit(&b);
        return cl_strdup(text);
    }
    char *plain = cl_buf_take(&b);
    cl_buf_deinit(&b);
    return plain;
}

char *dns_name_plain(const char *name)
{
    char *plain = cl_str_lower(cl_strdup(name));
    size_t len = strlen(plain);

    if (len > 0 && plain[len - 1] == '.') {
        plain[len - 1] = '\0';
    }
    return plain;
}

bool dns_is_within(const char *fqdn, const char *zone)
{
    size_t n = strlen(fqdn);
    size_t z = strlen(zone);

    return z > 0 && n >= z && strcasecmp(fqdn + n - z, zone) == 0 &&
           (n == z || fqdn[n - z - 1] == '.');
}

bool dns_same_name(const char *got, const char *fqdn, const char *zone)
{
    char *name = dns_name_plain(got);
    size_t n = strlen(fqdn);
    size_t z = strlen(zone);
    bool apex = strcasecmp(fqdn, zone) == 0;
    bool same = strcasecmp(name, fqdn) == 0;

    if (apex) {
        same = same || *name == '\0' || cl_streq(name, "@");
    } else if (!same && n > z && dns_is_within(fqdn, zone)) {
        same = strlen(name) == n - z - 1 && strncasecmp(name, fqdn, n - z - 1) == 0;
    }
    cl_free(name);
    return same;
}
