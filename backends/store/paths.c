/* SPDX-License-Identifier: Apache-2.0 */
/* paths: names in the state directory, and the directory itself: folders with their modes, and the
 * number of the format in which everything in it is written. */
#include "backends/store/paths.h"

#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define FILE_NAME_MAX 240u /* leaves room for temporary names */
#define SCHEMA_FILE_MAX 64u

void paths_deinit(struct paths *p)
{
    cl_free(p->specs);
    cl_free(p->state);
    cl_free(p->secrets);
    cl_free(p->live);
    cl_free(p->config);
    *p = (struct paths){0};
}

char *paths_state(const struct paths *p, const char *relative)
{
    return cl_printf("%s/%s", p->state, relative);
}

char *paths_archive(const struct paths *p, const char *key)
{
    return cl_printf("%s/archive/%s", p->state, key);
}

char *paths_memory(const struct paths *p, const char *key, enum spec_kind kind)
{
    return cl_printf("%s/memory/%s%s.json", p->state, kind == SPEC_CERTIFICATE ? "" : "_issuers/",
                     key);
}

char *paths_status(const struct paths *p, const char *namespace_, const char *name,
                   enum spec_kind kind)
{
    bool has_ns = !cl_str_empty(namespace_);

    if (kind == SPEC_CERTIFICATE) {
        return cl_printf("%s/status/%s%s%s.json", p->state, has_ns ? namespace_ : "",
                         has_ns ? "/" : "", name);
    }
    /* "_" cannot occur in a name, so NAMESPACE_NAME is nobody else's file. */
    return cl_printf("%s/status/issuers/%s%s%s.json", p->state, has_ns ? namespace_ : "",
                     has_ns ? "_" : "", name);
}

/* A path relative to the spec directory as one file name: "/" and "%" are escaped, and what is too
 * long keeps its beginning and gets a hash. */
char *paths_status_file(const struct paths *p, const char *basename)
{
    struct cl_buf name;
    char hex[CL_SHA256_TEXT];

    cl_buf_init(&name, 3 * strlen(basename) + CL_SHA256_TEXT);
    for (const char *s = basename; *s != '\0'; s++) {
        if (*s == '/' || *s == '%') {
            (void)cl_buf_addf(&name, "%%%02X", (unsigned)(unsigned char)*s);
        } else {
            (void)cl_buf_add(&name, s, 1);
        }
    }
    char *text = cl_buf_take(&name);
    if (strlen(text) > FILE_NAME_MAX) {
        cl_sha256_hex(basename, strlen(basename), hex);
        (void)cl_format(text + FILE_NAME_MAX - 20, 20, "~%.16s", hex);
    }
    char *path = cl_printf("%s/status/_files/%s.json", p->state, text);
    cl_free(text);
    return path;
}

char *paths_live(const struct paths *p, const char *dirname)
{
    return cl_printf("%s/%s", p->live, dirname);
}

char *paths_account(const struct paths *p, const char *issuer_key)
{
    return cl_printf("%s/accounts/%s", p->state, issuer_key);
}

/* ---- the directory ---- */

/* Folders below the state directory; "" is itself. */
static const struct folder {
    const char *name;
    unsigned mode;
} FOLDERS[] = {
    {"", 0711},
    {"archive", 0700},
    {"accounts", 0700},
    {"memory", 0700},
    {"memory/_issuers", 0700},
    {"ledger", 0700},
    {"ca", 0700},
    {"dns", 0700},
    {"journal", 0700},
    {"status", 0755},
    {"status/issuers", 0755},
    {"status/_files", 0755},
    {"requests", 0770},
};

static void note(struct cl_strv *notes, char *take_text)
{
    if (notes != NULL) {
        cl_strv_take(notes, take_text);
    } else {
        cl_free(take_text);
    }
}

