/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: cert-manager's families under certloop_, and our own. Text format 0.0.4, no reasons and
 * no domains in labels. */
#include "reconciler/inventory.h"
#include "reconciler/publish.h"
#include "reconciler/unit.h"

#include <string.h>

static void head(struct cl_buf *b, const char *name, const char *type, const char *help)
{
    (void)cl_buf_addf(b, "# HELP certloop_%s %s\n# TYPE certloop_%s %s\n", name, help, name, type);
}

static void labels(struct cl_buf *b, const struct unit *u)
{
    (void)cl_buf_addf(b, "name=\"%s\",namespace=\"%s\"", u->name, u->namespace_);
    if (!u->is_issuer) {
        (void)cl_buf_addf(b, ",issuer_name=\"%s\",issuer_kind=\"Issuer\",issuer_group=\"certloop\"",
                          cl_str_or(u->issuer_key, ""));
    }
}

/* One gauge with one value for each object of a kind. */
static void gauge(struct daemon *d, struct cl_buf *b, bool issuers, const char *name,
                  const char *help, double (*value_of)(const struct unit *u))
{
    size_t pos = 0;
    void *value;
    head(b, name, "gauge", help);
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (u->is_issuer == issuers) {
            (void)cl_buf_addf(b, "certloop_%s{", name);
            labels(b, u);
            (void)cl_buf_addf(b, "} %.3f\n", value_of(u));
        }
    }
}

/* Three series for each object: condition="True|False|Unknown". */
static void condition_gauge(struct daemon *d, struct cl_buf *b, bool issuers, const char *name,
                            enum condition_type t, const char *help)
{
    static const enum condition_status all[] = {STATUS_TRUE, STATUS_FALSE, STATUS_UNKNOWN};
    size_t pos = 0;
    void *value;

    head(b, name, "gauge", help);
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (u->is_issuer != issuers) {
            continue;
        }
        unsigned now = u->summary.conditions[t];
        now = now == STATUS_ABSENT ? STATUS_UNKNOWN : now;
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            (void)cl_buf_addf(b, "certloop_%s{condition=\"%s\",", name,
                              condition_status_name(all[i]));
            labels(b, u);
            (void)cl_buf_addf(b, "} %d\n", now == all[i] ? 1 : 0);
        }
    }
}

static double seconds(cl_time t)
{
    return t == 0 || t == CL_NEVER ? 0.0 : (double)t / 1000.0;
}
static double not_after(const struct unit *u)
{
    return seconds(u->summary.not_after);
}
static double not_before(const struct unit *u)
{
    return seconds(u->summary.not_before);
}
static double renewal(const struct unit *u)
{
    return seconds(u->summary.renewal_time);
}
static double ari_selected(const struct unit *u)
{
    return seconds(u->summary.ari_selected);
}
static double urgent(const struct unit *u)
{
    return u->summary.trigger == REASON_URGENT_RENEWAL ? 1.0 : 0.0;
}
static double failed_attempts(const struct unit *u)
{
    return (double)u->summary.failed_attempts;
}
static double last_failure(const struct unit *u)
{
    return seconds(u->summary.last_failure);
}
static double next_attempt(const struct unit *u)
{
    return seconds(u->summary.next_at);
}
static double stalled(const struct unit *u)
{
    return u->summary.conditions[CONDITION_STALLED] == STATUS_TRUE ? 1.0 : 0.0;
}

static void single(struct cl_buf *b, const char *name, const char *type, const char *help,
                   double value)
{
    head(b, name, type, help);
    (void)cl_buf_addf(b, "certloop_%s %.3f\n", name, value);
}

void metrics_render(struct daemon *d, struct cl_buf *b)
{
    struct inventory_info inv;
    struct watch_info w = {0};
    cl_time now = loop_now(d->loop);

    inventory_info(d->inventory, &inv);
    if (d->watch != NULL) {
        watch_info(d->watch, &w);
    }
    condition_gauge(d, b, false, "certificate_ready_status", CONDITION_READY,
                    "The ready status of the certificate.");
    condition_gauge(d, b, false, "certificate_deployed_status", CONDITION_DEPLOYED,
                    "Whether hooks succeeded and probes saw the certificate.");
    condition_gauge(d, b, true, "issuer_ready_status", CONDITION_READY,
                    "The ready status of the issuer.");
    gauge(d, b, false, "certificate_expiration_timestamp_seconds",
          "The time after which the certificate expires, in Unix time.", not_after);
    gauge(d, b, false, "certificate_not_after_timestamp_seconds",
          "The notAfter of the certificate, in Unix time.", not_after);
    gauge(d, b, false, "certificate_not_before_timestamp_seconds",
          "The notBefore of the certificate, in Unix time.", not_before);
    gauge(d, b, false, "certificate_renewal_timestamp_seconds",
          "The time at which the certificate is renewed, in Unix time.", renewal);
    gauge(d, b, false, "certificate_renewal_info_timestamp_seconds",
          "The time that was picked in the CA's suggested window, in Unix time, 0 if none.",
          ari_selected);
    gauge(d, b, false, "certificate_renewal_urgent",
          "1 if the CA asks to replace the certificate at once.", urgent);
    gauge(d, b, false, "certificate_failed_attempts",
          "Failed issuance attempts since the last success.", failed_attempts);
    gauge(d, b, false, "certificate_last_failure_timestamp_seconds",
          "The last failed attempt, in Unix time, 0 if none.", last_failure);
    gauge(d, b, false, "certificate_next_attempt_timestamp_seconds",
          "When the certificate is looked at next, in Unix time.", next_attempt);
    gauge(d, b, false, "certificate_stalled",
          "1 if only a change by a person can help this certificate.", stalled);
    single(b, "renewal_info_polls_total", "counter", "Questions about renewal (RFC 9773).",
           (double)d->ari_polls);
    single(b, "renewal_info_errors_total", "counter", "Those that were not answered.",
           (double)d->ari_errors);
    single(b, "spec_files_rejected", "gauge", "Spec files whose bytes are not in force.",
           (double)inv.rejected);
    single(b, "watch_overflows_total", "counter", "Overflows of the inotify queue.",
           (double)w.overflows);
    single(b, "last_scan_timestamp_seconds", "gauge", "The last scan of the spec directory.",
           seconds(inv.last_scan));
    single(b, "heartbeat_timestamp_seconds", "gauge", "When these figures were written.",
           seconds(now));
    single(b, "clock_time_seconds_gauge", "gauge", "The clock of the daemon.", seconds(now));
    head(b, "spec_set_hash_info", "gauge", "The set of spec files in force.");
    (void)cl_buf_addf(b, "certloop_spec_set_hash_info{sha256=\"%s\"} 1\n",
                      inventory_set_sha256(d->inventory));
    head(b, "build_info", "gauge", "Version of the daemon.");
    (void)cl_buf_addf(b, "certloop_build_info{version=\"%s\"} 1\n", d->version);
}
