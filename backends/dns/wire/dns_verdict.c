/* SPDX-License-Identifier: Apache-2.0 */
/* dns_verdict: the table of what name servers say, and when that is enough. */
#include "backends/dns/wire/dns_verdict.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <string.h>

#define SUMMARY_MAX 2048U

const char *dns_sight_name(enum dns_sight s)
{
    static const char *const NAMES[] = {[DNS_SIGHT_UNKNOWN] = "Unknown",
                                        [DNS_SIGHT_GOOD] = "Good",
                                        [DNS_SIGHT_MISSING] = "Missing",
                                        [DNS_SIGHT_LAME] = "Lame",
                                        [DNS_SIGHT_SILENT] = "Silent"};

    return NAMES[s];
}

void dns_table_deinit(struct dns_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        cl_free(t->views[i].ns);
        cl_free(t->views[i].server);
        cl_strv_deinit(&t->views[i].values);
    }
    cl_free(t->views);
    memset(t, 0, sizeof *t);
}

struct dns_view *dns_table_add(struct dns_table *t, const char *ns, const char *server)
{
    t->views = cl_reallocarray(t->views, t->n + 1, sizeof *t->views);
    t->views[t->n] = (struct dns_view){.ns = cl_strdup(ns), .server = cl_strdup(server)};
    return &t->views[t->n++];
}

void dns_view_saw(struct dns_view *v, enum dns_sight sight, const char *detail)
{
    bool answered = sight == DNS_SIGHT_GOOD || sight == DNS_SIGHT_MISSING;

    v->sight = sight;
    v->rounds++;
    v->answers += answered ? 1 : 0;
    v->missed = answered ? 0 : v->missed + 1;
    v->good = sight == DNS_SIGHT_GOOD ? v->good + 1 : 0;
    (void)cl_format(v->detail, sizeof v->detail, "%s", cl_str_or(detail, ""));
}

static bool is_out(const struct dns_view *v, const struct dns_rules *rules)
{
    return v->hopeless || v->missed >= rules->patience;
}

enum dns_verdict dns_table_judge(const struct dns_table *t, const struct dns_rules *rules)
{
    size_t out = 0;

    for (size_t i = 0; i < t->n; i++) {
        out += is_out(&t->views[i], rules) ? 1 : 0;
    }
    if (out == t->n) {
        return DNS_NOBODY;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (!is_out(&t->views[i], rules) && t->views[i].good < rules->good_rounds) {
            return DNS_NOT_YET;
        }
    }
    return DNS_VISIBLE;
}

cl_time dns_round_pause(unsigned round, bool good, cl_time every)
{
    static const cl_time PAUSES[] = {1 * CL_SECOND, 2 * CL_SECOND, 3 * CL_SECOND, 5 * CL_SECOND,
                                     8 * CL_SECOND};
    size_t n = sizeof PAUSES / sizeof PAUSES[0];
    cl_time longest = every > 0 ? every : 10 * CL_SECOND;
    cl_time pause = longest;

    if (good) {
        pause = 2 * CL_SECOND;
    } else if (round >= 1 && round <= n) {
        pause = PAUSES[round - 1];
    }
    return cl_time_min(pause, longest);
}

void dns_table_summary(const struct dns_table *t, char *buf, size_t size)
{
    struct cl_buf b;
    size_t good = 0;

    cl_buf_init(&b, SUMMARY_MAX);
    for (size_t i = 0; i < t->n; i++) {
        good += t->views[i].sight == DNS_SIGHT_GOOD ? 1 : 0;
    }
    (void)cl_buf_addf(&b, "%zu of %zu servers have it", good, t->n);
    for (size_t i = 0; i < t->n; i++) {
        const struct dns_view *v = &t->views[i];
        if (v->sight != DNS_SIGHT_GOOD) {
            (void)cl_buf_addf(&b, "; %s%s%s%s: %s%s%s%s", v->ns, v->ns[0] != '\0' ? " (" : "",
                              v->server, v->ns[0] != '\0' ? ")" : "", dns_sight_name(v->sight),
                              v->detail[0] != '\0' ? " (" : "", v->detail,
                              v->detail[0] != '\0' ? ")" : "");
        }
    }
    (void)cl_format(buf, size, "%s", cl_buf_str(&b));
    cl_buf_deinit(&b);
}
