/* SPDX-License-Identifier: Apache-2.0 */
/* spec_utf8: is a file text at all, and where is it not? Checked before libyaml, whose own marks of
 * such errors are of no use. Positions count code points from 1, line breaks are LF, CRLF and CR. */
#ifndef SPEC_UTF8_H
#define SPEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Length of the well-formed sequence at @s, 0 if there is none; *ret_code is then unset. */
size_t utf8_sequence(const char *s, size_t len, uint32_t *ret_code);
/** May the character stand in a file or in a value? Tab, line breaks, and what can be seen. */
bool utf8_allowed(uint32_t code);
/** Characters of a valid text. */
size_t utf8_length(const char *s);
/** Line and column of the byte at @offset. */
void utf8_position(const char *s, size_t offset, unsigned *ret_line, unsigned *ret_column);

/**
 * Is all of @text UTF-8 of allowed characters? If not, says what is wrong in @why and where. A byte
 * order mark at the start must have been skipped by the caller.
 */
bool utf8_check(const char *text, size_t len, unsigned *ret_line, unsigned *ret_column, char *why,
                size_t why_size);

#endif
