/* SPDX-License-Identifier: Apache-2.0 */
/* persist_proof: what is known of a record of dns-persist-01 that has proved a name: when it ends, and
 * what to publish then. Remembered for each Certificate, shown in its status. Plain data; strings owned. */
#ifndef PERSIST_PROOF_H
#define PERSIST_PROOF_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <jansson.h>

struct persist_proof {
    char *identifier; /* without "*."; "" = nothing is known */
    bool wildcard;
    char *record;           /* name of the record: "_validation-persist.example.com" */
    char *value;            /* what to publish when it ends */
    struct cl_strv issuers; /* of the CA: any of them */
    char *account_url;
    bool managed;         /* certloop publishes it by a provider; else a person does */
    cl_time until;        /* persistUntil; 0 = it does not end */
    cl_time attention_at; /* from then on it is time for a later one; 0 = never */
    cl_time checked_at;   /* when the name servers were asked last */
    char *problem; /* why a later one could not be published or found; "" = nothing is wrong */
};
struct persist_proofs {
    struct persist_proof *items;
    size_t len;
};

/** From when on a record that ends at @until and was seen first at @seen wants a successor: a third of
 *  that time before its end, 30 days at most. @persist_for: how long those that certloop publishes hold;
 *  0 = it is a person's. */
cl_time persist_attention_at(cl_time seen, cl_time until, cl_time persist_for);

void persist_proof_deinit(struct persist_proof *p);
void persist_proof_copy(struct persist_proof *dst, const struct persist_proof *src);
void persist_proofs_deinit(struct persist_proofs *l);
/** Puts a copy of @p in the place of what was known of that name. As long as its end is the same, its
 *  attention_at stays as it was, too: being looked at makes no record younger. */
void persist_proofs_put(struct persist_proofs *l, const struct persist_proof *p);
void persist_proofs_drop(struct persist_proofs *l, const struct persist_proof *p);
/** Drops those of names that are not in @dns_names any more. True if any was. */
bool persist_proofs_keep(struct persist_proofs *l, const struct cl_strv *dns_names);
/** "*.example.com"; owned. */
char *persist_proof_name(const struct persist_proof *p);

json_t *persist_proofs_write(const struct persist_proofs *l);
int persist_proofs_read(const json_t *array, struct persist_proofs *ret, struct cl_err *err);

#endif
