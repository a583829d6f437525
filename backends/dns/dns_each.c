/* SPDX-License-Identifier: Apache-2.0 */
/* dns_each: walking through a batch, and small things that providers without zones of their own
 * share. */
#include "backends/dns/dns_each.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <string.h>

/* The value under the cursor; false: there is none left of this kind. */
static bool look(struct dns_each *e, bool present, struct dns_item *ret)
{
    for (; e->change < e->op->n; e->change++, e->value = 0) {
        const struct dns_change *c = &e->op->changes[e->change];
        const struct cl_strv *values = present ? &c->add : &c->remove;
        if (e->value < values->len) {
            *ret = (struct dns_item){
                .present = present, .fqdn = c->fqdn, .value = values->items[e->value]};
            if (e->op->detail != NULL) {
                ret->detail = e->op->detail(e->op->detail_user, ret->fqdn, ret->value);
            }
            e->value++;
            return true;
        }
    }
    return false;
}

static void end(struct dns_each *e, const struct cl_err *err)
{
    struct cl_op *op = &e->op->op;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
    }
    loop_task_cancel(&e->task);
    cl_free(e);
    cl_op_done(op, err != NULL ? &own : NULL);
}

static void step(struct loop_task *t)
{
    struct dns_each *e = t->user;
    struct dns_item item;
    struct cl_err err;

    if (e->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
        end(e, &err);
        return;
    }
    bool found = look(e, e->item.present, &item);
    if (!found && e->item.present) {
        e->item.present = false;
        e->change = e->value = 0;
        found = look(e, false, &item);
    }
    if (!found) {
        end(e, NULL);
        return;
    }
    e->item = item;
    e->send(e, &e->item);
}

static void cancel(struct cl_op *op)
{
    struct dns_each *e = op->impl;

    e->cancelled = true;
    if (e->under != NULL) {
        cl_op_cancel(e->under);
    }
}

void dns_each_start(struct dns_each *take_each, struct loop *l, struct dns_apply_op *op,
                    void (*send)(struct dns_each *each, const struct dns_item *item))
{
    take_each->loop = l;
    take_each->op = op;
    take_each->send = send;
    take_each->item.present = true;
    op->op.impl = take_each;
    op->op.cancel = cancel;
    loop_defer(l, &take_each->task, step, take_each);
}

void dns_each_under(struct dns_each *each, struct cl_op *op)
{
    each->under = op;
}

void dns_each_next(struct dns_each *each, const struct cl_err *err)
{
    each->under = NULL;
    if (err != NULL) {
        end(each, err);
        return;
    }
    loop_defer(each->loop, &each->task, step, each);
}

/* ---- zones ---- */

struct given {
    struct loop_task task;
    struct dns_zone_op *op;
    char *zone;
};

static void give(struct loop_task *t)
{
    struct given *g = t->user;
    struct dns_zone_op *op = g->op;
    char *zone = g->zone;

    cl_free(g);
    op->zone = zone;
    cl_op_done(&op->op, NULL);
    cl_free(zone);
}

void dns_zone_given(struct loop *l, struct dns_zone_op *op, const char *zone)
{
    struct given *g = cl_new(struct given);

    g->op = op;
    g->zone = cl_strdup(zone);
    op->op.impl = g;
    op->op.cancel = NULL; /* it comes in the next turn */
    loop_defer(l, &g->task, give, g);
}

char *dns_basic_auth(const char *username, const char *password)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct cl_buf plain, out;

    cl_buf_init_secret(&plain, 4096);
    cl_buf_init_secret(&out, 8192);
    (void)cl_buf_addf(&plain, "%s:%s", username, password);
    (void)cl_buf_adds(&out, "Authorization: Basic ");
    for (size_t i = 0; i < plain.len; i += 3) {
        unsigned char b[3] = {0};
        size_t n = plain.len - i < 3 ? plain.len - i : 3;
        memcpy(b, plain.data + i, n);
        const char four[4] = {ALPHABET[b[0] >> 2], ALPHABET[(b[0] & 3) << 4 | b[1] >> 4],
                              n > 1 ? ALPHABET[(b[1] & 15) << 2 | b[2] >> 6] : '=',
                              n > 2 ? ALPHABET[b[2] & 63] : '='};
        (void)cl_buf_add(&out, four, sizeof(four));
    }
    cl_buf_deinit(&plain);
    return cl_buf_take(&out);
}
