/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: buckets and tickets. Turns are given in ledger_turns.c. */
#include "reconciler/core/ledger.h"

#include "reconciler/core/ledger_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define KEPT_FOR_EMERGENCIES 2u

static const struct {
    const char *name, *doc;
} KINDS[LEDGER_KINDS] = {
#define X(symbol, name, doc) [LEDGER_##symbol] = {name, doc},
    LEDGER_KIND_ROWS(X)
#undef X
};

const char *ledger_kind_name(enum ledger_kind k)
{
    cl_assert(k < LEDGER_KINDS);
    return KINDS[k].name;
}

const char *ledger_kind_doc(enum ledger_kind k)
{
    cl_assert(k < LEDGER_KINDS);
    return KINDS[k].doc;
}

int ledger_kind_parse(const char *name, enum ledger_kind *ret)
{
    for (unsigned k = 0; k < LEDGER_KINDS; k++) {
        if (cl_streq(KINDS[k].name, name)) {
            *ret = (enum ledger_kind)k;
            return 0;
        }
    }
    return -1;
}

const struct ca_limit *ledger_limit(const struct ca_limits *l, enum ledger_kind k)
{
    const struct ca_limit *const all[LEDGER_KINDS] = {
        [LEDGER_NEW_ORDERS] = &l->new_orders,
        [LEDGER_DOMAIN] = &l->domain,
        [LEDGER_EXACT_SET] = &l->exact_set,
        [LEDGER_FAILED] = &l->failed_authorizations,
        [LEDGER_CONSECUTIVE] = &l->consecutive_failures,
        [LEDGER_ACCOUNTS] = &l->new_accounts,
    };
    return all[k];
}

int ledger_kind_of_text(const char *text)
{
    static const struct {
        const char *part;
        enum ledger_kind kind;
    } WORDS[] = {
        {"exact set of", LEDGER_EXACT_SET},
        {"failed authorizations", LEDGER_FAILED},
        {"new orders", LEDGER_NEW_ORDERS},
        {"new registrations", LEDGER_ACCOUNTS},
        {"new accounts", LEDGER_ACCOUNTS},
        {"certificates",
         LEDGER_DOMAIN}, /* "... already issued for "example.com" in the last ..." */
    };
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strstr(text, WORDS[i].part) != NULL) {
            return (int)WORDS[i].kind;
        }
    }
    return -1;
}

/* ---- buckets ---- */

static void touch(struct ledger_bucket *b)
{
    if (cl_list_empty(&b->change)) {
        cl_list_add_tail(&b->ledger->changes, &b->change);
    }
}

static void split(struct ledger_bucket *b)
{
    char *p = b->parts = cl_strdup(b->id);
    const char **const fields[] = {&b->host, &b->account, &b->key};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        p += strcspn(p, " ");
        if (*p != '\0') {
            *p++ = '\0';
        }
        *fields[i] = p;
    }
}

static void bucket_destroy(struct ledger_bucket *b)
{
    cl_list_remove(&b->change);
    ledger_slots_destroy(b->slots);
    cl_free(b->parts);
    cl_free(b->id);
    cl_free(b);
}

void ledger_deinit(struct ledger *l)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&l->buckets, &pos, NULL, &value)) {
        bucket_destroy(value);
    }
    cl_map_deinit(&l->buckets);
    cl_heap_deinit(&l->line);
    memset(l, 0, sizeof *l);
}

struct ledger_bucket *ledger_bucket(struct ledger *l, enum ledger_kind kind, const char *host,
                                    const char *account, const char *key,
                                    const struct ca_limit *limit)
{
    if (l->changes.next == NULL) {
        cl_list_init(&l->changes);
    }
    char *id = cl_printf("%s %s %s %s", KINDS[kind].name, host, account, key);
    struct ledger_bucket *b = cl_map_get(&l->buckets, id);

    if (b == NULL) {
        b = cl_new(struct ledger_bucket);
        b->ledger = l;
        b->kind = kind;
        b->id = id;
        split(b);
        (void)cl_map_set(&l->buckets, id, b);
    } else {
        cl_free(id);
    }
    if (b->limit.capacity != limit->capacity || b->limit.refill != limit->refill) {
        if (b->limit.capacity > 0) {
            l->stale = true;
        }
        b->limit = *limit;
    }
    return b;
}

/* When it would be full if what is reserved were spent now. */
cl_time ledger_bucket_full(const struct ledger_bucket *b, cl_time now)
{
    return cl_time_max(b->full_at, now) + (cl_time)b->reserved * b->limit.refill;
}

long ledger_left(const struct ledger_bucket *b, cl_time now)
{
    cl_time missing = ledger_bucket_full(b, now) - now;
    cl_time refill = cl_time_max(b->limit.refill, 1);
    cl_time taken = (missing + refill - 1) / refill;
    return taken >= b->limit.capacity ? 0 : b->limit.capacity - (long)taken;
}

cl_time ledger_free_at(const struct ledger_bucket *b, unsigned keep, cl_time now)
{
    cl_time slack = cl_time_max(b->limit.capacity - 1 - (long)keep, 0) * b->limit.refill;
    return cl_time_max(now, ledger_bucket_full(b, now) - slack);
}

cl_time ledger_full_at(const struct ledger_bucket *b, cl_time now)
{
    return ledger_bucket_full(b, now);
}

void ledger_spend(struct ledger_bucket *b, cl_time now)
{
    b->full_at = cl_time_max(b->full_at, now) + b->limit.refill;
    touch(b);
}

void ledger_refill(struct ledger_bucket *b)
{
    if (b->full_at != 0) {
        b->full_at = 0;
        touch(b);
    }
}

