/* SPDX-License-Identifier: Apache-2.0 */
/* dns_func_text: functions of text. */
#include "backends/dns/lang/dns_encode.h"
#include "backends/dns/lang/dns_func.h"
#include "backends/dns/lang/dns_xml.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <regex.h>
#include <string.h>

#define TEXT_MAX ((size_t)16 << 20)

static void give(struct dns_value *ret, char *take)
{
    *ret = dns_value_text(take);
    cl_free_secret(take);
}

static void change_case(char *s, bool up)
{
    for (; *s != '\0'; s++) {
        if (up ? (*s >= 'a' && *s <= 'z') : (*s >= 'A' && *s <= 'Z')) {
            *s = (char)(*s ^ 0x20);
        }
    }
}

DNS_FN(lower)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    change_case(s, false);
    give(ret, s);
    return 0;
}

DNS_FN(upper)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    change_case(s, true);
    give(ret, s);
    return 0;
}

DNS_FN(str)
{
    DNS_FN_UNUSED();
    give(ret, dns_arg(args, 0));
    return 0;
}

DNS_FN(int)
{
    long long value = 0;

    DNS_FN_UNUSED();
    if (dns_arg_int(args, 0, &value, err) < 0) {
        return -1;
    }
    *ret = dns_value_int(value);
    return 0;
}

DNS_FN(quote)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    give(ret, dns_txt_quote(s));
    cl_free_secret(s);
    return 0;
}

DNS_FN(unquote)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    give(ret, dns_txt_unquote(s));
    cl_free_secret(s);
    return 0;
}

DNS_FN(trim)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    size_t from = strspn(s, " \t\r\n");
    size_t len = strlen(s + from);
    while (len > 0 && strchr(" \t\r\n", s[from + len - 1]) != NULL) {
        len--;
    }
    *ret = dns_value_textn(s + from, len);
    cl_free_secret(s);
    return 0;
}

DNS_FN(url)
{
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    give(ret, dns_url_encode(s, len));
    cl_free_secret(s);
    return 0;
}

DNS_FN(form)
{
    DNS_FN_UNUSED();
    if (!json_is_object(args[0].json)) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "its argument is no object");
    }
    char *order = n > 1 ? dns_arg(args, 1) : cl_strdup("");
    give(ret, dns_form_encode(args[0].json, cl_streq(order, "sorted")));
    cl_free(order);
    return 0;
}

DNS_FN(json)
{
    DNS_FN_UNUSED();
    char *s = NULL;
    if (args[0].bytes != NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed",
                       "bytes have no form in JSON; use hex() or b64() first");
    }
    s = json_dumps(args[0].json != NULL ? args[0].json : json_null(),
                   JSON_ENCODE_ANY | JSON_COMPACT);
    *ret = dns_value_text(cl_str_or(s, "null"));
    cl_free_secret(s);
    return 0;
}

DNS_FN(parse)
{
    json_error_t problem;
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    json_t *value = json_loadb(s, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    cl_free_secret(s);
    if (value == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "the text is no JSON");
    }
    *ret = dns_value_json(value);
    return 0;
}

DNS_FN(xml)
{
    DNS_FN_UNUSED();
    char *s = dns_xml_print(args[0].json, err);
    if (s == NULL) {
        return -1;
    }
    give(ret, s);
    return 0;
}

DNS_FN(parsexml)
{
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    json_t *value = dns_xml_parse(s, len, err);
    cl_free_secret(s);
    if (value == NULL) {
        return -1;
    }
    *ret = dns_value_json(value);
    return 0;
}

/* join(separator, values...): lists give their entries. Empty texts count, so "" joins as a column. */
DNS_FN(join)
{
    struct cl_buf b;
    struct cl_strv parts = {0};

    DNS_FN_UNUSED();
    char *separator = dns_arg(args, 0);
    for (size_t i = 1; i < n; i++) {
        if (json_is_array(args[i].json)) {
            for (size_t k = 0; k < json_array_size(args[i].json); k++) {
                cl_strv_take(&parts, dns_json_string(json_array_get(args[i].json, k), NULL));
            }
        } else {
            cl_strv_take(&parts, dns_arg(args, i));
        }
    }
    cl_buf_init_secret(&b, TEXT_MAX);
    for (size_t i = 0; i < parts.len; i++) {
        (void)cl_buf_addf(&b, "%s%s", i > 0 ? separator : "", parts.items[i]);
    }
    *ret = dns_value_text(cl_buf_str(&b));
    cl_buf_deinit(&b);
    cl_strv_deinit(&parts);
    cl_free(separator);
    return 0;
}

