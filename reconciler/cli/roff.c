/* SPDX-License-Identifier: Apache-2.0 */
/* roff: escaping and a few macros. */
#include "reconciler/cli/roff.h"

#include "version.h"

#include <ctype.h>

static void add(struct cl_buf *out, const char *text)
{
    (void)cl_buf_adds(out, text);
}

/* In the middle of a line. */
static void escaped(struct cl_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            add(out, "\\e");
            break;
        case '-':
            add(out, "\\-");
            break;
        case '\'':
            add(out, "\\(aq");
            break;
        case '"':
            add(out, "\\(dq");
            break;
        case '/': /* long paths may be broken after it */
            add(out, "/\\:");
            break;
        default:
            (void)cl_buf_add(out, text, 1);
        }
    }
}

/* A name: a long path of fields may be broken after a dot. */
static void broken(struct cl_buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        escaped(out, (const char[]){*name, '\0'});
        add(out, *name == '.' ? "\\:" : "");
    }
}

/* Whole lines. */
static void lines(struct cl_buf *out, const char *text)
{
    bool start = true;
    for (; *text != '\0'; text++) {
        if (start && (*text == '.' || *text == '\'')) {
            add(out, "\\&");
        }
        start = *text == '\n';
        escaped(out, (const char[]){*text, '\0'});
    }
    add(out, "\n");
}

void roff_title(struct cl_buf *out, const char *name, const char *section, const char *summary)
{
    add(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n.TH ");
    for (const char *p = name; *p != '\0'; p++) {
        char upper[] = {(char)toupper((unsigned char)*p), '\0'};
        escaped(out, upper);
    }
    (void)cl_buf_addf(out, " %s \"\" \"certloop %s\" certloop\n.ad l\n.nh\n.SH NAME\n", section,
                      CERTLOOP_VERSION);
    escaped(out, name);
    add(out, " \\- ");
    lines(out, summary);
}

void roff_section(struct cl_buf *out, const char *name)
{
    (void)cl_buf_addf(out, ".SH %s\n", name);
}

static void bold_and(struct cl_buf *out, const char *name, const char *rest)
{
    add(out, "\\fB");
    broken(out, name);
    add(out, "\\fR");
    if (!cl_str_empty(rest)) {
        add(out, " ");
        escaped(out, rest);
    }
    add(out, "\n");
}

void roff_heading(struct cl_buf *out, const char *name, const char *rest)
{
    add(out, ".SS ");
    bold_and(out, name, rest);
}

void roff_term(struct cl_buf *out, const char *name, const char *value)
{
    add(out, ".TP\n");
    bold_and(out, name, value);
}

void roff_text(struct cl_buf *out, const char *text)
{
    lines(out, text);
}

void roff_literal(struct cl_buf *out, const char *text)
{
    add(out, ".PP\n.EX\n");
    lines(out, text);
    add(out, ".EE\n.PP\n");
}
