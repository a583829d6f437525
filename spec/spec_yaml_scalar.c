/* SPDX-License-Identifier: Apache-2.0 */
/* spec_yaml_scalar: what a plain scalar means by the core schema of YAML 1.2 (10.3.2): yes, no, on
 * and off are strings, 0640 is a decimal number, 12:30 is a string. And hints at common slips. */
#include "spec/base/cl_str.h"
#include "spec/spec_yaml.h"
#include "spec/spec_yaml_hint.h"

#include <string.h>

static bool one_of(const char *s, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(s, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_int(const char *s)
{
    const char *set = "0123456789";

    if (cl_str_starts(s, "0o")) {
        s += 2;
        set = "01234567";
    } else if (cl_str_starts(s, "0x")) {
        s += 2;
        set = "0123456789abcdefABCDEF";
    } else if (*s == '-' || *s == '+') {
        s++;
    }
    return *s != '\0' && s[strspn(s, set)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, and the names. */
static bool is_float(const char *s)
{
    static const char *const NAMES[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    static const char DIGITS[] = "0123456789";

    if (*s == '-' || *s == '+') {
        s++;
    }
    if (one_of(s, NAMES)) {
        return true;
    }
    size_t whole = strspn(s, DIGITS);
    s += whole;
    if (*s == '.') {
        size_t fraction = strspn(++s, DIGITS);
        if (whole + fraction == 0) {
            return false;
        }
        s += fraction;
    } else if (whole == 0) {
        return false;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        if (strspn(s, DIGITS) == 0) {
            return false;
        }
        s += strspn(s, DIGITS);
    }
    return *s == '\0';
}

static const char *const TRUE_WORDS[] = {"true", "True", "TRUE", NULL};
static const char *const FALSE_WORDS[] = {"false", "False", "FALSE", NULL};
static const char *const NULL_WORDS[] = {"", "~", "null", "Null", "NULL", NULL};

enum yaml_scalar yaml_scalar_type(const struct yaml_node *n)
{
    if (!n->plain) {
        return YAML_STRING;
    }
    if (one_of(n->text, NULL_WORDS)) {
        return YAML_NULL;
    }
    if (one_of(n->text, TRUE_WORDS) || one_of(n->text, FALSE_WORDS)) {
        return YAML_BOOL;
    }
    return is_int(n->text) ? YAML_INT : is_float(n->text) ? YAML_FLOAT : YAML_STRING;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n == NULL || (n->kind == YAML_SCALAR && yaml_scalar_type(n) == YAML_NULL);
}

bool yaml_is_true(const struct yaml_node *n)
{
    return n != NULL && n->kind == YAML_SCALAR && n->plain && one_of(n->text, TRUE_WORDS);
}

/* ---- hints ---- */

static const struct hint {
    const char *problem; /* part of libyaml's, NULL = any */
    const char *in_line; /* what the line holds, NULL = anything */
    const char *text;
} HINTS[] = {
    {"did not find expected alphabetic", "*",
     "a name that starts with * needs quotes, as in \"*.example.com\""},
    {NULL, "[::", "an address with brackets needs quotes, as in \"[::]:80\""},
    {"invalid Unicode character escape", "\\u",
     "a pair of \\uXXXX surrogates, as JSON has it, is not accepted; write the character itself"},
    {"cannot start any token", "\t", "tabs cannot indent; use spaces"},
    {"cannot start any token", "@", "a value that starts with @ needs quotes"},
    {"cannot start any token", "`", "a value that starts with ` needs quotes"},
    {"cannot start any token", "%", "a value that starts with % needs quotes"},
    {"mapping values are not allowed", ":", "a value with \": \" in it needs quotes"},
};

static const char *find_hint(const char *problem, const char *line)
{
    for (size_t i = 0; i < sizeof(HINTS) / sizeof(HINTS[0]); i++) {
        const struct hint *h = &HINTS[i];

        if ((h->problem == NULL || strstr(problem, h->problem) != NULL) &&
            strstr(line, h->in_line) != NULL) {
            return h->text;
        }
    }
    return NULL;
}

void yaml_hint(const char *text, const char *problem, const char *context, size_t line, char *buf,
               size_t size)
{
    char copy[256];

    for (; line > 0 && *text != '\0'; line--) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    (void)cl_format(copy, sizeof(copy), "%.*s", (int)(strcspn(text, "\n") & 0xFFFF), text);
    const char *hint = find_hint(problem, copy);
    (void)cl_format(buf, size, "not YAML: %s%s%s%s%s", problem, *context != '\0' ? " " : "",
                    context, hint != NULL ? "; " : "", hint != NULL ? hint : "");
}
