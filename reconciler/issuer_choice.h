/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_choice: a Certificate whose spec names several Issuers: what is known of each of them, whom
 * core/failover chooses, what is remembered of each, and what the status tells. */
#ifndef ISSUER_CHOICE_H
#define ISSUER_CHOICE_H

#include "reconciler/core/failover.h"
#include "reconciler/observe.h"

/** Asks failover, unless an issuance runs, and fills what the facts say about it. Before the facts of
 *  the Issuer are gathered. */
void issuer_choice_observe(struct unit *u, cl_time now, struct observation *seen);
/** The identity of the Issuer that issued what is archived; of the one asked, if the spec does not
 *  name it. @ret is "" if unknown. */
void issuer_choice_identity(struct unit *u, char *ret, size_t size);
void issuer_choice_destroy(struct issuer_choice *c);

/** The reference that would be asked now: of the rehearsal, or ... */
const struct issuer_ref *issuer_choice_asked(const struct unit *u);
/** ... the one whose certificate is wanted: spec.issuerRef or a fallback. */
const struct issuer_ref *issuer_choice_ref(const struct unit *u);
/** What its last failure left behind. */
struct memory_hold *issuer_choice_hold(struct unit *u);
/** Where the record of the issuance is kept: one place for each Issuer that is asked, so that an
 *  order at one CA outlives a try at another. A key for pending_*; owned. */
char *issuer_choice_store_key(const struct unit *u);

/** An issuance through the chosen Issuer failed; its hold was set already. */
void issuer_choice_failed(struct unit *u, const struct cl_err *err, cl_time now);
/** A certificate of the chosen Issuer is archived; @before: the Issuer of the revision before, "" if
 *  there was none. */
void issuer_choice_delivered(struct unit *u, const char *before);
/** A rehearsal ended; @err NULL: well. The next attempt is told apart by it. */
void issuer_choice_rehearsed(struct unit *u, const struct cl_err *err, cl_time now);
/** Adds "issuers", "standby" and "rehearsal" to the status, where the spec asks for them. */
void issuer_choice_report(struct unit *u, cl_time now, json_t *details);

#endif
