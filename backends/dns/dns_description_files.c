/* SPDX-License-Identifier: Apache-2.0 */
/* dns_description_files: finds descriptions in directories: the user's before the shipped ones. */
#include "backends/dns/dns_description.h"
#include "backends/dns/lang/dns_value.h"
#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* Who may write a description chooses where credentials are sent. */
static int check_trust(const char *path, const struct disk_stat *st, struct cl_err *err)
{
    if ((st->uid != 0 && st->uid != sys_uid()) || (st->mode & 02) != 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "ProviderUntrusted",
                       "%s has to belong to root or to the user that runs certloop and must not be "
                       "writable by everybody: it decides where credentials are sent",
                       path);
    }
    return 0;
}

static int read_checked(const char *dir, const char *path, struct cl_buf *ret, struct cl_err *err)
{
    struct disk_stat st;

    if (dir != NULL && (disk_stat(dir, &st, err) < 0 || check_trust(dir, &st, err) < 0)) {
        return -1;
    }
    if (disk_read(path, DNS_DESCRIPTION_MAX, ret, &st, err) < 0) {
        return -1;
    }
    return check_trust(path, &st, err);
}

static bool plain_name(const char *name)
{
    return *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

/* 1 found, 0 not there, -1. */
static int find(const struct cl_strv *dirs, const char *name, struct cl_buf *ret, char **ret_path,
                struct cl_err *err)
{
    for (size_t i = 0; plain_name(name) && i < dirs->len; i++) {
        struct disk_stat st;
        char *path = cl_printf("%s/%s.yaml", dirs->items[i], name);
        int rc = disk_stat(path, &st, err);
        if (rc == 0 && st.type == DISK_NONE) {
            cl_free(path);
            continue;
        }
        if (rc == 0) {
            rc = read_checked(dirs->items[i], path, ret, err);
        }
        *ret_path = path;
        return rc < 0 ? -1 : 1;
    }
    return 0;
}

static int find_base(void *user, const char *name, struct cl_buf *ret)
{
    struct cl_buf text = {0};
    char *path = NULL;
    int found = find(user, name, &text, &path, NULL);

    if (found == 1) {
        found = cl_buf_add(ret, cl_buf_str(&text), text.len) == 0 ? 1 : -1;
    }
    cl_buf_deinit(&text);
    cl_free(path);
    return found;
}

static int unknown(const struct cl_strv *dirs, const char *name, struct cl_err *err)
{
    struct cl_strv names = {0};
    char clean[CL_CLEAN_TEXT];

    dns_description_names(dirs, &names);
    size_t len = names.len;
    names.items = cl_reallocarray(names.items, len + 1, sizeof(char *));
    names.items[len] = NULL;
    names.cap = len + 1;
    const char *near = cl_str_suggest(name, (const char *const *)(void *)names.items);
    cl_clean(clean, sizeof clean, name, strlen(name));
    if (len == 0) {
        char *where = cl_strv_join(dirs, ", ");
        (void)cl_fail(err, CL_ERR_LOCAL, "ProvidersMissing",
                      "there are no descriptions of DNS providers in %s: install them, or set "
                      "spec.providerDirectories of the Configuration",
                      where);
        cl_free(where);
    } else if (near != NULL) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "ProviderUnknown",
                      "there is no DNS provider %s; did you mean %s?", clean, near);
    } else {
        (void)cl_fail(err, CL_ERR_PERMANENT, "ProviderUnknown",
                      "there is no DNS provider %s (%zu are known; certloop providers lists them)",
                      clean, len);
    }
    cl_strv_deinit(&names);
    return -1;
}

static void first_problem(const char *path, const struct spec_problems *problems,
                          struct cl_err *err)
{
    for (size_t i = 0; i < problems->len; i++) {
        if (!problems->items[i].warning) {
            (void)cl_fail(err, CL_ERR_PERMANENT, "ProviderInvalid", "%s:%u:%u: %s", path,
                          problems->items[i].line, problems->items[i].column,
                          problems->items[i].text);
            return;
        }
    }
}

struct dns_description *dns_description_open(const struct cl_strv *dirs, const char *name,
                                             char **ret_path, struct cl_err *err)
{
    struct dns_description_base base = {.find = find_base, .user = dns_mut(dirs)};
    struct spec_problems problems = {0};
    struct dns_description *d = NULL;
    struct cl_buf text = {0};
    char *path = NULL;
    int found = find(dirs, name, &text, &path, err);

    if (found == 0) {
        (void)unknown(dirs, name, err);
    } else if (found > 0) {
        d = dns_description_load(cl_buf_str(&text), text.len, &base, &problems);
        if (d == NULL) {
            first_problem(path, &problems, err);
        } else if (!cl_streq(d->name, name)) {
            (void)cl_fail(err, CL_ERR_PERMANENT, "ProviderInvalid",
                          "%s:1:1: provider says %s; it has to be the name of the file", path,
                          d->name);
            dns_description_unref(d);
            d = NULL;
        }
    }
    if (d != NULL && ret_path != NULL) {
        *ret_path = path;
        path = NULL;
    }
    cl_free(path);
    cl_buf_deinit(&text);
    spec_problems_deinit(&problems);
    return d;
}

struct dns_description *dns_description_open_file(const struct cl_strv *dirs, const char *path,
                                                  struct spec_problems *problems,
                                                  struct cl_err *err)
{
    struct dns_description_base base = {.find = find_base, .user = dns_mut(dirs)};
    struct dns_description *d = NULL;
    struct cl_buf text = {0};

    if (disk_read(path, DNS_DESCRIPTION_MAX, &text, NULL, err) == 0) {
        d = dns_description_load(cl_buf_str(&text), text.len, &base, problems);
    }
    cl_buf_deinit(&text);
    return d;
}

void dns_description_names(const struct cl_strv *dirs, struct cl_strv *ret)
{
    for (size_t i = 0; i < dirs->len; i++) {
        struct cl_strv files = {0};
        if (disk_list(dirs->items[i], &files, NULL) < 0) {
            continue; /* the user's directory need not be there */
        }
        cl_strv_for_each(file, &files) {
            if (cl_str_ends(file, ".yaml") && *file != '.') {
                cl_strv_take(ret, cl_strndup(file, strlen(file) - strlen(".yaml")));
            }
        }
        cl_strv_deinit(&files);
    }
    cl_strv_sort(ret);
    cl_strv_dedupe(ret);
}