/* cat(values...): bytes if one of them is. */
DNS_FN(cat)
{
    struct cl_buf b;
    bool bytes = false;

    DNS_FN_UNUSED();
    cl_buf_init_secret(&b, TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        char *s = dns_argn(args, i, &len);
        int rc = cl_buf_add(&b, s, len);
        cl_free_secret(s);
        bytes = bytes || args[i].bytes != NULL;
        if (rc < 0) {
            cl_buf_deinit(&b);
            return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "the text gets too long");
        }
    }
    *ret = bytes ? dns_value_bytes(cl_buf_str(&b), b.len) : dns_value_textn(cl_buf_str(&b), b.len);
    cl_buf_deinit(&b);
    return 0;
}

DNS_FN(replace)
{
    struct cl_buf b;

    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    char *from = dns_arg(args, 1);
    char *to = dns_arg(args, 2);
    cl_buf_init_secret(&b, TEXT_MAX);
    const char *at = s;
    for (const char *hit = NULL; *from != '\0' && (hit = strstr(at, from)) != NULL;) {
        (void)cl_buf_add(&b, at, (size_t)(hit - at));
        (void)cl_buf_adds(&b, to);
        at = hit + strlen(from);
    }
    (void)cl_buf_adds(&b, at);
    *ret = dns_value_text(cl_buf_str(&b));
    cl_buf_deinit(&b);
    cl_free_secret(s);
    cl_free_secret(from);
    cl_free_secret(to);
    return 0;
}

DNS_FN(ltrim)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    char *prefix = dns_arg(args, 1);
    *ret = dns_value_text(cl_str_starts(s, prefix) ? s + strlen(prefix) : s);
    cl_free_secret(s);
    cl_free_secret(prefix);
    return 0;
}

DNS_FN(rtrim)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    char *suffix = dns_arg(args, 1);
    size_t len = strlen(s);
    len -= cl_str_ends(s, suffix) ? strlen(suffix) : 0;
    *ret = dns_value_textn(s, len);
    cl_free_secret(s);
    cl_free_secret(suffix);
    return 0;
}

enum cut { CUT_BEFORE, CUT_AFTER, CUT_AFTER_LAST };

/* Parts of a text at a separator. Without the separator, what is before is all, what is after "". */
static int cut(const struct dns_value *args, enum cut which, struct dns_value *ret)
{
    char *s = dns_arg(args, 0);
    char *separator = dns_arg(args, 1);
    size_t skip = strlen(separator);
    const char *hit = skip > 0 ? strstr(s, separator) : NULL;

    if (which == CUT_AFTER_LAST && hit != NULL) {
        for (const char *next = hit; next != NULL; next = strstr(next + 1, separator)) {
            hit = next;
        }
    }
    switch (which) {
    case CUT_BEFORE:
        *ret = dns_value_textn(s, hit != NULL ? (size_t)(hit - s) : strlen(s));
        break;
    case CUT_AFTER:
        *ret = dns_value_text(hit != NULL ? hit + skip : "");
        break;
    case CUT_AFTER_LAST:
        *ret = dns_value_text(hit != NULL ? hit + skip : s);
        break;
    }
    cl_free_secret(s);
    cl_free_secret(separator);
    return 0;
}

DNS_FN(first)
{
    DNS_FN_UNUSED();
    return cut(args, CUT_BEFORE, ret);
}

DNS_FN(rest)
{
    DNS_FN_UNUSED();
    return cut(args, CUT_AFTER, ret);
}

DNS_FN(last)
{
    DNS_FN_UNUSED();
    return cut(args, CUT_AFTER_LAST, ret);
}

/* n labels of a name, from its start or its end. */
static int labels(const struct dns_value *args, bool from_end, struct dns_value *ret,
                  struct cl_err *err)
{
    long long count = 0;

