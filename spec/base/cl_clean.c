/* SPDX-License-Identifier: Apache-2.0 */
/* cl_clean: makes foreign text fit for terminals, logs, labels and JSON. What stays is valid UTF-8
 * without controls, line separators and bidirectional overrides, which could hide text. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define ELLIPSIS "..."
#define CLEAN_MAX (CL_CLEAN_TEXT - sizeof(ELLIPSIS)) /* 512 */

/* Length that the first byte announces, 0 if no sequence starts so. */
static size_t announced(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    return lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Length of the well-formed sequence at @s (Unicode 15, table 3-7), 0 if there is none. */
static size_t sequence(const unsigned char *s, size_t len, uint32_t *ret_code)
{
    static const unsigned char LEAD_MASK[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000}; /* below: overlong */
    size_t n = announced(s[0]);

    if (n == 0 || n > len) {
        return 0;
    }
    uint32_t code = s[0] & LEAD_MASK[n];
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3Fu);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < LEAST[n] || surrogate || code > 0x10FFFF) {
        return 0;
    }
    *ret_code = code;
    return n;
}

static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

/* Writes what becomes of the start of @s to @piece (at most 16 bytes); returns its length. */
static size_t next_piece(const unsigned char *s, size_t len, size_t *ret_taken, char piece[16])
{
    static const char DIGITS[] = "0123456789ABCDEF";
    uint32_t code = 0;
    size_t n = sequence(s, len, &code);

    if (n > 0 && !harmful(code)) {
        memcpy(piece, s, n);
        *ret_taken = n;
        return n;
    }
    *ret_taken = n > 0 ? n : 1;
    for (size_t i = 0; i < *ret_taken; i++) {
        piece[4 * i] = '\\';
        piece[4 * i + 1] = 'x';
        piece[4 * i + 2] = DIGITS[s[i] >> 4];
        piece[4 * i + 3] = DIGITS[s[i] & 15];
    }
    return 4 * *ret_taken;
}

char *cl_clean(char *dst, size_t size, const char *src, size_t len)
{
    cl_assert(size > sizeof(ELLIPSIS));
    const unsigned char *s = (const unsigned char *)src;
    size_t limit = size - sizeof(ELLIPSIS) < CLEAN_MAX ? size - sizeof(ELLIPSIS) : CLEAN_MAX;
    char piece[16];
    size_t taken;
    size_t used = 0;

    for (size_t i = 0; i < len; i += taken) {
        size_t n = next_piece(s + i, len - i, &taken, piece);

        if (used + n > limit) {
            memcpy(dst + used, ELLIPSIS, sizeof(ELLIPSIS) - 1);
            used += sizeof(ELLIPSIS) - 1;
            break;
        }
        memcpy(dst + used, piece, n);
        used += n;
    }
    dst[used] = '\0';
    return dst;
}

char *cl_clean_dup(const char *src, size_t len)
{
    const unsigned char *s = (const unsigned char *)src;
    char piece[16];
    size_t taken;
    size_t total = 0;

    for (size_t i = 0; i < len; i += taken) {
        total += next_piece(s + i, len - i, &taken, piece);
    }
    char *clean = cl_malloc(total + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i += taken) {
        size_t n = next_piece(s + i, len - i, &taken, piece);

        memcpy(clean + used, piece, n);
        used += n;
    }
    clean[used] = '\0';
    return clean;
}

void cl_buf_add_json(struct cl_buf *b, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = strlen(s);
    char piece[16];
    size_t taken;

    (void)cl_buf_add(b, "\"", 1);
    for (size_t i = 0; i < len; i += taken) {
        size_t plain = 0;
        while (i + plain < len && p[i + plain] >= 0x20 && p[i + plain] < 0x7F &&
               p[i + plain] != '"' && p[i + plain] != '\\') {
            plain++;
        }
        taken = plain;
        if (plain > 0) {
            (void)cl_buf_add(b, s + i, plain);
            continue;
        }
        size_t n = next_piece(p + i, len - i, &taken, piece);
        for (size_t k = 0; k < n; k++) {
            if (piece[k] == '"' || piece[k] == '\\') {
                (void)cl_buf_add(b, "\\", 1);
            }
            (void)cl_buf_add(b, piece + k, 1);
        }
    }
    (void)cl_buf_add(b, "\"", 1);
}
