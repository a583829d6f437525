/* SPDX-License-Identifier: Apache-2.0 */
/* key_start: key generation beside the loop. Elliptic curves take microseconds and are done at once
 * (done still comes later); RSA takes up to seconds and goes to the thread pool, one at a time, so
 * that a hundred renewals of RSA keys do not keep every core busy. A cancelled generation that runs
 * already is left to end by itself and its key thrown away. */
#include "backends/crypto/key.h"
#include "backends/rt/offload.h"
#include "spec/base/cl_alloc.h"

/* One generation. Owned by itself: freed once its op was answered and its job is not running. */
struct keygen {
    struct cl_list link; /* in WAITING */
    struct loop *l;
    struct key_op *op; /* NULL once answered */
    struct loop_task answer;
    struct cl_op job;
    enum key_algorithm algorithm;
    long size;
    struct key *key;
    struct cl_err err; /* kind NONE: success */
    bool running;      /* in the thread pool */
};

/* The waiting line of the process (key.h says so): RSA generations that have not begun. */
static struct cl_list waiting;
static bool busy;

static void job_next(void);

static void keygen_free_if_over(struct keygen *g)
{
    if (g->op == NULL && !g->running) {
        key_destroy(g->key);
        cl_free(g);
    }
}

/* Runs in the loop, never from within key_generate_start or cl_op_cancel. */
static void answer_now(struct keygen *g)
{
    struct key_op *op = g->op;

    g->op = NULL;
    op->key = NULL;
    if (g->err.kind != CL_ERR_NONE) {
        cl_op_done(&op->op, &g->err); /* a running job may be writing g->key just now */
        return;
    }
    op->key = g->key; /* the caller's from here on */
    g->key = NULL;
    cl_op_done(&op->op, NULL);
}

static void answer_task(struct loop_task *t)
{
    struct keygen *g = t->user;

    answer_now(g);
    keygen_free_if_over(g);
}

/* In a worker thread: touches its own keygen only. */
static int job_work(void *arg, struct cl_err *err)
{
    struct keygen *g = arg;

    return key_generate(g->algorithm, g->size, &g->key, err);
}

static void job_done(struct cl_op *job, const struct cl_err *err)
{
    struct keygen *g = job->user;

    g->running = false;
    busy = false;
    if (g->op != NULL && g->err.kind == CL_ERR_NONE) {
        if (err != NULL) {
            g->err = *err;
        }
        answer_now(g);
    }
    /* A cancelled one is still answered by its task, which then frees it. */
    keygen_free_if_over(g);
    job_next();
}

static void job_next(void)
{
    if (busy || cl_list_empty(&waiting)) {
        return;
    }
    struct keygen *g = cl_container(waiting.next, struct keygen, link);
    cl_list_remove(&g->link);
    busy = true;
    g->running = true;
    g->job = (struct cl_op){.done = job_done, .user = g};
    offload_start(g->l, job_work, g, &g->job);
}

static void keygen_cancel(struct cl_op *op)
{
    struct keygen *g = op->impl;

    if (g->err.kind != CL_ERR_NONE) {
        return; /* already ending with an error */
    }
    op->cancel = NULL;
    cl_list_remove(&g->link);
    (void)cl_fail(&g->err, CL_ERR_CANCELLED, "Cancelled", "key generation was cancelled");
    if (!g->running) {
        key_destroy(g->key);
        g->key = NULL;
    }
    loop_defer(g->l, &g->answer, answer_task, g);
}

void key_generate_start(struct loop *l, enum key_algorithm algorithm, long size, struct key_op *op)
{
    struct keygen *g = cl_new(struct keygen);

    cl_list_init(&g->link);
    g->l = l;
    g->op = op;
    g->algorithm = algorithm;
    g->size = size;
    op->key = NULL;
    op->op.impl = g;
    op->op.cancel = keygen_cancel;
    if (algorithm == KEY_RSA) {
        if (waiting.next == NULL) {
            cl_list_init(&waiting);
        }
        cl_list_add_tail(&waiting, &g->link);
        job_next();
        return;
    }
    (void)key_generate(algorithm, size, &g->key, &g->err);
    loop_defer(l, &g->answer, answer_task, g);
}
