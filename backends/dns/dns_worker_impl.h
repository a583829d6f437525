/* SPDX-License-Identifier: Apache-2.0 */
/* dns_worker_impl: a zone and its worker. Private to dns_worker*.c. */
#ifndef DNS_WORKER_IMPL_H
#define DNS_WORKER_IMPL_H

#include "backends/dns/dns_desired.h"
#include "backends/dns/dns_journal.h"
#include "backends/dns/dns_worker.h"
#include "backends/rt/disk.h"

struct dns_worker {
    struct loop *loop;
    const struct paths *paths;
    struct dns_registry *registry;
    struct cl_map zones; /* key -> struct dns_zone */
    struct cl_op *flush; /* under way, or NULL */
    struct loop_task flush_task;
    struct loop_timer retry_timer; /* of journals that could not be taken up */
};

enum dns_zone_step {
    DNS_ZONE_IDLE,
    DNS_ZONE_WAITING,     /* for other zones of the same credentials */
    DNS_ZONE_LOCKING,     /* another process of this machine writes to the zone */
    DNS_ZONE_JOURNALLING, /* the batch becomes durable */
    DNS_ZONE_WRITING,     /* the provider works */
    DNS_ZONE_TIDYING      /* what was removed leaves the journal */
};
struct dns_zone {
    struct dns_worker *w;
    char *key, *name, *path; /* path: of the journal; NULL: nothing stays outside the process */
    struct dns_handle *handle;
    struct dns_desired desired;
    struct cl_map details;   /* "FQDN\nVALUE" -> struct dns_detail */
    struct cl_list presents; /* struct present.link: not written yet */
    enum dns_zone_step step;
    struct dns_batch batch;
    cl_time window_end; /* 0: nothing is being collected */
    struct loop_timer timer;
    struct cl_list waiting; /* in handle->waiting */
    struct cl_op commit;
    struct dns_apply_op apply;
    struct disk_lock *lock;
    cl_time lock_until;
    bool kept;            /* the journal lists a value that is to stay */
    struct cl_strv stale; /* journals of former credentials that this one has taken over */
};
struct dns_claim {
    struct dns_zone *zone;
    char *fqdn, *value;
};

struct dns_zone *dns_zone_get(struct dns_worker *w, struct dns_handle *h, const char *name);
void dns_zone_free(struct dns_zone *z);
/** Looks what is to be done next; may free @z. */
void dns_zone_kick(struct dns_zone *z);
bool dns_zone_flushed(const struct dns_zone *z);
void dns_worker_flush_check(struct dns_worker *w);

/* ---- dns_worker_journal.c ---- */
char *dns_zone_journal_path(const struct dns_worker *w, const struct dns_handle *h,
                            const char *name);
/** Makes the journal say what the set says, durably. */
void dns_zone_save(struct dns_zone *z, void (*done)(struct cl_op *op, const struct cl_err *err));
/** Takes up what the zone's journal lists. A damaged one is moved aside. */
void dns_zone_load(struct dns_zone *z);
const struct dns_detail *dns_zone_detail(const struct dns_zone *z, const char *fqdn,
                                         const char *value);
void dns_zone_set_detail(struct dns_zone *z, const char *fqdn, const char *value,
                         const struct dns_detail *d);
/** Forgets the details of values that are no longer in the set. */
void dns_zone_trim_details(struct dns_zone *z);

#endif
