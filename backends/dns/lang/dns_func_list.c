/* SPDX-License-Identifier: Apache-2.0 */
/* dns_func_list: functions of lists and objects. */
#include "backends/dns/lang/dns_func.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>
#include <strings.h>

DNS_FN(list)
{
    DNS_FN_UNUSED();
    *ret = dns_value_json(dns_json_list(args[0].json));
    return 0;
}

DNS_FN(array)
{
    DNS_FN_UNUSED();
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append(list, args[i].json != NULL ? args[i].json : json_null());
    }
    *ret = dns_value_json(list);
    return 0;
}

DNS_FN(concat)
{
    DNS_FN_UNUSED();
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *list = dns_json_list(args[i].json);
        (void)json_array_extend(all, list);
        json_decref(list);
    }
    *ret = dns_value_json(all);
    return 0;
}

DNS_FN(values)
{
    const char *key = NULL;
    json_t *member = NULL;

    DNS_FN_UNUSED();
    if (!json_is_object(args[0].json)) {
        *ret = dns_value_json(dns_json_list(args[0].json));
        return 0;
    }
    json_t *list = json_array();
    json_object_foreach(args[0].json, key, member)
    {
        (void)json_array_append(list, member);
    }
    *ret = dns_value_json(list);
    return 0;
}

DNS_FN(keys)
{
    const char *key = NULL;
    json_t *member = NULL;

    DNS_FN_UNUSED();
    json_t *list = json_array();
    json_object_foreach(args[0].json, key, member)
    {
        (void)json_array_append_new(list, json_string(key));
    }
    *ret = dns_value_json(list);
    return 0;
}

DNS_FN(len)
{
    DNS_FN_UNUSED();
    const struct dns_value *v = &args[0];
    size_t size = v->len;
    if (v->bytes == NULL) {
        size = json_is_array(v->json)    ? json_array_size(v->json)
               : json_is_object(v->json) ? json_object_size(v->json)
                                         : json_string_length(v->json);
    }
    *ret = dns_value_int((long long)size);
    return 0;
}

/* object(key, value, ...) */
DNS_FN(object)
{
    DNS_FN_UNUSED();
    if (n % 2 != 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "it takes pairs of key and value");
    }
    json_t *object = json_object();
    for (size_t i = 0; i < n; i += 2) {
        char *key = dns_arg(args, i);
        (void)json_object_set(object, key,
                              args[i + 1].json != NULL ? args[i + 1].json : json_null());
        cl_free_secret(key);
    }
    *ret = dns_value_json(object);
    return 0;
}

DNS_FN(merge)
{
    DNS_FN_UNUSED();
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++) {
        (void)json_object_update(all, args[i].json);
    }
    *ret = dns_value_json(all);
    return 0;
}

/* lookup(object, key): host names as keys are found in any case. */
DNS_FN(lookup)
{
    const char *name = NULL;
    json_t *member = NULL;

    DNS_FN_UNUSED();
    char *key = dns_arg(args, 1);
    json_t *found = json_object_get(args[0].json, key);
    if (found == NULL) {
        json_object_foreach(args[0].json, name, member)
        {
            found = found == NULL && strcasecmp(name, key) == 0 ? member : found;
        }
    }
    cl_free_secret(key);
    *ret = dns_value_ref(found);
    return 0;
}

/* The member at "a.b" of an item; borrowed. */
static const json_t *member_at(const json_t *item, const char *path)
{
    struct cl_strv parts = {0};

    cl_strv_split(&parts, path, ".");
    cl_strv_for_each(part, &parts) {
        item = json_object_get(item, part);
    }
    cl_strv_deinit(&parts);
    return item;
}

static bool item_is(const json_t *item, const char *path, const char *wanted)
{
    char *text = dns_json_string(member_at(item, path), NULL);
    bool same = cl_streq(text, wanted);

    cl_free_secret(text);
    return same;
}

/* filter(list, path, value): the items where it is so. */
static json_t *filter(const struct dns_value *args)
{
    json_t *hits = json_array();
    json_t *list = dns_json_list(args[0].json);
    char *path = dns_arg(args, 1);
    char *wanted = dns_arg(args, 2);

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (item_is(json_array_get(list, i), path, wanted)) {
            (void)json_array_append(hits, json_array_get(list, i));
        }
    }
    json_decref(list);
    cl_free_secret(path);
    cl_free_secret(wanted);
    return hits;
}

