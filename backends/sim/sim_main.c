/* SPDX-License-Identifier: Apache-2.0 */
/* sim_main: certloop-simulate: scenarios, seeds, sweeps. A failure prints the property, the end of
 * the trace, and one command that runs it again. */
#include "backends/sim/sim_run.h"
#include "backends/sim/sim_tree.h"
#include "backends/sim/sim_user.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAIL_LINES 60u
#define FAILURES_MAX 5u /* then a sweep or a row of seeds ends */

static const char USAGE[] =
    "usage: certloop-simulate [FLAGS] [SCENARIO...]\n"
    "\n"
    "Runs scenarios (or, without one, a random schedule) against the daemon's own code in virtual\n"
    "time and checks its properties after every step.\n"
    "\n"
    "  --seed N            the seed (1)\n"
    "  --seeds A..B        one run for each\n"
    "  --kill-at N         the power goes at the N-th durable write\n"
    "  --fail-disk N       the N-th file operation fails (EIO; --enospc: ENOSPC)\n"
    "  --fail-alloc N      the N-th allocation fails\n"
    "  --fail-request N    the N-th request fails\n"
    "                      each of the four also takes every, or every:STRIDE: a run for each\n"
    "  --certs N --horizon D --kills --faults    of the random schedule\n"
    "  --print             print the random schedule as a scenario\n"
    "  --exact             let every periodic timer fire\n"
    "  --cas DIR           what is known of CAs (that of the installation)\n"
    "  --user-specs DIR --user-config FILE --fault TEXT --json   for: certloop simulate\n"
    "  --verbose           print the trace as it grows\n";

struct sweep {
    const char *flag;
    bool every;
    uint64_t stride, value;
};
enum { KILL, DISK, ALLOC, REQUEST, SWEEPS };

struct args {
    uint64_t seed_from, seed_to;
    struct sweep sweeps[SWEEPS];
    struct sim_random random;
    bool print, exact, verbose, enospc;
    struct cl_strv files;
    struct sim_user user;   /* specs NULL: not asked for */
    const char *cas;        /* directory of what is known of CAs */
    struct cl_strv on_disk; /* path, content, ...: there at the start of each run */
    uint64_t runs, failures;
};

/* ---- arguments ---- */

static int usage(const char *what)
{
    (void)fprintf(stderr, "certloop-simulate: %s\n%s", what, USAGE);
    return 64;
}

static int parse_sweep(struct sweep *s, const char *text)
{
    s->stride = 1;
    if (cl_str_starts(text, "every")) {
        s->every = true;
        return text[5] == '\0'
                   ? 0
                   : (text[5] == ':' ? cl_parse_u64(text + 6, UINT32_MAX, &s->stride) : -1);
    }
    return cl_parse_u64(text, UINT64_MAX, &s->value);
}

static int parse_seeds(struct args *a, const char *text)
{
    const char *dots = strstr(text, "..");

    if (dots == NULL) {
        return -1;
    }
    char *from = cl_strndup(text, (size_t)(dots - text));
    int rc = cl_parse_u64(from, UINT32_MAX, &a->seed_from);
    cl_free(from);
    return rc == 0 ? cl_parse_u64(dots + 2, UINT32_MAX, &a->seed_to) : -1;
}

static int parse_value(struct args *a, const char *flag, const char *value)
{
    uint64_t n = 0;

    for (size_t i = 0; i < SWEEPS; i++) {
        if (cl_streq(flag, a->sweeps[i].flag)) {
            return parse_sweep(&a->sweeps[i], value);
        }
    }
    if (cl_streq(flag, "--seed")) {
        int rc = cl_parse_u64(value, UINT64_MAX, &a->seed_from);
        a->seed_to = a->seed_from;
        return rc;
    }
    if (cl_streq(flag, "--seeds")) {
        return parse_seeds(a, value);
    }
    if (cl_streq(flag, "--user-specs")) {
        a->user.specs = value;
        return 0;
    }
    if (cl_streq(flag, "--user-config")) {
        a->user.config = value;
        return 0;
    }
    if (cl_streq(flag, "--fault")) {
        cl_strv_add(&a->user.faults, value);
        return 0;
    }
    if (cl_streq(flag, "--cas")) {
        a->cas = value;
        return 0;
    }
    if (cl_streq(flag, "--horizon")) {
        return cl_duration_parse(value, &a->random.horizon);
    }
    if (cl_streq(flag, "--certs") && cl_parse_u64(value, 100000, &n) == 0) {
        a->random.certs = (unsigned)n;
        return 0;
    }
    return -1;
}

