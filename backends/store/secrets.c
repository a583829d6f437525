/* SPDX-License-Identifier: Apache-2.0 */
/* secrets: references to bytes. A spec's author chooses names, so every file is opened beneath a
 * root that the Configuration allows; what is read is masked in the log from then on. */
#include "backends/store/secrets.h"

#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define SECRET_MAX ((size_t)256 << 10)
#define MODE_TOO_WIDE 0137u /* what 0640 does not have */

struct lookup {
    const struct paths *paths;
    const struct config *config; /* may be NULL */
    struct cl_buf *ret;
    char **ret_note;
    struct cl_strv *tried; /* paths that do not exist */
};

static int forbidden(struct cl_err *err, const char *what, const char *advice)
{
    return cl_fail(err, CL_ERR_PERMANENT, "SecretForbidden", "%s may not be read: %s", what,
                   advice);
}

static void note_mode(const struct lookup *l, const char *root, const char *relative,
                      const struct disk_stat *st)
{
    if (l->ret_note != NULL && (st->mode & 0777 & MODE_TOO_WIDE) != 0) {
        cl_free(*l->ret_note);
        *l->ret_note = cl_printf("%s/%s has mode %04o: others can read or change it; 0640 or less "
                                 "is enough",
                                 root, relative, st->mode);
    }
}

/* 0: read, 1: no such file (added to l->tried), -1: an error. */
static int read_beneath(const struct lookup *l, const char *root, const char *relative,
                        struct cl_err *err)
{
    struct disk_stat st = {0};
    struct cl_err own = {0};
    int rc = disk_read_beneath(root, relative, SECRET_MAX, l->ret, &st, &own);

    l->ret->secret = true; /* wiped when its reader lets it go */
    if (rc == 0) {
        note_mode(l, root, relative, &st);
        return 0;
    }
    cl_buf_deinit(l->ret);
    if (cl_streq(own.reason, "NotFound")) {
        cl_strv_take(l->tried, cl_printf("%s/%s", root, relative));
        return 1;
    }
    if (cl_streq(own.reason, "OutsideRoot") || cl_streq(own.reason, "SymbolicLink")) {
        char *what = cl_printf("%s/%s", root, relative);
        (void)forbidden(err, what, "it leads out of its directory");
        cl_free(what);
        return -1;
    }
    if (err != NULL) {
        *err = own;
    }
    return -1;
}

static int read_named(const struct lookup *l, const char *namespace_, const char *name,
                      const char *key, struct cl_err *err)
{
    int rc = 1;

    if (!cl_str_empty(namespace_)) {
        char *relative = cl_printf("%s/%s/%s", namespace_, name, key);
        rc = read_beneath(l, l->paths->secrets, relative, err);
        cl_free(relative);
    }
    if (rc == 1) {
        char *relative = cl_printf("%s/%s", name, key);
        rc = read_beneath(l, l->paths->secrets, relative, err);
        cl_free(relative);
    }
    return rc;
}

/* The part of @file below @root, or NULL. */
static const char *below(const char *file, const char *root)
{
    size_t len = strlen(root);

    while (len > 0 && root[len - 1] == '/') {
        len--;
    }
    return len > 0 && strncmp(file, root, len) == 0 && file[len] == '/' ? file + len + 1 : NULL;
}

static int read_file(const struct lookup *l, const char *file, struct cl_err *err)
{
    const struct config *config = l->config;
    const char *relative = below(file, l->paths->secrets);

    if (relative != NULL) {
        return read_beneath(l, l->paths->secrets, relative, err);
    }
    for (size_t i = 0; config != NULL && i < config->secret_roots.len; i++) {
        relative = below(file, config->secret_roots.items[i]);
        if (relative != NULL) {
            return read_beneath(l, config->secret_roots.items[i], relative, err);
        }
    }
    return forbidden(err, file,
                     "it lies neither below the secrets directory nor below a secretRoots entry of "
                     "the Configuration");
}

static int take_value(const struct lookup *l, const char *value, const char *what)
{
    if (value == NULL) {
        cl_strv_add(l->tried, what);
        return 1;
    }
    cl_buf_init_secret(l->ret, SECRET_MAX);
    (void)cl_buf_adds(l->ret, value); /* environments are far smaller */
    return 0;
}

static int read_env(const struct lookup *l, const char *env, struct cl_err *err)
{
    char what[128];

    (void)cl_format(what, sizeof(what), "the environment variable %s", env);
    if (l->config == NULL || !cl_strv_has(&l->config->secret_env, env)) {
        return forbidden(err, what, "it is not listed in secretEnv of the Configuration");
    }
    return take_value(l, sys_getenv(env), what);
}

static int read_credential(const struct lookup *l, const char *name, struct cl_err *err)
{
    const char *dir = sys_getenv("CREDENTIALS_DIRECTORY");

    if (cl_str_empty(dir)) {
        return take_value(l, NULL,
                          "$CREDENTIALS_DIRECTORY (not set: no LoadCredential= in the "
                          "unit of the service)");
    }
    return read_beneath(l, dir, name, err);
}

static int find(const struct lookup *l, const char *namespace_, const struct secret_ref *ref,
                const char *key, struct cl_err *err)
{
    if (!cl_str_empty(ref->file)) {
        return read_file(l, ref->file, err);
    }
    if (!cl_str_empty(ref->env)) {
        return read_env(l, ref->env, err);
    }
    if (!cl_str_empty(ref->credential)) {
        return read_credential(l, ref->credential, err);
    }
    if (cl_str_empty(ref->name)) {
        return cl_fail(err, CL_ERR_PERMANENT, "SecretNotFound", "no secret is named");
    }
    return read_named(l, namespace_, ref->name, key, err);
}

static void trim_and_mask(struct cl_buf *b)
{
    while (b->len > 0 && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r')) {
        b->data[--b->len] = '\0';
    }
    cl_log_mask(cl_buf_str(b));
}

/* NOLINTNEXTLINE(readability-function-size): eight parameters by contract, none of them related */
int secret_read(const struct paths *p, const struct config *config, const char *namespace_,
                const struct secret_ref *ref, const char *default_key, struct cl_buf *ret,
                char **ret_note, struct cl_err *err)
{
    struct cl_strv tried = {0};
    struct cl_buf value = {0};
    char *own_note = NULL;
    const struct lookup l = {p, config, &value, &own_note, &tried};
    int rc = find(&l, namespace_, ref, cl_str_or(ref->key, default_key), err);

    if (rc == 1) {
        char *places = cl_strv_join(&tried, " and ");
        rc = cl_fail(err, CL_ERR_PERMANENT, "SecretNotFound", "there is no %s", places);
        cl_free(places);
    }
    if (rc == 0) {
        trim_and_mask(&value);
        *ret = value;
        if (ret_note != NULL) {
            *ret_note = own_note;
            own_note = NULL;
        }
    }
    cl_free(own_note);
    cl_strv_deinit(&tried);
    return rc;
}
