/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_book: from a unit to its tokens. The file is in ledger_file.c. */
#include "reconciler/ledger_book.h"

#include "backends/store/ca_files.h"
#include "backends/store/registered_domain.h"
#include "reconciler/act.h"
#include "reconciler/ledger_file.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <stdlib.h>
#include <string.h>

#define TELL_AFTER (10 * CL_SECOND) /* the status of an Issuer follows its buckets */
#define TELL_EACH (10 * CL_MS)      /* ... later for each, as they are all looked at */
#define TURNS_ANEW_AFTER CL_SECOND  /* changes that come together are one */
#define TURNS_ANEW_EACH (2 * CL_MS) /* ... more for each that is held: the work must stay small */

struct ledger_book {
    struct daemon *d;
    struct ledger ledger;
    struct ca_catalog cas;
    struct cl_strv problems;
    struct ledger_file *file;
    struct loop_timer turns, tell;
    bool turns_armed, tell_armed;
};

static void load_catalog(struct ledger_book *b)
{
    cl_strv_deinit(&b->problems);
    ca_catalog_deinit(&b->cas);
    ca_files_load(&b->d->config->ca_directories, &b->cas, &b->problems);
    cl_strv_for_each(line, &b->problems) {
        cl_log(CL_LOG_WARNING, "", "CAFileInvalid", "%s; what it says is not known", line);
    }
}

struct ledger_book *ledger_book_create(struct daemon *d)
{
    struct ledger_book *b = cl_new(struct ledger_book);
    b->d = d;
    load_catalog(b);
    b->file = ledger_file_create(d, &b->ledger, &b->problems);
    return b;
}

void ledger_book_destroy(struct ledger_book *b)
{
    if (b == NULL) {
        return;
    }
    loop_timer_stop(b->d->loop, &b->turns);
    loop_timer_stop(b->d->loop, &b->tell);
    ledger_file_destroy(b->file);
    ledger_deinit(&b->ledger);
    ca_catalog_deinit(&b->cas);
    cl_strv_deinit(&b->problems);
    cl_free(b);
}

struct ledger *ledger_book_ledger(struct ledger_book *b)
{
    return &b->ledger;
}

const struct ca_catalog *ledger_book_cas(const struct ledger_book *b)
{
    return &b->cas;
}

const struct cl_strv *ledger_book_problems(const struct ledger_book *b)
{
    return &b->problems;
}

void ledger_book_configure(struct ledger_book *b)
{
    load_catalog(b);
    b->ledger.stale = true;
}

bool ledger_book_busy(const struct ledger_book *b)
{
    return ledger_file_busy(b->file);
}

bool ledger_book_sync(struct ledger_book *b, struct cl_op *op)
{
    return ledger_file_sync(b->file, op);
}

/* ---- turns ---- */

static void moved(struct ledger_ticket *t)
{
    struct unit *u = t->user;
    daemon_wake_unit(u->d, u);
}

static void turns_due(struct loop_timer *t)
{
    struct ledger_book *b = t->user;
    b->turns_armed = false;
    if (b->ledger.stale) {
        ledger_rebuild(&b->ledger, loop_now(b->d->loop), moved);
    }
}

static void look_after_turns(struct ledger_book *b, cl_time now)
{
    if (b->ledger.stale && !b->turns_armed && !b->d->read_only) {
        cl_time wait = TURNS_ANEW_AFTER + (cl_time)b->ledger.line.len * TURNS_ANEW_EACH;
        b->turns_armed = true;
        loop_at(b->d->loop, &b->turns, now + wait, turns_due, b);
    }
}

/* ---- changes ---- */

