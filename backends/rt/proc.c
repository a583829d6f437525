/* SPDX-License-Identifier: Apache-2.0 */
/* proc: look up the user (on the thread pool, NSS may block), spawn, read the output, wait, report.
 * The child leads its own session and process group, so that a signal at the deadline reaches all
 * that it started. With a user, libuv sets gid and uid and drops all supplementary groups. Ends are:
 * exit, deadline (SIGTERM, 5 s later SIGKILL), cancelled (the same at once), not started. */
#include "backends/rt/proc.h"

#include "backends/rt/disk_internal.h"
#include "backends/rt/loop_internal.h"
#include "backends/rt/offload.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static const cl_time KILL_AFTER = 5 * CL_SECOND;
static const cl_time DEFAULT_TIMEOUT = 60 * CL_SECOND;

struct proc {
    struct loop *loop;
    struct proc_op *op;
    struct cl_strv argv, env;
    char *user, *directory, *input; /* owned, may be NULL */
    cl_time timeout;
    struct cl_op lookup;
    unsigned uid, gid;
    uv_process_t process;
    uv_timer_t deadline; /* monotonic: a clock step must not kill a hook */
    int out;             /* read end of stdout and stderr */
    struct loop_fd *out_watch;
    uint64_t started_ns;
    bool cancelled;
    bool term_sent;
    struct loop_leftover stragglers; /* of the group, after done was called */
    struct loop_task fail_task;      /* done must not come from proc_start */
    struct cl_err err;
    unsigned open_handles;
};

static void proc_free(struct proc *p)
{
    cl_strv_deinit(&p->argv);
    cl_strv_deinit(&p->env);
    cl_free(p->user);
    cl_free(p->directory);
    cl_free_secret(p->input);
    cl_free(p);
}

static void handle_closed(uv_handle_t *handle)
{
    struct proc *p = handle->data;

    if (--p->open_handles == 0) {
        proc_free(p);
    }
}

/* ---- not started ---- */

static void report_failure(struct loop_task *t)
{
    struct proc *p = t->user;
    struct proc_op *op = p->op;
    struct cl_err err = p->err;

    if (p->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "cancelled before it was started");
    }
    proc_free(p);
    cl_op_done(&op->op, &err);
}

static void fail_later(struct proc *p)
{
    loop_defer(p->loop, &p->fail_task, report_failure, p);
}

/* ---- running ---- */

enum { CHUNK = 4096 };
_Static_assert(CHUNK <= PROC_OUTPUT_MAX, "a chunk is kept whole");

static void keep_tail(struct proc_op *op, const char *data, size_t len)
{
    size_t keep = op->output_len;

    if (keep + len > PROC_OUTPUT_MAX) {
        keep = PROC_OUTPUT_MAX - len;
        memmove(op->output, op->output + (op->output_len - keep), keep);
    }
    memcpy(op->output + keep, data, len);
    op->output_len = keep + len;
    op->output[op->output_len] = '\0';
}

/* Reads what is there. Bounded for each call, so that a child that floods cannot hold the loop; at
 * the exit a pipe holds 64 KiB at most. */
static void read_output(void *user, int fd, unsigned ready)
{
    struct proc *p = user;
    char chunk[CHUNK];

    (void)ready;
    for (int i = 0; i < 32; i++) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return; /* EAGAIN: nothing more for now */
        }
        if (n == 0) {
            loop_fd_change(p->out_watch, 0); /* all writers have closed */
            return;
        }
        keep_tail(p->op, chunk, (size_t)n);
    }
}

static void signal_group(const struct proc *p, int signum)
{
    (void)kill(-(pid_t)p->process.pid, signum); /* ESRCH: all gone */
}

static void deadline_passed(uv_timer_t *handle)
{
    struct proc *p = handle->data;

    if (p->term_sent) {
        signal_group(p, SIGKILL);
        if (p->stragglers.end != NULL) {
            cl_list_remove(&p->stragglers.link);
            uv_close((uv_handle_t *)&p->deadline, handle_closed);
        }
        return;
    }
    p->term_sent = true;
    p->op->timed_out = !p->cancelled;
    signal_group(p, SIGTERM);
    (void)uv_timer_start(&p->deadline, deadline_passed, (uint64_t)KILL_AFTER, 0);
}

