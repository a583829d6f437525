/* SPDX-License-Identifier: Apache-2.0 */
/* hook_signal: a signal to the process that a pid file names. The file must come from root, from us,
 * or from the owner of that very process: else whoever can write it could have any process
 * signalled. */
#include "backends/rt/disk.h"
#include "backends/rt/op_later.h"
#include "backends/rt/sys.h"
#include "hooks/hook_internal.h"

#include <string.h>

#define PID_FILE_MAX 64
#define PID_MAX 4194304U /* PID_MAX_LIMIT of Linux */

/* signal(7); the numbers are those of all Linux machines that Debian runs on but MIPS. */
static const struct {
    const char *name;
    int number;
} SIGNALS[] = {
    {"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"USR1", 10}, {"USR2", 12}, {"TERM", 15}, {"WINCH", 28},
};

static bool is_signal(const struct hook_spec *h)
{
    return !cl_str_empty(h->signal_pid_file);
}

static const char *name_of(const struct hook_spec *h)
{
    const char *name = cl_str_or(h->signal_name, "HUP");
    return cl_str_starts(name, "SIG") ? name + strlen("SIG") : name;
}

static char *label(const struct hook_spec *h)
{
    return cl_printf("signal %s to %s", name_of(h), h->signal_pid_file);
}

static int signal_number(const struct hook_spec *h, struct cl_err *err)
{
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        if (cl_streq(SIGNALS[i].name, name_of(h))) {
            return SIGNALS[i].number;
        }
    }
    return cl_fail(err, CL_ERR_PERMANENT, "HookInvalid", "there is no signal \"%.40s\" for a hook",
                   name_of(h));
}

static int parse_pid(char *text, const char *path, long *ret, struct cl_err *err)
{
    uint64_t pid = 0;
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    text += strspn(text, " \t\r\n");
    if (cl_parse_u64(text, PID_MAX, &pid) < 0 || pid <= 1) {
        return cl_fail(err, CL_ERR_LOCAL, "PidFileInvalid", "%s does not hold a process id", path);
    }
    *ret = (long)pid;
    return 0;
}

static int check_owner(const char *path, const struct disk_stat *file, long pid, struct cl_err *err)
{
    struct disk_stat process;
    char *proc = cl_printf("/proc/%ld", pid);
    int rc = disk_stat(proc, &process, err);

    cl_free(proc);
    if (rc < 0) {
        return -1;
    }
    if (process.type == DISK_NONE) {
        return cl_fail(err, CL_ERR_LOCAL, "NoSuchProcess",
                       "there is no process %ld, which %s names; is the service running?", pid,
                       path);
    }
    bool trusted = file->uid == 0 || file->uid == sys_uid() || file->uid == process.uid;
    if (!trusted || (file->mode & 0002) != 0) {
        return cl_fail(err, CL_ERR_LOCAL, "HookUnsafe",
                       "%s could have been written by others than the owner of process %ld", path,
                       pid);
    }
    return 0;
}

static int read_pid(const char *path, long *ret, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct disk_stat file;
    int rc = disk_read(path, PID_FILE_MAX, &text, &file, err);

    if (rc == 0) {
        char pid[PID_FILE_MAX + 1];
        (void)cl_format(pid, sizeof(pid), "%s", cl_buf_str(&text));
        rc = parse_pid(pid, path, ret, err);
    }
    cl_buf_deinit(&text);
    return rc == 0 ? check_owner(path, &file, *ret, err) : -1;
}

static void start(struct loop *l, const struct hook_spec *h, const struct hook_event *e,
                  struct hook_op *op)
{
    struct cl_err err = {0};
    long pid = 0;
    int number = signal_number(h, &err);

    (void)e; /* a signal carries nothing */
    if (number < 0) {
        op_later(l, &op->op, &err);
        return;
    }
    if (read_pid(h->signal_pid_file, &pid, &err) < 0 || proc_signal(pid, number, &err) < 0) {
        hook_failed(l, op, &err);
        return;
    }
    op_later(l, &op->op, NULL);
}

const struct hook_kind hook_kind_signal = {
    .name = "signal", .is = is_signal, .label = label, .start = start};
