/* SPDX-License-Identifier: Apache-2.0 */
/* webroot: the answer is a file below a directory that another web server serves. Order of events:
 * the journal entry is durable, the file is written, ..., the file is removed, then the entry. A
 * crash anywhere leaves an entry, and solvers_recover removes the file; so does a timer, when a disk
 * that is full or broken did not let it go at once.
 *
 * Who owns such a directory need not be trusted: nothing below the root that the Configuration
 * allows may be a symbolic link (backends/rt/disk.h), or the write is refused. */
#include "backends/rt/disk.h"
#include "backends/rt/op_later.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define JOURNAL "journal"
#define JOURNAL_MAGIC "certloop webroot 1"
#define JOURNAL_MAX ((size_t)16 * 1024)
#define LEFT_RETRY CL_MINUTE

/* A file to be: ROOT is one of the Configuration's webroots, RELATIVE what leads to the token. */
struct place {
    char *root, *relative;
};
/* One webroot_present under way. Frees itself. */
struct presenting {
    struct solvers *s;
    struct cl_op *op;
    struct cl_op commit;
    struct place place;
    char *content;
    bool cancelled;
};

static void place_deinit(struct place *p)
{
    cl_free(p->root);
    cl_free(p->relative);
}

/* What of @path lies below @root: "" if equal, NULL if it does not. */
static const char *below(const char *path, const char *root)
{
    size_t len = strlen(root);
    while (len > 1 && root[len - 1] == '/') {
        len--;
    }
    if (strncmp(path, root, len) != 0) {
        return NULL;
    }
    if (len == 1) {
        return path + 1; /* root is "/" */
    }
    return path[len] == '\0' ? "" : path[len] == '/' ? path + len + 1 : NULL;
}

static bool has_odd_component(const char *path)
{
    struct cl_strv parts = {0};
    cl_strv_split(&parts, path, "/");
    bool odd = cl_strv_has(&parts, "..") || cl_strv_has(&parts, ".") ||
               strchr(path, '\n') != NULL || path[0] != '/';
    cl_strv_deinit(&parts);
    return odd;
}

static int place_find(const struct solvers *s, const struct solver_challenge *c, struct place *ret,
                      struct cl_err *err)
{
    const char *webroot = c->solver->http01.webroot;
    const char *rest = NULL;

    if (has_odd_component(webroot)) {
        return cl_fail(err, CL_ERR_PERMANENT, "WebrootForbidden",
                       "http01.webroot %s must be absolute and without \".\" and \"..\"", webroot);
    }
    cl_strv_for_each(root, &s->config->webroots) {
        rest = below(webroot, root);
        if (rest != NULL) {
            ret->root = cl_strdup(root);
            ret->relative =
                cl_printf("%s%s%s%s", rest, *rest != '\0' ? "/" : "", &HTTP01_PREFIX[1], c->token);
            return 0;
        }
    }
    return cl_fail(err, CL_ERR_PERMANENT, "WebrootForbidden",
                   "http01.webroot %s is not below one of spec.webroots of the Configuration",
                   webroot);
}

/* Directories are made below the webroot, never the webroot itself: it is probably mistyped. */
static int place_check(const struct solver_challenge *c, struct cl_err *err)
{
    const char *webroot = c->solver->http01.webroot;
    struct disk_stat st;
    if (disk_stat(webroot, &st, err) < 0) {
        return -1;
    }
    if (st.type != DISK_DIR) {
        return cl_fail(err, CL_ERR_LOCAL, "WebrootMissing",
                       "http01.webroot %s is not a directory; create it, or correct the spec",
                       webroot);
    }
    return 0;
}

/* One entry for each file: named by a hash, since a token may be longer than a file name. */
static char *journal_path(const struct solvers *s, const struct solver_challenge *c)
{
    char hex[CL_SHA256_TEXT];
    char *what = cl_printf("%s\n%s", c->solver->http01.webroot, c->token);
    char *relative = cl_printf(JOURNAL "/%s", cl_sha256_hex(what, strlen(what), hex));
    char *path = paths_state(s->paths, relative);
    cl_free(what);
    cl_free(relative);
    return path;
}

static void presenting_end(struct presenting *p, const struct cl_err *err)
{
    struct cl_op *op = p->op;
    place_deinit(&p->place);
    cl_free(p->content);
    cl_free(p);
    cl_op_done(op, err);
}

static void journalled(struct cl_op *commit, const struct cl_err *err)
{
    struct presenting *p = commit->user;
    struct cl_err why = {0};

    if (err != NULL) {
        why = *err;
    } else if (p->cancelled) {
        (void)cl_fail(&why, CL_ERR_CANCELLED, "Cancelled", "stopped before it was presented");
    } else {
        (void)disk_write_beneath(p->place.root, p->place.relative, p->content, strlen(p->content),
                                 0644, &why);
    }
    presenting_end(p, why.kind == CL_ERR_NONE ? NULL : &why);
}

