/* SPDX-License-Identifier: Apache-2.0 */
/* sim_expect: what must be so at a point in time.
 *
 *   NAME Ready[=False] [REASON]     a condition of a Certificate, issuer/NAME, or "all"
 *   NAME revision N                 as its status says
 *   NAME says a.b.c VALUE           status.a.b.c of a Certificate, issuer/NAME, or "all"
 *   expired all OP N                certificates that expired in use
 *   orders|accounts|requests|nonces|polls|replaced|revokedReplaced HOST OP N      OP: <= >= ==
 *   runs|successes PROGRAM OP N
 *   limited|tooFast HOST OP N       answers 429 and 503 because of its limits
 *   file PATH exists|missing|says TEXT
 *   forecast HOST                   from now on the turns that are told are remembered, and
 *   paced HOST                      ... were right within 1 %, each as early as the limits allow
 */
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct expectation {
    struct cl_strv words;
};

static const char *word(const struct expectation *e, size_t i)
{
    return i < e->words.len ? e->words.items[i] : "";
}

static void failed(const struct expectation *e, const char *instead)
{
    char *line = cl_strv_join(&e->words, " ");

    sim_violated("Expectation", "%s: it is %s", line, instead);
    cl_free(line);
}

static void compare(const struct expectation *e, uint64_t have)
{
    const char *op = word(e, 2);
    uint64_t wanted = 0;
    char text[32];

    (void)cl_parse_u64(word(e, 3), UINT64_MAX, &wanted);
    bool holds = cl_streq(op, "<=")   ? have <= wanted
                 : cl_streq(op, ">=") ? have >= wanted
                                      : have == wanted;
    if (!holds) {
        (void)cl_format(text, sizeof text, "%llu", (unsigned long long)have);
        failed(e, text);
    }
}

static void condition(const struct expectation *e, const char *name)
{
    char *type = cl_strndup(word(e, 1), strcspn(word(e, 1), "="));
    const char *equals = strchr(word(e, 1), '=');
    char *status = sim_condition(name, type, "status");
    char *reason = sim_condition(name, type, "reason");

    if (!cl_streq(status, equals != NULL ? equals + 1 : "True") ||
        (!cl_str_empty(word(e, 2)) && !cl_streq(word(e, 2), reason))) {
        char *have = cl_printf("%s=%s (%s) for %s", type, status, reason, name);
        failed(e, have);
        cl_free(have);
    }
    cl_free(reason);
    cl_free(status);
    cl_free(type);
}

/* NAME says DOTTED.PATH VALUE */
static void says(const struct expectation *e, const char *name)
{
    char *have = sim_status_member(name, word(e, 2));

    if (!cl_streq(have, word(e, 3))) {
        char *text = cl_printf("\"%s\" for %s", have, name);
        failed(e, text);
        cl_free(text);
    }
    cl_free(have);
}

static void one(const struct expectation *e, const char *name)
{
    if (cl_streq(word(e, 1), "says")) {
        says(e, name);
    } else {
        condition(e, name);
    }
}

static void all(const struct expectation *e)
{
    const char *path;
    size_t pos = 0;
    size_t n = 0;

    while (cl_map_next(&sim->check->status, &pos, &path, NULL)) {
        const char *base = strrchr(path, '/') + 1;
        char *name = cl_strndup(base, strlen(base) - strlen(".json"));
        one(e, name);
        cl_free(name);
        n++;
    }
    if (n == 0) {
        failed(e, "without any Certificate");
    }
}

/* What a CA counts. */
static const struct {
    const char *what;
    size_t offset;
} CA_COUNTERS[] = {
    {"orders", offsetof(struct sim_ca, n_orders)},
    {"accounts", offsetof(struct sim_ca, n_accounts)},
    {"rollovers", offsetof(struct sim_ca, n_key_changes)},
    {"nonces", offsetof(struct sim_ca, n_new_nonce)},
    {"limited", offsetof(struct sim_ca, n_limited)},
    {"tooFast", offsetof(struct sim_ca, n_too_fast)},
    {"polls", offsetof(struct sim_ca, n_renewal_info)},
    {"replaced", offsetof(struct sim_ca, n_replaced)},
    {"revokedReplaced", offsetof(struct sim_ca, n_revoked_replaced)},
    {"requests", offsetof(struct sim_ca, n_posts)},
};

static bool counts_at_ca(const char *what, size_t *ret_offset)
{
    for (size_t i = 0; i < sizeof(CA_COUNTERS) / sizeof(CA_COUNTERS[0]); i++) {
        if (cl_streq(what, CA_COUNTERS[i].what)) {
            *ret_offset = CA_COUNTERS[i].offset;
            return true;
        }
    }
    return false;
}

static bool counts(const char *what)
{
    size_t offset;

    return counts_at_ca(what, &offset) || cl_streq(what, "runs") || cl_streq(what, "successes") ||
           cl_streq(what, "expired");
}

static uint64_t count(const struct expectation *e)
{
    const char *what = word(e, 0);
    size_t offset;
    uint64_t n = 0;

    if (counts_at_ca(what, &offset)) {
        const char *ca = cl_map_get(&sim->cas, word(e, 1));
        if (ca != NULL) {
            memcpy(&n, ca + offset, sizeof n);
        }
        return n;
    }
    if (cl_streq(what, "expired")) {
        return sim->check->expired;
    }
    const struct sim_hook *hook = sim_hook(word(e, 1));
    return cl_streq(what, "runs") ? hook->runs : hook->successes;
}

static void file(const struct expectation *e)
{
    const struct sim_node *node = sim_fs_node(word(e, 1), false);
    bool there = node != NULL;

    if (!cl_streq(word(e, 2), "says")) {
        if (there != cl_streq(word(e, 2), "exists")) {
            failed(e, there ? "there" : "missing");
        }
    } else if (!there) {
        failed(e, "missing");
    } else if (node->type != DISK_FILE || strstr(node->blob->data, word(e, 3)) == NULL) {
        failed(e, "silent about it");
    }
}

static void revision(const struct expectation *e)
{
    uint64_t wanted = 0;

    (void)cl_parse_u64(word(e, 2), UINT32_MAX, &wanted);
    if (sim_revision(word(e, 0)) != (long)wanted) {
        failed(e, "another");
    }
}

static void due(void *arg)
{
    struct expectation *e = arg;
    const char *what = word(e, 0);

    if (counts(what)) {
        compare(e, count(e));
    } else if (cl_streq(what, "file")) {
        file(e);
    } else if (cl_streq(word(e, 1), "revision")) {
        revision(e);
    } else if (cl_streq(what, "forecast")) {
        sim_pace_forecast();
    } else if (cl_streq(what, "paced")) {
        sim_pace_check(word(e, 1));
    } else if (cl_streq(what, "all")) {
        all(e);
    } else {
        one(e, what);
    }
    cl_strv_deinit(&e->words);
    cl_free(e);
}

int sim_expect(const struct cl_strv *words, cl_time at)
{
    SIM_WORLD();
    if (words->len < 2 || (counts(words->items[0]) && words->len != 4)) {
        return -1;
    }
    struct expectation *e = cl_new(struct expectation);
    cl_strv_copy(&e->words, words);
    sim_at(at, due, e);
    return 0;
}
