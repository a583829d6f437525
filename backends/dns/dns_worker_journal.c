/* SPDX-License-Identifier: Apache-2.0 */
/* dns_worker_journal: the journals of zones on disk. A journal is written as a whole: it is as long as
 * the set of values that may be at the provider, and gone when that is empty. */
#include "backends/dns/dns_worker_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define DIRECTORY "dns"
#define SUFFIX ".jsonl"
#define ZONE_NAME_MAX 180 /* with credential and suffix below NAME_MAX */
#define RETRY (10 * CL_MINUTE)

char *dns_zone_journal_path(const struct dns_worker *w, const struct dns_handle *h,
                            const char *name)
{
    char hex[CL_SHA256_TEXT];
    bool plain = strlen(name) <= ZONE_NAME_MAX && strchr(name, '/') == NULL && name[0] != '.';
    char *relative = cl_printf(DIRECTORY "/%s.%.12s" SUFFIX,
                               plain ? name : cl_sha256_hex(name, strlen(name), hex), h->identity);
    char *path = paths_state(w->paths, relative);

    cl_free(relative);
    return path;
}

/* ---- details ---- */

static char *detail_key(const char *fqdn, const char *value)
{
    return cl_printf("%s\n%s", fqdn, value);
}

const struct dns_detail *dns_zone_detail(const struct dns_zone *z, const char *fqdn,
                                         const char *value)
{
    char *key = detail_key(fqdn, value);
    const struct dns_detail *d = cl_map_get(&z->details, key);

    cl_free(key);
    return d;
}

void dns_zone_set_detail(struct dns_zone *z, const char *fqdn, const char *value,
                         const struct dns_detail *d)
{
    if (d == NULL || d->domain == NULL) {
        return;
    }
    char *key = detail_key(fqdn, value);
    struct dns_detail *own = cl_new(struct dns_detail);
    dns_detail_copy(own, d);
    struct dns_detail *old = cl_map_set(&z->details, key, own);
    if (old != NULL) {
        dns_detail_deinit(old);
        cl_free(old);
    }
    cl_free(key);
}

static bool in_set(const struct dns_zone *z, const char *key)
{
    const char *end = strchr(key, '\n');
    char *fqdn = cl_strndup(key, (size_t)(end - key));
    const struct dns_desired_name *n = cl_map_get(&z->desired.names, fqdn);
    bool found = false;

    for (size_t i = 0; n != NULL && i < n->n; i++) {
        found |= strcmp(n->values[i].value, end + 1) == 0;
    }
    cl_free(fqdn);
    return found;
}

void dns_zone_trim_details(struct dns_zone *z)
{
    size_t pos = 0;
    const char *key;
    void *detail;

    while (cl_map_next(&z->details, &pos, &key, &detail)) {
        if (!in_set(z, key)) {
            (void)cl_map_remove(&z->details, key);
            dns_detail_deinit(detail);
            cl_free(detail);
        }
    }
}

/* ---- writing ---- */

struct listing {
    const struct dns_zone *zone;
    struct dns_journal journal;
};

static void list_value(void *user, const char *fqdn, const struct dns_value *v)
{
    struct listing *l = user;

    dns_journal_add(&l->journal, fqdn, v->value, dns_zone_detail(l->zone, fqdn, v->value));
}

