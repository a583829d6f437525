/* SPDX-License-Identifier: Apache-2.0 */
/* lifetimes: announced dates, and what they do to a spec. */
#include "reconciler/core/lifetimes.h"

#include "reconciler/core/renewal.h"
#include "spec/base/cl_cron.h"

#include <string.h>

#define HOUR(n) ((n)*CL_HOUR)
#define DAYS(n) ((n)*CL_DAY)

/* Later rows of a host and profile replace earlier ones. Private names have no row. */
static const struct {
    const char *host, *profile; /* host "": every public CA; profile NULL: the usual one */
    const char *from;
    cl_time lifetime, reuse;
    const char *source;
} RULES[] = {
    {"", NULL, "2026-03-15", DAYS(200), DAYS(200), "CA/Browser Forum, ballot SC-081"},
    {"", NULL, "2027-03-15", DAYS(100), DAYS(100), "CA/Browser Forum, ballot SC-081"},
    {"", NULL, "2029-03-15", DAYS(47), DAYS(10), "CA/Browser Forum, ballot SC-081"},
    {"letsencrypt.org", NULL, "2015-12-03", DAYS(90), DAYS(30), "Let's Encrypt, profile classic"},
    {"letsencrypt.org", NULL, "2027-02-10", DAYS(64), DAYS(10), "Let's Encrypt, profile classic"},
    {"letsencrypt.org", NULL, "2028-02-16", DAYS(45), HOUR(7), "Let's Encrypt, profile classic"},
    {"letsencrypt.org", "tlsserver", "2026-05-13", DAYS(45), HOUR(7),
     "Let's Encrypt, profile tlsserver"},
    {"letsencrypt.org", "shortlived", "2026-01-15", HOUR(160), HOUR(7),
     "Let's Encrypt, profile shortlived"},
};
static const char *const PRIVATE[] = {".internal", ".local",   ".localhost", ".home.arpa",
                                      ".test",     ".example", ".lan",       ".corp"};

static bool ends_with(const char *s, size_t len, const char *tail)
{
    size_t n = strlen(tail);

    return len >= n && strncmp(s + len - n, tail, n) == 0;
}

/* Is it a name that a public CA could have? */
static bool is_public(const char *host, size_t len)
{
    const char *dot = memchr(host, '.', len);

    if (dot == NULL || host[0] == '[' || (host[len - 1] >= '0' && host[len - 1] <= '9')) {
        return false; /* one label, an address */
    }
    for (size_t i = 0; i < sizeof PRIVATE / sizeof PRIVATE[0]; i++) {
        if (ends_with(host, len, PRIVATE[i])) {
            return false;
        }
    }
    return true;
}

static bool of_host(const char *host, size_t len, const char *wanted)
{
    size_t n = strlen(wanted);

    return n == 0 ? is_public(host, len)
                  : ends_with(host, len, wanted) && (len == n || host[len - n - 1] == '.');
}

struct lifetime_rule lifetime_rule_at(const char *directory_url, const char *profile, cl_time when)
{
    const char *slashes = strstr(directory_url, "://");
    const char *host = slashes != NULL ? slashes + 3 : directory_url;
    size_t len = strcspn(host, "/:");
    bool usual = profile == NULL || cl_streq(profile, "classic");
    struct lifetime_rule r = {.source = ""};

    for (size_t i = 0; len > 0 && i < sizeof RULES / sizeof RULES[0]; i++) {
        cl_time from = 0;
        char start[CL_TIME_TEXT];
        bool profile_fits = RULES[i].profile == NULL ? usual || RULES[i].host[0] == '\0'
                                                     : cl_streq(profile, RULES[i].profile);
        (void)cl_format(start, sizeof start, "%sT00:00:00Z", RULES[i].from);
        if (profile_fits && of_host(host, len, RULES[i].host) && cl_time_parse(start, &from) == 0 &&
            from <= when) {
            r = (struct lifetime_rule){RULES[i].lifetime, RULES[i].reuse, RULES[i].source};
        }
    }
    return r;
}

/* ---- findings ---- */

struct findings {
    struct lifetime_finding *items;
    size_t len;
};

static struct lifetime_finding *found(struct findings *f, enum lifetime_verdict v,
                                      const char *field)
{
    struct lifetime_finding *x = &f->items[f->len++];

    x->verdict = v;
    x->field = field;
    return x;
}

#define say(x, ...) ((void)cl_format((x)->text, sizeof((x)->text), __VA_ARGS__))

static void renew_before(const struct cert_spec *s, cl_time lifetime, struct findings *f)
{
    char want[CL_DURATION_TEXT], life[CL_DURATION_TEXT];

    (void)cl_duration_format(s->renew_before, want);
    (void)cl_duration_format(lifetime, life);
    if (s->renew_before >= lifetime) {
        say(found(f, LIFETIME_BREAKS, "spec.renewBefore"),
            "%s is as long as the certificate lives (%s): it cannot be followed, and a third of the "
            "lifetime counts instead; remove it, or give renewBeforePercentage: 33",
            want, life);
    } else if (s->renew_before > lifetime / 2) {
        say(found(f, LIFETIME_TIGHT, "spec.renewBefore"),
            "%s of a lifetime of %s: more than half of it is never used; give "
            "renewBeforePercentage: 33",
            want, life);
    } else if (s->renew_before > 0 && s->renew_before < lifetime / 10) {
        say(found(f, LIFETIME_TIGHT, "spec.renewBefore"),
            "%s of a lifetime of %s leaves little time for a CA or a solver that fails", want,
            life);
    }
}

