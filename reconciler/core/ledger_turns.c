/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_turns: who is held gets a turn: the earliest time at which every bucket it needs has a token
 * that nobody before it in the line takes.
 *
 * Of most buckets tokens are given in the order of the line. New orders are different: one that waits
 * for its domain must not keep the next ones from the account's tokens, so these are numbered slots, and
 * each takes the youngest free one that has come by its time (else the next that comes). A slot is
 * lost once as many younger ones have come as the bucket holds. */
#include "reconciler/core/ledger_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_list.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX ((size_t)1 << 20) /* what is planned for later than that does not compete */

struct ledger_slots {
    cl_time first; /* when slot 0 came, or comes */
    size_t len;
    /* By union-find with path halving; shifted by one in older, where 0 is "none". */
    uint32_t *newer, *older;
};

void ledger_slots_destroy(struct ledger_slots *s)
{
    if (s != NULL) {
        cl_free(s->newer);
        cl_free(s->older);
        cl_free(s);
    }
}

static void slots_grow(struct ledger_slots *s, size_t wanted)
{
    if (wanted < s->len) {
        return;
    }
    size_t len = wanted + wanted / 2 + 64;
    s->newer = cl_reallocarray(s->newer, len, sizeof *s->newer);
    s->older = cl_reallocarray(s->older, len + 1, sizeof *s->older);
    s->older[0] = 0;
    for (size_t i = s->len; i < len; i++) {
        s->newer[i] = (uint32_t)i;
        s->older[i + 1] = (uint32_t)i + 1;
    }
    s->len = len;
}

static size_t root(uint32_t *parent, size_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static size_t newer_free(struct ledger_slots *s, size_t i)
{
    slots_grow(s, i + 1);
    return root(s->newer, i); /* the last one is always free: see slots_take */
}

static void slots_take(struct ledger_slots *s, size_t i)
{
    slots_grow(s, i + 1);
    s->newer[i] = (uint32_t)i + 1;
    s->older[i + 1] = (uint32_t)i;
}

static struct ledger_slots *slots_of(struct ledger_bucket *b, cl_time now)
{
    if (b->slots == NULL) {
        b->slots = cl_new(struct ledger_slots);
        b->slots->first =
            ledger_bucket_full(b, now) - cl_time_max(b->limit.capacity - 1, 0) * b->limit.refill;
        slots_grow(b->slots, (size_t)b->limit.capacity);
    }
    return b->slots;
}

/* The state of a bucket after all turns given so far. */
static void refresh(const struct ledger *l, struct ledger_bucket *b, cl_time now)
{
    cl_time full = ledger_bucket_full(b, now);

    if (b->epoch != l->epoch) {
        b->epoch = l->epoch;
        b->given_full_at = full;
        ledger_slots_destroy(b->slots);
        b->slots = NULL;
    }
    b->given_full_at = cl_time_max(b->given_full_at, b->full_at);
}

static cl_time order_turn(struct ledger_bucket *b, cl_time when, cl_time now)
{
    struct ledger_slots *s = slots_of(b, now);
    cl_time refill = cl_time_max(b->limit.refill, 1);
    size_t next = 0;

    if (when >= s->first) {
        size_t come = (size_t)((when - s->first) / refill); /* the youngest that is there */
        if (come >= SLOTS_MAX) {
            return when;
        }
        slots_grow(s, come + 1);
        size_t found = root(s->older, come + 1);
        size_t capacity = (size_t)b->limit.capacity;
        size_t oldest = come + 1 > capacity ? come + 1 - capacity : 0;
        if (found > oldest) { /* shifted by one */
            slots_take(s, found - 1);
            return when;
        }
        next = come + 1;
    }
    next = newer_free(s, next);
    if (next < SLOTS_MAX) {
        slots_take(s, next);
    }
    return s->first + (cl_time)next * refill;
}

static cl_time free_after_given(const struct ledger_need *n)
{
    const struct ledger_bucket *b = n->bucket;
    cl_time slack = cl_time_max(b->limit.capacity - 1 - (long)n->keep, 0) * b->limit.refill;
    return b->given_full_at - slack;
}

static bool takes(const struct ledger_bucket *b)
{
    return b->kind == LEDGER_DOMAIN || b->kind == LEDGER_EXACT_SET;
}

/* Gives @t its turn, and takes its tokens in advance. */
static void place(struct ledger *l, struct ledger_ticket *t, cl_time now)
{
    cl_time when = now;
    struct ledger_bucket *why = NULL;
    struct ledger_bucket *orders = NULL;

    for (size_t i = 0; i < t->n; i++) {
        struct ledger_bucket *b = t->needs[i].bucket;
        refresh(l, b, now);
        if (b->kind == LEDGER_NEW_ORDERS) {
            orders = b;
            continue;
        }
        cl_time at = takes(b) ? free_after_given(&t->needs[i]) : ledger_free_at(b, 0, now);
        if (at > when) {
            when = at;
            why = b;
        }
    }
    if (orders != NULL) {
        cl_time at = order_turn(orders, when, now);
        why = at > when ? orders : why;
        when = at;
    }
    for (size_t i = 0; i < t->n; i++) {
        struct ledger_bucket *b = t->needs[i].bucket;
        if (takes(b)) {
            b->given_full_at = cl_time_max(b->given_full_at, when) + b->limit.refill;
        }
    }
    t->turn = when;
    ledger_line_decides(t, why);
}

/* ---- the line ---- */

void ledger_line_decides(struct ledger_ticket *t, struct ledger_bucket *b)
{
    if (t->decides != NULL) {
        t->decides->waiting--;
    }
    t->decides = b;
    if (b != NULL) {
        b->waiting++;
    }
}

static void count(const struct ledger_ticket *t, int by)
{
    for (size_t i = 0; i < t->n; i++) {
        t->needs[i].bucket->queued += (unsigned)by;
    }
}

void ledger_line_remove(struct ledger *l, struct ledger_ticket *t)
{
    if (cl_heap_contains(&t->wait)) {
        cl_heap_remove(&l->line, &t->wait);
        count(t, -1);
        ledger_line_decides(t, NULL);
    }
}

#define GOOD_DEAL(now, turn) (CL_MINUTE + ((turn) - (now)) / 100)

static bool is_crowded(const struct ledger_ticket *t, cl_time now)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct ledger_bucket *b = t->needs[i].bucket;
        if (b->kind == LEDGER_DOMAIN && (long)b->queued > ledger_left(b, now)) {
            return true;
        }
    }
    return false;
}