    if (dns_arg_int(args, 1, &count, err) < 0) {
        return -1;
    }
    char *s = dns_arg(args, 0);
    long long dots = 0;
    for (const char *at = s; *at != '\0'; at++) {
        dots += *at == '.' ? 1 : 0;
    }
    long long stop = from_end ? dots + 1 - count : count; /* cut at this label */
    const char *at = s;
    for (long long i = 0; i < stop && at != NULL; i++) {
        at = strchr(at, '.');
        at = at != NULL ? at + 1 : NULL;
    }
    if (from_end) {
        *ret = dns_value_text(stop <= 0 ? s : cl_str_or(at, ""));
    } else {
        size_t len = at == NULL ? strlen(s) : at > s ? (size_t)(at - s) - 1 : 0;
        *ret = dns_value_textn(s, count <= 0 ? 0 : len);
    }
    cl_free_secret(s);
    return 0;
}

DNS_FN(tail)
{
    DNS_FN_UNUSED();
    return labels(args, true, ret, err);
}

DNS_FN(head)
{
    DNS_FN_UNUSED();
    return labels(args, false, ret, err);
}

/* rel(name, zone): the part of a name before its zone; "" at the zone itself. */
DNS_FN(rel)
{
    DNS_FN_UNUSED();
    char *name = dns_arg(args, 0);
    char *zone = dns_arg(args, 1);
    size_t len = strlen(name);
    if (dns_is_within(name, zone)) {
        len = len > strlen(zone) ? len - strlen(zone) - 1 : 0;
    }
    *ret = dns_value_textn(name, len);
    cl_free(name);
    cl_free(zone);
    return 0;
}

DNS_FN(split)
{
    DNS_FN_UNUSED();
    json_t *list = json_array();
    char *s = dns_arg(args, 0);
    char *separator = dns_arg(args, 1);
    const char *at = s;
    for (const char *hit = NULL; *separator != '\0' && (hit = strstr(at, separator)) != NULL;) {
        (void)json_array_append_new(list, json_stringn(at, (size_t)(hit - at)));
        at = hit + strlen(separator);
    }
    (void)json_array_append_new(list, json_string(at));
    *ret = dns_value_json(list);
    cl_free_secret(s);
    cl_free_secret(separator);
    return 0;
}

DNS_FN(eq)
{
    DNS_FN_UNUSED();
    *ret = dns_value_bool(dns_value_same(&args[0], &args[1]));
    return 0;
}

DNS_FN(ne)
{
    DNS_FN_UNUSED();
    *ret = dns_value_bool(!dns_value_same(&args[0], &args[1]));
    return 0;
}

DNS_FN(not )
{
    DNS_FN_UNUSED();
    *ret = dns_value_bool(!dns_value_is_true(&args[0]));
    return 0;
}

DNS_FN(in)
{
    DNS_FN_UNUSED();
    bool found = false;
    for (size_t i = 1; i < n && !found; i++) {
        found = dns_value_same(&args[0], &args[i]);
    }
    *ret = dns_value_bool(found);
    return 0;
}

DNS_FN(starts)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    char *prefix = dns_arg(args, 1);
    *ret = dns_value_bool(cl_str_starts(s, prefix));
    cl_free_secret(s);
    cl_free_secret(prefix);
    return 0;
}

DNS_FN(contains)
{
    DNS_FN_UNUSED();
    bool found = false;
    char *part = dns_arg(args, 1);
    if (json_is_array(args[0].json)) {
        for (size_t i = 0; i < json_array_size(args[0].json) && !found; i++) {
            char *item = dns_json_string(json_array_get(args[0].json, i), NULL);
            found = cl_streq(item, part);
            cl_free_secret(item);
        }
    } else {
        char *s = dns_arg(args, 0);
        found = strstr(s, part) != NULL;
        cl_free_secret(s);
    }
    cl_free_secret(part);
    *ret = dns_value_bool(found);
    return 0;
}

/* match(text, pattern): the first group of an extended regular expression, or all that matched; "" if
 * nothing does. */
DNS_FN(match)
{
    regmatch_t hits[2] = {{0, 0}, {-1, -1}};
    regex_t regex;

    DNS_FN_UNUSED();
    char *pattern = dns_arg(args, 1);
    int rc = regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE);
    cl_free(pattern);
    if (rc != 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed",
                       "the pattern is no extended regular expression");
    }
    char *s = dns_arg(args, 0);
    *ret = dns_value_text("");
    if (regexec(&regex, s, 2, hits, 0) == 0) {
        size_t which = hits[1].rm_so >= 0 ? 1 : 0;
        dns_value_deinit(ret);
        *ret =
            dns_value_textn(s + hits[which].rm_so, (size_t)(hits[which].rm_eo - hits[which].rm_so));
    }
    regfree(&regex);
    cl_free_secret(s);
    return 0;
}

