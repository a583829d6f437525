/* SPDX-License-Identifier: Apache-2.0 */
/* sim_command: the commands of scenarios: what people, disks, CAs and programs do. */
#include "backends/sim/sim_ca_limits.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "backends/sim/sim_run.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <string.h>

struct command {
    const struct cl_strv *words;
    const char *text;
    struct cl_err *err;
};
typedef int command_fn(struct command *c);

static const char *word(const struct command *c, size_t i)
{
    return i < c->words->len ? c->words->items[i] : "";
}

/* The value of a word "KEY=VALUE", or NULL. */
static const char *option(const struct command *c, const char *key)
{
    size_t n = strlen(key);

    cl_strv_for_each(w, c->words) {
        if (strncmp(w, key, n) == 0 && w[n] == '=') {
            return w + n + 1;
        }
    }
    return NULL;
}

static int wrong(const struct command *c, const char *what)
{
    return cl_fail(c->err, CL_ERR_SPEC, "Scenario", "%s: %s", word(c, 0), what);
}

static int number(const char *text, uint64_t max, uint64_t *ret)
{
    return text != NULL ? cl_parse_u64(text, max, ret) : -1;
}

/* ---- spec files ---- */

/* A spec that names a CA may have an account there. */
static void note_issuers(const char *path, const char *text)
{
    static const char KEY[] = "https://";

    for (const char *p = strstr(text, KEY); p != NULL; p = strstr(p + 1, KEY)) {
        const char *host = p + strlen(KEY);
        char *name = cl_strndup(host, strcspn(host, "/:\"} \n"));
        sim_check_issuer(path, name);
        (void)sim_ca(name);
        cl_free(name);
    }
}

static char *spec_path(const char *name)
{
    return name[0] == '/' ? cl_strdup(name) : cl_printf(SIM_SPECS "/%s", name);
}

static int put(const char *path, const char *text, unsigned mode)
{
    if (cl_str_starts(path, SIM_SPECS)) {
        note_issuers(path, text);
        sim->respecs++;
    }
    sim_check_damaged(path);
    return sim_fs_put(path, text, strlen(text), mode);
}

static int do_write(struct command *c)
{
    char *path = spec_path(word(c, 1));
    const char *mode = option(c, "mode");
    uint64_t octal = 0;

    for (; mode != NULL && *mode >= '0' && *mode <= '7'; mode++) {
        octal = octal * 8 + (uint64_t)(*mode - '0');
    }
    int rc = put(path, c->text, octal > 0 ? (unsigned)octal : 0644);
    cl_free(path);
    return rc == 0 ? 0 : wrong(c, "cannot write that");
}

static int do_issuer(struct command *c)
{
    const char *server = option(c, "server");
    const char *generate = option(c, "generate");
    char *path = cl_printf(SIM_SPECS "/issuer-%s.yaml", word(c, 1));
    char *spec = NULL;

    if (server != NULL) {
        spec = cl_printf(
            "  acme:\n    server: https://%s/dir\n    email: ops@example.com\n"
            "    termsOfServiceAgreed: true\n    retryAfter: %s\n"
            "%s%s%s    solvers: [{http01: {%s%s}}]\n",
            server, cl_str_or(option(c, "retry"), "Obey"),
            option(c, "rehearse") != NULL ? "    rehearseWith: {name: " : "",
            cl_str_or(option(c, "rehearse"), ""), option(c, "rehearse") != NULL ? "}\n" : "",
            option(c, "webroot") != NULL ? "webroot: " : "", cl_str_or(option(c, "webroot"), ""));
    } else if (generate != NULL) {
        spec = cl_strdup("  ca: {generate: {commonName: Root}}\n");
    } else {
        spec = cl_strdup("  selfSigned: {}\n");
    }
    char *text = cl_printf("apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: %s}\nspec:\n%s",
                           word(c, 1), spec);
    int rc = put(path, text, 0644);
    cl_free(text);
    cl_free(spec);
    cl_free(path);
    return rc == 0 ? 0 : wrong(c, "cannot write that");
}

