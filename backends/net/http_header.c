/* SPDX-License-Identifier: Apache-2.0 */
/* http_header: reading the headers of an answer: by name, and Link (RFC 8288 3) by relation. */
#include "backends/net/http.h"
#include "spec/base/cl_alloc.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static const char *value_of(const char *header, const char *name)
{
    size_t len = strlen(name);
    return strncmp(header, name, len) == 0 && header[len] == ':' && header[len + 1] == ' '
               ? header + len + 2
               : NULL;
}

const char *http_header(const struct http_op *op, const char *name)
{
    for (size_t i = 0; i < op->headers.len; i++) {
        const char *value = value_of(op->headers.items[i], name);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

/* ---- Link: <URI>; rel="up alternate"; title="a, b", <URI>; ... ---- */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t");
}

/* One word of a list separated by spaces, any case. */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = skip_space(list); *p != '\0'; p = skip_space(p)) {
        size_t n = strcspn(p, " \t");
        if (n == len && strncasecmp(p, word, len) == 0) {
            return true;
        }
        p += n;
    }
    return false;
}

/* Reads a token or a quoted string into a new string; *p moves behind it. */
static char *read_value(const char **p)
{
    if (**p != '"') {
        size_t len = strcspn(*p, " \t;,");
        char *token = cl_strndup(*p, len);
        *p += len;
        return token;
    }
    const char *in = *p + 1;
    char *text = cl_malloc(strlen(in) + 1);
    size_t len = 0;
    while (*in != '\0' && *in != '"') {
        if (*in == '\\' && in[1] != '\0') {
            in++;
        }
        text[len++] = *in++;
    }
    text[len] = '\0';
    *p = *in == '"' ? in + 1 : in;
    return text;
}

/* Reads the parameters behind a target; says whether the first "rel" has @rel. */
static bool read_params(const char **p, const char *rel)
{
    bool seen = false;
    bool has = false;

    for (*p = skip_space(*p); **p == ';'; *p = skip_space(*p)) {
        *p = skip_space(*p + 1);
        size_t name_len = strcspn(*p, " \t=;,");
        bool is_rel = name_len == 3 && strncasecmp(*p, "rel", 3) == 0;
        *p = skip_space(*p + name_len);
        if (**p != '=') {
            continue;
        }
        *p = skip_space(*p + 1);
        char *value = read_value(p);
        if (is_rel && !seen) { /* further ones are to be ignored (RFC 8288 3.3) */
            seen = true;
            has = list_has(value, rel);
        }
        cl_free(value);
    }
    return has;
}

/* A relative target counts from the URL that was answered. */
static void add_target(const char *base, const char *target, size_t len, struct cl_strv *ret)
{
    char *text = cl_strndup(target, len);
    char *whole = NULL;
    CURLU *u = strstr(text, "://") == NULL && base != NULL ? curl_url() : NULL;

    if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK) {
        cl_strv_add(ret, whole);
        cl_free(text);
    } else {
        cl_strv_take(ret, text);
    }
    curl_free(whole);
    curl_url_cleanup(u);
}

void http_links(const struct http_op *op, const char *rel, struct cl_strv *ret)
{
    for (size_t i = 0; i < op->headers.len; i++) {
        const char *p = value_of(op->headers.items[i], "link");
        while (p != NULL && *(p = p + strspn(p, " \t,")) == '<') {
            const char *target = p + 1;
            size_t len = strcspn(target, ">");
            if (target[len] == '\0') {
                break; /* no end: nothing behind it can be trusted */
            }
            p = target + len + 1;
            if (read_params(&p, rel)) {
                add_target(op->final_url, target, len, ret);
            }
            p += strcspn(p, ",");
        }
    }
}
