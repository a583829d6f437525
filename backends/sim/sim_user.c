/* SPDX-License-Identifier: Apache-2.0 */
/* sim_user: specs -> a scenario. What cannot be had in a simulation is modelled as succeeding: every
 * name is validated by a solver of the simulated machine, secrets, hooks and outputs are left out, and a
 * wildcard stands as a name of its own in the same registered domain. */
#include "backends/sim/sim_user.h"

#include "backends/sim/sim_check.h"
#include "backends/sim/sim_tree.h"
#include "backends/sim/sim_user_report.h"
#include "spec/base/cl_alloc.h"
#include "spec/ca_catalog.h"
#include "spec/spec_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct building {
    const struct sim_user *u;
    struct config *config;
    struct ca_catalog cas;
    struct cl_buf scenario;
    struct cl_strv files; /* path, content, ... of the simulated disk */
    struct cl_strv hosts; /* that have a model CA */
    struct sim_user_report report;
    unsigned issuers;
    int rc;
};

static int __attribute__((format(printf, 2, 3))) complain(struct building *b, const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "certloop simulate: ");
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    b->rc = 65;
    return -1;
}

/* ---- objects ---- */

static char *model_host(const char *server)
{
    char *host = ca_host_of_url(server);
    host[strcspn(host, ":")] = '\0';
    return host;
}

/* The CA of a host: its limits if it is known to have some, its lifetimes with their dates. */
static void add_ca(struct building *b, const char *host, const struct known_ca *k)
{
    if (cl_strv_has(&b->hosts, host)) {
        return;
    }
    cl_strv_add(&b->hosts, host);
    bool limited = k != NULL && k->limits.new_orders.capacity == 300;
    cl_time lifetime = k != NULL ? known_ca_lifetime(k, NULL, SIM_START, NULL) : 0;
    char text[CL_DURATION_TEXT];
    (void)cl_buf_addf(&b->scenario, "ca %s processing=0s limits=%s lifetime=%s\n", host,
                      limited ? "letsencrypt" : "none",
                      cl_duration_format(lifetime > 0 ? lifetime : 90 * CL_DAY, text));
    for (size_t i = 0; k != NULL && i < k->n_lifetimes; i++) {
        cl_time from = 0;
        char *day = cl_printf("%sT00:00:00Z", k->lifetimes[i].from);
        bool soon =
            cl_time_parse(day, &from) == 0 && from > SIM_START && from < SIM_START + b->u->horizon;
        cl_time then = soon ? known_ca_lifetime(k, NULL, from, NULL) : 0;
        char at[CL_DURATION_TEXT];
        if (then > 0) {
            (void)cl_buf_addf(&b->scenario, "at %s ca %s lifetime=%s\n",
                              cl_duration_format(from - SIM_START, at), host,
                              cl_duration_format(then, text));
        }
        cl_free(day);
    }
}

/* Rate limits that an Issuer names itself stay in its text; those of the mode are its CA's. */
static char *issuer_text(struct building *b, const struct object *o)
{
    const char *ns = o->metadata.namespace_;
    struct cl_buf t;

    cl_buf_init(&t, 1 << 16);
    (void)cl_buf_addf(&t,
                      "apiVersion: certloop/v1\nkind: %s\nmetadata: {name: \"%s\"%s%s%s}\nspec:\n",
                      spec_kind_name(o->kind), o->metadata.name,
                      ns[0] != '\0' ? ", namespace: \"" : "", ns, ns[0] != '\0' ? "\"" : "");
    if (o->issuer->type != ISSUER_ACME) {
        (void)cl_buf_adds(&t, o->issuer->type == ISSUER_CA ? "  ca: {generate: true}\n"
                                                           : "  selfSigned: {}\n");
        return cl_buf_take(&t);
    }
    const struct acme_spec *a = &o->issuer->acme;
    const char *mode = a->rate_limits.mode == RATE_LIMITS_NONE           ? "None"
                       : a->rate_limits.mode == RATE_LIMITS_LETS_ENCRYPT ? "LetsEncrypt"
                                                                         : "Auto";
    char *host = model_host(a->server);
    add_ca(b, host, ca_catalog_find(&b->cas, a->server));
    (void)cl_buf_addf(&t,
                      "  acme:\n    server: https://%s/dir\n    termsOfServiceAgreed: true\n"
                      "    email: simulated@example.com\n    retryAfter: EagerFirst\n"
                      "    maxOrders: %ld\n    maxConnections: %ld\n    rateLimits: %s\n"
                      "    solvers: [{http01: {listen: \"[::]:80\"}}]\n",
                      host, a->max_orders, a->max_connections, mode);
    cl_free(host);
    return cl_buf_take(&t);
}

/* "*.example.com" as "wildcard--0.example.com": another set of names, the same registered domain. */
static char *model_name(const char *name)
{
    return cl_str_starts(name, "*.") ? cl_printf("wildcard--0.%s", name + 2) : cl_strdup(name);
}

