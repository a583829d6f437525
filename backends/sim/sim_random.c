/* SPDX-License-Identifier: Apache-2.0 */
/* sim_random: a random schedule, written as a scenario. What is disturbed heals in the first half of
 * the time; at the end every Certificate that can be satisfied must be Ready. */
#include "backends/sim/sim_run.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct writer {
    struct cl_rng rng;
    struct cl_buf b;
    const struct sim_random *p;
    cl_time half;
};

static long draw(struct writer *w, long lo, long hi)
{
    return (long)cl_rng_between(&w->rng, lo, hi);
}

static cl_time moment(struct writer *w)
{
    return cl_rng_between(&w->rng, 10 * CL_SECOND, w->half);
}

/* "from A to B" within the first half. */
static void window(struct writer *w, cl_time longest)
{
    cl_time from = cl_rng_between(&w->rng, 0, w->half - longest > 0 ? w->half - longest : 0);
    cl_time until = from + cl_rng_between(&w->rng, CL_SECOND, longest);
    char a[CL_DURATION_TEXT];
    char b[CL_DURATION_TEXT];

    (void)cl_buf_addf(&w->b, "from %s to %s", cl_duration_format(from, a),
                      cl_duration_format(cl_time_min(until, w->half), b));
}

static void at(struct writer *w)
{
    char text[CL_DURATION_TEXT];

    (void)cl_buf_addf(&w->b, "at %s ", cl_duration_format(moment(w), text));
}

static void certificate(struct writer *w, unsigned i, unsigned version)
{
    static const char *const ISSUERS[] = {"le", "le", "le", "le", "other", "internal"};
    long names = draw(w, 1, 3);

    (void)cl_buf_addf(&w->b, "cert c%u issuer=%s names=", i, ISSUERS[i % 6]);
    for (long n = 0; n < names; n++) {
        (void)cl_buf_addf(&w->b, "%sn%ld-%u.c%u.example", n > 0 ? "," : "", n, version, i);
    }
    (void)cl_buf_addf(&w->b, "%s\n", i % 3 == 0 ? " hook=reload" : "");
}

static void start(struct writer *w)
{
    char text[CL_DURATION_TEXT];

    (void)cl_buf_addf(&w->b, "horizon %s\n", cl_duration_format(w->p->horizon, text));
    (void)cl_buf_addf(&w->b, "ticks 12h\ncommits %ldms\n", draw(w, 0, 2) == 0 ? 300L : 4L);
    (void)cl_buf_addf(&w->b,
                      "config <<END\n  hooks:\n    reload: {exec: [/usr/bin/reload]}\nEND\n");
    (void)cl_buf_addf(&w->b, "issuer le server=ca.test\n");
    (void)cl_buf_addf(&w->b, "issuer other server=other.test retry=EagerFirst webroot=/srv/web\n");
    (void)cl_buf_addf(&w->b, "webroot /srv/web\nissuer internal generate=1\n");
    (void)cl_buf_addf(&w->b, "config <<END\n  hooks:\n    reload: {exec: [/usr/bin/reload]}\n"
                             "  webroots: [/srv/web]\nEND\n");
    (void)cl_buf_addf(&w->b, "ca ca.test badNonce=%ld fetches=%ld reuse=%ld latency=%ldms\n",
                      draw(w, 0, 20), draw(w, 1, 4), draw(w, 0, 50), draw(w, 5, 900));
    (void)cl_buf_addf(&w->b, "ca other.test lifetime=%ldd retryAfter=%lds processing=%lds\n",
                      draw(w, 6, 90), draw(w, 0, 3), draw(w, 0, 5));
    for (unsigned i = 0; i < w->p->certs; i++) {
        if (draw(w, 0, 3) == 0) {
            at(w);
        }
        certificate(w, i, 0);
    }
}

