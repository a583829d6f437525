/* SPDX-License-Identifier: Apache-2.0 */
/* store_json: see store_json.h. */
#include "backends/store/store_json.h"

#include "spec/base/cl_assert.h"
#include "spec/base/cl_time.h"
#include "spec/jfield.h"

#include <string.h>

#define PRINT_MAX ((size_t)1 << 20)

void store_times_write(const struct store_time *rows, size_t n, json_t *o, const void *record)
{
    for (size_t i = 0; i < n; i++) {
        cl_time t;
        memcpy(&t, (const char *)record + rows[i].offset, sizeof(t));
        if (t != 0) {
            json_put(o, rows[i].key, json_integer(t));
        }
    }
}

int store_times_read(const struct store_time *rows, size_t n, const json_t *o, void *record,
                     struct cl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(o, rows[i].key);
        if (v == NULL || json_is_null(v)) {
            continue;
        }
        cl_time t = json_is_integer(v) ? json_integer_value(v) : -1;
        if (t < 0) {
            return cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "%s: not a time", rows[i].key);
        }
        memcpy((char *)record + rows[i].offset, &t, sizeof(t));
    }
    return 0;
}

int store_corrupt(struct cl_err *err, const char *what)
{
    if (err != NULL) {
        struct cl_err cause = *err;
        (void)cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "%s is damaged: %s", what, cause.text);
    }
    return -1;
}

json_t *store_parse(const char *text, unsigned schema, const char *what, struct cl_err *err)
{
    struct cl_err own = {0};
    json_t *o = json_parse_object(text, &own);
    const json_t *number = json_object_get(o, "schema");
    json_int_t found = json_is_integer(number) ? json_integer_value(number) : 0;

    if (o != NULL && found >= 1 && found <= (json_int_t)schema) {
        return o;
    }
    if (o != NULL && found > (json_int_t)schema) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "StateTooNew",
                      "%s has schema %lld, but this version knows %u: run the newer version", what,
                      (long long)found, schema);
    } else {
        (void)cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "%s is damaged: %s", what,
                      o != NULL ? "it has no schema number" : own.text);
    }
    json_decref(o);
    return NULL;
}

static int append(const char *data, size_t len, void *user)
{
    return cl_buf_add(user, data, len);
}

void store_print_secret(const json_t *o, struct cl_buf *ret)
{
    cl_buf_init_secret(ret, PRINT_MAX);
    int rc = json_dump_callback(o, append, ret, JSON_INDENT(2));
    if (rc == 0) {
        rc = cl_buf_adds(ret, "\n");
    }
    cl_assert(rc == 0);
}

void store_wipe_string(json_t *string)
{
    const char *text = json_string_value(string);
    char *bytes = NULL;

    if (text != NULL) {
        memcpy(&bytes, &text, sizeof(bytes)); /* jansson lends its own heap copy as const */
        cl_wipe(bytes, json_string_length(string));
    }
}
