/* SPDX-License-Identifier: Apache-2.0 */
/* dns_credentials: inputs from directories, files and the environment, checked against the description. */
#include "backends/dns/dns_credentials.h"

#include "backends/dns/dns_credentials_impl.h"
#include "backends/dns/lang/dns_value.h"
#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_yaml.h"

#include <string.h>

#define INPUT_MAX ((size_t)256 << 10)

static const struct yaml_limits LIMITS = {.bytes = INPUT_MAX, .nodes = 2000, .depth = 16};

/* Scalars as text, mappings as objects: what a map or a JSON input written as YAML holds. */
static json_t *yaml_to_json(const struct yaml_node *n)
{
    if (n == NULL || n->kind == YAML_SCALAR) {
        return n == NULL ? json_null() : json_string(n->text);
    }
    json_t *all = n->kind == YAML_MAP ? json_object() : json_array();
    for (size_t i = 0; i < n->len; i++) {
        json_t *item = yaml_to_json(n->items[i]);
        if (n->kind == YAML_MAP) {
            (void)json_object_set_new(all, n->keys[i]->text, item);
        } else {
            (void)json_array_append_new(all, item);
        }
    }
    return all;
}

/* "a.example: key" and "a.example=key" lines, or "a.example:key,b.example:key" (as lego has it). */
static json_t *parse_map(const char *text)
{
    json_t *map = json_object();
    struct cl_strv lines = {0};

    cl_strv_split(&lines, text, ",\n\r");
    cl_strv_for_each(line, &lines) {
        char *sep = strpbrk(line, ":=");
        if (sep == NULL) {
            continue;
        }
        *sep = '\0';
        char *name = line + strspn(line, " \t");
        char *value = sep + 1 + strspn(sep + 1, " \t");
        (void)json_object_set_new(map, name, json_string(value));
    }
    cl_strv_deinit(&lines);
    return map;
}

static json_t *parse_value(const struct dns_input *in, const char *text, struct cl_err *err)
{
    json_error_t problem;
    json_t *value = NULL;

    if (!in->json && !in->map) {
        value = json_string(text);
    } else {
        value = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
        if (value == NULL && in->map) {
            value = parse_map(text);
        }
    }
    if (value == NULL) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid", "the input %s is no %s", in->name,
                      in->json ? "JSON document" : "UTF-8 text");
    } else if (in->map && (!json_is_object(value) || json_object_size(value) == 0)) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                      "the input %s has to map names to values, as HOST: KEY in each line",
                      in->name);
        json_decref(value);
        value = NULL;
    }
    return value;
}

/* Every text in it is masked in the log from now on. */
static void mask(const json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;

    if (json_is_string(value)) {
        cl_log_mask(json_string_value(value));
    }
    json_object_foreach(dns_mut(value), key, member)
    {
        mask(member);
    }
}

/* 1 found, 0 not, -1; which name it had in *ret_name. */
static int look_up(const struct dns_input *in, const struct dns_credential_source *source,
                   struct cl_buf *ret, const char **ret_name, struct cl_err *err)
{
    int found = source->get(source->user, in->name, ret, err);

    *ret_name = in->name;
    for (size_t i = 0; found == 0 && i < in->env.len; i++) {
        *ret_name = in->env.items[i];
        found = source->get(source->user, *ret_name, ret, err);
    }
    return found;
}

static int missing(const struct dns_description *d, const struct dns_input *in,
                   const struct dns_credential_source *source, struct cl_err *err)
{
    char *names = cl_strv_join(&in->env, ", ");

    (void)cl_fail(err, CL_ERR_PERMANENT, "CredentialMissing",
                  "%s: the input %s is missing: looked for %s%s%s in %s", d->name, in->name,
                  in->name, *names != '\0' ? " and " : "", names, source->where);
    cl_free(names);
    return -1;
}

static int read_input(const struct dns_description *d, const struct dns_input *in,
                      const struct dns_credential_source *source, struct dns_credentials *c,
                      struct cl_err *err)
{
    struct cl_buf text;
    const char *name = NULL;
    json_t *value = NULL;

    cl_buf_init_secret(&text, INPUT_MAX);
    int found = look_up(in, source, &text, &name, err);
    if (found > 0) {
        while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]) != NULL) {
            text.data[--text.len] = '\0';
        }
        value =
            strlen(cl_buf_str(&text)) == text.len ? parse_value(in, cl_buf_str(&text), err) : NULL;
        if (value == NULL && err != NULL && err->kind == CL_ERR_NONE) {
            (void)cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                          "the input %s holds a NUL byte", in->name);
        }
    } else if (found == 0 && in->default_value != NULL) {
        value = parse_value(in, in->default_value, err);
    } else if (found == 0 && in->optional) {
        value = json_null();
    } else if (found == 0) {
        (void)missing(d, in, source, err);
    }
    cl_buf_deinit(&text);
    if (value == NULL) {
        return -1;
    }
    if (in->secret) {
        mask(value);
    }
    (void)json_object_set_new(c->values, in->name, value);
    return 0;
}

struct dns_credentials *dns_credentials_read(const struct dns_description *d,
                                             const struct dns_credential_source *source,
                                             struct cl_err *err)
{
    struct dns_credentials *c = cl_new(struct dns_credentials);

    c->values = json_object();
    for (size_t i = 0; i < d->n_inputs; i++) {
        if (read_input(d, &d->inputs[i], source, c, err) < 0) {
            dns_credentials_destroy(c);
            return NULL;
        }
    }
    return c;
}

