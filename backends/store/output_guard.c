/* SPDX-License-Identifier: Apache-2.0 */
/* output_guard: where a spec's author may have files written. The right to drop a spec is the right
 * to install certificates within the Configuration's roots; it is not the right to have something
 * placed where programs are configured or run from, nor to be led out of a root by a link. */
#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "backends/store/output_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* Directories in which programs run or obey whatever file appears. */
static const char *const DROP_INS[] = {
    "sudoers.d",  "systemd",    "profile.d",      "ssh",      ".ssh",        "pam.d",
    "init.d",     "sysctl.d",   "udev",           "apt",      "polkit-1",    "dbus-1",
    "tmpfiles.d", "modprobe.d", "modules-load.d", "xinetd.d", "logrotate.d", "ld.so.conf.d"};
/* Too wide to be an output themselves, also when they are roots. */
static const char *const TOO_WIDE[] = {"/",     "/etc",  "/var",  "/srv",  "/opt", "/run",
                                       "/usr",  "/bin",  "/lib",  "/sbin", "/dev", "/sys",
                                       "/proc", "/boot", "/root", "/home"};

static int forbidden(struct cl_err *err, const char *directory, const char *why)
{
    return cl_fail(err, CL_ERR_PERMANENT, "OutputForbidden", "%s cannot be an output: %s",
                   directory, why);
}

/* Is @directory @root or below it? */
static bool is_within(const char *directory, const char *root)
{
    size_t len = root != NULL ? strlen(root) : 0;

    while (len > 1 && root[len - 1] == '/') {
        len--;
    }
    if (len == 1 && root[0] == '/') {
        return directory[0] == '/';
    }
    return len > 0 && strncmp(directory, root, len) == 0 &&
           (directory[len] == '\0' || directory[len] == '/');
}

static bool any_within(const char *directory, const struct cl_strv *roots)
{
    cl_strv_for_each(root, roots) {
        if (is_within(directory, root)) {
            return true;
        }
    }
    return false;
}

static const char *bad_component(const char *directory)
{
    struct cl_strv parts = {0};
    const char *why = NULL;

    cl_strv_split(&parts, directory, "/");
    cl_strv_for_each(part, &parts) {
        if (cl_streq(part, ".") || cl_streq(part, "..")) {
            why = "\".\" and \"..\" are not allowed in it";
        }
        if (cl_str_starts(part, "cron.")) {
            why = "files in cron.* are run as programs";
        }
        for (size_t i = 0; i < sizeof(DROP_INS) / sizeof(DROP_INS[0]); i++) {
            if (cl_streq(part, DROP_INS[i])) {
                why = "programs obey whatever file appears there";
            }
        }
    }
    cl_strv_deinit(&parts);
    return why;
}

static bool is_own(const struct paths *p, const struct config *config, const char *directory)
{
    bool own = false;

    if (p->config != NULL) { /* the directory of the Configuration, such as /etc/certloop */
        const char *slash = strrchr(p->config, '/');
        size_t len = slash != NULL ? (size_t)(slash - p->config) : 0;
        char *dir = cl_strndup(p->config, len);
        own = len > 0 && is_within(directory, dir);
        cl_free(dir);
    }
    return own || is_within(directory, p->specs) || is_within(directory, p->secrets) ||
           is_within(directory, p->state) ||
           (config != NULL && any_within(directory, &config->hook_directories));
}

int output_directory_allowed(const struct paths *p, const struct config *config,
                             const struct output_target *target, struct cl_err *err)
{
    const char *directory = target->directory;

    if (target->live) {
        return 0;
    }
    if (directory[0] != '/') {
        return forbidden(err, directory, "it is not an absolute path");
    }
    const char *why = bad_component(directory);
    if (why != NULL) {
        return forbidden(err, directory, why);
    }
    if (is_within(directory, p->live) && !cl_streq(directory, p->live)) {
        return 0;
    }
    if (is_own(p, config, directory)) {
        return forbidden(err, directory, "certloop keeps its own files there");
    }
    for (size_t i = 0; i < sizeof(TOO_WIDE) / sizeof(TOO_WIDE[0]); i++) {
        if (cl_streq(directory, TOO_WIDE[i])) {
            return forbidden(err, directory, "name a directory below it");
        }
    }
    if (config == NULL || !any_within(directory, &config->output_roots)) {
        return forbidden(err, directory,
                         "it is below none of the outputRoots of the Configuration");
    }
    return 0;
}

static int component_safe(const char *path, struct cl_err *err)
{
    struct disk_stat st;

    if (disk_lstat(path, &st, err) < 0) {
        return -1;
    }
    switch (st.type) {
    case DISK_NONE:
    case DISK_DIR:
        return 0;
    case DISK_LINK:
        if (st.uid == 0 || st.uid == sys_uid()) {
            return 0;
        }
        return cl_fail(
            err, CL_ERR_PERMANENT, "OutputUnsafe",
            "%s is a symbolic link of user %u, who could lead certloop anywhere: make it "
            "a directory, or let root own the link",
            path, st.uid);
    case DISK_FILE:
    case DISK_OTHER:
        break;
    }
    return cl_fail(err, CL_ERR_PERMANENT, "OutputUnsafe", "%s is not a directory", path);
}

int output_directory_safe(const char *directory, struct cl_err *err)
{
    char *path = cl_strdup(directory);
    int rc = 0;

    for (char *slash = path + 1; rc == 0 && slash != NULL;) {
        slash = strchr(slash, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        rc = component_safe(path, err);
        if (slash != NULL) {
            *slash++ = '/';
        }
    }
    cl_free(path);
    return rc;
}