static bool parse_switch(struct args *a, const char *flag)
{
    const struct {
        const char *name;
        bool *value;
    } SWITCHES[] = {
        {"--kills", &a->random.kills}, {"--faults", &a->random.faults}, {"--print", &a->print},
        {"--json", &a->user.json},     {"--exact", &a->exact},          {"--verbose", &a->verbose},
        {"--enospc", &a->enospc},
    };
    for (size_t i = 0; i < sizeof SWITCHES / sizeof SWITCHES[0]; i++) {
        if (cl_streq(flag, SWITCHES[i].name)) {
            *SWITCHES[i].value = true;
            return true;
        }
    }
    return false;
}

static int parse_args(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (cl_streq(argv[i], "--help")) {
            (void)fputs(USAGE, stdout);
            return 0;
        }
        if (argv[i][0] != '-') {
            cl_strv_add(&a->files, argv[i]);
        } else if (!parse_switch(a, argv[i])) {
            if (i + 1 == argc || parse_value(a, argv[i], argv[i + 1]) < 0) {
                return usage(argv[i]);
            }
            i++;
        }
    }
    return -1;
}

/* ---- one run ---- */

static void print_command(const struct args *a, const char *file, const struct sim_options *o)
{
    const uint64_t at[SWEEPS] = {o->faults.kill_at, o->faults.disk_at, o->faults.alloc_at,
                                 o->faults.request_at};

    (void)fprintf(stderr, "again: certloop-simulate --seed %llu", (unsigned long long)o->seed);
    for (size_t i = 0; i < SWEEPS; i++) {
        if (at[i] > 0) {
            (void)fprintf(stderr, " %s %llu", a->sweeps[i].flag, (unsigned long long)at[i]);
        }
    }
    if (file == NULL) {
        char text[CL_DURATION_TEXT];
        (void)fprintf(stderr, " --certs %u --horizon %s%s%s", a->random.certs,
                      cl_duration_format(a->random.horizon, text),
                      a->random.kills ? " --kills" : "", a->random.faults ? " --faults" : "");
    }
    (void)fprintf(stderr, "%s%s%s%s\n", a->enospc ? " --enospc" : "", a->exact ? " --exact" : "",
                  file != NULL ? " " : "", file != NULL ? file : "");
}

static void print_failure(const struct args *a, const char *file, const struct sim_options *o,
                          const struct sim_result *r)
{
    size_t from = r->tail.len > TAIL_LINES ? r->tail.len - TAIL_LINES : 0;

    for (size_t i = from; i < r->tail.len; i++) {
        (void)fprintf(stderr, "  %s\n", r->tail.items[i]);
    }
    (void)fprintf(stderr, "FAILED: %s\n", r->failure);
    print_command(a, file, o);
}

/* Returns 0 with *ret, or the exit code for a scenario that is wrong. */
static int run_once(struct args *a, const char *file, const char *text, const struct sim_options *o,
                    struct sim_result *ret)
{
    struct cl_err err = {0};

    a->runs++;
    if (sim_run(text, o, ret, &err) < 0) {
        (void)fprintf(stderr, "certloop-simulate: %s: %s\n", cl_str_or(file, "random"), err.text);
        return 65;
    }
    if (ret->failed) {
        a->failures++;
        print_failure(a, file, o, ret);
    }
    return 0;
}

/* ---- sweeps ---- */

static uint64_t counted(const struct sim_result *r, size_t sweep)
{
    const uint64_t n[SWEEPS] = {r->counts.durable, r->counts.disk, r->counts.allocs,
                                r->counts.requests};
    return n[sweep];
}

static void set_fault(struct sim_faults *f, size_t sweep, uint64_t at)
{
    uint64_t *const fields[SWEEPS] = {&f->kill_at, &f->disk_at, &f->alloc_at, &f->request_at};

    *fields[sweep] = at;
}

static int run_sweep(struct args *a, const char *file, const char *text, struct sim_options *o,
                     size_t sweep)
{
    struct sim_result r;
    int rc = run_once(a, file, text, o, &r); /* undisturbed, to count */
    uint64_t n = counted(&r, sweep);
    uint64_t runs = 0;

    for (uint64_t at = 1; rc == 0 && a->failures < FAILURES_MAX && at <= n;
         at += a->sweeps[sweep].stride) {
        sim_result_deinit(&r);
        set_fault(&o->faults, sweep, at);
        rc = run_once(a, file, text, o, &r);
        runs++;
    }
    set_fault(&o->faults, sweep, 0);
    sim_result_deinit(&r);
    (void)printf("%s %s: %llu of %llu points\n", cl_str_or(file, "random"), a->sweeps[sweep].flag,
                 (unsigned long long)runs, (unsigned long long)n);
    return rc;
}