static void presenting_cancel(struct cl_op *op)
{
    struct presenting *p = op->impl;
    p->cancelled = true;
}

void webroot_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op)
{
    struct cl_err err = {0};
    struct place place = {0};

    if (place_find(s, c, &place, &err) < 0 || place_check(c, &err) < 0) {
        place_deinit(&place);
        op_later(s->loop, op, &err);
        return;
    }
    struct presenting *p = cl_new(struct presenting);
    p->s = s;
    p->op = op;
    p->place = place;
    p->content = cl_strdup(c->key_authorization);
    p->commit = (struct cl_op){.done = journalled, .user = p};
    op->impl = p;
    op->cancel = presenting_cancel;

    char *path = journal_path(s, c);
    cl_strv_remove(&s->left, path); /* it is wanted again */
    char *directory = paths_state(s->paths, JOURNAL);
    char *entry = cl_printf(JOURNAL_MAGIC "\n%s\n%s\n", place.root, place.relative);
    struct disk_batch *b = disk_batch_create();
    disk_batch_mkdirs(b, directory, 0700);
    disk_batch_write(b, path, entry, strlen(entry), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    disk_commit(s->loop, b, &p->commit);
    cl_free(path);
    cl_free(directory);
    cl_free(entry);
}

/* The file first, then its entry: what stays is listed. */
static int remove_listed(const char *root, const char *relative, const char *entry,
                         struct cl_err *err)
{
    struct cl_err why = {0};
    if (disk_unlink_beneath(root, relative, &why) < 0 && !cl_streq(why.reason, "NotFound")) {
        if (err != NULL) {
            *err = why;
        }
        return -1;
    }
    return disk_unlink(entry, err);
}

static int recover_entry(const char *path, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_strv lines = {0};
    int rc = disk_read(path, JOURNAL_MAX, &text, NULL, err);
    if (rc == 0) {
        cl_strv_split(&lines, cl_buf_str(&text), "\n");
        rc = lines.len == 3 && cl_streq(lines.items[0], JOURNAL_MAGIC)
                 ? remove_listed(lines.items[1], lines.items[2], path, err)
                 : cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "%s is not a journal entry", path);
    }
    cl_strv_deinit(&lines);
    cl_buf_deinit(&text);
    return rc;
}

/* ---- what could not be removed ---- */

static void retry_left(struct loop_timer *t);

static void leave(struct solvers *s, const char *entry, const struct cl_err *err)
{
    if (!cl_strv_has(&s->left, entry)) {
        cl_log(CL_LOG_WARNING, "", err->reason,
               "an answered challenge is still in a webroot: %s; "
               "tried again every minute",
               err->text);
        cl_strv_add(&s->left, entry);
    }
    if (!cl_heap_contains(&s->left_timer.node)) {
        loop_at(s->loop, &s->left_timer, loop_now(s->loop) + LEFT_RETRY, retry_left, s);
    }
}

static void retry_left(struct loop_timer *t)
{
    struct solvers *s = t->user;
    struct cl_strv left = s->left;

    s->left = (struct cl_strv){0};
    cl_strv_for_each(entry, &left) {
        struct cl_err err = {0};
        if (recover_entry(entry, &err) < 0 && !cl_streq(err.reason, "NotFound")) {
            cl_strv_add(&s->left, entry);
        }
    }
    cl_strv_deinit(&left);
    if (s->left.len > 0) {
        loop_at(s->loop, &s->left_timer, loop_now(s->loop) + LEFT_RETRY, retry_left, s);
    }
}

void webroot_deinit(struct solvers *s)
{
    loop_timer_stop(s->loop, &s->left_timer);
    cl_strv_deinit(&s->left);
}

int webroot_cleanup(struct solvers *s, const struct solver_challenge *c, struct cl_err *err)
{
    struct place place = {0};
    struct cl_err why = {0};
    char *entry = journal_path(s, c);
    int rc = place_find(s, c, &place, &why);
    if (rc == 0 && (rc = remove_listed(place.root, place.relative, entry, &why)) < 0) {
        leave(s, entry, &why);
    }
    if (rc < 0 && err != NULL) {
        *err = why;
    }
    cl_free(entry);
    place_deinit(&place);
    return rc;
}

int webroot_recover(struct solvers *s, struct cl_err *err)
{
    struct cl_strv names = {0};
    struct cl_err why = {0};
    char *directory = paths_state(s->paths, JOURNAL);
    int rc = disk_list(directory, &names, &why);

    if (rc < 0 && cl_streq(why.reason, "NotFound")) {
        rc = 0; /* nothing was ever left anywhere */
    } else if (rc < 0) {
        *err = why;
    }
    cl_strv_for_each(name, &names) {
        char *path = cl_printf("%s/%s", directory, name);
        if (name[0] != '.' && recover_entry(path, err) < 0) {
            leave(s, path, err);
            rc = -1; /* the others are tried all the same */
        }
        cl_free(path);
    }
    cl_strv_deinit(&names);
    cl_free(directory);
    return rc;
}