cl_time ledger_enter(struct ledger *l, struct ledger_ticket *t, cl_time urgency, cl_time now)
{
    if (t->reserved) {
        return now;
    }
    if (cl_heap_contains(&t->wait) && t->wait.when == urgency) {
        if (t->turn <= now) { /* does reality agree? */
            for (size_t i = 0; i < t->n; i++) {
                cl_time at = ledger_free_at(t->needs[i].bucket, t->needs[i].keep, now);
                if (at > t->turn && at > now) {
                    t->turn = at;
                    ledger_line_decides(t, t->needs[i].bucket);
                }
            }
        }
        return t->turn;
    }
    if (cl_heap_contains(&t->wait)) {
        l->stale = true; /* its old turn is free again */
    }
    if (l->line.len == 0) {
        l->epoch++; /* nobody holds a turn: start from the buckets as they are */
        l->least_urgent = 0;
        l->stale = false;
    } else if (urgency < l->least_urgent) {
        l->stale = true; /* it goes before others that have turns */
    }
    l->least_urgent = cl_time_max(l->least_urgent, urgency);
    count(t, cl_heap_contains(&t->wait) ? 0 : 1);
    cl_heap_set(&l->line, &t->wait, urgency);
    place(l, t, now);
    l->stale = l->stale || (t->turn > now && is_crowded(t, now));
    return t->turn;
}

void ledger_leave(struct ledger *l, struct ledger_ticket *t, cl_time now)
{
    if (cl_heap_contains(&t->wait)) {
        if (t->n > 0 && t->turn > now) {
            l->stale = true; /* those behind it may move up */
        }
        ledger_line_remove(l, t);
    }
}

struct place_in_line {
    struct ledger_ticket *ticket;
    cl_time urgency;
    uint64_t arrival;
    bool crowded;
};

static int by_place(const void *a, const void *b)
{
    const struct place_in_line *x = a;
    const struct place_in_line *y = b;

    if (x->urgency != y->urgency) {
        return x->urgency < y->urgency ? -1 : 1;
    }
    if (x->crowded != y->crowded) {
        return x->crowded ? -1 : 1;
    }
    return x->arrival < y->arrival ? -1 : 1;
}

void ledger_rebuild(struct ledger *l, cl_time now, void (*moved)(struct ledger_ticket *t))
{
    size_t n = l->line.len;
    struct place_in_line *places = cl_calloc(n > 0 ? n : 1, sizeof *places);

    l->epoch++;
    l->stale = false;
    for (size_t i = 0; i < n; i++) {
        struct cl_heap_node *node = l->line.nodes[i];
        struct ledger_ticket *t = cl_container(node, struct ledger_ticket, wait);
        places[i] = (struct place_in_line){t, node->when, node->seq, is_crowded(t, now)};
    }
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        struct ledger_ticket *t = places[i].ticket;
        cl_time before = t->turn;
        place(l, t, now);
        bool told = t->turn < before || t->turn - before > GOOD_DEAL(now, before);
        if (told && moved != NULL) {
            moved(t);
        }
    }
    cl_free(places);
}
