/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_cert: what must hold between the fields of a Certificate. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_rules.h"
#include "spec/spec_values.h"

#include <string.h>

#define PATH_SIZE 600
#define DURATION_MIN CL_HOUR
#define WINDOW_MIN CL_MINUTE
#define WINDOW_MAX (31 * CL_DAY)
#define RENEW_BEFORE_MIN (5 * CL_MINUTE)
#define DURATION_MAX (36500 * CL_DAY) /* a hundred years: more is a slip, and overflows dates */

/* Names of the wrong form have been reported already; here it counts whether there are any. */
static void check_names(const struct rules *r)
{
    static const char *const KEYS[] = {"commonName", "dnsNames", "ipAddresses", "uris",
                                       "emailAddresses"};

    if (r->has_errors) {
        return;
    }
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        const struct yaml_node *n = yaml_get(r->spec, KEYS[i]);

        if (n != NULL && (n->kind == YAML_SCALAR ? *n->text != '\0' : n->len > 0)) {
            return;
        }
    }
    rules_problem(r, false, "spec",
                  "a certificate needs a name: give dnsNames, ipAddresses, uris, emailAddresses "
                  "or commonName");
}

static void check_times(const struct rules *r, const struct cert_spec *s)
{
    char text[CL_DURATION_TEXT];

    if (s->duration < DURATION_MIN) {
        rules_problem(r, false, "spec.duration", "must be at least 1h");
    }
    if (s->duration > DURATION_MAX) {
        rules_problem(r, false, "spec.duration", "longer than a hundred years");
    }
    if (s->renew_before != 0 && s->renew_before < RENEW_BEFORE_MIN) {
        rules_problem(r, false, "spec.renewBefore", "must be at least 5m");
    }
    if (s->renew_before != 0 && s->renew_before >= s->duration) {
        rules_problem(r, false, "spec.renewBefore", "must be shorter than spec.duration (%s)",
                      cl_duration_format(s->duration, text));
    }
    if (s->renew_before != 0 && s->renew_before_percentage != 0) {
        rules_problem(r, false, "spec.renewBeforePercentage", "give this or renewBefore, not both");
    }
}

static void check_window(const struct rules *r, const struct renewal_window_spec *w, size_t i)
{
    char path[PATH_SIZE], hint[160] = "";

    (void)cl_format(path, sizeof(path), "spec.renewal.windows[%zu].windowDuration", i);
    if (w->duration < WINDOW_MIN || w->duration > WINDOW_MAX) {
        rules_problem(r, false, path, "must be from 1m to 31d");
    }
    (void)cl_format(path, sizeof(path), "spec.renewal.windows[%zu].timezone", i);
    if (w->timezone != NULL && r->config != NULL && r->config->zone_exists != NULL &&
        !r->config->zone_exists(w->timezone, hint, sizeof(hint))) {
        rules_problem(r, false, path, "there is no time zone %s on this machine%s", w->timezone,
                      hint);
    }
}

static void check_renewal(const struct rules *r, const struct cert_spec *s)
{
    for (size_t i = 0; i < s->renewal_windows.len; i++) {
        check_window(r, &s->renewal_windows.items[i], i);
    }
    if (s->renewal_disabled && s->renewal_windows.len > 0) {
        rules_problem(r, true, "spec.renewal.windows",
                      "have no effect: renewal.policy is Disabled");
    }
    if (s->renewal_disabled && s->renewal_at != NULL) {
        rules_problem(r, false, "spec.renewal.at", "needs another renewal.policy than Disabled");
    }
}

static size_t constraints_count(const struct name_constraints_set *s)
{
    return s->dns_domains.len + s->ip_ranges.len + s->email_addresses.len + s->uri_domains.len;
}

static void check_ca(const struct rules *r, struct cert_spec *s)
{
    struct name_constraints *n = &s->name_constraints;

    if (constraints_count(&n->permitted) + constraints_count(&n->excluded) == 0) {
        n->critical = false; /* of nothing */
    } else if (!s->is_ca) {
        rules_problem(r, false, "spec.nameConstraints", "needs isCA: true");
    }
}

/* What the key implies is what is used; anything else would not be honoured. */
static void check_signature(const struct rules *r, const struct private_key_spec *k)
{
    const struct yaml_node *given = yaml_get(r->spec, "signatureAlgorithm");
    const char *implied = "SHA256WithRSA";

    if (given == NULL || given->kind != YAML_SCALAR) {
        return;
    }
    if (k->algorithm == KEY_ED25519) {
        implied = "PureEd25519";
    } else if (k->algorithm == KEY_ECDSA) {
        implied = k->size == 384   ? "ECDSAWithSHA384"
                  : k->size == 521 ? "ECDSAWithSHA512"
                                   : "ECDSAWithSHA256";
    }
    if (!cl_streq(given->text, implied)) {
        rules_problem(r, false, "spec.signatureAlgorithm",
                      "not supported by this version of certloop, except %s, which is what this "
                      "key implies",
                      implied);
    }
}

static void check_combined(const struct rules *r, struct cert_spec *s)
{
    if (s->combined.len > 1) {
        rules_problem(r, false, "spec.additionalOutputFormats[1]", "CombinedPEM is given twice");
    }
    if (s->combined.len > 0 && s->secret_name == NULL) {
        rules_problem(r, false, "spec.additionalOutputFormats",
                      "needs secretName; under outputs say files: {" COMBINED_PEM_FILE
                      ": [key, fullchain]}");
    }
    for (size_t i = 0; i < s->combined.len; i++) {
        struct combined_spec *c = &s->combined.items[i];

        if (c->n_parts == 0) {
            c->parts[0] = PART_KEY;
            c->parts[1] = PART_FULLCHAIN;
            c->n_parts = 2;
        }
    }
}

static void check_outputs(const struct rules *r, struct cert_spec *s)
{
    for (size_t i = 0; i < s->outputs.len; i++) {
        char path[PATH_SIZE];

        (void)cl_format(path, sizeof(path), "spec.outputs[%zu]", i);
        rules_output(r, &s->outputs.items[i], path);
        for (size_t k = 0; k < i; k++) {
            const struct output_spec *a = &s->outputs.items[i], *b = &s->outputs.items[k];
            if (a->directory != NULL && cl_streq(a->directory, b->directory)) {
                rules_problem(r, false, path,
                              "the directory is that of outputs[%zu]; give its "
                              "files in one entry",
                              k);
            }
        }
    }
}

void rules_certificate(const struct rules *r, struct cert_spec *s)
{
    char path[PATH_SIZE];

    check_names(r);
    check_times(r, s);
    check_renewal(r, s);
    check_ca(r, s);
    rules_merge_key(r, &s->private_key);
    rules_private_key(r, &s->private_key, "spec.privateKey");
    check_signature(r, &s->private_key);
    check_combined(r, s);
    check_outputs(r, s);
    for (size_t i = 0; i < s->hooks.len; i++) {
        (void)cl_format(path, sizeof(path), "spec.hooks[%zu]", i);
        rules_hook(r, &s->hooks.items[i], path);
    }
    rules_solvers(r, &s->solvers, "spec.solvers");
    rules_merge(r, s);
}