static int arithmetic(const struct dns_value *args, bool minus, struct dns_value *ret,
                      struct cl_err *err)
{
    long long a = 0;
    long long b = 0;
    long long sum = 0;

    if (dns_arg_int(args, 0, &a, err) < 0 || dns_arg_int(args, 1, &b, err) < 0) {
        return -1;
    }
    if (minus ? __builtin_sub_overflow(a, b, &sum) : __builtin_add_overflow(a, b, &sum)) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "the number gets too large");
    }
    *ret = dns_value_int(sum);
    return 0;
}

DNS_FN(add)
{
    DNS_FN_UNUSED();
    return arithmetic(args, false, ret, err);
}

DNS_FN(sub)
{
    DNS_FN_UNUSED();
    return arithmetic(args, true, ret, err);
}

const struct dns_function DNS_FUNCTIONS_TEXT[] = {
    {"lower", 1, 1, fn_lower, false, NULL, "lower(text)"},
    {"upper", 1, 1, fn_upper, false, NULL, "upper(text)"},
    {"str", 1, 1, fn_str, false, NULL, "str(value)"},
    {"int", 1, 1, fn_int, false, NULL, "int(text)"},
    {"quote", 1, 1, fn_quote, false, NULL, "quote(text)"},
    {"unquote", 1, 1, fn_unquote, false, NULL, "unquote(text)"},
    {"trim", 1, 1, fn_trim, false, NULL, "trim(text)"},
    {"url", 1, 1, fn_url, false, NULL, "url(text)"},
    {"form", 1, 2, fn_form, false, NULL, "form(object, 'sorted')"},
    {"json", 1, 1, fn_json, false, NULL, "json(value)"},
    {"parse", 1, 1, fn_parse, false, NULL, "parse(json text)"},
    {"xml", 1, 1, fn_xml, false, NULL, "xml(object)"},
    {"parsexml", 1, 1, fn_parsexml, false, NULL, "parsexml(text)"},
    {"join", 1, DNS_ANY, fn_join, false, NULL, "join(separator, values...)"},
    {"cat", 1, DNS_ANY, fn_cat, false, NULL, "cat(values...)"},
    {"replace", 3, 3, fn_replace, false, NULL, "replace(text, from, to)"},
    {"ltrim", 2, 2, fn_ltrim, false, NULL, "ltrim(text, prefix)"},
    {"rtrim", 2, 2, fn_rtrim, false, NULL, "rtrim(text, suffix)"},
    {"first", 2, 2, fn_first, false, NULL, "first(text, separator)"},
    {"rest", 2, 2, fn_rest, false, NULL, "rest(text, separator)"},
    {"after", 2, 2, fn_rest, false, NULL, "after(text, separator)"},
    {"last", 2, 2, fn_last, false, NULL, "last(text, separator)"},
    {"tail", 2, 2, fn_tail, false, NULL, "tail(name, labels)"},
    {"head", 2, 2, fn_head, false, NULL, "head(name, labels)"},
    {"rel", 2, 2, fn_rel, false, NULL, "rel(name, zone)"},
    {"split", 2, 2, fn_split, false, NULL, "split(text, separator)"},
    {"eq", 2, 2, fn_eq, true, NULL, "eq(a, b)"},
    {"ne", 2, 2, fn_ne, true, NULL, "ne(a, b)"},
    {"not", 1, 1, fn_not, true, NULL, "not(value)"},
    {"in", 2, DNS_ANY, fn_in, true, NULL, "in(value, choices...)"},
    {"starts", 2, 2, fn_starts, true, NULL, "starts(text, prefix)"},
    {"contains", 2, 2, fn_contains, true, NULL, "contains(text or list, part)"},
    {"match", 2, 2, fn_match, false, NULL, "match(text, pattern)"},
    {"add", 2, 2, fn_add, false, NULL, "add(a, b)"},
    {"sub", 2, 2, fn_sub, false, NULL, "sub(a, b)"},
    {0},
};