static void add_duration(struct cl_buf *t, const char *key, cl_time d)
{
    char text[CL_DURATION_TEXT];
    if (d > 0) {
        (void)cl_buf_addf(t, "  %s: %s\n", key, cl_duration_format(d, text));
    }
}

static char *certificate_text(struct building *b, const struct object *o)
{
    const struct cert_spec *s = o->cert;
    const char *ns = o->metadata.namespace_;
    struct cl_strv names = {0};
    struct cl_buf t;

    cl_strv_for_each(name, &s->dns_names) {
        cl_strv_take(&names, model_name(name));
    }
    cl_strv_dedupe(&names);
    char *list = cl_strv_join(&names, ", ");
    cl_buf_init(&t, 1 << 18);
    (void)cl_buf_addf(&t,
                      "apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: \"%s\"%s%s%s}\n"
                      "spec:\n  dnsNames: [%s]\n  issuerRef: {name: \"%s\"%s%s}\n",
                      o->metadata.name, ns[0] != '\0' ? ", namespace: \"" : "", ns,
                      ns[0] != '\0' ? "\"" : "", list, cl_str_or(s->issuer_ref.name, "letsencrypt"),
                      s->issuer_ref.kind != NULL ? ", kind: " : "",
                      cl_str_or(s->issuer_ref.kind, ""));
    add_duration(&t, "renewBefore", s->renew_before);
    if (s->renew_before_percentage > 0) {
        (void)cl_buf_addf(&t, "  renewBeforePercentage: %ld\n", s->renew_before_percentage);
    }
    if (s->suspend) {
        (void)cl_buf_adds(&t, "  suspend: true\n");
    }
    sim_user_report_add(&b->report, o, &names);
    cl_strv_deinit(&names);
    cl_free(list);
    return cl_buf_take(&t);
}

static void add_object(struct building *b, const struct object *o)
{
    bool cert = o->kind == SPEC_CERTIFICATE;
    if (cert && o->cert->dns_names.len == 0) {
        (void)fprintf(stderr, "certloop simulate: %s: only dnsNames are simulated; left out\n",
                      o->metadata.name);
        return;
    }
    cl_strv_take(&b->files,
                 cl_printf(SIM_SPECS "/%s-%s.yaml", cert ? "certificate" : "issuer", o->key));
    cl_strv_take(&b->files, cert ? certificate_text(b, o) : issuer_text(b, o));
    b->issuers += cert ? 0 : 1;
}

/* ---- files ---- */

static int read_specs(struct building *b)
{
    static const char *const SUFFIXES[] = {".yaml", ".yml", ".json"};
    struct cl_strv real = {0};

    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        if (sim_tree_read(b->u->specs, b->u->specs, SUFFIXES[i], &real) < 0) {
            (void)complain(b, "cannot read the directory %s", b->u->specs);
            b->rc = 66;
            break;
        }
    }
    for (size_t i = 0; b->rc == 0 && i + 1 < real.len; i += 2) {
        struct object_list objects = {0};
        struct spec_problems problems = {0};
        const char *text = real.items[i + 1];
        if (spec_parse(text, strlen(text), b->config, &objects, &problems) < 0) {
            for (size_t k = 0; k < problems.len; k++) {
                (void)fprintf(stderr, "%s:%u:%u: %s\n", real.items[i], problems.items[k].line,
                              problems.items[k].column, problems.items[k].text);
            }
            (void)complain(b, "%s is not valid; certloop validate tells more", real.items[i]);
        }
        for (size_t k = 0; k < objects.len; k++) {
            add_object(b, objects.items[k]);
        }
        object_list_deinit(&objects);
        spec_problems_deinit(&problems);
    }
    cl_strv_deinit(&real);
    if (b->rc == 0 && b->report.len == 0) {
        (void)complain(b, "there is no Certificate in %s", b->u->specs);
    }
    return b->rc;
}

static int read_config(struct building *b)
{
    struct spec_problems problems = {0};
    char *text =
        b->u->config != NULL && sim_tree_exists(b->u->config) ? sim_tree_file(b->u->config) : NULL;
    int rc = spec_parse_config(text, text != NULL ? strlen(text) : 0, &b->config, &problems);

    if (rc < 0) {
        (void)complain(b, "%s: %s", b->u->config, problems.items[0].text);
    }
    spec_problems_deinit(&problems);
    cl_free(text);
    return rc;
}

static void read_cas(struct building *b)
{
    for (size_t i = 0; i + 1 < b->u->cas->len; i += 2) {
        const char *text = b->u->cas->items[i + 1];
        struct spec_problems problems = {0};
        struct known_ca k;
        if (known_ca_parse(text, strlen(text), &k, &problems) == 0) {
            ca_catalog_add(&b->cas, &k);
        }
        spec_problems_deinit(&problems);
    }
    cl_strv_copy(&b->files, b->u->cas);
}