static void tell_due(struct loop_timer *t)
{
    struct ledger_book *b = t->user;
    size_t pos = 0;
    void *value;

    b->tell_armed = false;
    while (cl_map_next(&b->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (u->is_issuer) {
            daemon_wake_unit(b->d, u);
        }
    }
}

static void changed(struct ledger_book *b)
{
    ledger_file_changed(b->file);
    if (!b->tell_armed && !b->d->read_only) {
        cl_time wait = TELL_AFTER + (cl_time)b->ledger.buckets.count * TELL_EACH;
        b->tell_armed = true;
        loop_at(b->d->loop, &b->tell, loop_now(b->d->loop) + wait, tell_due, b);
    }
}

/* ---- what an order needs ---- */

static const struct acme_spec *acme_of(const struct unit *issuer)
{
    return issuer != NULL && issuer->instance != NULL && issuer->instance->ops->type == ISSUER_ACME
               ? &issuer->instance->object->issuer->acme
               : NULL;
}

static bool any_limit(const struct ca_limits *l)
{
    for (enum ledger_kind k = LEDGER_NEW_ORDERS; k < LEDGER_KINDS; k++) {
        if (ledger_limit(l, k)->capacity > 0) {
            return true;
        }
    }
    return false;
}

static void names_of(const struct cert_spec *s, struct cl_strv *names, struct cl_strv *domains)
{
    char domain[REGISTERED_DOMAIN];

    cl_strv_for_each(name, &s->dns_names) {
        cl_strv_add(names, name);
        (void)registered_domain(name, domain);
        if (!cl_strv_has(domains, domain)) {
            cl_strv_add(domains, domain);
        }
    }
    cl_strv_for_each(ip, &s->ip_addresses) {
        cl_strv_add(names, ip);
        (void)registered_network(ip, domain);
        if (!cl_strv_has(domains, domain)) {
            cl_strv_add(domains, domain);
        }
    }
    cl_strv_sort(names);
}

static bool had_same_set(const struct unit *u, const struct cl_strv *names, const char *identity)
{
    const struct manifest *m = u->w->rev.manifest;
    struct cl_strv had = {0};

    if (m == NULL || m->adopted || !cl_streq(m->issuer_identity, identity)) {
        return false; /* another CA, or nobody knows */
    }
    cl_strv_for_each(name, &m->cert.dns_names) {
        cl_strv_add(&had, name);
    }
    cl_strv_for_each(ip, &m->cert.ip_addresses) {
        cl_strv_add(&had, ip);
    }
    bool same = cl_strv_equal_set(&had, names);
    cl_strv_deinit(&had);
    return same;
}

/* False: nothing is counted for it. */
static bool fill_ticket(struct unit *u, const struct facts *f, const struct plan *p, cl_time now)
{
    struct unit *issuer = unit_issuer(u);
    const struct acme_spec *acme = acme_of(issuer);
    struct ledger_book *b = u->d->ledger;
    const struct manifest *m = u->w->rev.manifest;
    struct ca_limits limits;
    struct cl_strv names = {0};
    struct cl_strv domains = {0};

    if (acme == NULL) {
        return false;
    }
    ca_limits_of(&b->cas, acme, &limits);
    if (!any_limit(&limits)) {
        return false;
    }
    char *host = ca_host_of_url(acme->server);
    names_of(u->w->object->cert, &names, &domains);
    struct ledger_order o = {
        .host = host,
        .account = issuer->key,
        .limits = &limits,
        .names = &names,
        .domains = &domains,
        .replaces = f->replaces != NULL,
        .same_set = had_same_set(u, &names, f->issuer_identity),
        .emergency = m == NULL || m->cert.not_after <= now || p->trigger == REASON_RENEWING,
    };
    ledger_ticket_fill(&b->ledger, &u->ledger, &o);
    u->ledger.user = u;
    cl_strv_deinit(&names);
    cl_strv_deinit(&domains);
    cl_free(host);
    return true;
}

/* ---- the line ---- */

static void tell(struct observation *seen, const struct unit *u)
{
    const struct ledger_bucket *b = u->ledger.decides;
    char at[CL_TIME_TEXT];
    char each[CL_DURATION_TEXT];

    seen->facts.ledger_until = u->ledger.turn;
    if (b == NULL) {
        (void)cl_format(seen->ledger_message, sizeof seen->ledger_message, "its turn is at %s",
                        cl_time_format(u->ledger.turn, at));
    } else {
        (void)cl_format(seen->ledger_message, sizeof seen->ledger_message,
                        "%s%s%s: %ld at once, then one more each %s; its turn is at %s",
                        ledger_kind_name(b->kind), cl_streq(b->key, "*") ? "" : " ",
                        cl_streq(b->key, "*") ? "" : b->key, b->limit.capacity,
                        cl_duration_format(b->limit.refill, each),
                        cl_time_format(u->ledger.turn, at));
    }
    seen->facts.ledger_message = seen->ledger_message;
}

bool ledger_book_line(struct unit *u, struct observation *seen, const struct plan *p, cl_time now)
{
    struct ledger_book *b = u->d->ledger;
    bool wants = u->issue == NULL && (p->issue == PLAN_ISSUE || p->gate == REASON_WAITING_FOR_SLOT);

    if (u->issue != NULL) {
        return false;
    }
    if (!wants || !fill_ticket(u, &seen->facts, p, now) || u->ledger.n == 0) {
        ledger_leave(&b->ledger, &u->ledger, now);
        look_after_turns(b, now);
        return false;
    }
    const struct manifest *m = u->w->rev.manifest;
    cl_time urgency = m != NULL ? m->cert.not_after : 0;
    cl_time turn = ledger_enter(&b->ledger, &u->ledger, urgency, now);
    look_after_turns(b, now);
    if (turn <= now) {
        return false;
    }
    tell(seen, u);
    return true;
}

bool ledger_book_reserve(struct unit *u, cl_time now)
{
    struct ledger_book *b = u->d->ledger;

    if (u->ledger.n == 0) {
        return true;
    }
    if (!ledger_reserve(&b->ledger, &u->ledger, now)) {
        return false;
    }
    changed(b);
    return true;
}

void ledger_book_ordered(struct unit *u, cl_time now)
{
    if (u->ledger.reserved) {
        ledger_settle(&u->ledger, true, true, now);
        changed(u->d->ledger);
    }
}

/* A failure in which the CA, as far as is known, has made no order. */
static bool surely_not_sent(const struct cl_err *err)
{
    static const char *const SENT[] = {"ConnectionLost", "Timeout", NULL};

    if (err->kind == CL_ERR_RATE_LIMITED || err->kind == CL_ERR_CANCELLED) {
        return true;
    }
    for (const char *const *r = SENT; *r != NULL; r++) {
        if (cl_streq(err->reason, *r)) {
            return false;
        }
    }
    return err->http_status == 0 &&
           (err->kind == CL_ERR_TRANSIENT || err->kind == CL_ERR_BUSY || err->kind == CL_ERR_LOCAL);
}

static bool surely_not_issued(const struct cl_err *err)
{
    return err->kind == CL_ERR_VALIDATION || err->kind == CL_ERR_LOCAL ||
           err->kind == CL_ERR_RATE_LIMITED || err->kind == CL_ERR_PERMANENT;
}

/* The CA said that a bucket is empty. Which one, the text says; the account's if it does not. */
static void correct(struct unit *u, const struct cl_err *err)
{
    struct ledger_book *b = u->d->ledger;
    int kind = ledger_kind_of_text(err->text);

    for (size_t i = 0; i < u->ledger.n && err->retry_at != 0; i++) {
        struct ledger_bucket *k = u->ledger.needs[i].bucket;
        bool named = k->kind != LEDGER_DOMAIN || strstr(err->text, k->key) != NULL;
        if ((int)k->kind == (kind >= 0 ? kind : (int)LEDGER_NEW_ORDERS) && named) {
            ledger_block(&b->ledger, k, err->retry_at);
        }
    }
}

/* A name that could not be validated counts, for an hour and for the row. */
static void note_names(struct unit *u, const struct cl_err *err, cl_time now)
{
    struct ledger_book *b = u->d->ledger;
    struct unit *issuer = unit_issuer(u);
    const struct acme_spec *acme = acme_of(issuer);
    struct ca_limits limits;

    if (acme == NULL) {
        return;
    }
    ca_limits_of(&b->cas, acme, &limits);
    for (enum ledger_kind k = LEDGER_FAILED; k <= LEDGER_CONSECUTIVE; k++) {
        const struct ca_limit *limit = ledger_limit(&limits, k);
        char *host = ca_host_of_url(acme->server);
        if (limit->capacity > 0 && err != NULL && err->identifier[0] != '\0') {
            ledger_spend(ledger_bucket(&b->ledger, k, host, issuer->key, err->identifier, limit),
                         now);
        }
        cl_free(host);
    }
    for (size_t i = 0; err == NULL && i < u->ledger.n; i++) {
        if (u->ledger.needs[i].bucket->kind == LEDGER_CONSECUTIVE) {
            ledger_refill(u->ledger.needs[i].bucket);
        }
    }
}

void ledger_book_ended(struct unit *u, const struct cl_err *err, cl_time now)
{
    struct ledger_book *b = u->d->ledger;

    bool ordered = u->ledger.orders_settled;
    bool sent = err != NULL ? !surely_not_sent(err) : false; /* resumed: no order was made now */
    bool issued = err == NULL || ((ordered || sent) && !surely_not_issued(err));
    if (err != NULL && err->kind == CL_ERR_CANCELLED) {
        issued = false;
    }
    if (u->ledger.reserved) {
        ledger_settle(&u->ledger, true, sent, now);
        ledger_settle(&u->ledger, false, issued, now);
    }
    if (err != NULL && err->kind == CL_ERR_RATE_LIMITED) {
        correct(u, err);
    }
    if (err == NULL || err->kind == CL_ERR_VALIDATION) {
        note_names(u, err, now);
    }
    if (u->ledger.n > 0) {
        changed(b);
    }
    look_after_turns(b, now);
}

void ledger_book_forget(struct unit *u)
{
    struct ledger_book *b = u->d->ledger;
    if (b == NULL || u->ledger.n == 0) {
        return;
    }
    cl_time now = loop_now(u->d->loop);
    ledger_settle(&u->ledger, true, false, now);
    ledger_settle(&u->ledger, false, false, now);
    ledger_leave(&b->ledger, &u->ledger, now);
    ledger_ticket_deinit(&b->ledger, &u->ledger);
    if (!u->d->stopping) {
        look_after_turns(b, now);
    }
}

/* ---- accounts ---- */

static struct ledger_bucket *accounts_of(struct unit *issuer)
{
    struct ledger_book *b = issuer->d->ledger;
    const struct acme_spec *acme = acme_of(issuer);
    struct ca_limits limits;

    if (acme == NULL) {
        return NULL;
    }
    ca_limits_of(&b->cas, acme, &limits);
    if (limits.new_accounts.capacity == 0) {
        return NULL;
    }
    char *host = ca_host_of_url(acme->server);
    struct ledger_bucket *k =
        ledger_bucket(&b->ledger, LEDGER_ACCOUNTS, host, "*", "*", &limits.new_accounts);
    cl_free(host);
    return k;
}

cl_time ledger_book_account_at(struct unit *issuer, cl_time now)
{
    const struct ledger_bucket *k = accounts_of(issuer);
    cl_time at = k != NULL ? ledger_free_at(k, 0, now) : now;
    return at > now ? at : 0;
}

void ledger_book_account_made(struct unit *issuer, cl_time now)
{
    struct ledger_bucket *k = accounts_of(issuer);
    if (k != NULL) {
        ledger_spend(k, now);
        changed(issuer->d->ledger);
    }
}

/* ---- to be looked at ---- */

static int fewest_first(const void *a, const void *b)
{
    const struct ledger_row *x = a;
    const struct ledger_row *y = b;
    if (x->bucket->kind != y->bucket->kind) {
        return x->bucket->kind < y->bucket->kind ? -1 : 1;
    }
    return x->left != y->left ? (x->left < y->left ? -1 : 1)
                              : strcmp(x->bucket->key, y->bucket->key);
}

size_t ledger_book_rows(struct unit *issuer, cl_time now, struct ledger_row *ret, size_t max)
{
    struct ledger_book *b = issuer->d->ledger;
    const struct acme_spec *acme = acme_of(issuer);
    struct ca_limits limits;
    size_t pos = 0;
    size_t n = 0;
    void *value;

    if (acme == NULL) {
        return 0;
    }
    ca_limits_of(&b->cas, acme, &limits);
    char *host = ca_host_of_url(acme->server);
    if (limits.new_orders.capacity > 0) {
        (void)ledger_bucket(&b->ledger, LEDGER_NEW_ORDERS, host, issuer->key, "*",
                            &limits.new_orders);
    }
    struct ledger_row *all =
        cl_calloc(b->ledger.buckets.count > 0 ? b->ledger.buckets.count : 1, sizeof *all);
    while (cl_map_next(&b->ledger.buckets, &pos, NULL, &value)) {
        struct ledger_bucket *k = value;
        bool mine = cl_streq(k->account, "*") || cl_streq(k->account, issuer->key);
        const struct ca_limit *limit = ledger_limit(&limits, k->kind);
        if (!mine || !cl_streq(k->host, host) || limit->capacity == 0) {
            continue;
        }
        k->limit = *limit;
        struct ledger_row row = {.bucket = k,
                                 .left = ledger_left(k, now),
                                 .full_at = ledger_full_at(k, now),
                                 .blocked_until = k->blocked_until > now ? k->blocked_until : 0};
        if (row.left < limit->capacity || k->kind == LEDGER_NEW_ORDERS) {
            cl_time rest = row.full_at - now;
            row.next_at = rest > 0 ? now + (rest - 1) % limit->refill + 1 : 0;
            row.next_at = row.blocked_until > 0 ? row.blocked_until : row.next_at;
            all[n++] = row;
        }
    }
    qsort(all, n, sizeof *all, fewest_first);
    n = n < max ? n : max;
    memcpy(ret, all, n * sizeof *all);
    cl_free(all);
    cl_free(host);
    return n;
}

json_t *ledger_book_view(struct unit *issuer, cl_time now)
{
    struct ledger_row rows[20];
    size_t n = ledger_book_rows(issuer, now, rows, sizeof rows / sizeof rows[0]);
    json_t *list = n > 0 ? json_array() : NULL;
    char at[CL_TIME_TEXT];

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_pack(
            "{s:s,s:s,s:I,s:I,s:i}", "bucket", ledger_kind_name(rows[i].bucket->kind), "key",
            rows[i].bucket->key, "capacity", (json_int_t)rows[i].bucket->limit.capacity,
            "estimatedRemaining", (json_int_t)rows[i].left, "held", (int)rows[i].bucket->waiting);
        (void)json_object_set_new(o, "blockedUntil",
                                  rows[i].blocked_until > 0
                                      ? json_string(cl_time_format(rows[i].blocked_until, at))
                                      : json_null());
        (void)json_array_append_new(list, o);
    }
    return list;
}
