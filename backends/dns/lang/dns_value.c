/* SPDX-License-Identifier: Apache-2.0 */
/* dns_value: JSON or bytes, and the mark of secrets. Values are small and copied by reference; JSON is
 * never changed once it is a value. */
#include "backends/dns/lang/dns_value.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

void dns_value_deinit(struct dns_value *v)
{
    json_decref(v->json);
    if (v->bytes != NULL) {
        cl_wipe(v->bytes, v->len);
        cl_free(v->bytes);
    }
    memset(v, 0, sizeof *v);
}

struct dns_value dns_value_copy(const struct dns_value *v)
{
    struct dns_value copy = {.json = json_incref(v->json), .len = v->len, .secret = v->secret};

    if (v->bytes != NULL) {
        copy.bytes = cl_malloc(v->len + 1);
        memcpy(copy.bytes, v->bytes, v->len + 1);
    }
    return copy;
}

struct dns_value dns_value_json(json_t *take)
{
    return (struct dns_value){.json = take};
}

struct dns_value dns_value_ref(json_t *borrowed)
{
    return (struct dns_value){.json = json_incref(borrowed)};
}

struct dns_value dns_value_text(const char *s)
{
    if (s == NULL) {
        return (struct dns_value){0};
    }
    return dns_value_textn(s, strlen(s));
}

struct dns_value dns_value_textn(const char *s, size_t len)
{
    if (memchr(s, '\0', len) == NULL) {
        json_t *text = json_stringn(s, len);
        if (text != NULL) {
            return dns_value_json(text);
        }
    }
    return dns_value_bytes(s, len);
}

struct dns_value dns_value_bytes(const void *data, size_t len)
{
    struct dns_value v = {.bytes = cl_malloc(len + 1), .len = len};

    if (len > 0) {
        memcpy(v.bytes, data, len);
    }
    v.bytes[len] = 0;
    return v;
}

struct dns_value dns_value_int(long long n)
{
    return dns_value_json(json_integer(n));
}

struct dns_value dns_value_bool(bool b)
{
    return dns_value_json(json_boolean(b));
}

bool dns_value_is_null(const struct dns_value *v)
{
    return v->bytes == NULL && (v->json == NULL || json_is_null(v->json));
}

bool dns_value_is_empty(const struct dns_value *v)
{
    if (v->bytes != NULL) {
        return v->len == 0;
    }
    return dns_value_is_null(v) || (json_is_string(v->json) && json_string_length(v->json) == 0);
}

bool dns_value_is_true(const struct dns_value *v)
{
    if (dns_value_is_empty(v)) {
        return false;
    }
    if (v->bytes != NULL) {
        return true;
    }
    if (json_is_string(v->json)) {
        return !cl_streq(json_string_value(v->json), "false");
    }
    if (json_is_integer(v->json)) {
        return json_integer_value(v->json) != 0;
    }
    if (json_is_array(v->json)) {
        return json_array_size(v->json) > 0;
    }
    return !json_is_false(v->json);
}

char *dns_json_string(const json_t *j, size_t *ret_len)
{
    char *text = NULL;

    if (json_is_string(j)) {
        size_t len = json_string_length(j);
        text = cl_malloc(len + 1);
        memcpy(text, json_string_value(j), len + 1);
        if (ret_len != NULL) {
            *ret_len = len;
        }
        return text;
    }
    if (j == NULL || json_is_null(j)) {
        text = cl_strdup("");
    } else {
        char *dump = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
        text = cl_strdup(cl_str_or(dump, ""));
        cl_free(dump);
    }
    if (ret_len != NULL) {
        *ret_len = strlen(text);
    }
    return text;
}

char *dns_value_string(const struct dns_value *v, size_t *ret_len)
{
    if (v->bytes == NULL) {
        return dns_json_string(v->json, ret_len);
    }
    char *text = cl_malloc(v->len + 1);
    memcpy(text, v->bytes, v->len + 1);
    if (ret_len != NULL) {
        *ret_len = v->len;
    }
    return text;
}

bool dns_value_same(const struct dns_value *a, const struct dns_value *b)
{
    size_t a_len = 0;
    size_t b_len = 0;
    char *a_text = dns_value_string(a, &a_len);
    char *b_text = dns_value_string(b, &b_len);
    bool same = a_len == b_len && memcmp(a_text, b_text, a_len) == 0;

    cl_free_secret(a_text);
    cl_free_secret(b_text);
    return same;
}

bool dns_value_as_int(const struct dns_value *v, long long *ret)
{
    uint64_t n = 0;

    if (v->bytes != NULL || v->json == NULL) {
        return false;
    }
    if (json_is_integer(v->json)) {
        *ret = json_integer_value(v->json);
        return true;
    }
    const char *text = json_string_value(v->json);
    bool negative = text != NULL && text[0] == '-';
    if (text == NULL || cl_parse_u64(text + (negative ? 1 : 0), INT64_MAX, &n) < 0) {
        return false;
    }
    *ret = negative ? -(long long)n : (long long)n;
    return true;
}

json_t *dns_json_list(const json_t *j)
{
    if (json_is_array(j)) {
        return json_incref(dns_mut(j));
    }
    json_t *list = json_array();
    if (j != NULL && !json_is_null(j) && !(json_is_string(j) && json_string_length(j) == 0)) {
        (void)json_array_append(list, dns_mut(j));
    }
    return list;
}