/* jansson has no secrets: what it holds is overwritten by hand before it is given back. */
static void wipe(json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;

    if (json_is_string(value) && value->refcount == 1) {
        cl_wipe(dns_mut(json_string_value(value)), json_string_length(value));
    }
    json_object_foreach(value, key, member)
    {
        wipe(member);
    }
}

void dns_credentials_destroy(struct dns_credentials *c)
{
    if (c != NULL) {
        wipe(c->values);
        json_decref(c->values);
        cl_free(c);
    }
}

/* ---- sources ---- */

static int from_dir(void *user, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_err why = {0};

    if (strchr(name, '/') != NULL || *name == '.') {
        return 0;
    }
    if (disk_read_beneath(user, name, INPUT_MAX, &text, NULL, &why) < 0) {
        cl_buf_deinit(&text);
        if (cl_streq(why.reason, "NotFound")) {
            return 0;
        }
        if (err != NULL) {
            *err = why;
        }
        return -1;
    }
    text.secret = true;
    int rc = cl_buf_add(ret, cl_buf_str(&text), text.len);
    cl_buf_deinit(&text);
    return rc == 0 ? 1 : -1;
}

struct dns_credentials *dns_credentials_from_dir(const struct dns_description *d, const char *dir,
                                                 struct cl_err *err)
{
    struct dns_credential_source source = {.get = from_dir, .user = dns_mut(dir), .where = dir};

    return dns_credentials_read(d, &source, err);
}

static int from_yaml(void *user, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    const struct yaml_node *n = yaml_get(user, name);

    if (n == NULL) {
        return 0;
    }
    if (n->kind == YAML_SCALAR) {
        return cl_buf_adds(ret, n->text) == 0 ? 1 : -1;
    }
    json_t *value = yaml_to_json(n);
    char *text = json_dumps(value, JSON_COMPACT);
    int rc = cl_buf_adds(ret, text);
    cl_free_secret(text);
    wipe(value);
    json_decref(value);
    (void)err;
    return rc == 0 ? 1 : -1;
}

static struct dns_credentials *from_file(const struct dns_description *d, const char *path,
                                         struct cl_err *err)
{
    struct dns_credentials *c = NULL;
    struct yaml_documents docs = {0};
    struct spec_problems problems = {0};
    struct cl_buf text = {0};

    if (disk_read_secret(path, INPUT_MAX, &text, NULL, err) < 0) {
        cl_buf_deinit(&text);
        return NULL;
    }
    if (yaml_parse(cl_buf_str(&text), text.len, &LIMITS, &docs, &problems) != 0 || docs.len != 1 ||
        docs.items[0]->kind != YAML_MAP) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                      "%s has to be a YAML mapping of inputs to values", path);
    } else {
        struct dns_credential_source source = {
            .get = from_yaml, .user = docs.items[0], .where = path};
        c = dns_credentials_read(d, &source, err);
    }
    yaml_documents_deinit(&docs);
    spec_problems_deinit(&problems);
    cl_buf_deinit(&text);
    return c;
}

struct dns_credentials *dns_credentials_from_path(const struct dns_description *d, const char *path,
                                                  struct cl_err *err)
{
    struct disk_stat st;

    if (disk_stat(path, &st, err) < 0) {
        return NULL;
    }
    return st.type == DISK_DIR ? dns_credentials_from_dir(d, path, err) : from_file(d, path, err);
}

static int from_env(void *user, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    const struct dns_description *d = user;
    const char *value = NULL;
    bool file = false;
    bool is_env = false;

    for (size_t i = 0; i < d->n_inputs; i++) {
        if (cl_strv_has(&d->inputs[i].env, name)) {
            is_env = true;
            file = d->inputs[i].file;
        }
    }
    value = is_env ? sys_getenv(name) : NULL;
    if (cl_str_empty(value)) {
        return 0;
    }
    if (!file || *value == '{') { /* the document itself, where a file name is usual */
        return cl_buf_adds(ret, value) == 0 ? 1 : -1;
    }
    struct cl_buf text = {0};
    int rc = disk_read_secret(value, INPUT_MAX, &text, NULL, err);
    if (rc == 0) {
        rc = cl_buf_add(ret, cl_buf_str(&text), text.len);
    }
    cl_buf_deinit(&text);
    return rc == 0 ? 1 : -1;
}

struct dns_credentials *dns_credentials_from_env(const struct dns_description *d,
                                                 struct cl_err *err)
{
    struct dns_credential_source source = {
        .get = from_env, .user = dns_mut(d), .where = "the environment"};

    return dns_credentials_read(d, &source, err);
}

static int from_pairs(void *user, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    const struct cl_strv *pairs = user;
    size_t len = strlen(name);

    (void)err;
    for (size_t i = 0; i < pairs->len; i++) {
        if (strncmp(pairs->items[i], name, len) == 0 && pairs->items[i][len] == '=') {
            return cl_buf_adds(ret, pairs->items[i] + len + 1) == 0 ? 1 : -1;
        }
    }
    return 0;
}

struct dns_credentials *dns_credentials_from_pairs(const struct dns_description *d,
                                                   const struct cl_strv *pairs, struct cl_err *err)
{
    struct dns_credential_source source = {
        .get = from_pairs, .user = dns_mut(pairs), .where = "what was given"};

    return dns_credentials_read(d, &source, err);
}