/* A folder that is there already: never widened, since somebody may have closed it on purpose. */
static void tighten(const char *path, const struct disk_stat *st, unsigned mode,
                    struct cl_strv *notes)
{
    struct cl_err why = {0};
    unsigned narrow = st->mode & mode;

    if (st->uid != sys_uid()) {
        note(notes, cl_printf("%s is owned by user %u, but certloop runs as user %u", path, st->uid,
                              sys_uid()));
    }
    if ((st->mode & 0777 & ~mode) == 0) {
        return;
    }
    if (disk_chmod(path, narrow & 0777, &why) < 0) {
        note(notes, cl_printf("%s has mode %04o, wider than %04o, and cannot be changed: %s", path,
                              st->mode, mode, why.text));
    } else {
        note(notes, cl_printf("%s had mode %04o, wider than %04o: changed", path, st->mode, mode));
    }
}

static int prepare_folder(const char *path, unsigned mode, struct cl_strv *notes,
                          struct cl_err *err)
{
    struct disk_stat st;

    if (disk_stat(path, &st, err) < 0) {
        return -1;
    }
    if (st.type == DISK_NONE) {
        /* chmod: the mode of mkdir is cut by the umask. */
        return disk_mkdirs(path, mode, err) < 0 ? -1 : disk_chmod(path, mode, err);
    }
    if (st.type != DISK_DIR) {
        return cl_fail(err, CL_ERR_PERMANENT, "StateUnusable", "%s is not a directory", path);
    }
    tighten(path, &st, mode, notes);
    return 0;
}

static int write_schema(const struct paths *p, struct cl_err *err)
{
    char *path = paths_state(p, "schema");
    char text[16];
    struct disk_stat st;
    int rc = disk_stat(path, &st, err);

    if (rc == 0 && st.type == DISK_NONE) {
        (void)cl_format(text, sizeof(text), "%u\n", STATE_SCHEMA);
        rc = disk_write(path, text, strlen(text), 0644, err);
    }
    cl_free(path);
    return rc;
}

int paths_prepare(const struct paths *p, struct cl_strv *ret_notes, struct cl_err *err)
{
    for (size_t i = 0; i < sizeof(FOLDERS) / sizeof(FOLDERS[0]); i++) {
        const struct folder *f = &FOLDERS[i];
        char *path = f->name[0] == '\0' ? cl_strdup(p->state) : paths_state(p, f->name);
        int rc = prepare_folder(path, f->mode, ret_notes, err);
        cl_free(path);
        if (rc < 0) {
            return -1;
        }
    }
    if (prepare_folder(p->live, 0755, ret_notes, err) < 0) {
        return -1;
    }
    return write_schema(p, err);
}

int paths_check_schema(const struct paths *p, struct cl_err *err)
{
    char *path = paths_state(p, "schema");
    struct cl_buf text = {0};
    struct cl_err own = {0};
    uint64_t schema = 0;
    int rc = disk_read(path, SCHEMA_FILE_MAX, &text, NULL, &own);

    if (rc < 0) {
        rc = cl_streq(own.reason, "NotFound") ? 0 : -1; /* a new directory has none yet */
        if (rc < 0 && err != NULL) {
            *err = own;
        }
        cl_free(path);
        return rc;
    }
    for (; text.len > 0 && strchr(" \r\n", text.data[text.len - 1]) != NULL; text.len--) {
        text.data[text.len - 1] = '\0';
    }
    if (cl_parse_u64(cl_buf_str(&text), UINT32_MAX, &schema) < 0 || schema == 0) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "StateCorrupt",
                     "%s does not hold the number of a format: restore it, or write %u into it if "
                     "no newer version was ever run here",
                     path, STATE_SCHEMA);
    } else if (schema > STATE_SCHEMA) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "StateTooNew",
                     "%s says format %llu, but this version knows %u: run the newer version, or "
                     "restore a state of that time",
                     path, (unsigned long long)schema, STATE_SCHEMA);
    }
    cl_buf_deinit(&text);
    cl_free(path);
    return rc;
}