static void add_option(const struct command *c, struct cl_buf *b, const char *key,
                       const char *format_key)
{
    const char *value = option(c, key);

    if (value != NULL) {
        (void)cl_buf_addf(b, "  %s: %s\n", format_key, value);
    }
}

/* fallback=A+B, standby=C */
static void add_issuers(const struct command *c, struct cl_buf *b)
{
    struct cl_strv names = {0};

    cl_strv_split(&names, cl_str_or(option(c, "fallback"), ""), "+");
    if (names.len > 0) {
        (void)cl_buf_adds(b, "  fallbackIssuerRefs:\n");
    }
    cl_strv_for_each(name, &names) {
        (void)cl_buf_addf(b, "  - {name: %s}\n", name);
    }
    cl_strv_deinit(&names);
    if (option(c, "standby") != NULL) {
        (void)cl_buf_addf(b, "  standby: {issuerRef: {name: %s}}\n", option(c, "standby"));
    }
}

static char *cert_text(const struct command *c, const char *name, const char *names)
{
    struct cl_buf b;

    cl_buf_init(&b, 1 << 20);
    (void)cl_buf_addf(&b,
                      "apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: %s}\nspec:\n"
                      "  dnsNames: [%s]\n  issuerRef: {name: %s}\n",
                      name, names, cl_str_or(option(c, "issuer"), "le"));
    add_issuers(c, &b);
    add_option(c, &b, "suspend", "suspend");
    add_option(c, &b, "duration", "duration");
    add_option(c, &b, "renewBefore", "renewBefore");
    if (option(c, "window") != NULL) { /* MIN_HOUR_DAY_MONTH_WEEKDAY+DURATION */
        char *cron = cl_strdup(option(c, "window"));
        char *plus = strchr(cron, '+');
        for (char *p = cron; *p != '\0'; p++) {
            *p = *p == '_' ? ' ' : *p;
        }
        if (plus != NULL) {
            *plus = '\0';
            (void)cl_buf_addf(&b, "  renewal: {windows: [{cron: \"%s\", windowDuration: %s}]}\n",
                              cron, plus + 1);
        }
        cl_free(cron);
    }
    if (option(c, "hook") != NULL) {
        (void)cl_buf_addf(&b, "  hooks: [%s]\n", option(c, "hook"));
    }
    if (option(c, "probe") != NULL) {
        (void)cl_buf_addf(&b, "  probe: {connect: \"%s\"}\n", option(c, "probe"));
    }
    if (option(c, "key") != NULL) {
        (void)cl_buf_addf(&b, "  privateKey: {algorithm: %s}\n", option(c, "key"));
    }
    return cl_buf_take(&b);
}

static int do_cert(struct command *c)
{
    const char *file = option(c, "file");
    char *names = cl_strdup(cl_str_or(option(c, "names"), ""));
    char *path = file != NULL ? spec_path(file) : cl_printf(SIM_SPECS "/%s.yaml", word(c, 1));

    for (char *p = names; *p != '\0'; p++) {
        *p = *p == '+' ? ',' : *p; /* a+b: a comma would do, too */
    }
    char *text = cert_text(c, word(c, 1), names);
    int rc = put(path, text, 0644);
    cl_free(text);
    cl_free(path);
    cl_free(names);
    return rc == 0 ? 0 : wrong(c, "cannot write that");
}

/* certs COUNT PREFIX issuer=... [domains=N]: PREFIX-0001 ... for PREFIX-0001.example.com ..., or spread over
 * N registered domains, d1.example ... */
