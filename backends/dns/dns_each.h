/* SPDX-License-Identifier: Apache-2.0 */
/* dns_each: an apply for providers that know one value at a time: the values of a batch one after the
 * other, additions first, so that a failure comes before anything is taken away. */
#ifndef DNS_EACH_H
#define DNS_EACH_H

#include "backends/dns/dns_provider.h"
#include "backends/rt/loop.h"

struct dns_item {
    bool present; /* else clean up */
    const char *fqdn, *value;
    const struct dns_detail *detail; /* NULL: not known */
};
struct dns_each {
    struct loop *loop;
    struct dns_apply_op *op;
    void (*send)(struct dns_each *each, const struct dns_item *item);
    struct dns_item item; /* being sent */
    size_t change, value;
    struct cl_op *under; /* what the provider waits for, for cancel */
    bool cancelled;
    struct loop_task task;
};
/** @take_each: the first member of an allocated object, freed at the end. @send starts one value and
 *  calls dns_each_next when it is done, not before it returns unless nothing was started. */
void dns_each_start(struct dns_each *take_each, struct loop *l, struct dns_apply_op *op,
                    void (*send)(struct dns_each *each, const struct dns_item *item));
/** @op is what is under way: cancelled with the apply. */
void dns_each_under(struct dns_each *each, struct cl_op *op);
/** The value is done, or the batch has failed. */
void dns_each_next(struct dns_each *each, const struct cl_err *err);

/** Ends @op later with a copy of @zone. */
void dns_zone_given(struct loop *l, struct dns_zone_op *op, const char *zone);
/** "Authorization: Basic ..."; owned, secret. */
char *dns_basic_auth(const char *username, const char *password);

#endif
