/* SPDX-License-Identifier: Apache-2.0 */
/* roff: writes manual pages (the man macros of groff_man(7)). Text is escaped; a dot or quote at the
 * start of a line never becomes a request. All append to @out. */
#ifndef ROFF_H
#define ROFF_H

#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

/** .TH and the NAME section. @section: "5". */
void roff_title(struct cl_buf *out, const char *name, const char *section, const char *summary);
void roff_section(struct cl_buf *out, const char *name);
/** A sub-section: @name in bold, @rest behind it; NULL = nothing. */
void roff_heading(struct cl_buf *out, const char *name, const char *rest);
/** The next text explains @name; @value is its placeholder, NULL = none. */
void roff_term(struct cl_buf *out, const char *name, const char *value);
void roff_text(struct cl_buf *out, const char *text);
/** Lines as they are. */
void roff_literal(struct cl_buf *out, const char *text);

#endif