static void end_stragglers(struct loop_leftover *o)
{
    deadline_passed(&cl_container(o, struct proc, stragglers)->deadline);
}

static void proc_cancel(struct cl_op *op)
{
    struct proc *p = op->impl;

    if (p->cancelled) {
        return;
    }
    p->cancelled = true;
    if (p->lookup.impl != NULL) {
        cl_op_cancel(&p->lookup);
    } else if (p->open_handles != 0 && !p->term_sent) {
        (void)uv_timer_stop(&p->deadline);
        deadline_passed(&p->deadline);
    }
}

static void child_exited(uv_process_t *process, int64_t status, int signum)
{
    struct proc *p = process->data;
    struct proc_op *op = p->op;

    read_output(p, p->out, LOOP_READ);
    loop_fd_unwatch(p->out_watch);
    (void)close(p->out); /* a daemon that the child left behind gets no reader */
    op->exit_code = signum == 0 && !op->timed_out ? (int)status : -1;
    op->term_signal = signum;
    op->duration = (cl_time)((uv_hrtime() - p->started_ns) / 1000000U);
    bool cancelled = p->cancelled;
    uv_close((uv_handle_t *)&p->process, handle_closed);
    /* What the child started and the SIGTERM did not end keeps its 5 s; while it lives, its group
     * id cannot belong to anyone else. */
    if (p->term_sent && kill(-(pid_t)process->pid, 0) == 0) {
        p->stragglers.end = end_stragglers;
        loop_leave(p->loop, &p->stragglers);
    } else {
        uv_close((uv_handle_t *)&p->deadline, handle_closed);
    }
    if (cancelled) {
        struct cl_err err = {0};
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "cancelled; the program was ended");
        cl_op_done(&op->op, &err);
    } else {
        cl_op_done(&op->op, NULL);
    }
}

/* ---- starting ---- */

/* Not by execvp: the search path must be ours, not that of the child's environment. */
static char *find_program(const char *name)
{
    static const char *const DIRS[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
    struct disk_stat st;

    if (name[0] == '/') {
        return cl_strdup(name);
    }
    if (strchr(name, '/') != NULL) {
        return NULL; /* relative to what? */
    }
    for (size_t i = 0; i < sizeof DIRS / sizeof DIRS[0]; i++) {
        char *path = cl_printf("%s/%s", DIRS[i], name);
        if (disk_stat(path, &st, NULL) == 0 && st.type == DISK_FILE && (st.mode & 0111U) != 0) {
            return path;
        }
        cl_free(path);
    }
    return NULL;
}

/* The input as a file without a name: never blocks, and no pipe that could break. */
static int input_fd(const char *input, struct cl_err *err)
{
    if (input == NULL) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = strlen(input);
    size_t done = 0;
    while (fd >= 0 && done < len) {
        ssize_t n = write(fd, input + done, len - done);
        if (n <= 0) {
            (void)close(fd);
            fd = -1;
        } else {
            done += (size_t)n;
        }
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        (void)cl_fail_errno(err, errno, "SpawnFailed", "cannot prepare the input");
        return -1;
    }
    return fd;
}

static int spawn(struct proc *p, const char *file, int in, int out)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = in},
        {.flags = UV_INHERIT_FD, .data.fd = out},
        {.flags = UV_INHERIT_FD, .data.fd = out},
    };
    uv_process_options_t options = {
        .exit_cb = child_exited,
        .file = file,
        .args = p->argv.items, /* NULL-terminated by copy_request */
        .env = p->env.items,
        .cwd = p->directory != NULL ? p->directory : "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    if (p->user != NULL && (p->uid != geteuid() || geteuid() == 0)) {
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        options.uid = (uv_uid_t)p->uid;
        options.gid = (uv_gid_t)p->gid;
    }
    /* Nothing but these three: also not what our own parent passed on to us. Before Linux 5.11
     * this fails, and O_CLOEXEC on all our own descriptors has to do. */
    (void)close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    return uv_spawn(loop_uv(p->loop), &p->process, &options);
}

