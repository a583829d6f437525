/* SPDX-License-Identifier: Apache-2.0 */
/* spec_problems: what is wrong with a file. The number is bounded: a file of another kind would
 * otherwise produce as many lines as it has. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_parse.h"

#include <string.h>

#define PROBLEMS_MAX 200
#define PROBLEM_TEXT 2000

void spec_problems_deinit(struct spec_problems *p)
{
    for (size_t i = 0; i < p->len; i++) {
        cl_free(p->items[i].text);
    }
    cl_free(p->items);
    *p = (struct spec_problems){0};
}

void spec_problems_add(struct spec_problems *p, bool warning, unsigned line, unsigned column,
                       const char *fmt, ...)
{
    char text[PROBLEM_TEXT];
    va_list ap;

    if (p->len >= PROBLEMS_MAX && (warning || p->len > PROBLEMS_MAX)) {
        return;
    }
    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (p->len == PROBLEMS_MAX) {
        (void)cl_format(text, sizeof(text), "too many problems; the rest is not listed");
    }
    p->items = cl_reallocarray(p->items, p->len + 1, sizeof(p->items[0]));
    p->items[p->len++] = (struct spec_problem){.line = line,
                                               .column = column,
                                               .warning = warning,
                                               .text = cl_clean_dup(text, strlen(text))};
}