static void disabled(const struct cert_spec *s, cl_time lifetime, struct findings *f)
{
    char life[CL_DURATION_TEXT];

    if (s->renewal_disabled) {
        say(found(f, LIFETIME_BREAKS, "spec.renewal.policy"),
            "is Disabled: a person has to renew it every %s", cl_duration_format(lifetime, life));
    }
}

static void duration(const struct cert_spec *s, cl_time lifetime, struct findings *f)
{
    char want[CL_DURATION_TEXT], life[CL_DURATION_TEXT];

    if (s->duration > lifetime && s->renew_before > 0) {
        say(found(f, LIFETIME_TIGHT, "spec.duration"),
            "%s is more than the CA gives (%s); times that were chosen for it do not fit",
            cl_duration_format(s->duration, want), cl_duration_format(lifetime, life));
    }
}

/* The longest time without an opening of any window, over two years. */
static cl_time longest_gap(const struct cert_spec *s, const struct cl_tz *const *zones,
                           cl_time from)
{
    cl_time gap = 0, end = from + DAYS(730);

    for (cl_time t = from; t < end;) {
        cl_time next = CL_NEVER;
        for (size_t i = 0; i < s->renewal_windows.len; i++) {
            struct cl_cron c;
            char why[160];
            if (cl_cron_parse(s->renewal_windows.items[i].cron, &c, why, sizeof why) == 0) {
                next = cl_time_min(next, cl_cron_next(&c, zones != NULL ? zones[i] : NULL, t));
            }
        }
        if (next == CL_NEVER) {
            return CL_NEVER;
        }
        gap = next - t > gap ? next - t : gap;
        t = next - t < CL_DAY ? t + CL_DAY : next; /* often enough: a look a day will do */
    }
    return gap;
}

static void windows(const struct cert_spec *s, const struct cl_tz *const *zones, cl_time lifetime,
                    cl_time as_of, struct findings *f)
{
    struct cert_facts cert = {.not_before = as_of, .not_after = as_of + lifetime};
    cl_time due = renewal_instant(s, &cert, 0);
    char gap_text[CL_DURATION_TEXT], room_text[CL_DURATION_TEXT];

    if (s->renewal_windows.len == 0 || due == CL_NEVER) {
        return;
    }
    cl_time room = renewal_window_deadline(&cert) - due;
    cl_time gap = longest_gap(s, zones, as_of);
    (void)cl_duration_format(room / CL_HOUR * CL_HOUR, room_text);
    if (gap == CL_NEVER || gap > room) {
        say(found(f, LIFETIME_BREAKS, "spec.renewal.windows"),
            "open as rarely as every %s, but a renewal may wait %s only: it then starts outside of "
            "them; give more of them",
            gap == CL_NEVER ? "never" : cl_duration_format(gap, gap_text), room_text);
    } else if (gap > room / 2) {
        say(found(f, LIFETIME_TIGHT, "spec.renewal.windows"),
            "open as rarely as every %s, and a renewal may wait %s: one failure, and it starts "
            "outside of them",
            cl_duration_format(gap, gap_text), room_text);
    }
}

static void persistent(const struct cert_spec *s, cl_time lifetime, struct findings *f)
{
    for (size_t i = 0; i < s->solvers.len; i++) {
        const struct solver_spec *v = &s->solvers.items[i];
        char life[CL_DURATION_TEXT], until[CL_DURATION_TEXT];
        if (v->has_dns01 && v->dns01.challenge == DNS_CHALLENGE_PERSIST_01 &&
            v->dns01.persist_for > 0 && v->dns01.persist_for < lifetime) {
            say(found(f, LIFETIME_TIGHT, "spec.solvers"),
                "a persistent record that holds %s ends before the certificate does (%s): somebody "
                "has to publish it anew for each renewal",
                cl_duration_format(v->dns01.persist_for, until),
                cl_duration_format(lifetime, life));
            return;
        }
    }
}

size_t lifetime_findings(const struct cert_spec *spec, const struct cl_tz *const *zones,
                         const struct lifetime_rule *rule, cl_time as_of,
                         struct lifetime_finding ret[LIFETIME_FINDINGS])
{
    struct findings f = {.items = ret};

    if (rule->lifetime == 0) {
        return 0;
    }
    disabled(spec, rule->lifetime, &f);
    renew_before(spec, rule->lifetime, &f);
    duration(spec, rule->lifetime, &f);
    windows(spec, zones, rule->lifetime, as_of, &f);
    persistent(spec, rule->lifetime, &f);
    return f.len;
}

const char *lifetime_verdict_name(enum lifetime_verdict v)
{
    static const char *const NAMES[] = {"Fine", "Tight", "Breaks"};

    return NAMES[v];
}
