/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check: properties of archive, orders, accounts, hooks and challenges. */
#include "backends/sim/sim_check.h"

#include "backends/sim/sim_crypto.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define ARCHIVE SIM_STATE "/archive/"
#define STATUS SIM_STATE "/status/"
#define LEFTOVER_AFTER (10 * CL_MINUTE)

void sim_check_create(void)
{
    SIM_WORLD();
    sim->check = cl_new(struct sim_check);
    sim->check->next_expiry = CL_NEVER;
}

void sim_check_path(const char *path)
{
    SIM_WORLD();
    struct sim_check *c = sim->check;

    if (c == NULL || sim->life == 0) {
        return;
    }
    if (cl_str_starts(path, ARCHIVE)) {
        char *key = cl_strndup(path + strlen(ARCHIVE), strcspn(path + strlen(ARCHIVE), "/"));
        (void)cl_map_set(&c->dirty, key, c);
        cl_free(key);
    } else if (cl_str_starts(path, STATUS)) {
        sim_check_status(path);
    }
}

/* ---- the archive ---- */

static const struct sim_node *child(const struct sim_node *dir, const char *name)
{
    return dir != NULL && dir->type == DISK_DIR ? cl_map_get(&dir->children, name) : NULL;
}

static const char *text_of(const struct sim_node *n)
{
    return n != NULL && n->type == DISK_FILE ? n->blob->data : NULL;
}

static bool pair_fits(const char *key_pem, const char *chain_pem)
{
    struct toy_cert chain[TOY_CHAIN_MAX];
    struct key *k = NULL;
    int n = toy_chain_parse(chain_pem, chain, NULL);
    bool fits = n > 0 && key_from_pem(key_pem, &k, NULL) == 0 && cl_streq(k->spki, chain[0].spki);

    key_destroy(k);
    toy_chain_deinit(chain, n > 0 ? n : 0);
    return fits;
}

static void check_current(const char *key, const struct sim_node *dir)
{
    const struct sim_node *link = child(dir, "current");

    if (link == NULL) {
        return;
    }
    if (link->type != DISK_LINK) {
        sim_violated("CurrentIsComplete", "archive/%s/current is no link", key);
        return;
    }
    const struct sim_node *rev = child(dir, link->blob->data);
    const char *pem = text_of(child(rev, "privkey.pem"));
    const char *chain = text_of(child(rev, "fullchain.pem"));
    const char *manifest = text_of(child(rev, "manifest.json"));
    if (pem == NULL || chain == NULL || manifest == NULL) {
        sim_violated("CurrentIsComplete", "archive/%s/current -> %s lacks%s%s%s", key,
                     link->blob->data, pem == NULL ? " privkey.pem" : "",
                     chain == NULL ? " fullchain.pem" : "",
                     manifest == NULL ? " manifest.json" : "");
    } else if (!pair_fits(pem, chain)) {
        sim_violated("CurrentIsComplete", "archive/%s/%s: key and chain do not belong together",
                     key, link->blob->data);
    }
}

static void check_modes(const char *key, const char *name, const struct sim_node *n)
{
    const char *entry;
    size_t pos = 0;
    void *value;

    if (n->type == DISK_FILE && (n->mode & 0177U) != 0) {
        sim_violated("KeysArePrivate", "archive/%s/%s has mode %04o", key, name, n->mode);
    }
    if (n->type == DISK_DIR && (n->mode & 0077U) != 0) {
        sim_violated("KeysArePrivate", "archive/%s/%s is a directory with mode %04o", key, name,
                     n->mode);
    }
    while (cl_map_next(&n->children, &pos, &entry, &value)) {
        check_modes(key, entry, value);
    }
}

static void check_key(const char *key)
{
    char *path = cl_printf(ARCHIVE "%s", key);
    const struct sim_node *dir = sim_fs_node(path, true);

    if (dir != NULL && cl_map_get(&sim->check->damaged, key) == NULL) {
        check_modes(key, ".", dir);
        check_current(key, dir);
    }
    cl_free(path);
}

void sim_check_damaged(const char *path)
{
    SIM_WORLD();
    if (cl_str_starts(path, ARCHIVE)) {
        char *key = cl_strndup(path + strlen(ARCHIVE), strcspn(path + strlen(ARCHIVE), "/"));
        (void)cl_map_set(&sim->check->damaged, key, sim);
        cl_free(key);
    }
}

