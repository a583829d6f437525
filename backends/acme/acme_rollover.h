/* SPDX-License-Identifier: Apache-2.0 */
/* acme_rollover: replaces the account key (RFC 8555 7.3.5), as a machine without IO.
 *
 *   CHECK -> KEY -> CHANGE -> COMMIT -> DONE
 *         -> PROBE -> CHANGE | COMMIT | DISCARD
 *
 * The new key is durable (key.next.pem) before the CA hears of it. While that file is there nobody
 * knows which of the two keys the CA takes: PROBE asks with newAccount and onlyReturnExisting,
 * signed by the new key. So a kill after any step, or a lost answer, leaves an account whose key is
 * on disk. The account URL stays what it is, and with it all that names it: CAA records and
 * dns-persist-01. */
#ifndef ACME_ROLLOVER_H
#define ACME_ROLLOVER_H

#include "backends/acme/acme_msg.h"
#include "backends/acme/acme_request.h"
#include "spec/base/cl_err.h"

#include <stdbool.h>

enum acme_rollover_state {
    ROLLOVER_CHECK,
    ROLLOVER_KEY,
    ROLLOVER_PROBE,
    ROLLOVER_CHANGE,
    ROLLOVER_COMMIT,
    ROLLOVER_DISCARD,
    ROLLOVER_DONE,
    ROLLOVER_STATE_COUNT
};
/* Inputs; borrowed for the life of the machine. */
struct acme_rollover_params {
    const struct acme_directory *directory;
    const char *account_url;
    bool begun; /* key.next.pem is there: from a run that did not come to its end */
};
struct acme_rollover {
    struct acme_rollover_params p;
    enum acme_rollover_state state;
    struct cl_err refusal; /* of keyChange, while PROBE finds out what it means */
    bool discarded;        /* the new key is not wanted any more */
    bool changed;          /* the new key is the account's */
    struct cl_err err;     /* kind NONE = fine */
};
enum acme_rollover_event_type {
    ROLLOVER_EV_ENTER,
    ROLLOVER_EV_KEY,    /* the new key is durable; or err */
    ROLLOVER_EV_REPLY,  /* reply */
    ROLLOVER_EV_FAILED, /* err */
    ROLLOVER_EV_SAVED   /* COMMIT or DISCARD is durable; or err */
};
struct acme_rollover_event {
    enum acme_rollover_event_type type;
    const struct acme_reply *reply;
    const struct cl_err *err;
};
enum acme_rollover_action {
    ROLLOVER_ACT_MAKE_KEY, /* -> KEY */
    ROLLOVER_ACT_PROBE,    /* newAccount, onlyReturnExisting, by the new key -> REPLY or FAILED */
    ROLLOVER_ACT_CHANGE,   /* keyChange, by the old key -> REPLY or FAILED */
    ROLLOVER_ACT_COMMIT,   /* the new key takes the place of the old one -> SAVED */
    ROLLOVER_ACT_DISCARD,  /* the new key is forgotten -> SAVED */
    ROLLOVER_ACT_DONE      /* err and changed are final */
};
void acme_rollover_init(struct acme_rollover *r, const struct acme_rollover_params *p);
enum acme_rollover_action acme_rollover_step(struct acme_rollover *r,
                                             const struct acme_rollover_event *ev);

#endif