static int do_certs(struct command *c)
{
    uint64_t count = 0;
    uint64_t domains = 0;

    if (number(word(c, 1), 100000, &count) < 0) {
        return wrong(c, "expected: certs COUNT PREFIX");
    }
    if (option(c, "domains") != NULL && number(option(c, "domains"), 100000, &domains) < 0) {
        return wrong(c, "domains= needs a number");
    }
    for (uint64_t i = 1; i <= count; i++) {
        char *name = cl_printf("%s-%04llu", word(c, 2), (unsigned long long)i);
        char *dns = domains == 0 ? cl_printf("%s.example.com", name)
                                 : cl_printf("%s.d%llu.example", name,
                                             (unsigned long long)(i % domains) + 1);
        char *path = cl_printf(SIM_SPECS "/%s.yaml", name);
        char *text = cert_text(c, name, dns);
        int rc = put(path, text, 0644);
        cl_free(text);
        cl_free(path);
        cl_free(dns);
        cl_free(name);
        if (rc != 0) {
            return wrong(c, "cannot write that");
        }
    }
    return 0;
}

/* A hook NAME of the Configuration that runs PROGRAM. */
static int do_config(struct command *c)
{
    char *text = cl_printf("apiVersion: certloop/v1\nkind: Configuration\nspec:\n%s", c->text);
    int rc = put(SIM_CONFIG, text, 0644);

    cl_free(text);
    return rc == 0 ? 0 : wrong(c, "cannot write that");
}

/* ---- other changes of the disk ---- */

static int do_break(struct command *c)
{
    char *path = spec_path(word(c, 1));
    int rc = put(path, "apiVersion: certloop/v1\nkind: Certificate\nspec: [unclosed\n", 0644);

    cl_free(path);
    return rc == 0 ? 0 : wrong(c, "cannot write that");
}

static int change(struct command *c, enum sim_op_kind kind)
{
    char *path = spec_path(word(c, 1));
    char *other = cl_str_empty(word(c, 2)) || kind == SIM_OP_LINK ? cl_strdup(word(c, 2))
                                                                  : spec_path(word(c, 2));
    if (cl_str_starts(path, SIM_SPECS)) {
        sim->respecs++;
    }
    sim_check_damaged(path);
    int rc = sim_fs_do(kind, path, other);
    sim_watch_check();
    cl_free(other);
    cl_free(path);
    return rc == 0 ? 0 : wrong(c, "the disk refuses that");
}

static int do_remove(struct command *c)
{
    char *path = spec_path(word(c, 1));
    bool there = sim_fs_node(path, false) != NULL;

    cl_free(path);
    return there ? change(c, SIM_OP_TREE) : 0;
}

static int do_rename(struct command *c)
{
    return change(c, SIM_OP_RENAME);
}

static int do_link(struct command *c)
{
    return change(c, SIM_OP_LINK);
}

static int do_mkdir(struct command *c)
{
    return change(c, SIM_OP_MKDIR);
}

/* removeall PREFIX: every file of the spec directory whose name begins so. */
static int do_removeall(struct command *c)
{
    const struct sim_node *dir = sim_fs_node(SIM_SPECS, true);
    struct cl_strv names = {0};
    const char *name;
    size_t pos = 0;

    while (dir != NULL && cl_map_next(&dir->children, &pos, &name, NULL)) {
        if (cl_str_starts(name, word(c, 1))) {
            cl_strv_add(&names, name);
        }
    }
    cl_strv_for_each(gone, &names) {
        char *path = spec_path(gone);
        sim->respecs++;
        (void)sim_fs_do(SIM_OP_UNLINK, path, NULL);
        cl_free(path);
    }
    cl_strv_deinit(&names);
    return 0;
}

/* commits D: how long a sync takes at most */
static int do_commits(struct command *c)
{
    return cl_duration_parse(word(c, 1), &sim->commit_max) == 0
               ? 0
               : wrong(c, "expected: commits DURATION");
}

