/* SPDX-License-Identifier: Apache-2.0 */
/* dns_journal: the text of STATE/dns/ZONE.CREDENTIAL.jsonl: which values may be at a provider, and how
 * the provider is found again. Written before a value is sent, so a crash leaves nothing unlisted.
 * Pure: text in, text out. */
#ifndef DNS_JOURNAL_H
#define DNS_JOURNAL_H

#include "backends/dns/dns_provider.h"
#include "spec/base/cl_err.h"

#define DNS_JOURNAL_SCHEMA 1u
#define DNS_JOURNAL_MAX ((size_t)8 << 20)

struct dns_journal_entry {
    char *fqdn, *value;
    struct dns_detail detail; /* members may be NULL */
};
struct dns_journal {
    char *zone;
    char *credential; /* identity of the instance that wrote it: a hash, nothing secret */
    char *namespace_; /* of the object that declared the solver, "" if none */
    char *solver;     /* dns01_to_json */
    struct dns_journal_entry *entries;
    size_t n;
};
void dns_journal_deinit(struct dns_journal *j);
/** Copies; @detail may be NULL. */
void dns_journal_add(struct dns_journal *j, const char *fqdn, const char *value,
                     const struct dns_detail *detail);
void dns_detail_deinit(struct dns_detail *d);
void dns_detail_copy(struct dns_detail *dst, const struct dns_detail *src);

/** One JSON object a line: a head, then the values. Owned. */
char *dns_journal_print(const struct dns_journal *j);
/** @what names the file. Reasons: LOCAL "StateCorrupt", "StateTooNew". */
int dns_journal_parse(const char *text, const char *what, struct dns_journal *ret,
                      struct cl_err *err);

#endif
