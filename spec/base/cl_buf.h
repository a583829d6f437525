/* SPDX-License-Identifier: Apache-2.0 */
/* cl_buf: a growing byte buffer with a mandatory maximum. data is always NUL-terminated (the NUL
 * is not counted in len) once anything was appended; before that data may be NULL. */
#ifndef CL_BUF_H
#define CL_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct cl_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;  /* bytes; an append past it fails and leaves the buffer as it was */
    bool secret; /* wiped before free and on growth */
};

void cl_buf_init(struct cl_buf *b, size_t max);
void cl_buf_init_secret(struct cl_buf *b, size_t max);
void cl_buf_deinit(struct cl_buf *b); /* accepts a zeroed one */
void cl_buf_reset(struct cl_buf *b);  /* len = 0, memory kept */
/** Room for @len more bytes at once (as far as max allows), where the size is known well before. */
void cl_buf_reserve(struct cl_buf *b, size_t len);
/** Each append returns 0, or -1 if max would be passed. */
int cl_buf_add(struct cl_buf *b, const void *data, size_t len);
int cl_buf_adds(struct cl_buf *b, const char *s);
int cl_buf_addf(struct cl_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cl_buf_addv(struct cl_buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/** Appends @s as a JSON string, cleaned as by cl_clean (cl_clean.c). */
void cl_buf_add_json(struct cl_buf *b, const char *s);
/** Hands the memory over (never NULL, NUL-terminated; cl_free it) and empties the buffer. */
char *cl_buf_take(struct cl_buf *b);
/** "" if empty, else data. */
const char *cl_buf_str(const struct cl_buf *b);

/** Overwrites memory in a way that the compiler keeps. */
void cl_wipe(void *p, size_t len);
/** Wipes a NUL-terminated secret and frees it; NULL is fine. */
void cl_free_secret(char *s);

#endif
