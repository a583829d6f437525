/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desired: what is wanted in one zone, and what of it is there: the decisions of the zone worker.
 * Values are counted by who wants them, so that an apex and its wildcard, or two certificates behind
 * one delegated name, meet in one set. Pure: time is an argument. */
#ifndef DNS_DESIRED_H
#define DNS_DESIRED_H

#include "backends/dns/dns_provider.h"
#include "spec/base/cl_map.h"

enum dns_value_state {
    DNS_VALUE_ABSENT, /* never sent to the provider */
    DNS_VALUE_UNSURE, /* sent, but nobody knows what came of it: after an error, after a crash */
    DNS_VALUE_PRESENT
};
struct dns_value {
    char *value;
    unsigned refs; /* 0: to be removed, if it may be there */
    enum dns_value_state state;
    bool in_flight;      /* part of the batch under way */
    cl_time released_at; /* when refs became 0 */
};
struct dns_desired_name {
    char *fqdn;
    struct dns_value *values; /* in the order in which they were first wanted */
    size_t n;
};
struct dns_desired {
    struct cl_map names; /* fqdn -> struct dns_desired_name; none without values */
    unsigned failures;   /* batches that failed, in a row */
    cl_time not_before;  /* no removal for its own sake before this, after a failure */
};
void dns_desired_deinit(struct dns_desired *d); /* zeroed is empty */

/** One more wants @value at @fqdn. */
void dns_desired_add(struct dns_desired *d, const char *fqdn, const char *value);
/** One less. What was never sent is forgotten, the rest is removed in time. */
void dns_desired_release(struct dns_desired *d, const char *fqdn, const char *value, cl_time now);
/** One less; and if it was the last one, the value is left where it is and forgotten. */
void dns_desired_keep(struct dns_desired *d, const char *fqdn, const char *value);
/** Found in a journal: may be there, and nobody wants it. */
void dns_desired_recover(struct dns_desired *d, const char *fqdn, const char *value, cl_time now);
enum dns_value_state dns_desired_state(const struct dns_desired *d, const char *fqdn,
                                       const char *value);
/** Could @value, which is wanted, be written now? Not if @places others came first. */
bool dns_desired_has_room(const struct dns_desired *d, const char *fqdn, const char *value,
                          unsigned places);
bool dns_desired_empty(const struct dns_desired *d);

#define DNS_LAZY (60 * CL_SECOND) /* how long a removal waits for a write that it could join */
struct dns_batch_rules {
    unsigned values_per_name; /* of struct dns_traits */
    bool flush;               /* removals do not wait */
};
/** When is there something to write? 0 = values are wanted now; CL_NEVER = nothing. */
cl_time dns_desired_due(const struct dns_desired *d, const struct dns_batch_rules *rules);

/* A batch: borrowed strings, valid while the set lives and the batch is under way. */
struct dns_batch {
    struct dns_change *changes;
    size_t n;
    bool adds, removes;
};
/** Everything that can be written at @now: all values that are wanted and, if there are any or their
 *  time has come, the removals. Marks them. Where a name has room for a few values only, those that
 *  came first have it. */
void dns_desired_batch(struct dns_desired *d, const struct dns_batch_rules *rules, cl_time now,
                       struct dns_batch *ret);
/** The batch has been written, or not: then removals wait 1, 5, 15 minutes, an hour. */
void dns_desired_done(struct dns_desired *d, struct dns_batch *batch, bool ok, cl_time now);
/** For a batch that was never sent. */
void dns_desired_undo(struct dns_desired *d, struct dns_batch *batch);

/** Calls @fn for every value that may be at the provider, or is about to be: what a journal holds. */
void dns_desired_each(const struct dns_desired *d,
                      void (*fn)(void *user, const char *fqdn, const struct dns_value *v),
                      void *user);

#endif
