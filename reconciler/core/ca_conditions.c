/* SPDX-License-Identifier: Apache-2.0 */
/* ca_conditions: what the CA waits for, or makes us wait for, has a condition of its own beside
 * Ready and Stalled, so that alerts can name it. */
#include "reconciler/core/ca_conditions.h"

#include "spec/base/cl_str.h"

#define SKEW_MIN CL_MINUTE /* less is the network, or a CA that caches its pages */

static const struct {
    const char *reason; /* of the error; NULL = any */
    enum cl_err_kind kind;
    enum condition_type type;
} ROWS[] = {
    {"AgreementRequired", CL_ERR_PERMANENT, CONDITION_AGREEMENT_REQUIRED},
    {"PausedByCA", CL_ERR_PERMANENT, CONDITION_PAUSED_BY_CA},
    {NULL, CL_ERR_RATE_LIMITED, CONDITION_RATE_LIMITED},
};

enum condition_type ca_condition_of(const char *reason, enum cl_err_kind kind)
{
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].kind == kind && (ROWS[i].reason == NULL || cl_streq(ROWS[i].reason, reason))) {
            return ROWS[i].type;
        }
    }
    return CONDITION_COUNT;
}

void ca_conditions(const struct hold_view *h, cl_time now, struct verdict *ret)
{
    char when[CL_TIME_TEXT];
    enum condition_type type = ca_condition_of(h->reason, h->kind);

    if (type == CONDITION_COUNT || h->inputs_changed || h->not_before <= now) {
        return;
    }
    ret[type].status = STATUS_TRUE;
    ret[type].reason = type == CONDITION_RATE_LIMITED ? REASON_RATE_LIMITED : REASON_STALLED;
    (void)cl_format(ret[type].message, sizeof(ret[type].message), "%s; %s%s",
                    cl_str_or(h->message, "no details"),
                    h->not_before == CL_NEVER ? "nothing is asked before something changes"
                                              : "asked again at ",
                    h->not_before == CL_NEVER ? "" : cl_time_format(h->not_before, when));
}

void ca_clock_skew(cl_time skew, struct verdict *ret)
{
    char amount[CL_DURATION_TEXT];
    cl_time size = skew < 0 ? -skew : skew;

    if (size < SKEW_MIN) {
        return;
    }
    ret->status = STATUS_TRUE;
    ret->reason = REASON_CLOCK_SKEW;
    (void)cl_format(ret->message, sizeof(ret->message),
                    "the clock of the CA is %s %s ours; certificates and limits are told by the "
                    "CA's time, so let time be synchronised here (timedatectl, chrony)",
                    cl_duration_format(size, amount), skew > 0 ? "ahead of" : "behind");
}
