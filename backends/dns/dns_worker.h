/* SPDX-License-Identifier: Apache-2.0 */
/* dns_worker: who writes to zones. One queue for each (credentials, zone): whoever wants a value asks
 * here, and what is asked within 300 ms is written at once; a zone is never written twice at the same
 * time. Removals are lazy: they join the next write of the zone, or come a minute later.
 *
 * Before a value is sent it is durable in STATE/dns/ZONE.CREDENTIAL.jsonl, so what a crash leaves
 * behind is found and removed at the next start: exactly these values, nothing else. */
#ifndef DNS_WORKER_H
#define DNS_WORKER_H

#include "backends/dns/dns_registry.h"
#include "backends/rt/op.h"

#define DNS_BATCH_WINDOW (300 * CL_MS)

struct dns_worker;
/** @r and @p outlive the worker. */
struct dns_worker *dns_worker_create(struct loop *l, const struct paths *p, struct dns_registry *r);
/** What is under way is left to its end, which nobody hears of: for the end of the process. NULL is
 *  fine. */
void dns_worker_destroy(struct dns_worker *w);

struct dns_claim; /* a value that somebody holds at a name */
struct dns_present_request {
    struct dns_handle *handle;
    const char *zone;                /* as the provider's zone() said */
    const char *fqdn, *value;        /* TXT value, not quoted */
    const struct dns_detail *detail; /* NULL: not known */
};
struct dns_present_op {
    struct cl_op op; /* done: written, which is not yet visible. err: the provider's */
    /* Result, owned: dns_worker_release takes the value away again. NULL after an error. Where a
     * name has room for one value, op waits until the claim of the other one is released. */
    struct dns_claim *claim;
    bool waits; /* set by dns_worker_present: others have all the room at the name */
};
/** Inputs are copied. */
void dns_worker_present(struct dns_worker *w, const struct dns_present_request *req,
                        struct dns_present_op *op);
/** Needs the value no longer. NULL is fine. */
void dns_worker_release(struct dns_claim *claim);

/** The value stays at the provider, and is nobody's any more: for records that outlive an order. NULL
 *  is fine. Until the journal says so, too, a crash takes the value away again. */
void dns_worker_keep(struct dns_claim *claim);

/** Removes at once what waits to be removed. Ends when that is done, or has failed: then the journal
 *  keeps it. Before the process ends. */
void dns_worker_flush(struct dns_worker *w, struct cl_op *op);
/** Reads the journals: what they list is removed within a minute, unless somebody wants it again.
 *  -1: the first journal that could not be read or whose provider could not be opened; it stays and
 *  is tried again every ten minutes. */
int dns_worker_recover(struct dns_worker *w, struct cl_err *err);

#endif