void sim_check_turn(void)
{
    struct sim_check *c = sim->check;
    const char *key;
    size_t pos = 0;

    while (c->dirty.count > 0 && cl_map_next(&c->dirty, &pos, &key, NULL)) {
        check_key(key);
        (void)cl_map_remove(&c->dirty, key);
    }
    sim_check_expiry();
}

void sim_check_disk(void)
{
    const struct sim_node *dir = sim_fs_node(SIM_STATE "/archive", true);
    const char *key;
    size_t pos = 0;

    while (dir != NULL && cl_map_next(&dir->children, &pos, &key, NULL)) {
        check_key(key);
    }
}

/* ---- accounts and orders ---- */

void sim_check_issuer(const char *path, const char *host)
{
    SIM_WORLD();
    char *key = cl_printf("%s %s", host, path);

    (void)cl_map_set(&sim->check->issuers, key, sim);
    cl_free(key);
}

void sim_check_account(const struct sim_ca *ca)
{
    char *prefix = cl_printf("%s ", ca->host);
    const char *key;
    size_t pos = 0;
    uint64_t allowed = 0;

    while (cl_map_next(&sim->check->issuers, &pos, &key, NULL)) {
        allowed += cl_str_starts(key, prefix) ? 1 : 0;
    }
    cl_free(prefix);
    if (ca->n_accounts > allowed) {
        sim_violated("OneAccount", "%llu accounts at %s for %llu Issuers",
                     (unsigned long long)ca->n_accounts, ca->host, (unsigned long long)allowed);
    }
}

struct last_order {
    struct sim_order *order;
    uint64_t excuses;
};

/* Whatever may make another order right. */
static uint64_t excuses(void)
{
    return sim->counts.kills + sim->counts.faults + sim->external;
}

void sim_check_order(struct sim_ca *ca, struct sim_order *o)
{
    char *key = cl_printf("%s %s", ca->host, o->names);
    struct last_order *last = cl_map_get(&sim->check->orders, key);

    sim_trace("%s: order %s for %s", ca->host, o->id, o->names);
    if (last != NULL) {
        sim_ca_refresh(ca, last->order);
    }
    if (last == NULL) {
        last = cl_new(struct last_order);
        (void)cl_map_set(&sim->check->orders, key, last);
    } else if (last->excuses == excuses() && !last->order->excused &&
               last->order->life == o->life && last->order->status != ORDER_INVALID) {
        bool ended = last->order->status == ORDER_VALID && last->order->delivered;
        if (!ended) {
            sim_violated("OneOrderAtATime", "order %s for %s while order %s is open", o->id,
                         o->names, last->order->id);
        } else if (sim->now - last->order->created < ca->lifetime * 2 / 5 &&
                   !sim_ca_revoked(ca, last->order->created)) {
            sim_violated("NoOrderBeforeItsTime", "order %s for %s, %lld h after order %s", o->id,
                         o->names, (long long)((sim->now - last->order->created) / CL_HOUR),
                         last->order->id);
        }
    } else {
        o->excused = false;
    }
    last->order = o;
    last->excuses = excuses();
    cl_free(key);
}

/* An order that led to nothing: neither a certificate nor a refusal, and nobody works on it. */
static bool wasted(const struct sim_order *o)
{
    bool open = o->life == sim->life && sim->now - o->created < CL_HOUR;

    return !o->delivered && o->status != ORDER_INVALID && !o->excused && !open;
}

/* Each life may lose one order for each account: the one whose answer was not yet saved. */
static void check_waste(const struct sim_ca *ca)
{
    unsigned *lost = cl_calloc(sim->life + 1U, sizeof *lost);
    uint64_t allowed = sim->counts.faults + sim->respecs;
    uint64_t excess = 0;
    size_t pos = 0;
    void *value;

    while (cl_map_next(&ca->orders, &pos, NULL, &value)) {
        const struct sim_order *o = value;
        if (wasted(o) && ++lost[o->life] > ca->n_accounts) {
            excess++;
        }
    }
    cl_free(lost);
    if (excess > allowed) {
        sim_violated("OneOrderAKill",
                     "%llu orders at %s led to nothing, beside one for each of %llu kills; %llu "
                     "faults, %llu changes of specs",
                     (unsigned long long)excess, ca->host, (unsigned long long)sim->counts.kills,
                     (unsigned long long)sim->counts.faults, (unsigned long long)sim->respecs);
    }
}

