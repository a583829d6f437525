/* SPDX-License-Identifier: Apache-2.0 */
/* outcome: how a one-shot run ends: 0 all Ready and Deployed, 2 something that is due now waits for
 * a later time, 1 something failed, is stalled or invalid. */
#include "reconciler/inventory.h"
#include "reconciler/unit.h"

#define SOON CL_MINUTE /* a retry within this is waited for */

static bool is(const struct unit *u, enum condition_type t, enum condition_status s)
{
    return u->summary.conditions[t] == s;
}

static bool done(const struct unit *u)
{
    if (u->rejection != NULL) {
        return false;
    }
    if (u->is_issuer) {
        return true; /* judged through the certificates that need it */
    }
    return is(u, CONDITION_READY, STATUS_TRUE) && is(u, CONDITION_DEPLOYED, STATUS_TRUE) &&
           (u->summary.trigger == REASON_NONE || u->summary.gate == REASON_NONE ||
            u->summary.gate == REASON_SUSPENDED);
}

/* Is it waiting for a time, rather than broken? */
static bool waiting(const struct unit *u)
{
    enum reason gate = (enum reason)u->summary.gate;
    return u->rejection == NULL && !is(u, CONDITION_STALLED, STATUS_TRUE) &&
           (gate == REASON_SUSPENDED || gate == REASON_RATE_LIMITED ||
            gate == REASON_WAITING_FOR_SLOT || gate == REASON_WAITING_FOR_WINDOW ||
            gate == REASON_CLOCK_UNSYNCHRONISED || gate == REASON_DELETED);
}

static bool working(struct daemon *d, const struct unit *u)
{
    bool stalled = is(u, CONDITION_STALLED, STATUS_TRUE) || u->rejection != NULL;
    if (u->ending || (u->absent_since > 0 && !inventory_holds(d->inventory))) {
        return true; /* its grace is short; who runs from cron would never see it end */
    }
    if (unit_running(u) || u->item.dirty || !u->item.reported || u->summary.busy) {
        return true;
    }
    return !done(u) && !stalled && !waiting(u) && u->summary.next_at != 0 &&
           u->summary.next_at - loop_now(d->loop) <= SOON;
}

static void add_line(struct cl_strv *lines, const struct unit *u)
{
    enum reason r =
        (enum reason)(u->summary.gate != REASON_NONE ? u->summary.gate : u->summary.ready_reason);
    char next[CL_TIME_TEXT];
    if (u->rejection != NULL) {
        cl_strv_take(lines, cl_printf("%s: InvalidSpec: %s", u->display, u->rejection));
        return;
    }
    if (!u->is_issuer && is(u, CONDITION_READY, STATUS_TRUE) && u->summary.gate == REASON_NONE) {
        r = (enum reason)u->summary.deployed_reason;
    }
    cl_strv_take(lines, cl_printf("%s: %s: %s; next look %s", u->display, reason_token(r),
                                  reason_doc(r), cl_time_format(u->summary.next_at, next)));
}

enum daemon_outcome daemon_verdict(struct daemon *d, struct cl_strv *ret_lines)
{
    enum daemon_outcome worst = OUTCOME_ALL_DONE;
    struct inventory_info info;
    size_t pos = 0;
    void *value;

    inventory_info(d->inventory, &info);
    if (info.unavailable != NULL) {
        cl_strv_add(ret_lines, info.unavailable);
        worst = OUTCOME_FAILED;
    }
    if (info.rejected > 0) {
        cl_strv_take(ret_lines,
                     cl_printf("%zu spec files were rejected, see above", info.rejected));
        worst = OUTCOME_FAILED;
    }
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (!done(u)) {
            enum daemon_outcome o = waiting(u) ? OUTCOME_WAITING : OUTCOME_FAILED;
            worst = worst == OUTCOME_FAILED ? worst : o;
            add_line(ret_lines, u);
        }
    }
    return worst;
}

enum daemon_outcome daemon_outcome(struct daemon *d, struct cl_strv *ret_lines)
{
    size_t pos = 0;
    void *value;
    if (!d->scanned) {
        return OUTCOME_WORKING;
    }
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        if (working(d, value)) {
            return OUTCOME_WORKING;
        }
    }
    return daemon_verdict(d, ret_lines);
}
