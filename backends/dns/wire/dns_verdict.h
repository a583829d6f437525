/* SPDX-License-Identifier: Apache-2.0 */
/* dns_verdict: is a TXT record visible everywhere it must be? The table of what each server said in
 * each round, and the rules. Pure. */
#ifndef DNS_VERDICT_H
#define DNS_VERDICT_H

#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>

enum dns_sight {
    DNS_SIGHT_UNKNOWN, /* not asked yet */
    DNS_SIGHT_GOOD,    /* has every value */
    DNS_SIGHT_MISSING, /* answers for the zone, but a value is not there */
    DNS_SIGHT_LAME,    /* answers, but not for the zone: REFUSED, SERVFAIL, no authority */
    DNS_SIGHT_SILENT   /* no answer, by UDP and TCP */
};
const char *dns_sight_name(enum dns_sight s); /* "Good" "Missing" "Lame" "Silent" "Unknown" */

struct dns_view { /* one address of one name server, or one resolver */
    char *ns;     /* name; "" if none is known */
    char *server; /* "ADDRESS:PORT" or URL */
    enum dns_sight sight;
    char detail[128];      /* "REFUSED", "timed out", "2 other values", cleaned */
    struct cl_strv values; /* TXT values seen last, cleaned */
    unsigned rounds;       /* in which it was asked */
    unsigned answers;      /* of them with an answer that counts: GOOD or MISSING */
    unsigned good;         /* good rounds in a row, up to now */
    unsigned missed;       /* rounds in a row without an answer that counts, up to now */
    bool hopeless;         /* this machine has no way there: not asked again */
};
struct dns_table {
    struct dns_view *views;
    size_t n;
    unsigned rounds; /* completed */
};
void dns_table_deinit(struct dns_table *t);
struct dns_view *dns_table_add(struct dns_table *t, const char *ns, const char *server);
/** Records what @v said in this round; @detail may be NULL. values are set by the caller. */
void dns_view_saw(struct dns_view *v, enum dns_sight sight, const char *detail);

struct dns_rules {
    unsigned good_rounds; /* in a row: 2, for anycast 3 */
    unsigned patience;    /* rounds in a row after which who does not answer is left out: 3 */
};
enum dns_verdict {
    DNS_NOT_YET,
    DNS_VISIBLE,
    DNS_NOBODY /* all are left out */
};
/** After each round. Every server that is not left out must have been good in the last good_rounds
 *  rounds, and there must be one. Left out are those that are silent or lame for too long. */
enum dns_verdict dns_table_judge(const struct dns_table *t, const struct dns_rules *rules);
/** Pause before the next round: 1, 2, 3, 5, 8, then 10 s; 2 s after a good one; @every overrides
 *  the 10 s and what is longer than it. @round counts completed ones, from 1. */
cl_time dns_round_pause(unsigned round, bool good, cl_time every);
/** "2 of 3 servers have it; ns2.example.org (192.0.2.2:53): Missing" */
void dns_table_summary(const struct dns_table *t, char *buf, size_t size);

#endif
