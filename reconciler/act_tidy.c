/* SPDX-License-Identifier: Apache-2.0 */
/* act_tidy: of superseded revisions the certificate stays in the archive, the private key only while
 * it may serve as a rollback: a week after its successor was issued it is removed. */
#include "reconciler/act.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#define ROLLBACK_KEPT (7 * CL_DAY)

struct tidy_run {
    struct cl_op op;
    struct loose loose;
    struct daemon *d;
    char *display;
};

static void tidied(struct cl_op *op, const struct cl_err *err)
{
    struct tidy_run *r = op->user;
    if (err != NULL) {
        cl_log(CL_LOG_WARNING, r->display, err->reason, "old private keys not removed: %s",
               err->text);
    }
    daemon_loose_end(r->d, &r->loose);
    cl_free(r->display);
    cl_free(r);
}

/* Is there a key in a revision before @current? */
static bool has_old_key(const struct unit *u, long current)
{
    char *dir = paths_archive(&u->d->paths, u->key);
    struct cl_strv names = {0};
    struct cl_err err = {0};
    bool found = false;

    (void)disk_list(dir, &names, &err); /* not readable: nothing that could be removed */
    cl_strv_for_each(name, &names) {
        uint64_t number = 0;
        struct disk_stat st = {0};
        if (cl_parse_u64(name, (uint64_t)current - 1, &number) < 0) {
            continue;
        }
        char *path = cl_printf("%s/%s/privkey.pem", dir, name);
        found = found || (disk_lstat(path, &st, &err) == 0 && st.type != DISK_NONE);
        cl_free(path);
    }
    cl_strv_deinit(&names);
    cl_free(dir);
    return found;
}

void act_tidy(struct unit *u, cl_time now)
{
    const struct manifest *m = u->w->rev.manifest;
    if (u->w->rev.state != REVISION_OK || u->tidied == m->revision ||
        now - m->issued_at < ROLLBACK_KEPT) {
        return;
    }
    u->tidied = m->revision;
    if (!has_old_key(u, m->revision)) {
        return;
    }
    struct tidy_run *r = cl_new(struct tidy_run);
    struct disk_batch *b = disk_batch_create();
    r->d = u->d;
    r->display = cl_strdup(u->display);
    archive_drop_old_keys(&u->d->paths, u->key, m->revision, b);
    unit_event(u, false, "OldKeysRemoved",
               "private keys of revisions before %ld are removed from the archive: it has been in "
               "use for 7 days",
               m->revision);
    r->op = (struct cl_op){.done = tidied, .user = r};
    daemon_loose(r->d, &r->loose, &r->op);
    disk_commit(u->d->loop, b, &r->op);
}