DNS_FN(filter)
{
    DNS_FN_UNUSED();
    *ret = dns_value_json(filter(args));
    return 0;
}

DNS_FN(find)
{
    DNS_FN_UNUSED();
    json_t *hits = filter(args);
    *ret = dns_value_ref(json_array_get(hits, 0));
    json_decref(hits);
    return 0;
}

/* pluck(list, path): that member of each item. */
DNS_FN(pluck)
{
    DNS_FN_UNUSED();
    json_t *all = json_array();
    json_t *list = dns_json_list(args[0].json);
    char *path = dns_arg(args, 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *member = member_at(json_array_get(list, i), path);
        (void)json_array_append(all, member != NULL ? dns_mut(member) : json_null());
    }
    json_decref(list);
    cl_free(path);
    *ret = dns_value_json(all);
    return 0;
}

DNS_FN(sort)
{
    struct cl_strv texts = {0};

    DNS_FN_UNUSED();
    json_t *list = dns_json_list(args[0].json);
    for (size_t i = 0; i < json_array_size(list); i++) {
        cl_strv_take(&texts, dns_json_string(json_array_get(list, i), NULL));
    }
    json_decref(list);
    cl_strv_sort(&texts);
    list = json_array();
    cl_strv_for_each(text, &texts) {
        (void)json_array_append_new(list, json_string(text));
    }
    cl_strv_deinit(&texts);
    *ret = dns_value_json(list);
    return 0;
}

/* slice(list or text, start, count): negative starts count from the end. */
DNS_FN(slice)
{
    long long start = 0;
    long long count = 0;

    DNS_FN_UNUSED();
    if (dns_arg_int(args, 1, &start, err) < 0 || (n > 2 && dns_arg_int(args, 2, &count, err) < 0)) {
        return -1;
    }
    bool list = json_is_array(args[0].json);
    size_t len = 0;
    char *s = list ? NULL : dns_argn(args, 0, &len);
    long long size = (long long)(list ? json_array_size(args[0].json) : len);
    start = start < 0 ? start + size : start;
    start = start < 0 ? 0 : start > size ? size : start;
    count = n > 2 ? count : size;
    count = count < 0 ? 0 : count > size - start ? size - start : count;
    if (list) {
        json_t *part = json_array();
        for (long long i = start; i < start + count; i++) {
            (void)json_array_append(part, json_array_get(args[0].json, (size_t)i));
        }
        *ret = dns_value_json(part);
    } else {
        *ret = args[0].bytes != NULL ? dns_value_bytes(s + start, (size_t)count)
                                     : dns_value_textn(s + start, (size_t)count);
    }
    cl_free_secret(s);
    return 0;
}

const struct dns_function DNS_FUNCTIONS_LIST[] = {
    {"list", 1, 1, fn_list, false, NULL, "list(value)"},
    {"array", 0, DNS_ANY, fn_array, false, NULL, "array(values...)"},
    {"concat", 1, DNS_ANY, fn_concat, false, NULL, "concat(lists...)"},
    {"values", 1, 1, fn_values, false, NULL, "values(object)"},
    {"keys", 1, 1, fn_keys, false, NULL, "keys(object)"},
    {"len", 1, 1, fn_len, true, NULL, "len(value)"},
    {"object", 0, DNS_ANY, fn_object, false, NULL, "object(key, value, ...)"},
    {"merge", 1, DNS_ANY, fn_merge, false, NULL, "merge(objects...)"},
    {"lookup", 2, 2, fn_lookup, false, NULL, "lookup(object, key)"},
    {"find", 3, 3, fn_find, false, NULL, "find(list, path, value)"},
    {"filter", 3, 3, fn_filter, false, NULL, "filter(list, path, value)"},
    {"pluck", 2, 2, fn_pluck, false, NULL, "pluck(list, path)"},
    {"sort", 1, 1, fn_sort, false, NULL, "sort(list)"},
    {"slice", 2, 3, fn_slice, false, NULL, "slice(list or text, start, count)"},
    {0},
};
