/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_output: where outputs may be and with which modes, and what hooks may do. Writing a spec
 * must never be the right to run a program or to put a file where a program reads it. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_rules.h"
#include "spec/spec_values.h"

#include <string.h>

#define PATH_SIZE 600
#define DEFAULT_ROOTS "/etc,/var,/srv,/opt,/run"

/* ---- directories ---- */

/* Names of directories whose files are executed or parsed by programs of the system. */
static bool is_drop_in(const char *name)
{
    static const char *const NAMES[] = {
        "sudoers.d",  "systemd",    "profile.d",      "ssh",      "pam.d",    "init.d",
        "sysctl.d",   "udev",       "ld.so.conf.d",   "polkit-1", "dbus-1",   "logrotate.d",
        "tmpfiles.d", "modprobe.d", "modules-load.d", "apt",      "xinetd.d", ".ssh"};

    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            return true;
        }
    }
    return cl_str_starts(name, "cron.");
}

/* The top directories hold the files of the system: outputs go below them. A root that an
 * administrator added for outputs may be used as it is. */
static bool root_usable(const char *directory, const char *root)
{
    struct cl_strv system_roots = {0};

    cl_strv_split(&system_roots, DEFAULT_ROOTS ",/usr,/home,/", ",");
    bool is_system = cl_strv_has(&system_roots, directory);
    cl_strv_deinit(&system_roots);
    return path_below(directory, root) && !is_system;
}

static bool below_roots(const struct rules *r, const char *directory)
{
    struct cl_strv roots = {0};
    bool found = false;

    if (r->config != NULL) {
        cl_strv_copy(&roots, &r->config->output_roots);
    } else {
        cl_strv_split(&roots, DEFAULT_ROOTS, ",");
    }
    cl_strv_for_each(root, &roots) {
        found |= root_usable(directory, root);
    }
    cl_strv_deinit(&roots);
    return found;
}

/* What holds hooks or secrets is no place for outputs; the daemon checks its own directories. */
static const char *reserved_by(const struct rules *r, const char *directory)
{
    if (r->config == NULL) {
        return NULL;
    }
    cl_strv_for_each(hooks, &r->config->hook_directories) {
        if (path_below(directory, hooks)) {
            return "hooks";
        }
    }
    cl_strv_for_each(secrets, &r->config->secret_roots) {
        if (path_below(directory, secrets)) {
            return "secrets";
        }
    }
    return NULL;
}

static void check_directory(const struct rules *r, const char *directory, const char *path)
{
    struct cl_strv parts = {0};
    const char *reserved = reserved_by(r, directory);

    if (!below_roots(r, directory)) {
        rules_problem(r, false, path, "%s is not below one of the Configuration's outputRoots",
                      directory);
    }
    if (reserved != NULL) {
        rules_problem(r, false, path, "%s is a directory of %s; outputs do not go there", directory,
                      reserved);
    }
    cl_strv_split(&parts, directory, "/");
    cl_strv_for_each(part, &parts) {
        if (is_drop_in(part)) {
            rules_problem(r, false, path,
                          "programs of the system read the files in %s; outputs do not go there",
                          part);
            break;
        }
    }
    cl_strv_deinit(&parts);
}

/* ---- modes: normal forms, so digits are digits ---- */

static bool has_key(const struct output_file *f)
{
    for (size_t i = 0; i < f->n_parts; i++) {
        if (f->parts[i] == PART_KEY) {
            return true;
        }
    }
    return false;
}

static void check_key_mode(const struct rules *r, const struct output_spec *o, const char *mode,
                           const char *path)
{
    char others = mode[3];

    if (others == '0' || (others == '4' && o->allow_world_readable_key)) {
        return;
    }
    rules_problem(r, false, path,
                  others == '4' ? "%s lets everybody read the key; if that is meant, add "
                                  "allowWorldReadableKey: true"
                                : "%s lets everybody write",
                  mode);
}

static void check_cert_mode(const struct rules *r, const char *mode, const char *path)
{
    if (mode[3] != '0' && mode[3] != '4') {
        rules_problem(r, false, path, "%s lets everybody write", mode);
    }
}

void rules_output(const struct rules *r, struct output_spec *o, const char *path)
{
    char sub[PATH_SIZE];

    if (o->directory != NULL && !r->c.trusted) {
        (void)cl_format(sub, sizeof(sub), "%s.directory", path);
        check_directory(r, o->directory, sub);
    }
    if (o->take_over && !r->c.trusted && (r->config == NULL || !r->config->allow_take_over)) {
        (void)cl_format(sub, sizeof(sub), "%s.takeOver", path);
        rules_problem(r, false, sub, "needs allowTakeOver: true in the Configuration");
    }
    if (o->mode != NULL) {
        (void)cl_format(sub, sizeof(sub), "%s.mode", path);
        check_key_mode(r, o, o->mode, sub);
    }
    if (o->cert_mode != NULL) {
        (void)cl_format(sub, sizeof(sub), "%s.certMode", path);
        check_cert_mode(r, o->cert_mode, sub);
    }
    for (size_t i = 0; i < o->n_files; i++) {
        const struct output_file *f = &o->files[i];

        if (f->mode == NULL || f->name == NULL) {
            continue;
        }
        (void)cl_format(sub, sizeof(sub), "%s.files[\"%s\"].mode", path, f->name);
        if (has_key(f)) {
            check_key_mode(r, o, f->mode, sub);
        } else {
            check_cert_mode(r, f->mode, sub);
        }
    }
}

/* ---- hooks ---- */

void rules_hook(const struct rules *r, const struct hook_spec *h, const char *path)
{
    bool in_config = r->c.kind == SPEC_CONFIGURATION && strstr(path, ".defaults") == NULL;
    int kinds = (h->exec.len > 0) + (h->signal_pid_file != NULL) + (h->systemd_unit != NULL);

    if (kinds > 1) {
        rules_problem(r, false, path, "give one of exec, signal and systemd");
    } else if (kinds == 0 && (in_config || h->name == NULL)) {
        rules_problem(r, false, path,
                      in_config ? "needs one of exec, signal and systemd"
                                : "needs the name of a hook of the Configuration, or "
                                  "one of exec, signal and systemd");
    }
    if (h->timeout == 0) {
        char sub[PATH_SIZE];

        (void)cl_format(sub, sizeof(sub), "%s.timeout", path);
        rules_problem(r, false, sub, "must be longer than 0s");
    }
    if (kinds > 0 && r->c.kind != SPEC_CONFIGURATION && !r->c.trusted &&
        (r->config == NULL || !r->config->allow_inline_hooks)) {
        rules_problem(r, false, path,
                      "what a hook does is defined in the Configuration and named here; a spec of "
                      "its own needs allowInlineHooks: true there");
    }
}
