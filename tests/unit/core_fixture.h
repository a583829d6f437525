/* SPDX-License-Identifier: Apache-2.0 */
/* core_fixture: a Certificate that is fine (issued on day 0, valid for 90 days, written, deployed)
 * and its Issuer, as plain data. Tests spoil what they are about. Only for tests/unit. */
#ifndef CORE_FIXTURE_H
#define CORE_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h> /* needs the others before it */
/* clang-format on */

#include "reconciler/core/issuer_plan.h"
#include "reconciler/core/plan.h"

#define T0 ((cl_time)1767225600000) /* 2026-01-01T00:00:00Z */
#define DAYS(n) (T0 + (n)*CL_DAY)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    struct cert_spec spec;
    struct object object;
    struct manifest manifest;
    struct facts facts;
    struct plan plan;
    cl_time now;
    char texts[16][64];
    size_t n_texts;
};

/* The structs hold char *; the fixture lends them its own copies. */
static inline char *text(struct fixture *x, const char *s)
{
    assert_true(x->n_texts < COUNT(x->texts));
    char *copy = x->texts[x->n_texts++];
    (void)snprintf(copy, sizeof(x->texts[0]), "%s", s);
    return copy;
}

static inline void fixture_init(struct fixture *x)
{
    memset(x, 0, sizeof(*x));
    x->now = DAYS(1);
    x->spec.issuer_ref.name = text(x, "letsencrypt");
    x->spec.private_key =
        (struct private_key_spec){.algorithm = KEY_ECDSA, .size = 256, .encoding = KEY_PKCS8};
    cl_strv_add(&x->spec.dns_names, "example.com");
    x->object.kind = SPEC_CERTIFICATE;
    x->object.metadata.name = text(x, "www");
    x->object.metadata.namespace_ = text(x, "");
    x->object.cert = &x->spec;

    struct manifest *m = &x->manifest;
    m->revision = 2;
    m->uid = text(x, "uid-1");
    m->issuer_name = text(x, "letsencrypt");
    m->issuer_identity = text(x, "acme:https://ca/directory");
    m->issued_at = T0;
    m->request = text(x, "{\"dnsNames\":[\"example.com\"]}");
    m->cert.serial = text(x, "04d1");
    m->cert.not_before = T0;
    m->cert.not_after = DAYS(90);
    m->cert.chain_not_after = DAYS(1000);
    m->cert.key_algorithm = text(x, "ECDSA");
    m->cert.key_size = 256;
    cl_strv_add(&m->cert.dns_names, "example.com");

    x->facts = (struct facts){
        .revision_state = REVISION_OK,
        .revision_detail = "",
        .manifest = m,
        .uid = "uid-1",
        .wanted_request = m->request,
        .issuer_exists = true,
        .issuer_type = ISSUER_ACME,
        .issuer_ready = true,
        .issuer_message = "",
        .issuer_identity = "acme:https://ca/directory",
        .slot_free = true,
        .slot_forecast = CL_NEVER,
        .outputs = OUTPUTS_OK,
        .outputs_detail = "",
        .outputs_written_once = true,
    };
}

static inline void fixture_deinit(struct fixture *x)
{
    cl_strv_deinit(&x->spec.dns_names);
    cl_strv_deinit(&x->spec.ip_addresses);
    cl_strv_deinit(&x->manifest.cert.dns_names);
    cl_strv_deinit(&x->manifest.missing_names);
    cl_strv_deinit(&x->manifest.cert.ip_addresses);
}

/* Nothing was issued yet, so that the gates are asked. */
static inline void nothing_issued(struct fixture *x)
{
    x->facts.revision_state = REVISION_NONE;
    x->facts.manifest = NULL;
    x->facts.outputs = OUTPUTS_NONE;
    x->facts.outputs_written_once = false;
}

static inline const struct plan *plan_at(struct fixture *x, cl_time now)
{
    x->now = now;
    plan_next(&x->object, &x->facts, now, &x->plan);
    return &x->plan;
}

#define assert_reason(actual, expected) \
    assert_string_equal(reason_token(actual), reason_token(expected))
#define assert_condition(plan, type, is, why)                                    \
    (assert_int_equal((plan)->conditions[CONDITION_##type].status, STATUS_##is), \
     assert_reason((plan)->conditions[CONDITION_##type].reason, REASON_##why))
#define assert_says(message, part)                                 \
    do {                                                           \
        if (strstr(message, part) == NULL) {                       \
            fail_msg("\"%s\" does not say \"%s\"", message, part); \
        }                                                          \
    } while (0)

static inline int fixture_setup(void **state)
{
    static struct fixture x;
    fixture_init(&x);
    *state = &x;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_deinit(*state);
    return 0;
}

#define fixture_test(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
