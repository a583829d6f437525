/* SPDX-License-Identifier: Apache-2.0 */
/* dns_value: what an expression yields: a JSON value or a string of bytes (digests, decoded base64),
 * and whether a secret went into it. */
#ifndef DNS_VALUE_H
#define DNS_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed = null. Owns a reference to json, or bytes. */
struct dns_value {
    json_t *json; /* NULL together with bytes NULL = null */
    unsigned char *bytes;
    size_t len;
    bool secret;
};
/** For interfaces that take a pointer without const and do not write through it. */
static inline void *dns_mut(const void *p)
{
    union {
        const void *from;
        void *to;
    } u = {.from = p};
    return u.to;
}

void dns_value_deinit(struct dns_value *v); /* wipes bytes; zeroed afterwards */
struct dns_value dns_value_copy(const struct dns_value *v);
struct dns_value dns_value_json(json_t *take); /* NULL = null */
struct dns_value dns_value_ref(json_t *borrowed);
struct dns_value dns_value_text(const char *s);
/** Bytes of any kind become a JSON string if they are UTF-8 without NUL, else bytes. */
struct dns_value dns_value_textn(const char *s, size_t len);
struct dns_value dns_value_bytes(const void *data, size_t len);
struct dns_value dns_value_int(long long n);
struct dns_value dns_value_bool(bool b);

bool dns_value_is_null(const struct dns_value *v);
/** Null or the empty string: what default() replaces. */
bool dns_value_is_empty(const struct dns_value *v);
/** Neither null, "", false, 0, an empty list, nor the text "false": what `when` and $if take as true. */
bool dns_value_is_true(const struct dns_value *v);

/** The text of a value: strings as they are, null "", numbers and booleans as JSON writes them,
 *  lists and objects as compact JSON, bytes as they are (may hold NUL). NUL-terminated; *ret_len
 *  may be NULL. Owned by the caller. */
char *dns_value_string(const struct dns_value *v, size_t *ret_len);
char *dns_json_string(const json_t *j, size_t *ret_len);
/** The same text? Null is "". */
bool dns_value_same(const struct dns_value *a, const struct dns_value *b);
/** As a whole number: integers, and strings of decimal digits. false if it is none. */
bool dns_value_as_int(const struct dns_value *v, long long *ret);
/** null -> [], "" -> [], list -> itself, anything else -> a list of it. New reference. */
json_t *dns_json_list(const json_t *j);

#endif
