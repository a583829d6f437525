/* SPDX-License-Identifier: Apache-2.0 */
/* ari: windows, instants and polls of RFC 9773. */
#include "reconciler/core/ari.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_rng.h"
#include "spec/base/cl_str.h"

#define FIRST_POLL (5 * CL_SECOND) /* after issuance: the CA's replicas may lag */
#define POLL_MIN (10 * CL_MINUTE)
#define POLL_MAX CL_DAY
#define POLL_USUAL (6 * CL_HOUR)
#define POLLS_A_LIFE 24 /* of a short-lived certificate, if the CA does not say how often */
#define RETRY_MIN CL_HOUR
#define RETRY_MAX (6 * CL_HOUR)

/* The same number for the same texts, and evenly spread for different ones. */
static struct cl_rng seeded(const char *a, const char *b)
{
    struct cl_rng rng;

    cl_rng_seed(&rng, cl_rng_hash(a) * 31 + cl_rng_hash(b));
    (void)cl_rng_next(&rng);
    return rng;
}

static void set_text(char **field, const char *value)
{
    if (!cl_streq(*field, value)) {
        cl_free(*field);
        *field = cl_str_empty(value) ? NULL : cl_strdup(value);
    }
}

void ari_state_deinit(struct ari_state *s)
{
    cl_free(s->cert_id);
    cl_free(s->explanation_url);
    cl_free(s->last_error);
    *s = (struct ari_state){0};
}

/* From here on it is about @cert. What was known of its predecessor is void, but not that it was
 * renewed at the CA's wish. */
static void turn_to(struct ari_state *s, const struct cert_facts *cert)
{
    if (cl_streq(s->cert_id, cert->ari_cert_id)) {
        return;
    }
    cl_time renewed_at = s->renewed_at;
    ari_state_deinit(s);
    s->renewed_at = renewed_at;
    s->cert_id = cl_strdup(cert->ari_cert_id);
}

/* Uniform in the window (RFC 9773 4.2). */
static cl_time pick(const char *cert_id, const char *key, cl_time start, cl_time end)
{
    struct cl_rng rng = seeded(cert_id, key);

    return cl_rng_between(&rng, start, end);
}

/* Retry-After is a lower bound, within sense; what we chose ourselves may be a bit earlier, too. */
static cl_time next_poll(const struct cert_facts *cert, const char *key, cl_time retry_at,
                         cl_time now)
{
    struct cl_rng rng = seeded(key, "renewalInfo");
    cl_time wait = cl_time_min((cert->not_after - cert->not_before) / POLLS_A_LIFE, POLL_USUAL);
    cl_time least = cl_time_max(wait, POLL_MIN);
    least -= least / 10;

    if (retry_at > 0) {
        least = cl_time_min(cl_time_max(retry_at - now, POLL_MIN), POLL_MAX);
        wait = least;
    }
    return now + cl_rng_between(&rng, least, cl_time_max(wait, POLL_MIN) * 11 / 10);
}

enum ari_news ari_answered(struct ari_state *s, const struct cert_facts *cert, const char *key,
                           const struct ari_answer *a, cl_time now)
{
    enum ari_news news = ARI_SAME;

    turn_to(s, cert);
    bool moved = a->start != s->start || a->end != s->end;
    if (s->selected == 0 || (moved && (s->selected < a->start || s->selected > a->end))) {
        news = s->selected == 0 ? ARI_PICKED : ARI_MOVED;
        s->selected = pick(s->cert_id, key, a->start, a->end);
    }
    if (moved) {
        s->start = a->start;
        s->end = a->end;
        s->urgent = a->end <= now;
    }
    set_text(&s->explanation_url, a->explanation_url);
    set_text(&s->last_error, NULL);
    s->failures = 0;
    s->last_checked = now;
    s->next_check = next_poll(cert, key, a->retry_at, now);
    return news;
}

void ari_failed(struct ari_state *s, const struct cert_facts *cert, const char *key,
                const char *why, bool refused, cl_time retry_at, cl_time now)
{
    struct cl_rng rng = seeded(key, "retry");
    cl_time wait = RETRY_MAX;

    turn_to(s, cert);
    if (!refused && s->failures < 3) {
        wait = cl_time_min(RETRY_MIN << s->failures, RETRY_MAX);
    }
    wait = cl_time_max(wait, cl_time_min(retry_at - now, POLL_MAX));
    s->failures++;
    set_text(&s->last_error, why);
    s->next_check = now + cl_rng_between(&rng, wait, wait + wait / 10);
}

bool ari_known(const struct ari_state *s, const struct cert_facts *cert)
{
    return s->selected != 0 && cl_streq(s->cert_id, cert->ari_cert_id);
}

cl_time ari_poll_at(const struct ari_state *s, const struct cert_facts *cert, cl_time issued_at)
{
    bool ours = cl_streq(s->cert_id, cert->ari_cert_id) && s->next_check != 0;
    cl_time at = ours ? s->next_check : issued_at + FIRST_POLL;

    return cl_str_empty(cert->ari_cert_id) || at >= cert->not_after ? CL_NEVER : at;
}