static void drop_process(uv_handle_t *handle)
{
    fail_later(handle->data);
}

static void child_started(struct proc *p)
{
    p->open_handles = 2;
    p->started_ns = uv_hrtime();
    (void)uv_timer_init(loop_uv(p->loop), &p->deadline);
    p->deadline.data = p;
    uv_update_time(loop_uv(p->loop)); /* spawning took a while */
    (void)uv_timer_start(&p->deadline, deadline_passed, (uint64_t)p->timeout, 0);
    p->out_watch = loop_fd_watch(p->loop, p->out, LOOP_READ, read_output, p);
}

static void start_child(struct proc *p)
{
    const char *name = p->argv.items[0];
    char *file = find_program(name);
    int pipe_fds[2];

    if (file == NULL) {
        (void)cl_fail(&p->err, CL_ERR_LOCAL, "NotFound",
                      "no program '%s' in /usr/sbin, /usr/bin, /sbin or /bin", name);
        fail_later(p);
        return;
    }
    int in = input_fd(p->input, &p->err);
    if (in < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0) {
        (void)cl_fail_errno(&p->err, errno, "SpawnFailed", "cannot prepare to run %s", name);
        if (in >= 0) {
            (void)close(in);
        }
        cl_free(file);
        fail_later(p);
        return;
    }
    p->process.data = p;
    int rc = spawn(p, file, in, pipe_fds[1]);
    (void)close(in);
    (void)close(pipe_fds[1]);
    cl_free(file);
    if (rc < 0) {
        (void)close(pipe_fds[0]);
        (void)cl_fail_errno(&p->err, -rc, rc == UV_ENOENT ? "NotFound" : "SpawnFailed",
                            "cannot run %s", name);
        uv_close((uv_handle_t *)&p->process, drop_process);
        return;
    }
    p->out = pipe_fds[0];
    (void)fcntl(p->out, F_SETFL, O_NONBLOCK);
    child_started(p);
}

static int look_up_user(void *arg, struct cl_err *err)
{
    struct proc *p = arg;

    return disk_lookup_user(p->user, &p->uid, &p->gid, err);
}

static void user_known(struct cl_op *lookup, const struct cl_err *err)
{
    struct proc *p = lookup->user;

    if (err != NULL || p->cancelled) {
        if (err != NULL) {
            p->err = *err;
        }
        fail_later(p);
        return;
    }
    start_child(p);
}

static void copy_request(struct proc *p, const struct proc_request *req)
{
    cl_strv_copy(&p->argv, req->argv);
    cl_strv_take(&p->argv, NULL); /* exec(3) wants the end marked */
    if (req->env != NULL) {
        cl_strv_copy(&p->env, req->env);
    }
    cl_strv_take(&p->env, NULL);
    p->user = cl_strdup(req->user);
    p->directory = cl_strdup(req->directory);
    p->input = cl_strdup(req->input);
    p->timeout = req->timeout > 0 ? req->timeout : DEFAULT_TIMEOUT;
}

void proc_start(struct loop *l, const struct proc_request *req, struct proc_op *op)
{
    struct proc *p = cl_new(struct proc);

    cl_assert(req->argv->len > 0);
    p->loop = l;
    p->op = op;
    op->exit_code = -1;
    op->term_signal = 0;
    op->timed_out = false;
    op->duration = 0;
    op->output[0] = '\0';
    op->output_len = 0;
    op->op.impl = p;
    op->op.cancel = proc_cancel;
    copy_request(p, req);
    if (p->user != NULL) {
        p->lookup = (struct cl_op){.done = user_known, .user = p};
        offload_start(l, look_up_user, p, &p->lookup);
    } else {
        start_child(p);
    }
}

int proc_signal(long pid, int signum, struct cl_err *err)
{
    if (pid <= 1 || pid > INT32_MAX) { /* 0, -1 and below are groups, 1 is init */
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "%ld is no usable process id", pid);
    }
    if (kill((pid_t)pid, signum) == 0) {
        return 0;
    }
    if (errno == ESRCH) {
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "there is no process %ld", pid);
    }
    return cl_fail_errno(err, errno, "PermissionDenied", "cannot send signal %d to process %ld",
                         signum, pid);
}