/* ---- faults ----
 *   HOST down|silent|error|busy|limited FROM TO     the CA at HOST, from and to as durations: 10d 11d
 *   HOST invalid|rejects FROM TO NAME               it cannot validate NAME
 *   HOST revoke AT                                  everything that was issued before is revoked
 *   clock AT +DURATION|-DURATION                    the clock of the machine jumps
 *   kill AT                                         the power goes */
static int add_fault(struct building *b, const char *text)
{
    static const char *const WINDOWS[] = {"down",    "silent",  "error",   "busy",
                                          "limited", "invalid", "rejects", NULL};
    struct cl_strv w = {0};
    bool ok = false;

    cl_strv_split(&w, text, " ");
    if (w.len == 3 && cl_streq(w.items[0], "clock")) {
        (void)cl_buf_addf(&b->scenario, "at %s clock %s\n", w.items[1], w.items[2]);
        ok = true;
    } else if (w.len == 2 && cl_streq(w.items[0], "kill")) {
        (void)cl_buf_addf(&b->scenario, "at %s kill\n", w.items[1]);
        ok = true;
    } else if (w.len == 3 && cl_streq(w.items[1], "revoke")) {
        (void)cl_buf_addf(&b->scenario, "ca %s ari=6h\nat %s ca %s revoke\n", w.items[0],
                          w.items[2], w.items[0]);
        ok = cl_strv_has(&b->hosts, w.items[0]);
    }
    for (size_t i = 0; w.len >= 4 && WINDOWS[i] != NULL; i++) {
        if (cl_streq(w.items[1], WINDOWS[i]) && cl_strv_has(&b->hosts, w.items[0])) {
            (void)cl_buf_addf(&b->scenario, "ca %s %s from %s to %s %s\n", w.items[0], WINDOWS[i],
                              w.items[2], w.items[3], w.len > 4 ? w.items[4] : "");
            ok = true;
        }
    }
    cl_strv_deinit(&w);
    if (!ok) {
        char *hosts = cl_strv_join(&b->hosts, ", ");
        (void)complain(
            b,
            "fault \"%s\" is not understood: HOST down|silent|error|busy|limited FROM TO, "
            "HOST invalid|rejects FROM TO NAME, HOST revoke AT, clock AT +DURATION, kill "
            "AT; HOST is one of %s",
            text, hosts);
        cl_free(hosts);
    }
    return b->rc;
}

/* ---- the run ---- */

static void first_minute(void *user)
{
    struct building *b = user;
    sim_user_report_look(&b->report);
}

static void started(void *user)
{
    static const char SCHEME[] = "https://";
    const struct building *b = user;

    for (size_t i = 0; i + 1 < b->files.len; i += 2) { /* each may have an account at its CA */
        const char *url = strstr(b->files.items[i + 1], SCHEME);
        if (url != NULL && cl_str_starts(b->files.items[i], SIM_SPECS "/issuer-")) {
            const char *host = url + strlen(SCHEME);
            char *name = cl_strndup(host, strcspn(host, "/"));
            sim_check_issuer(b->files.items[i], name);
            cl_free(name);
        }
    }
    sim_at(SIM_START + CL_MINUTE, first_minute, user);
}

static void finished(void *user)
{
    struct building *b = user;
    sim_user_report_collect(&b->report);
}

static int run(struct building *b)
{
    struct sim_options o = {.seed = b->u->seed,
                            .files = &b->files,
                            .started = started,
                            .finished = finished,
                            .user = b};
    struct sim_result r = {0};
    struct cl_err err = {0};
    char *scenario = cl_buf_take(&b->scenario);
    int rc;

    if (sim_run(scenario, &o, &r, &err) < 0) {
        rc = complain(b, "%s", err.text);
    } else {
        b->report.violation = cl_strdup(r.failure);
        rc = sim_user_report_print(&b->report, b->u->horizon, b->u->json);
    }
    sim_result_deinit(&r);
    cl_free(scenario);
    return b->rc != 0 ? b->rc : rc;
}

int sim_user_run(const struct sim_user *u)
{
    struct building b = {.u = u};
    char horizon[CL_DURATION_TEXT];
    int rc = 65;

    cl_buf_init(&b.scenario, 1 << 22);
    (void)cl_buf_addf(&b.scenario, "horizon %s\nticks 60d\n",
                      cl_duration_format(u->horizon, horizon));
    read_cas(&b);
    if (read_config(&b) == 0 && read_specs(&b) == 0) {
        cl_strv_for_each(fault, &u->faults) {
            (void)add_fault(&b, fault);
        }
        rc = b.rc == 0 ? run(&b) : b.rc;
    }
    rc = b.rc != 0 ? b.rc : rc;
    cl_buf_deinit(&b.scenario);
    config_destroy(b.config);
    ca_catalog_deinit(&b.cas);
    cl_strv_deinit(&b.files);
    cl_strv_deinit(&b.hosts);
    sim_user_report_deinit(&b.report);
    return rc;
}