/* disk PREFIX EIO|ENOSPC|EACCES|ok */
static int do_disk(struct command *c)
{
    static const struct {
        const char *name;
        int code;
    } CODES[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EACCES", EACCES}};

    sim_fs_error(word(c, 1), 0);
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        if (cl_streq(word(c, 2), CODES[i].name)) {
            sim_fs_error(word(c, 1), CODES[i].code);
        }
    }
    sim_external();
    return 0;
}

/* ---- CAs ---- */

static int time_option(const struct command *c, const char *key, cl_time *ret)
{
    const char *v = option(c, key);

    return v != NULL ? cl_duration_parse(v, ret) : 0;
}

static int ca_window(struct command *c, struct sim_ca *ca)
{
    enum sim_ca_window_kind kind;
    cl_time from = 0;
    cl_time until = 0;

    /* ca HOST KIND from A to B [ARG] */
    if (c->words->len < 7 || sim_ca_window_parse(word(c, 2), &kind) < 0 ||
        cl_duration_parse(word(c, 4), &from) < 0 || cl_duration_parse(word(c, 6), &until) < 0) {
        return wrong(c, "expected: ca HOST KIND from A to B [ARG]");
    }
    sim_ca_window(ca, kind, SIM_START + from, SIM_START + until, word(c, 7));
    return 0;
}

/* ca HOST revoke all at D: what was issued before is to be replaced at once, as its window says */
static int ca_revoke(struct command *c, struct sim_ca *ca)
{
    cl_time at = 0;

    if (!cl_streq(word(c, 3), "all") || !cl_streq(word(c, 4), "at") ||
        cl_duration_parse(word(c, 5), &at) < 0) {
        return wrong(c, "expected: ca HOST revoke all at D");
    }
    ca->revoked_at = SIM_START + at;
    return 0;
}

static int do_ca(struct command *c)
{
    struct sim_ca *ca = sim_ca(word(c, 1));
    uint64_t n = 0;

    if (cl_streq(word(c, 2), "revoke")) {
        return ca_revoke(c, ca);
    }
    if (cl_streq(word(c, 3), "from")) {
        return ca_window(c, ca);
    }
    if (time_option(c, "lifetime", &ca->lifetime) < 0 ||
        time_option(c, "processing", &ca->processing) < 0 ||
        time_option(c, "patience", &ca->patience) < 0 ||
        time_option(c, "retryAfter", &ca->retry_after) < 0 ||
        time_option(c, "ari", &ca->renewal_every) < 0 ||
        time_option(c, "latency", &ca->latency_hi) < 0) {
        return wrong(c, "a duration is malformed");
    }
    if (option(c, "limits") != NULL && sim_ca_limits_set(ca, option(c, "limits")) < 0) {
        return wrong(c, "limits= is letsencrypt or none");
    }
    ca->latency_lo = cl_time_min(ca->latency_lo, ca->latency_hi);
    if (number(option(c, "badNonce"), 100, &n) == 0) {
        ca->bad_nonce = (unsigned)n;
    }
    if (number(option(c, "fetches"), 100, &n) == 0) {
        ca->fetches = (unsigned)n;
    }
    if (number(option(c, "reuse"), 100, &n) == 0) {
        ca->reuse = (unsigned)n;
    }
    sim_external();
    return 0;
}

/* ---- programs and services ---- */

/* program PATH fails from A to B */
static int do_program(struct command *c)
{
    struct sim_hook *h = sim_hook(word(c, 1));
    cl_time from = 0;
    cl_time until = 0;

    if (cl_duration_parse(word(c, 4), &from) < 0 || cl_duration_parse(word(c, 6), &until) < 0) {
        return wrong(c, "expected: program PATH fails from A to B");
    }
    h->fails_from = SIM_START + from;
    h->fails_until = SIM_START + until;
    return 0;
}

static int do_service(struct command *c)
{
    sim_service(word(c, 1), word(c, 2));
    return 0;
}

static int do_webroot(struct command *c)
{
    cl_strv_add(&sim->webroots, word(c, 1));
    return sim_fs_do(SIM_OP_MKDIR, word(c, 1), NULL) == 0 ? 0 : wrong(c, "cannot make it");
}

