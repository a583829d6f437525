/* SPDX-License-Identifier: Apache-2.0 */
/* disk_append: a durable record at the end of a file: no temporary file, no rename, no directory to
 * sync. */
#include "backends/rt/disk_internal.h"
#include "backends/rt/offload.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct append {
    struct cl_op job;
    struct cl_op *op;
    char *path;
    char *data;
    size_t len;
};

static int append_work(void *arg, struct cl_err *err)
{
    const struct append *a = arg;
    int fd = open(a->path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return disk_fail(err, errno, "open", a->path);
    }
    int failed = disk_write_all(fd, a->data, a->len) < 0 || fdatasync(fd) < 0 ? errno : 0;
    if (close(fd) < 0 && failed == 0) {
        failed = errno;
    }
    return failed == 0 ? 0 : disk_fail(err, failed, "append to", a->path);
}

static void append_done(struct cl_op *job, const struct cl_err *err)
{
    struct append *a = job->user;
    struct cl_op *op = a->op;

    cl_free(a->path);
    cl_free(a->data);
    cl_free(a);
    cl_op_done(op, err);
}

void disk_append(struct loop *l, const char *path, const void *data, size_t len, struct cl_op *op)
{
    struct append *a = cl_new(struct append);

    a->op = op;
    a->path = cl_strdup(path);
    a->data = cl_malloc(len + 1);
    memcpy(a->data, data, len);
    a->len = len;
    op->cancel = NULL; /* takes milliseconds; half of it would be worse than all of it */
    op->impl = NULL;
    a->job = (struct cl_op){.done = append_done, .user = a};
    offload_start(l, append_work, a, &a->job);
}
