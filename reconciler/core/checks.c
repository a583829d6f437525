/* SPDX-License-Identifier: Apache-2.0 */
/* checks: one predicate for each reason to want a certificate, and the order in which they are
 * asked. From the fifth row on the archived revision is whole, so that its manifest is there. */
#include "reconciler/core/checks.h"

#include "reconciler/core/failover.h"
#include "spec/base/cl_alloc.h"

#define CHECK(name) static bool name(const struct check_input *in, char *message, size_t size)
CHECK(does_not_exist);
CHECK(missing_data);
CHECK(invalid_key_pair);
CHECK(invalid_certificate);
CHECK(invalid_chain);
CHECK(incorrect_issuer);
CHECK(incorrect_certificate);
CHECK(secret_mismatch);
CHECK(request_changed);
CHECK(adopted_names_changed);
CHECK(revoked);
CHECK(manually_triggered);
CHECK(standby_in_use);
CHECK(urgent);
CHECK(renewing);

const struct check CHECKS[] = {
    {REASON_DOES_NOT_EXIST, true, does_not_exist},
    {REASON_MISSING_DATA, true, missing_data},
    {REASON_INVALID_KEY_PAIR, true, invalid_key_pair},
    {REASON_INVALID_CERTIFICATE, true, invalid_certificate},
    {REASON_INVALID_CHAIN, true, invalid_chain},
    {REASON_INCORRECT_ISSUER, true, incorrect_issuer},
    {REASON_INCORRECT_CERTIFICATE, true, incorrect_certificate},
    {REASON_SECRET_MISMATCH, true, secret_mismatch},
    {REASON_REQUEST_CHANGED, true, request_changed},
    {REASON_REQUEST_CHANGED, true, adopted_names_changed},
    {REASON_REQUEST_CHANGED, true, checks_profile_changed},
    {REASON_REVOKED, true, revoked},
    {REASON_MANUALLY_TRIGGERED, false, manually_triggered},
    {REASON_URGENT_RENEWAL, false, urgent},
    {REASON_STANDBY_IN_USE, false, standby_in_use},
    {REASON_RENEWING, false, renewing},
    {REASON_CHAIN_CHANGED, false, checks_chain_changed},
    {REASON_NAMES_MISSING, false, checks_names_missing},
};
const size_t CHECKS_LEN = sizeof(CHECKS) / sizeof(CHECKS[0]);

const struct check *checks_first(const struct check_input *in, char *message, size_t size)
{
    for (size_t i = 0; i < CHECKS_LEN; i++) {
        if (CHECKS[i].fires(in, message, size)) {
            return &CHECKS[i];
        }
    }
    return NULL;
}

#define say(...) ((void)cl_format(message, size, __VA_ARGS__))

CHECK(does_not_exist)
{
    if (in->f->revision_state != REVISION_NONE) {
        return false;
    }
    say("No certificate has been issued yet");
    return true;
}

/* The four states of a damaged revision share their sentence. */
static bool damaged(const struct check_input *in, enum revision_state state, const char *what,
                    char *message, size_t size)
{
    if (in->f->revision_state != state) {
        return false;
    }
    const char *detail = cl_str_or(in->f->revision_detail, "");
    say("%s%s%s", what, *detail != '\0' ? ": " : "", detail);
    return true;
}

CHECK(missing_data)
{
    if (in->f->manifest == NULL && in->f->revision_state == REVISION_OK) {
        say("The archived revision has no readable manifest");
        return true;
    }
    return damaged(in, REVISION_MISSING_DATA, "A file of the archived revision is missing", message,
                   size);
}

CHECK(invalid_key_pair)
{
    return damaged(in, REVISION_INVALID_KEY, "The archived key is damaged", message, size) ||
           damaged(in, REVISION_KEY_MISMATCH, "The archived key is not the certificate's", message,
                   size);
}

CHECK(invalid_certificate)
{
    return damaged(in, REVISION_INVALID_CERT, "The archived certificate cannot be parsed", message,
                   size);
}

CHECK(invalid_chain)
{
    if (damaged(in, REVISION_INVALID_CHAIN, "The archived chain is broken", message, size)) {
        return true;
    }
    const struct cert_facts *cert = &in->f->manifest->cert;
    if (cert->chain_not_after == 0 || in->now <= cert->chain_not_after ||
        in->now > cert->not_after) {
        return false; /* an expired leaf is not the chain's fault */
    }
    char when[CL_TIME_TEXT];
    say("An intermediate of the chain expired at %s", cl_time_format(cert->chain_not_after, when));
    return true;
}

CHECK(incorrect_issuer)
{
    const struct manifest *m = in->f->manifest;
    const char *wanted = in->o->cert->issuer_ref.name;
    if (!cl_str_empty(m->issuer_name) && !cl_str_empty(wanted) &&
        !failover_names(in->o->cert, m->issuer_name)) {
        say("Issued by Issuer %s, but spec.issuerRef names %s", m->issuer_name, wanted);
        return true;
    }
    const char *identity = in->f->issuer_identity;
    if (!cl_str_empty(m->issuer_identity) && !cl_str_empty(identity) &&
        !cl_streq(m->issuer_identity, identity)) {
        say("Issued by %s, but Issuer %s is %s now", m->issuer_identity,
            cl_str_or(m->issuer_name, cl_str_or(wanted, "")), identity);
        return true;
    }
    return false;
}