static int run_text(struct args *a, const char *file, const char *text, uint64_t seed)
{
    struct sim_options o = {
        .seed = seed, .exact = a->exact, .verbose = a->verbose, .files = &a->on_disk};
    struct sim_result r = {0};
    bool swept = false;
    int rc = 0;

    o.faults.disk_errno = a->enospc ? ENOSPC : EIO;
    for (size_t i = 0; i < SWEEPS; i++) {
        set_fault(&o.faults, i, a->sweeps[i].value);
    }
    for (size_t i = 0; i < SWEEPS && rc == 0; i++) {
        if (a->sweeps[i].every) {
            swept = true;
            rc = run_sweep(a, file, text, &o, i);
        }
    }
    if (!swept) {
        rc = run_once(a, file, text, &o, &r);
        if (rc == 0 && !r.failed && a->seed_from == a->seed_to) {
            (void)printf("%s: %lld h, %llu orders, %llu POSTs, %llu durable writes, %llu kills\n",
                         cl_str_or(file, "random"), (long long)(r.virtual_time / CL_HOUR),
                         (unsigned long long)r.orders, (unsigned long long)r.requests,
                         (unsigned long long)r.counts.durable, (unsigned long long)r.counts.kills);
        }
        sim_result_deinit(&r);
    }
    return rc;
}

/* ---- files ---- */

/* What is known of CAs: installed, or in the source tree that this was built in. */
static void load_cas(struct args *a)
{
    static const char *const BESIDE[] = {"/../../share/certloop/cas", "/../../backends/acme/cas"};
    char self[512];
    char *found = cl_strdup(a->cas);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; found == NULL && slash != NULL && i < sizeof BESIDE / sizeof BESIDE[0];
         i++) {
        char *dir = cl_printf("%.*s%s", (int)(slash - self), self, BESIDE[i]);
        if (access(dir, R_OK) == 0) {
            found = dir;
        } else {
            cl_free(dir);
        }
    }
    if (found != NULL) {
        sim_tree_read(found, SIM_CAS, ".yaml", &a->on_disk);
    }
    cl_free(found);
}

static int run_seed(struct args *a, uint64_t seed)
{
    int rc = 0;

    if (a->files.len == 0) {
        a->random.seed = seed;
        char *text = sim_random(&a->random);
        if (a->print) {
            (void)fputs(text, stdout);
        } else {
            rc = run_text(a, NULL, text, seed);
        }
        cl_free(text);
    }
    cl_strv_for_each(file, &a->files) {
        char *text = sim_tree_file(file);
        int one = text != NULL ? run_text(a, file, text, seed) : 66;
        cl_free(text);
        rc = one != 0 ? one : rc;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct args a = {.seed_from = 1,
                     .seed_to = 1,
                     .sweeps = {{.flag = "--kill-at"},
                                {.flag = "--fail-disk"},
                                {.flag = "--fail-alloc"},
                                {.flag = "--fail-request"}},
                     .random = {.certs = 20, .horizon = 10 * CL_DAY}};
    int rc;

    sim_mem_install();
    json_set_alloc_funcs(cl_malloc, cl_free);
    json_object_seed(1); /* the same order of members in every run */
    rc = parse_args(&a, argc, argv);
    if (rc >= 0) {
        cl_strv_deinit(&a.files);
        return rc;
    }
    rc = 0;
    load_cas(&a);
    if (a.user.specs != NULL) {
        a.user.cas = &a.on_disk;
        a.user.horizon = a.random.horizon;
        a.user.seed = a.seed_from;
        rc = sim_user_run(&a.user);
        cl_strv_deinit(&a.user.faults);
        cl_strv_deinit(&a.files);
        cl_strv_deinit(&a.on_disk);
        return rc;
    }
    for (uint64_t seed = a.seed_from; seed <= a.seed_to && rc == 0 && a.failures < FAILURES_MAX;
         seed++) {
        rc = run_seed(&a, seed);
    }
    if (a.runs > 1) {
        (void)printf("%llu runs, %llu failed\n", (unsigned long long)a.runs,
                     (unsigned long long)a.failures);
    }
    cl_strv_deinit(&a.files);
    cl_strv_deinit(&a.on_disk);
    return rc != 0 ? rc : (a.failures > 0 ? 1 : 0);
}