/* ---- the daemon and its clock ---- */

static int do_kill(struct command *c)
{
    bool crash = cl_streq(word(c, 0), "crash");

    if (sim->life != 0) {
        sim_die(crash ? SIM_END_CRASH : SIM_END_KILL);
    }
    return 0;
}

static int do_restart(struct command *c)
{
    (void)c;
    if (sim->loop != NULL) {
        loop_stop(sim->loop);
        sim->counts.restarts++;
    }
    return 0;
}

static int do_clock(struct command *c)
{
    const char *text = word(c, 1);
    bool back = text[0] == '-';
    cl_time delta = 0;

    if (cl_duration_parse(text + (back || text[0] == '+' ? 1 : 0), &delta) < 0) {
        return wrong(c, "expected: clock +DURATION or clock -DURATION");
    }
    delta = back ? -delta : delta;
    sim->skew += delta;
    sim_loop_clock_jumped(delta);
    return 0;
}

/* sleep DURATION: the machine is suspended; the world is not. */
static int do_sleep(struct command *c)
{
    cl_time d = 0;

    if (cl_duration_parse(word(c, 1), &d) < 0) {
        return wrong(c, "expected: sleep DURATION");
    }
    sim->now += d;
    sim->check->alive_since = sim->now;
    sim_loop_clock_jumped(d);
    return 0;
}

/* ---- the run ---- */

static int do_horizon(struct command *c)
{
    cl_time d = 0;

    if (cl_duration_parse(word(c, 1), &d) < 0) {
        return wrong(c, "expected: horizon DURATION");
    }
    sim->horizon = SIM_START + d;
    return 0;
}

/* ticks exact, or: ticks DURATION, how late a tick that finds nothing may come */
static int do_ticks(struct command *c)
{
    sim->exact = cl_streq(word(c, 1), "exact");
    return sim->exact || cl_duration_parse(word(c, 1), &sim->tick_max) == 0
               ? 0
               : wrong(c, "expected: ticks exact|DURATION");
}

/* lossy watch=PERCENT requests=PERCENT until=DURATION */
static int do_lossy(struct command *c)
{
    uint64_t n = 0;
    cl_time until = 0;

    if (number(option(c, "watch"), 100, &n) == 0) {
        sim->watch_loss = (unsigned)n;
    }
    if (number(option(c, "requests"), 100, &n) == 0) {
        sim->request_loss = (unsigned)n;
    }
    if (time_option(c, "until", &until) < 0) {
        return wrong(c, "until= needs a duration");
    }
    sim->loss_until = SIM_START + until;
    return 0;
}

static const struct {
    const char *name;
    command_fn *run;
} COMMANDS[] = {
    {"horizon", do_horizon}, {"ticks", do_ticks},
    {"lossy", do_lossy},     {"write", do_write},
    {"issuer", do_issuer},   {"cert", do_cert},
    {"certs", do_certs},     {"config", do_config},
    {"break", do_break},     {"remove", do_remove},
    {"rename", do_rename},   {"link", do_link},
    {"mkdir", do_mkdir},     {"removeall", do_removeall},
    {"commits", do_commits}, {"disk", do_disk},
    {"ca", do_ca},           {"program", do_program},
    {"service", do_service}, {"webroot", do_webroot},
    {"kill", do_kill},       {"crash", do_kill},
    {"restart", do_restart}, {"clock", do_clock},
    {"sleep", do_sleep},
};

int sim_command(const struct cl_strv *words, const char *text, struct cl_err *err)
{
    struct command c = {.words = words, .text = text, .err = err};

    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (cl_streq(words->items[0], COMMANDS[i].name)) {
            return COMMANDS[i].run(&c);
        }
    }
    return cl_fail(err, CL_ERR_SPEC, "Scenario", "%s: there is no such command", words->items[0]);
}