/* What people do. */
static void edits(struct writer *w)
{
    for (unsigned i = 0; i < w->p->certs; i++) {
        switch (draw(w, 0, 9)) {
        case 0:
            at(w);
            certificate(w, i, 1);
            break;
        case 1: /* broken, and mended */
            at(w);
            (void)cl_buf_addf(&w->b, "break c%u.yaml\n", i);
            (void)cl_buf_addf(&w->b, "at %llds ", (long long)(w->half / CL_SECOND) + 60);
            certificate(w, i, 2);
            break;
        case 2:
            at(w);
            (void)cl_buf_addf(&w->b, "remove %s/live/c%u\n", SIM_STATE, i);
            break;
        case 3:
            at(w);
            (void)cl_buf_addf(&w->b, "remove c%u.yaml\n", i);
            (void)cl_buf_addf(&w->b, "at %llds ", (long long)(w->half / CL_SECOND) + 90);
            certificate(w, i, 0);
            break;
        default:
            break;
        }
    }
    if (draw(w, 0, 3) == 0) {
        at(w);
        (void)cl_buf_addf(&w->b, "sleep %ldh\n", draw(w, 1, 30));
    }
    if (draw(w, 0, 1) == 0) {
        at(w);
        (void)cl_buf_addf(&w->b, "restart\n");
    }
}

static void kills(struct writer *w)
{
    long n = draw(w, 1, 8);

    for (long i = 0; i < n; i++) {
        char text[CL_DURATION_TEXT];
        /* Most of the work is at the beginning. */
        cl_time when = draw(w, 0, 1) == 0 ? cl_rng_between(&w->rng, 1, 20 * CL_SECOND) : moment(w);
        (void)cl_buf_addf(&w->b, "at %s %s\n", cl_duration_format(when, text),
                          draw(w, 0, 2) == 0 ? "crash" : "kill");
    }
}

static void faults(struct writer *w)
{
    static const struct {
        const char *kind;
        cl_time longest;
        const char *arg;
    } KINDS[] = {
        {"down", CL_DAY, ""},
        {"silent", CL_HOUR, ""},
        {"error", 6 * CL_HOUR, ""},
        {"busy", 2 * CL_HOUR, " 600"},
        {"limited", CL_DAY, " 3600"},
        {"html", CL_HOUR, ""},
        {"huge", CL_HOUR, ""},
        {"loses", CL_MINUTE, ""},
        {"wrongkey", CL_HOUR, ""},
        {"wrongchain", CL_HOUR, ""},
        {"invalid", 6 * CL_HOUR, " n0-0.c1.example"},
    };
    long n = draw(w, 1, 5);
    char text[CL_DURATION_TEXT];

    for (long i = 0; i < n; i++) {
        size_t k = (size_t)draw(w, 0, (long)(sizeof KINDS / sizeof KINDS[0]) - 1);
        (void)cl_buf_addf(&w->b, "ca %s %s ", draw(w, 0, 2) == 0 ? "other.test" : "ca.test",
                          KINDS[k].kind);
        window(w, KINDS[k].longest);
        (void)cl_buf_addf(&w->b, "%s\n", KINDS[k].arg);
    }
    (void)cl_buf_addf(&w->b, "program /usr/bin/reload fails ");
    window(w, 6 * CL_HOUR);
    (void)cl_buf_addf(&w->b, "\nlossy watch=%ld requests=%ld until=%s\n", draw(w, 0, 30),
                      draw(w, 0, 10), cl_duration_format(w->half, text));
    if (draw(w, 0, 2) == 0) {
        cl_time from = moment(w);
        (void)cl_buf_addf(&w->b, "at %s disk %s ENOSPC\n", cl_duration_format(from, text),
                          SIM_STATE "/archive");
        (void)cl_buf_addf(&w->b, "at %s disk %s ok\n",
                          cl_duration_format(cl_time_min(from + CL_HOUR, w->half), text),
                          SIM_STATE "/archive");
    }
}

char *sim_random(const struct sim_random *p)
{
    struct writer w = {.p = p, .half = p->horizon / 2};

    cl_rng_seed(&w.rng, p->seed * 2654435761U + 1);
    cl_buf_init(&w.b, (size_t)16 << 20);
    start(&w);
    edits(&w);
    if (p->kills) {
        kills(&w);
    }
    if (p->faults) {
        faults(&w);
    }
    (void)cl_buf_adds(&w.b, "expect all Ready\nexpect all Deployed\n");
    return cl_buf_take(&w.b);
}