void ledger_block(struct ledger *l, struct ledger_bucket *b, cl_time until)
{
    cl_time full = until + cl_time_max(b->limit.capacity - 1, 0) * b->limit.refill;

    b->blocked_until = until;
    b->full_at = cl_time_max(b->full_at, full);
    touch(b);
    l->stale = true;
}

void ledger_tidy(struct ledger *l, cl_time now)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&l->buckets, &pos, NULL, &value)) {
        struct ledger_bucket *b = value;
        if (b->refs == 0 && b->reserved == 0 && b->full_at <= now && cl_list_empty(&b->change)) {
            (void)cl_map_remove(&l->buckets, b->id);
            bucket_destroy(b);
        }
    }
}

/* ---- tickets ---- */

void ledger_ticket_deinit(struct ledger *l, struct ledger_ticket *t)
{
    cl_assert(!t->reserved);
    ledger_line_remove(l, t);
    for (size_t i = 0; i < t->n; i++) {
        t->needs[i].bucket->refs--;
    }
    cl_free(t->needs);
    t->needs = NULL;
    t->n = 0;
}

static void add_need(struct ledger_need **needs, size_t *n, struct ledger_bucket *b, unsigned keep)
{
    *needs = cl_reallocarray(*needs, *n + 1, sizeof **needs);
    (*needs)[(*n)++] = (struct ledger_need){.bucket = b, .keep = keep};
    b->refs++;
}

/* Readable if it is short; longer sets are told apart by a hash. */
static char *set_key(const struct cl_strv *names)
{
    char *all = cl_strv_join(names, ",");
    char hex[CL_SHA256_TEXT];

    if (strlen(all) > 120) {
        (void)cl_sha256_hex(all, strlen(all), hex);
        hex[16] = '\0';
        char *key = cl_printf("%s,...%s", names->items[0], hex);
        cl_free(all);
        return key;
    }
    return all;
}

static void needs_of(struct ledger *l, const struct ledger_order *o, struct ledger_need **needs,
                     size_t *n)
{
    const struct ca_limits *lim = o->limits;

    if (lim->failed_authorizations.capacity > 0 || lim->consecutive_failures.capacity > 0) {
        cl_strv_for_each(name, o->names) {
            for (enum ledger_kind k = LEDGER_FAILED; k <= LEDGER_CONSECUTIVE; k++) {
                char *id = cl_printf("%s %s %s %s", KINDS[k].name, o->host, o->account, name);
                struct ledger_bucket *b = cl_map_get(&l->buckets, id);
                cl_free(id);
                if (b != NULL) { /* none has failed yet, else */
                    add_need(needs, n, b, 0);
                }
            }
        }
    }
    if (o->replaces) {
        return;
    }
    if (lim->exact_set.capacity > 0) {
        char *key = set_key(o->names);
        add_need(needs, n, ledger_bucket(l, LEDGER_EXACT_SET, o->host, "*", key, &lim->exact_set),
                 o->emergency ? 0 : KEPT_FOR_EMERGENCIES);
        cl_free(key);
    }
    if (o->same_set) {
        return;
    }
    for (size_t i = 0; lim->domain.capacity > 0 && i < o->domains->len; i++) {
        add_need(needs, n,
                 ledger_bucket(l, LEDGER_DOMAIN, o->host, "*", o->domains->items[i], &lim->domain),
                 0);
    }
    if (lim->new_orders.capacity > 0) {
        add_need(needs, n,
                 ledger_bucket(l, LEDGER_NEW_ORDERS, o->host, o->account, "*", &lim->new_orders),
                 0);
    }
}

void ledger_ticket_fill(struct ledger *l, struct ledger_ticket *t, const struct ledger_order *o)
{
    struct ledger_need *needs = NULL;
    size_t n = 0;

    if (t->reserved) {
        return; /* what runs was weighed when it began */
    }
    needs_of(l, o, &needs, &n);
    bool same = n == t->n;
    for (size_t i = 0; same && i < n; i++) {
        same = needs[i].bucket == t->needs[i].bucket && needs[i].keep == t->needs[i].keep;
    }
    if (same) {
        for (size_t i = 0; i < n; i++) {
            needs[i].bucket->refs--;
        }
        cl_free(needs);
        return;
    }
    ledger_ticket_deinit(l, t);
    t->needs = needs;
    t->n = n;
}

static bool is_counted(const struct ledger_bucket *b)
{
    return b->kind <= LEDGER_EXACT_SET;
}

bool ledger_reserve(struct ledger *l, struct ledger_ticket *t, cl_time now)
{
    if (t->reserved) {
        return true;
    }
    for (size_t i = 0; i < t->n; i++) {
        cl_time at = ledger_free_at(t->needs[i].bucket, t->needs[i].keep, now);
        if (at > now) {
            t->turn = at;
            ledger_line_decides(t, t->needs[i].bucket);
            return false;
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        if (is_counted(t->needs[i].bucket)) {
            t->needs[i].bucket->reserved++;
            touch(t->needs[i].bucket);
        }
    }
    ledger_line_remove(l, t);
    t->reserved = true;
    t->orders_settled = false;
    t->certificates_settled = false;
    return true;
}

void ledger_settle(struct ledger_ticket *t, bool orders, bool spent, cl_time now)
{
    bool *settled = orders ? &t->orders_settled : &t->certificates_settled;

    if (!t->reserved || *settled) {
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        struct ledger_bucket *b = t->needs[i].bucket;
        if (is_counted(b) && (b->kind == LEDGER_NEW_ORDERS) == orders) {
            cl_assert(b->reserved > 0);
            b->reserved--;
            touch(b);
            if (spent) {
                ledger_spend(b, now);
            }
        }
    }
    *settled = true;
    t->reserved = !(t->orders_settled && t->certificates_settled);
}
