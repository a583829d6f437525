/* SPDX-License-Identifier: Apache-2.0 */
/* spec_yaml_hint: what people usually meant where libyaml gives up. Private to spec_yaml. */
#ifndef SPEC_YAML_HINT_H
#define SPEC_YAML_HINT_H

#include <stddef.h>

/** Writes one line to @buf: @problem and @context of libyaml, and a hint taken from the line
 *  @line (from 0) of @text, which is NUL-terminated. */
void yaml_hint(const char *text, const char *problem, const char *context, size_t line, char *buf,
               size_t size);

#endif
