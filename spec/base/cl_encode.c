/* SPDX-License-Identifier: Apache-2.0 */
/* cl_encode: base64url, base64 and hex. Decoding is strict: one text for one value, so no white
 * space, no stray bits, padding right or absent. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <string.h>

char *cl_base64url(const void *data, size_t len)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = data;
    char *text = cl_malloc(len / 3 * 4 + 5);
    char *out = text;
    uint32_t bits = 0;
    unsigned pending = 0; /* bits not yet written */

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | in[i]) & 0xFFFF;
        pending += 8;
        while (pending >= 6) {
            pending -= 6;
            *out++ = ALPHABET[bits >> pending & 63];
        }
    }
    if (pending > 0) {
        *out++ = ALPHABET[bits << (6 - pending) & 63];
    }
    *out = '\0';
    return text;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

int cl_base64_decode(const char *s, size_t len, unsigned char **ret, size_t *ret_len)
{
    size_t digits = len;

    while (digits > 0 && len - digits < 2 && s[digits - 1] == '=') {
        digits--;
    }
    if (digits % 4 == 1 || (digits < len && len % 4 != 0)) {
        return -1;
    }
    unsigned char *out = cl_malloc(digits / 4 * 3 + 4);
    size_t used = 0;
    uint32_t bits = 0;
    unsigned pending = 0;
    for (size_t i = 0; i < digits; i++) {
        int v = sextet(s[i]);

        if (v < 0) {
            goto bad;
        }
        bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
        pending += 6;
        if (pending >= 8) {
            pending -= 8;
            out[used++] = (unsigned char)(bits >> pending & 0xFF);
        }
    }
    if ((bits & ((1u << pending) - 1)) != 0) {
        goto bad;
    }
    out[used] = '\0';
    *ret = out;
    *ret_len = used;
    return 0;
bad:
    cl_free(out);
    return -1;
}

char *cl_hex(const void *data, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";
    const unsigned char *in = data;
    char *text = cl_malloc(2 * len + 1);

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = DIGITS[in[i] >> 4];
        text[2 * i + 1] = DIGITS[in[i] & 15];
    }
    text[2 * len] = '\0';
    return text;
}
