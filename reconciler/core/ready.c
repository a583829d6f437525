/* SPDX-License-Identifier: Apache-2.0 */
/* ready: what makes a wanted and issued certificate unusable all the same. */
#include "reconciler/core/ready.h"

#include "spec/base/cl_alloc.h"

#define CHECK(name) static bool name(const struct check_input *in, char *message, size_t size)
CHECK(expired);
CHECK(not_yet_valid);
CHECK(output_conflict);
CHECK(output_drift);
CHECK(output_missing);

const struct check READY_CHECKS[] = {
    {REASON_EXPIRED, true, expired},
    {REASON_NOT_YET_VALID, true, not_yet_valid},
    {REASON_OUTPUT_CONFLICT, true, output_conflict},
    {REASON_OUTPUT_DRIFT, true, output_drift},
    {REASON_OUTPUT_MISSING, true, output_missing},
};
const size_t READY_CHECKS_LEN = sizeof(READY_CHECKS) / sizeof(READY_CHECKS[0]);

static bool first_of(const struct check *rows, size_t len, const struct check_input *in,
                     struct verdict *ret)
{
    for (size_t i = 0; i < len; i++) {
        if (rows[i].breaks_ready && rows[i].fires(in, ret->message, sizeof(ret->message))) {
            ret->status = STATUS_FALSE;
            ret->reason = rows[i].reason;
            return true;
        }
    }
    return false;
}

void ready_decide(const struct check_input *in, struct verdict *ret)
{
    *ret = (struct verdict){.status = STATUS_TRUE, .reason = REASON_READY};
    if (first_of(CHECKS, CHECKS_LEN, in, ret) ||
        first_of(READY_CHECKS, READY_CHECKS_LEN, in, ret)) {
        return;
    }
    if (checks_lacks_names(in)) {
        char *names = cl_strv_join(&in->f->manifest->missing_names, ", ");
        ret->reason = REASON_NAMES_MISSING;
        (void)cl_format(ret->message, sizeof(ret->message),
                        "Certificate is valid, but lacks names that the CA refused: %.200s", names);
        cl_free(names);
        return;
    }
    (void)cl_format(ret->message, sizeof(ret->message),
                    "Certificate is up to date and has not expired");
}

#define say(...) ((void)cl_format(message, size, __VA_ARGS__))

CHECK(expired)
{
    char when[CL_TIME_TEXT];
    if (in->now < in->f->manifest->cert.not_after) {
        return false;
    }
    say("The certificate expired at %s", cl_time_format(in->f->manifest->cert.not_after, when));
    return true;
}

CHECK(not_yet_valid)
{
    char when[CL_TIME_TEXT];
    if (in->now >= in->f->manifest->cert.not_before) {
        return false;
    }
    say("The certificate is not valid before %s",
        cl_time_format(in->f->manifest->cert.not_before, when));
    return true;
}

CHECK(output_conflict)
{
    if (in->f->conflict == NULL && in->f->outputs != OUTPUTS_BLOCKED) {
        return false;
    }
    say("%s", in->f->conflict != NULL
                  ? in->f->conflict
                  : cl_str_or(in->f->outputs_detail, "an output holds a file of somebody else"));
    return true;
}

CHECK(output_drift)
{
    if (!in->f->outputs_drifting || in->f->outputs != OUTPUTS_WRITE) {
        return false;
    }
    say("An output is overwritten by somebody again and again: %s; repairs pause",
        cl_str_or(in->f->outputs_detail, "(no file named)"));
    return true;
}

/* Drift that is being repaired is no reason; a repair that failed, or a first write, is. */
CHECK(output_missing)
{
    bool repair_failed = in->f->outputs == OUTPUTS_WRITE && in->f->outputs_retry_at > 0;
    if (in->f->outputs_written_once && !repair_failed) {
        return false;
    }
    say("The certificate is not in all declared outputs yet: %s",
        cl_str_or(in->f->outputs_detail, "about to be written"));
    return true;
}
