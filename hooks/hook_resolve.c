/* SPDX-License-Identifier: Apache-2.0 */
/* hook_resolve: who may run what. An entry of a spec without an action names something that root
 * has declared: in the Configuration, or as a file of a hook directory. An entry with an action of
 * its own needs allowInlineHooks, whatever its name is. */
#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "hooks/hook_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define OTHERS_WRITE 0022U
#define ANY_EXECUTE 0111U

/* The action and whose it is from @action, the label from @name. When it runs is the spec's word. */
static void copy_hook(const struct hook_spec *action, const char *name, unsigned when,
                      struct hook_spec *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->name = cl_strdup(name);
    cl_strv_copy(&ret->exec, &action->exec);
    ret->signal_pid_file = cl_strdup(action->signal_pid_file);
    ret->signal_name = cl_strdup(action->signal_name);
    ret->systemd_unit = cl_strdup(action->systemd_unit);
    ret->systemd_action = cl_strdup(action->systemd_action);
    ret->user = cl_strdup(action->user);
    ret->timeout = action->timeout;
    ret->coalesce = action->coalesce;
    ret->retries = action->retries;
    ret->when = when;
}

static const struct hook_spec *configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->hooks.len; i++) {
        if (cl_streq(config->hooks.items[i].name, name)) {
            return &config->hooks.items[i];
        }
    }
    return NULL;
}

/* A name becomes a part of a path. */
static bool name_ok(const char *name)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return name[0] != '.' && strspn(name, ALLOWED) == strlen(name) && strlen(name) < 200;
}

/* What editors and package managers leave beside a file is not meant to run. */
static bool is_leftover(const char *file)
{
    static const char *const ENDS[] = {
        "~",         ".bak",      ".orig",     ".rej",       ".swp",    ".tmp",     ".old",
        ".disabled", ".dpkg-new", ".dpkg-old", ".dpkg-dist", ".rpmnew", ".rpmsave", ".rpmorig"};
    for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++) {
        if (cl_str_ends(file, ENDS[i])) {
            return true;
        }
    }
    return false;
}

/* NAME, else the first NAME.SOMETHING; owned, NULL if there is none. */
static char *find_in(const char *directory, const char *name)
{
    struct cl_strv files = {0};
    struct cl_err ignored = {0}; /* a hook directory need not exist */
    char *prefix = cl_printf("%s.", name);
    char *path = NULL;

    (void)disk_list(directory, &files, &ignored);
    if (cl_strv_has(&files, name)) {
        path = cl_printf("%s/%s", directory, name);
    }
    cl_strv_for_each(file, &files) {
        if (path == NULL && cl_str_starts(file, prefix) && !is_leftover(file)) {
            path = cl_printf("%s/%s", directory, file);
        }
    }
    cl_strv_deinit(&files);
    cl_free(prefix);
    return path;
}

static int check_safe(const char *path, enum disk_type type, unsigned need, struct cl_err *err)
{
    struct disk_stat st;
    if (disk_stat(path, &st, err) < 0) {
        return -1;
    }
    if (st.type != type) {
        return cl_fail(err, CL_ERR_LOCAL, "HookUnsafe", "%s is not a %s", path,
                       type == DISK_DIR ? "directory" : "regular file");
    }
    if ((st.uid != 0 && st.uid != sys_uid()) || (st.mode & OTHERS_WRITE) != 0) {
        return cl_fail(err, CL_ERR_LOCAL, "HookUnsafe",
                       "%s must belong to root or to certloop's user, and nobody else may write "
                       "to it (chmod go-w)",
                       path);
    }
    if (need != 0 && (st.mode & need) == 0) {
        return cl_fail(err, CL_ERR_LOCAL, "HookUnsafe", "%s is not executable (chmod +x)", path);
    }
    return 0;
}

static int resolve_file(const struct config *config, const struct hook_spec *spec,
                        struct hook_spec *ret, struct cl_err *err)
{
    cl_strv_for_each(directory, &config->hook_directories) {
        char *path = find_in(directory, spec->name);
        if (path == NULL) {
            continue;
        }
        int rc = check_safe(directory, DISK_DIR, 0, err);
        if (rc == 0) {
            rc = check_safe(path, DISK_FILE, ANY_EXECUTE, err);
        }
        if (rc == 0) {
            copy_hook(spec, spec->name, spec->when, ret);
            cl_free(ret->user); /* a spec has no say in that */
            ret->user = NULL;
            cl_strv_add(&ret->exec, path);
        }
        cl_free(path);
        return rc;
    }
    char *looked = cl_strv_join(&config->hook_directories, ", ");
    (void)cl_fail(err, CL_ERR_LOCAL, "HookNotFound",
                  "hook %s is neither in spec.hooks of the Configuration nor an executable file %s "
                  "or %s.* in %s",
                  spec->name, spec->name, spec->name, *looked != '\0' ? looked : "(no directory)");
    cl_free(looked);
    return -1;
}

int hook_resolve(const struct config *config, const struct hook_spec *spec, struct hook_spec *ret,
                 struct cl_err *err)
{
    const char *name = cl_str_or(spec->name, "");

    if (hook_kind_of(spec) != NULL) {
        if (!config->allow_inline_hooks) {
            return cl_fail(err, CL_ERR_PERMANENT, "HookForbidden",
                           "hook %s runs something by itself (%s); declare it in spec.hooks of the "
                           "Configuration and name it, or set allowInlineHooks there",
                           *name != '\0' ? name : "(unnamed)", hook_kind_of(spec)->name);
        }
        copy_hook(spec, spec->name, spec->when, ret);
        cl_free(ret->user);
        ret->user = NULL;
        return 0;
    }
    if (*name == '\0' || !name_ok(name)) {
        return cl_fail(err, CL_ERR_PERMANENT, "HookNotFound",
                       "\"%.100s\" cannot be the name of a hook", name);
    }
    const struct hook_spec *declared = configured(config, name);
    if (declared != NULL) {
        copy_hook(declared, name, spec->when, ret);
        return 0;
    }
    return resolve_file(config, spec, ret, err);
}