void dns_zone_save(struct dns_zone *z, void (*done)(struct cl_op *op, const struct cl_err *err))
{
    struct listing l = {.zone = z};

    z->commit = (struct cl_op){.done = done, .user = z};
    if (z->path == NULL) {
        op_later(z->w->loop, &z->commit, NULL);
        return;
    }
    struct disk_batch *b = disk_batch_create();
    char *directory = paths_state(z->w->paths, DIRECTORY);
    dns_desired_each(&z->desired, list_value, &l);
    disk_batch_mkdirs(b, directory, 0700);
    if (l.journal.n == 0) {
        disk_batch_unlink(b, z->path);
    } else {
        l.journal.zone = cl_strdup(z->name);
        l.journal.credential = cl_strdup(z->handle->identity);
        l.journal.namespace_ = cl_strdup(z->handle->namespace_);
        l.journal.solver = cl_strdup(z->handle->solver);
        char *text = dns_journal_print(&l.journal);
        disk_batch_write(b, z->path, text, strlen(text), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
        cl_free(text);
    }
    disk_batch_barrier(b);
    cl_strv_for_each(stale, &z->stale) {
        disk_batch_unlink(b, stale); /* what it lists is in the new one now */
    }
    cl_strv_deinit(&z->stale);
    dns_journal_deinit(&l.journal);
    cl_free(directory);
    disk_commit(z->w->loop, b, &z->commit);
}

/* ---- reading ---- */

static int read_journal(const char *path, struct dns_journal *ret, struct cl_err *err)
{
    struct cl_buf text = {0};
    int rc = disk_read(path, DNS_JOURNAL_MAX, &text, NULL, err);

    if (rc == 0) {
        rc = dns_journal_parse(cl_buf_str(&text), path, ret, err);
    }
    cl_buf_deinit(&text);
    return rc;
}

static void take_up(struct dns_zone *z, const struct dns_journal *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct dns_journal_entry *e = &j->entries[i];
        dns_desired_recover(&z->desired, e->fqdn, e->value, loop_now(z->w->loop));
        dns_zone_set_detail(z, e->fqdn, e->value, &e->detail);
    }
}

void dns_zone_load(struct dns_zone *z)
{
    struct dns_journal j = {0};
    struct cl_err err = {0};

    if (z->path == NULL || read_journal(z->path, &j, &err) == 0) {
        take_up(z, &j);
    } else if (!cl_streq(err.reason, "NotFound")) { /* not to be overwritten: it may be of use */
        char *aside = cl_printf("%s.damaged", z->path);
        cl_log(CL_LOG_DEBUG, "", err.reason, "%s; moved to %s", err.text, aside);
        (void)disk_rename(z->path, aside, NULL);
        cl_free(aside);
    }
    dns_journal_deinit(&j);
}

/* Finds the provider of a journal and gives its zone what it lists. */
static int recover_journal(struct dns_worker *w, const char *path, struct cl_err *err)
{
    struct dns_journal j = {0};
    struct dns01_spec spec = {0};
    struct dns_handle *h = NULL;
    int rc = read_journal(path, &j, err);

    if (rc == 0) {
        rc = dns01_from_json(j.solver, &spec, err);
    }
    if (rc == 0) {
        rc = dns_registry_open(w->registry, &spec, j.namespace_, &h, err);
    }
    if (rc == 0) {
        struct dns_zone *z = dns_zone_get(w, h, j.zone); /* reads its own journal */
        if (!cl_streq(z->path, path) && !cl_strv_has(&z->stale, path)) {
            take_up(z, &j); /* of other credentials for the same solver */
            cl_strv_add(&z->stale, path);
        }
        dns_zone_kick(z);
        dns_handle_unref(h);
    } else {
        cl_wrap(err, "records in zone %s that were left behind", cl_str_or(j.zone, path));
    }
    dns01_spec_deinit(&spec);
    dns_journal_deinit(&j);
    return rc;
}

static void retry_due(struct loop_timer *t);

static int recover_all(struct dns_worker *w, struct cl_err *err)
{
    struct cl_strv names = {0};
    struct cl_err own = {0};
    char *directory = paths_state(w->paths, DIRECTORY);
    int rc = disk_list(directory, &names, &own);

    if (rc < 0 && cl_streq(own.reason, "NotFound")) {
        rc = 0;
    } else if (rc < 0) {
        *err = own;
    }
    cl_strv_for_each(name, &names) {
        char *path = cl_printf("%s/%s", directory, name);
        if (name[0] != '.' && cl_str_ends(name, SUFFIX) &&
            recover_journal(w, path, rc == 0 ? err : &own) < 0) {
            rc = -1; /* the others are tried all the same */
            loop_at(w->loop, &w->retry_timer, loop_now(w->loop) + RETRY, retry_due, w);
        }
        cl_free(path);
    }
    cl_strv_deinit(&names);
    cl_free(directory);
    return rc;
}

static void retry_due(struct loop_timer *t)
{
    struct cl_err err = {0};

    if (recover_all(t->user, &err) < 0) {
        cl_log(CL_LOG_DEBUG, "", err.reason, "%s", err.text);
    }
}

int dns_worker_recover(struct dns_worker *w, struct cl_err *err)
{
    return recover_all(w, err);
}