/* ---- challenges ---- */

static void check_leftovers(const struct sim_ca *ca)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&ca->authzs, &pos, NULL, &value)) {
        const struct sim_authz *z = value;
        char *path = cl_printf("/.well-known/acme-challenge/%s", z->token);
        char *body = NULL;
        if (z->ended > 0 && z->ended + LEFTOVER_AFTER < sim->now &&
            sim_fetch(z->name, path, false, &body) == 200) {
            sim_violated("ChallengesAreCleaned",
                         "the challenge for %s that ended %lld s ago is "
                         "still served",
                         z->name, (long long)((sim->now - z->ended) / CL_SECOND));
        }
        cl_free(body);
        cl_free(path);
    }
}

void sim_check_end(void)
{
    SIM_WORLD();
    size_t pos = 0;
    void *ca;

    sim_check_disk();
    while (cl_map_next(&sim->cas, &pos, NULL, &ca)) {
        check_waste(ca);
        check_leftovers(ca);
    }
}

/* ---- hooks ---- */

struct hook_run {
    bool succeeded;
    uint64_t excuses;
};

static const char *env_of(const struct cl_strv *env, const char *name)
{
    size_t n = strlen(name);

    cl_strv_for_each(line, env) {
        if (strncmp(line, name, n) == 0 && line[n] == '=') {
            return line + n + 1;
        }
    }
    return NULL;
}

/* Is every file of the lineage the same after a power cut? *ret_print: what it holds. */
static bool lineage_durable(const char *lineage, struct cl_buf *ret_print)
{
    static const char *const FILES[] = {"privkey.pem", "fullchain.pem", "tls.key", "tls.crt"};
    bool same = true;
    char hex[CL_SHA256_TEXT];

    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        char *path = cl_printf("%s/%s", lineage, FILES[i]);
        struct sim_node *seen = sim_fs_node(path, true);
        struct sim_node *durable = NULL;
        if (seen != NULL && seen->type == DISK_FILE) {
            same = same && sim_fs_find(sim->fs->durable, path, true, &durable) == 0 &&
                   durable->type == DISK_FILE && durable->blob->len == seen->blob->len &&
                   memcmp(durable->blob->data, seen->blob->data, seen->blob->len) == 0;
            (void)cl_buf_adds(ret_print, cl_sha256_hex(seen->blob->data, seen->blob->len, hex));
        }
        cl_free(path);
    }
    return same;
}

void sim_check_hook_started(const char *program, const struct cl_strv *env)
{
    SIM_WORLD();
    const char *lineage = env_of(env, "RENEWED_LINEAGE");
    struct cl_buf print;

    if (cl_str_empty(lineage)) {
        return;
    }
    cl_buf_init(&print, 4096);
    (void)cl_buf_addf(&print, "%s %s ", program, lineage);
    if (!lineage_durable(lineage, &print)) {
        sim_violated("HooksAfterOutputs", "%s was started before %s was durable", program, lineage);
    }
    struct hook_run *r = cl_map_get(&sim->check->hooks, cl_buf_str(&print));
    if (r == NULL) {
        r = cl_new(struct hook_run);
        (void)cl_map_set(&sim->check->hooks, cl_buf_str(&print), r);
    } else if (r->succeeded && r->excuses == excuses()) {
        sim_violated("HooksOnce", "%s ran again for the same outputs in %s", program, lineage);
    }
    r->excuses = excuses();
    cl_free(sim->check->hook_running);
    sim->check->hook_running = cl_buf_take(&print);
}

void sim_check_hook_ended(const char *program, bool ok)
{
    SIM_WORLD();
    struct hook_run *r = sim->check->hook_running != NULL
                             ? cl_map_get(&sim->check->hooks, sim->check->hook_running)
                             : NULL;

    if (r != NULL && cl_str_starts(sim->check->hook_running, program)) {
        r->succeeded = ok;
    }
    if (ok) {
        sim_services_reload();
    }
}