CHECK(incorrect_certificate)
{
    if (cl_streq(in->f->manifest->uid, in->f->uid)) {
        return false;
    }
    say("The archived certificate was made for another object of this name");
    return true;
}

CHECK(secret_mismatch)
{
    const struct private_key_spec *want = &in->o->cert->private_key;
    const struct cert_facts *have = &in->f->manifest->cert;
    const char *algorithm = key_algorithm_name(want->algorithm);
    bool same_size = want->algorithm == KEY_ED25519 || want->size == have->key_size;
    if (cl_streq(algorithm, have->key_algorithm) && same_size) {
        return false;
    }
    say("The key is %s %ld, but spec.privateKey asks for %s %ld",
        cl_str_or(have->key_algorithm, "unknown"), have->key_size, algorithm, want->size);
    return true;
}

CHECK(request_changed)
{
    const struct manifest *m = in->f->manifest;
    if (m->adopted || cl_streq(m->request, in->f->wanted_request) || checks_lacks_names(in)) {
        return false;
    }
    char *fields = cert_request_diff(cl_str_or(m->request, "{}"), in->f->wanted_request);
    if (fields != NULL) {
        say("The spec differs from what was issued in %s", fields);
    }
    cl_free(fields);
    return fields != NULL;
}

/* No request is recorded for a pair that was found: its names are compared with the spec's, where
 * the common name may also stand among the DNS names. */
static bool names_equal(const struct cl_strv *have, const struct cl_strv *want, const char *have_cn,
                        const char *want_cn)
{
    struct cl_strv a = {0}, b = {0};
    cl_strv_copy(&a, have);
    cl_strv_copy(&b, want);
    if (!cl_str_empty(have_cn) && cl_strv_has(&b, have_cn)) {
        cl_strv_add(&a, have_cn);
    }
    if (!cl_str_empty(want_cn) && (cl_strv_has(&a, want_cn) || cl_streq(have_cn, want_cn))) {
        cl_strv_add(&b, want_cn);
        cl_strv_add(&a, want_cn);
    }
    cl_strv_dedupe(&a);
    cl_strv_dedupe(&b);
    bool equal = cl_strv_equal_set(&a, &b) && (cl_str_empty(want_cn) || cl_strv_has(&a, want_cn));
    cl_strv_deinit(&a);
    cl_strv_deinit(&b);
    return equal;
}

CHECK(adopted_names_changed)
{
    const struct manifest *m = in->f->manifest;
    const struct cert_spec *want = in->o->cert;
    if (!m->adopted || (names_equal(&m->cert.dns_names, &want->dns_names, m->cert.common_name,
                                    want->common_name) &&
                        cl_strv_equal_set(&m->cert.ip_addresses, &want->ip_addresses))) {
        return false;
    }
    say("The names of the certificate that was taken over differ from the spec's");
    return true;
}

CHECK(revoked)
{
    const struct manifest *m = in->f->manifest;
    char when[CL_TIME_TEXT];
    if (m->revoked_at == 0) {
        return false;
    }
    say("The certificate was revoked at %s (%s)", cl_time_format(m->revoked_at, when),
        cl_str_or(m->revocation_reason, "unspecified"));
    return true;
}

CHECK(manually_triggered)
{
    if (in->f->renew_requested == 0) {
        return false;
    }
    char when[CL_TIME_TEXT];
    say("A renewal was asked for at %s", cl_time_format(in->f->renew_requested, when));
    return true;
}

/* The first Issuer is asked on until it delivers; its own backoff says how often. */
CHECK(standby_in_use)
{
    const struct manifest *m = in->f->manifest;
    if (!failover_on_standby(in->o->cert, m)) {
        return false;
    }
    say("The standby certificate of Issuer %s is in use; Issuer %s is asked for one",
        m->issuer_name, cl_str_or(in->o->cert->issuer_ref.name, ""));
    return true;
}

static bool due(const struct check_input *in)
{
    return in->renewal_time != 0 && in->now >= in->renewal_time;
}

/* RFC 9773 4.2: a window that is over when it is first seen. The CA is about to revoke, or has. */
CHECK(urgent)
{
    if (!due(in) || !in->f->ari_urgent) {
        return false;
    }
    char end[CL_TIME_TEXT];
    bool explained = !cl_str_empty(in->f->ari_explanation);
    say("The CA asks to replace the certificate at once: the window that it suggests ended at %s%s%s",
        cl_time_format(in->f->ari_window_end, end), explained ? "; see " : "",
        explained ? in->f->ari_explanation : "");
    return true;
}

CHECK(renewing)
{
    if (!due(in)) {
        return false;
    }
    char since[CL_TIME_TEXT], end[CL_TIME_TEXT];
    say("Renewal is due since %s%s; the certificate expires at %s",
        cl_time_format(in->renewal_time, since),
        in->renewal_time == in->f->ari_selected ? ", as the CA suggests" : "",
        cl_time_format(in->f->manifest->cert.not_after, end));
    return true;
}
