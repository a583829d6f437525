/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_fixture: a host with paths in a temporary directory, an Issuer and a Certificate, and an
 * op that is waited for. Only for the embedded issuers' tests. */
#ifndef ISSUER_FIXTURE_H
#define ISSUER_FIXTURE_H

#include "backends/issuer.h"
#include "tests/unit/rt_fixture.h"

struct issuer_test {
    struct rt *rt;
    struct paths paths;
    struct config config;
    struct issuer_host host;
    struct issuer_spec issuer_spec;
    struct object issuer_object;
    struct cert_spec cert_spec;
    struct object cert_object;
    struct key *key;
    /* what find_secret_pair gives: NULL = none */
    const char *pair_chain, *pair_key;
    /* the op */
    struct cl_op op;
    struct issue_op issue;
    bool done;
    struct cl_err err;
};

static inline int issuer_test_find_pair(void *user, const char *namespace_, const char *secret_name,
                                        char **ret_chain_pem, struct cl_buf *ret_key_pem)
{
    struct issuer_test *t = user;
    assert_string_equal(namespace_, "");
    assert_string_equal(secret_name, "root");
    if (t->pair_chain == NULL) {
        return 1;
    }
    *ret_chain_pem = cl_strdup(t->pair_chain);
    cl_buf_init_secret(ret_key_pem, 1 << 16);
    assert_int_equal(cl_buf_adds(ret_key_pem, t->pair_key), 0);
    return 0;
}

static inline int issuer_test_setup(void **state)
{
    static struct issuer_test t;
    struct cl_err err = {0};
    void *rt = NULL;

    memset(&t, 0, sizeof(t));
    assert_int_equal(rt_setup(&rt), 0);
    t.rt = rt;
    t.paths = (struct paths){.state = cl_printf("%s/state", t.rt->dir),
                             .secrets = cl_printf("%s/secrets", t.rt->dir),
                             .live = cl_printf("%s/live", t.rt->dir)};
    t.host = (struct issuer_host){.loop = t.rt->loop,
                                  .paths = &t.paths,
                                  .config = &t.config,
                                  .user = &t,
                                  .find_secret_pair = issuer_test_find_pair};
    t.issuer_object =
        (struct object){.kind = SPEC_ISSUER,
                        .metadata = {.name = cl_strdup("internal"), .namespace_ = cl_strdup("")},
                        .key = cl_strdup("internal"),
                        .issuer = &t.issuer_spec};
    t.cert_spec.private_key = (struct private_key_spec){.algorithm = KEY_ECDSA, .size = 256};
    cl_strv_add(&t.cert_spec.dns_names, "app.internal");
    t.cert_object = (struct object){.kind = SPEC_CERTIFICATE,
                                    .metadata = t.issuer_object.metadata,
                                    .key = t.issuer_object.key,
                                    .cert = &t.cert_spec};
    assert_int_equal(key_generate(KEY_ECDSA, 256, &t.key, &err), 0);
    *state = &t;
    return 0;
}

static inline int issuer_test_teardown(void **state)
{
    struct issuer_test *t = *state;
    void *rt = t->rt;

    key_destroy(t->key);
    cl_strv_deinit(&t->cert_spec.dns_names);
    cl_free(t->issuer_object.metadata.name);
    cl_free(t->issuer_object.metadata.namespace_);
    cl_free(t->issuer_object.key);
    cl_free(t->issue.fullchain_pem);
    cl_free(t->issue.ca_pem);
    cl_free(t->paths.state);
    cl_free(t->paths.secrets);
    cl_free(t->paths.live);
    return rt_teardown(&rt);
}

static inline void issuer_test_done(struct cl_op *op, const struct cl_err *err)
{
    struct issuer_test *t = op->user;
    assert_false(t->done);
    t->done = true;
    if (err != NULL) {
        t->err = *err;
    }
}

static inline bool issuer_test_is_done(void *user)
{
    return ((struct issuer_test *)user)->done;
}

static inline void issuer_test_wait(struct issuer_test *t)
{
    assert_false(t->done); /* never from within start */
    rt_wait(t->rt, issuer_test_is_done, t);
}

/** Runs one step to its end; t->err says how it ended. */
static inline void run_step(struct issuer_test *t, const struct issuer_ops *ops, struct issuer *i,
                            enum issuer_step step)
{
    t->done = false;
    memset(&t->err, 0, sizeof(t->err));
    t->op = (struct cl_op){.done = issuer_test_done, .user = t};
    ops->step(i, step, &t->op);
    issuer_test_wait(t);
}

static inline void start_issue(struct issuer_test *t, const struct issuer_ops *ops,
                               struct issuer *i)
{
    t->done = false;
    memset(&t->err, 0, sizeof(t->err));
    cl_free(t->issue.fullchain_pem);
    cl_free(t->issue.ca_pem);
    t->issue = (struct issue_op){.op = {.done = issuer_test_done, .user = t},
                                 .object = &t->cert_object,
                                 .key_name = "app",
                                 .key = t->key};
    ops->issue(i, &t->issue);
}

static inline void run_issue(struct issuer_test *t, const struct issuer_ops *ops, struct issuer *i)
{
    start_issue(t, ops, i);
    issuer_test_wait(t);
}

static inline struct issuer_facts facts_of(struct issuer_test *t, const struct issuer_ops *ops,
                                           struct issuer *i)
{
    struct issuer_facts f;
    ops->facts(i, loop_now(t->rt->loop), &f);
    return f;
}

/** A CA pair, signed by @by (its own key if NULL). */
struct test_ca {
    struct key *key;
    char *cert_pem, *key_pem;
};

static inline struct test_ca test_ca(struct issuer_test *t, const char *name,
                                     const struct test_ca *by, bool is_ca, cl_time duration)
{
    struct test_ca ca = {0};
    struct cl_err err = {0};
    struct cl_buf pem, key;
    struct cert_spec spec = {.common_name = cl_strdup(name), .is_ca = is_ca};

    assert_int_equal(key_generate(KEY_ECDSA, 256, &ca.key, &err), 0);
    cl_buf_init(&pem, 1 << 16);
    cl_buf_init_secret(&key, 1 << 16);
    struct cert_sign_params p = {.spec = &spec,
                                 .subject_key = ca.key,
                                 .issuer_key = by != NULL ? by->key : ca.key,
                                 .issuer_pem = by != NULL ? by->cert_pem : NULL,
                                 .now = loop_now(t->rt->loop),
                                 .duration = duration,
                                 .path_len = -1};
    if (cert_sign(&p, &pem, &err) < 0 || key_to_pem(ca.key, KEY_PKCS8, &key, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    ca.cert_pem = cl_buf_take(&pem);
    ca.key_pem = cl_buf_take(&key);
    cl_free(spec.common_name);
    return ca;
}

static inline void test_ca_deinit(struct test_ca *ca)
{
    key_destroy(ca->key);
    cl_free(ca->cert_pem);
    cl_free_secret(ca->key_pem);
}

/** The chain of t->issue must pass the guard that stands before the archive. */
static inline struct cert_facts guarded(struct issuer_test *t)
{
    struct cert_facts f = {0};
    struct cl_err err = {0};
    if (cert_guard(t->issue.fullchain_pem, &t->cert_spec, t->key, loop_now(t->rt->loop), &f, &err) <
        0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    return f;
}

#define issuer_test_case(f) \
    cmocka_unit_test_setup_teardown(f, issuer_test_setup, issuer_test_teardown)

#endif
