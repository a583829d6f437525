/* SPDX-License-Identifier: Apache-2.0 */
/* spec_utf8: see the header. Well-formed is Unicode 15, table 3-7: no overlong forms, no surrogates,
 * nothing past U+10FFFF. */
#include "spec/spec_utf8.h"

#include "spec/base/cl_str.h"

#include <string.h>

size_t utf8_sequence(const char *s, size_t len, uint32_t *ret_code)
{
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000}; /* below: overlong */
    const unsigned char *u = (const unsigned char *)s;
    size_t n;

    if (len == 0) {
        return 0;
    }
    if (u[0] < 0x80) {
        *ret_code = u[0];
        return 1;
    }
    if (u[0] < 0xC2 || u[0] > 0xF4) {
        return 0;
    }
    n = u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    if (n > len) {
        return 0;
    }
    uint32_t code = u[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (u[i] & 0x3Fu);
    }
    if (code < LEAST[n] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
        return 0;
    }
    *ret_code = code;
    return n;
}

bool utf8_allowed(uint32_t code)
{
    if (code < 0x20) {
        return code == '\t' || code == '\n' || code == '\r';
    }
    /* C1 holds NEL, a line break for YAML 1.1 alone; so are the separators. */
    return !(code >= 0x7F && code <= 0x9F) && code != 0x2028 && code != 0x2029 && code != 0xFEFF &&
           code != 0xFFFE && code != 0xFFFF;
}

size_t utf8_length(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

void utf8_position(const char *s, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < offset; i++) {
        if (s[i] == '\n' || (s[i] == '\r' && s[i + 1] != '\n')) {
            line++;
            column = 1;
        } else if (((unsigned char)s[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

static void explain(const unsigned char *s, size_t len, uint32_t code, char *why, size_t size)
{
    if (len == 0) {
        (void)cl_format(why, size, "not UTF-8 (byte 0x%02X)", s[0]);
    } else if (code == 0) {
        (void)cl_format(why, size, "a NUL byte; is this a binary file, or UTF-16?");
    } else {
        (void)cl_format(why, size, "the character U+%04X is not allowed in a spec", (unsigned)code);
    }
}

bool utf8_check(const char *text, size_t len, unsigned *ret_line, unsigned *ret_column, char *why,
                size_t why_size)
{
    if (len >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        *ret_line = *ret_column = 1;
        (void)cl_format(why, why_size, "this file is UTF-16; save it as UTF-8");
        return false;
    }
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_sequence(text + i, len - i, &code);

        if (n == 0 || !utf8_allowed(code)) {
            utf8_position(text, i, ret_line, ret_column);
            explain((const unsigned char *)text + i, n, code, why, why_size);
            return false;
        }
        i += n;
    }
    return true;
}
