/* SPDX-License-Identifier: Apache-2.0 */
/* cl_str: strings, string vectors, safe number parsing, names. */
#ifndef CL_STR_H
#define CL_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

char *cl_strdup(const char *s); /* NULL gives NULL */
char *cl_strndup(const char *s, size_t n);
char *cl_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool cl_streq(const char *a, const char *b); /* NULL equals NULL only */
bool cl_str_starts(const char *s, const char *prefix);
bool cl_str_ends(const char *s, const char *suffix);
bool cl_str_empty(const char *s);                            /* NULL or "" */
const char *cl_str_or(const char *s, const char *otherwise); /* @s unless empty */
/** Lower-cases ASCII letters in place and returns @s. */
char *cl_str_lower(char *s);
/** snprintf into an array that reports truncation: 0, or -1 (result then cut between characters of
 *  UTF-8, NUL-terminated). @buf must not be an argument. */
int cl_format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int cl_formatv(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/** Decimal digits only, whole string, no overflow past @max: 0 or -1. */
int cl_parse_u64(const char *s, uint64_t max, uint64_t *ret);
/** Constant-time comparison for secrets. */
bool cl_mem_equal(const void *a, const void *b, size_t len);

/**
 * Makes foreign text (CA, DNS, provider, hook) fit for terminals, logs and labels: invalid UTF-8
 * and control characters become \xNN, at most 512 bytes (then "..."), always NUL-terminated.
 * Returns @dst.
 */
char *cl_clean(char *dst, size_t size, const char *src, size_t len);
#define CL_CLEAN_TEXT 516
/** The same without a limit; owned by the caller. */
char *cl_clean_dup(const char *src, size_t len);

/** Base64url without padding (RFC 7515 2). Result is owned by the caller. */
char *cl_base64url(const void *data, size_t len);
/** Decodes base64url, or standard base64, padded or not: 0 or -1. *ret is NUL-terminated. */
int cl_base64_decode(const char *s, size_t len, unsigned char **ret, size_t *ret_len);
char *cl_hex(const void *data, size_t len);

/** Levenshtein distance, capped at 255; for did-you-mean. */
unsigned cl_str_distance(const char *a, const char *b);
/** The nearest of @candidates (NULL-terminated) to @s, or NULL if none is near enough. */
const char *cl_str_suggest(const char *s, const char *const *candidates);

/* A vector of owned strings. Zeroed = empty. */
struct cl_strv {
    char **items;
    size_t len;
    size_t cap;
};
void cl_strv_deinit(struct cl_strv *v);
void cl_strv_add(struct cl_strv *v, const char *s); /* copies */
void cl_strv_take(struct cl_strv *v, char *take_s); /* owns it now */
bool cl_strv_has(const struct cl_strv *v, const char *s);
void cl_strv_remove(struct cl_strv *v, const char *s);             /* each that is equal */
void cl_strv_copy(struct cl_strv *dst, const struct cl_strv *src); /* dst is initialised here */
void cl_strv_sort(struct cl_strv *v);
void cl_strv_dedupe(struct cl_strv *v);                               /* keeps the first of each */
bool cl_strv_equal(const struct cl_strv *a, const struct cl_strv *b); /* same order */
bool cl_strv_equal_set(const struct cl_strv *a, const struct cl_strv *b); /* any order */
char *cl_strv_join(const struct cl_strv *v, const char *separator);
/** Splits at any of @separators, dropping empty parts; appends to @v. */
void cl_strv_split(struct cl_strv *v, const char *s, const char *separators);
#define cl_strv_for_each(item, v)                                                            \
    for (char **item##_p = (v)->items, *item = NULL;                                         \
         item##_p != NULL && item##_p < (v)->items + (v)->len && ((item = *item##_p), true); \
         item##_p++)

#endif
