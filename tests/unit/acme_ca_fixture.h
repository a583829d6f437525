/* SPDX-License-Identifier: Apache-2.0 */
/* acme_ca_fixture: a small model CA on loopback (plain http) and an Issuer that uses it. It answers
 * like RFC 8555 says, validates everything it is told to, and can be made to misbehave: a twist
 * replaces the answer to the next requests for a path. */
#ifndef ACME_CA_FIXTURE_H
#define ACME_CA_FIXTURE_H

#include "backends/acme/acme_issuer.h"
#include "backends/rt/disk.h"
#include "spec/base/cl_map.h"
#include "tests/unit/net_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#define CA_URN "urn:ietf:params:acme:error:"
#define CA_CHAIN "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

struct twist {
    const char *method_and_path; /* prefix of the request line, e.g. "POST /order" */
    unsigned times;
    const char *status, *headers, *body; /* headers: whole lines with CRLF, or "" */
    bool with_nonce, silent;
};
struct ca_test {
    struct net net;
    struct raw_peer peer;
    char dir[64];
    struct paths paths;
    struct config config;
    struct solvers *solvers;
    struct issuer_host host;
    struct solver_spec solver;
    struct issuer_spec issuer_spec;
    struct object issuer_object;
    struct issuer *issuer;
    /* the CA */
    unsigned nonces, orders;
    struct twist twists[8];
    size_t n_twists;
    char last_nonce[32];
    /* what happened */
    unsigned changed;
    struct cl_op op;
    bool done;
    struct cl_err err; /* kind NONE: success */
};

/** Some turns of the loop, however often somebody stops it meanwhile. */
struct ca_turn {
    struct loop_task task;
    struct loop *loop;
    bool ran;
};
static inline void ca_turn_fn(struct loop_task *task)
{
    struct ca_turn *turn = task->user;

    turn->ran = true;
    loop_stop(turn->loop);
}
static inline void ca_turns(struct ca_test *t, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct ca_turn turn = {.loop = t->net.loop};
        loop_defer(t->net.loop, &turn.task, ca_turn_fn, &turn);
        while (!turn.ran) {
            loop_run(t->net.loop);
        }
    }
}

/* ---- the CA ---- */

static inline void ca_send(struct raw_conn *c, const char *status, const char *headers,
                           const char *body, bool nonce)
{
    struct ca_test *t = cl_container(c->peer, struct ca_test, peer);
    char line[64] = "";

    if (nonce) {
        (void)snprintf(t->last_nonce, sizeof t->last_nonce, "nonce%u", ++t->nonces);
        (void)snprintf(line, sizeof line, "Replay-Nonce: %s\r\n", t->last_nonce);
    }
    char *text = cl_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s\r\n%s", status, strlen(body),
                           headers, line, body);
    raw_send(c, text);
    cl_free(text);
}

static inline char *ca_url(const struct ca_test *t, const char *path)
{
    return cl_printf("http://127.0.0.1:%u%s", t->peer.port, path);
}

static inline void ca_directory(struct raw_conn *c, const struct ca_test *t)
{
    char *body =
        cl_printf("{\"newNonce\":\"http://127.0.0.1:%u/nonce\",\"newAccount\":"
                  "\"http://127.0.0.1:%u/acct\",\"newOrder\":\"http://127.0.0.1:%u/order\","
                  "\"revokeCert\":\"http://127.0.0.1:%u/revoke\","
                  "\"meta\":{\"termsOfService\":\"http://127.0.0.1/tos\"}}",
                  t->peer.port, t->peer.port, t->peer.port, t->peer.port);
    ca_send(c, "200 OK", "Date: Fri, 02 Jan 2026 15:04:05 GMT\r\n", body, false);
    cl_free(body);
}

static inline void ca_order_reply(struct raw_conn *c, const struct ca_test *t, unsigned n,
                                  const char *state)
{
    unsigned p = t->peer.port;
    bool valid = strcmp(state, "valid") == 0;
    char *headers = cl_printf("Location: http://127.0.0.1:%u/order/%u\r\n", p, n);
    char *certificate =
        valid ? cl_printf(",\"certificate\":\"http://127.0.0.1:%u/cert/%u\"", p, n) : cl_strdup("");
    char *body = cl_printf("{\"status\":\"%s\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
                           "\"a.example\"}],\"authorizations\":[\"http://127.0.0.1:%u/authz/%u\"]"
                           ",\"finalize\":\"http://127.0.0.1:%u/fin/%u\"%s}",
                           state, p, n, p, n, certificate);
    ca_send(c, "201 Created", headers, body, true);
    cl_free(body);
    cl_free(certificate);
    cl_free(headers);
}

static inline void ca_authz_reply(struct raw_conn *c, const struct ca_test *t, unsigned n)
{
    /* told by an earlier request for the challenge? */
    char *challenge = cl_printf("POST /chal/%u ", n);
    bool told = false;
    cl_strv_for_each(r, &t->peer.requests) {
        told = told || cl_str_starts(r, challenge);
    }
    char *body = cl_printf("{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":"
                           "\"a.example\"},\"challenges\":[{\"type\":\"http-01\",\"url\":"
                           "\"http://127.0.0.1:%u/chal/%u\",\"status\":\"pending\",\"token\":"
                           "\"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAj%05u\"}]}",
                           told ? "valid" : "pending", t->peer.port, n, n);
    ca_send(c, "200 OK", "", body, true);
    cl_free(body);
    cl_free(challenge);
}

static inline bool ca_twisted(struct raw_conn *c, struct ca_test *t, const char *request)
{
    for (size_t i = 0; i < t->n_twists; i++) {
        struct twist *w = &t->twists[i];
        if (w->times > 0 && cl_str_starts(request, w->method_and_path)) {
            w->times--;
            if (!w->silent) {
                ca_send(c, w->status, w->headers, w->body, w->with_nonce);
            }
            return true;
        }
    }
    return false;
}

static inline void ca_answer(struct raw_conn *c, const char *request)
{
    struct ca_test *t = cl_container(c->peer, struct ca_test, peer);
    unsigned n = 0;

    if (ca_twisted(c, t, request)) {
        return;
    }
    if (cl_str_starts(request, "GET /dir")) {
        ca_directory(c, t);
    } else if (cl_str_starts(request, "HEAD /nonce")) {
        ca_send(c, "200 OK", "", "", true);
    } else if (cl_str_starts(request, "POST /acct")) {
        char *location = cl_printf("Location: http://127.0.0.1:%u/acct/1\r\n", t->peer.port);
        ca_send(c, "201 Created", location, "{\"status\":\"valid\"}", true);
        cl_free(location);
    } else if (cl_str_starts(request, "POST /order ")) {
        ca_order_reply(c, t, ++t->orders, "pending");
    } else if (sscanf(request, "POST /order/%u", &n) == 1) {
        ca_order_reply(c, t, n, "valid");
    } else if (sscanf(request, "POST /authz/%u", &n) == 1) {
        ca_authz_reply(c, t, n);
    } else if (sscanf(request, "POST /chal/%u", &n) == 1) {
        ca_send(c, "200 OK", "", "{}", true);
    } else if (sscanf(request, "POST /fin/%u", &n) == 1) {
        ca_order_reply(c, t, n, "valid");
    } else if (cl_str_starts(request, "POST /cert/")) {
        ca_send(c, "200 OK", "Content-Type: text/plain\r\n", CA_CHAIN, true);
    } else {
        ca_send(c, "404 Not Found", "", "<html>nothing here</html>", true);
    }
}

static inline void ca_twist(struct ca_test *t, struct twist w)
{
    assert_true(t->n_twists < COUNT(t->twists));
    if (w.headers == NULL) {
        w.headers = "";
    }
    if (w.body == NULL) {
        w.body = "";
    }
    t->twists[t->n_twists++] = w;
}

/* How many requests have begun with @line? */
static inline unsigned ca_count(const struct ca_test *t, const char *line)
{
    unsigned n = 0;

    cl_strv_for_each(r, &t->peer.requests) {
        n += cl_str_starts(r, line);
    }
    return n;
}

/* The protected header of the n-th request (from 0) that begins with @line; owned. */
static inline json_t *ca_header_of(const struct ca_test *t, const char *line, unsigned n)
{
    json_t *header = NULL;

    cl_strv_for_each(r, &t->peer.requests) {
        if (cl_str_starts(r, line) && n-- == 0) {
            json_t *jws = json_loads(strstr(r, "\r\n\r\n") + 4, 0, NULL);
            const char *text = json_string_value(json_object_get(jws, "protected"));
            unsigned char *raw;
            size_t len;
            assert_int_equal(cl_base64_decode(text, strlen(text), &raw, &len), 0);
            header = json_loadb((char *)raw, len, 0, NULL);
            cl_free(raw);
            json_decref(jws);
            break;
        }
    }
    assert_non_null(header);
    return header;
}

/* ---- the Issuer ---- */

static inline void ca_changed(void *user, const char *issuer_key)
{
    struct ca_test *t = user;

    assert_string_equal(issuer_key, "le");
    t->changed++;
}

static inline void ca_create_issuer(struct ca_test *t)
{
    t->issuer = acme_issuer_ops.create(&t->host, &t->issuer_object);
}

static inline int ca_setup(void **state)
{
    struct ca_test *t = cl_new(struct ca_test);

    net_setup(&t->net);
    raw_start(&t->net, &t->peer);
    t->peer.answer = ca_answer;
    (void)snprintf(t->dir, sizeof t->dir, "/tmp/certloop-acme-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    t->paths =
        (struct paths){.state = cl_strdup(t->dir), .secrets = cl_printf("%s/secrets", t->dir)};
    t->config.http01_listen = cl_strdup("127.0.0.1:0");
    t->solvers = solvers_create(t->net.loop, t->net.http, &t->paths, &t->config);
    t->host = (struct issuer_host){.loop = t->net.loop,
                                   .http = t->net.http,
                                   .solvers = t->solvers,
                                   .paths = &t->paths,
                                   .config = &t->config,
                                   .user = t,
                                   .changed = ca_changed};
    t->solver.has_http01 = true;
    t->issuer_spec = (struct issuer_spec){.type = ISSUER_ACME};
    t->issuer_spec.acme = (struct acme_spec){.server = ca_url(t, "/dir"),
                                             .email = cl_strdup("ops@example.org"),
                                             .terms_of_service_agreed = true,
                                             .max_connections = 4,
                                             .max_orders = 50,
                                             .retry_after = RETRY_AFTER_EAGER_FIRST,
                                             .solvers = {&t->solver, 1}};
    t->issuer_object = (struct object){.kind = SPEC_ISSUER, .issuer = &t->issuer_spec};
    t->issuer_object.key = cl_strdup("le");
    t->issuer_object.metadata.name = cl_strdup("le");
    t->issuer_object.metadata.namespace_ = cl_strdup("");
    ca_create_issuer(t);
    *state = t;
    return 0;
}

static inline int ca_teardown(void **state)
{
    struct ca_test *t = *state;
    struct disk_batch *b = disk_batch_create();
    struct cl_err err = {0};

    acme_issuer_ops.destroy(t->issuer);
    ca_turns(t, 2);
    solvers_destroy(t->solvers);
    raw_stop(&t->peer);
    net_teardown(&t->net);
    disk_batch_remove_tree(b, t->dir);
    assert_int_equal(disk_commit_now(b, &err), 0);
    paths_deinit(&t->paths);
    cl_free(t->config.http01_listen);
    cl_free(t->issuer_spec.acme.server);
    cl_free(t->issuer_spec.acme.email);
    cl_free(t->issuer_object.key);
    cl_free(t->issuer_object.metadata.name);
    cl_free(t->issuer_object.metadata.namespace_);
    cl_free(t);
    return 0;
}

static inline bool ca_is_done(void *user)
{
    return ((struct ca_test *)user)->done;
}

static inline void ca_op_done(struct cl_op *op, const struct cl_err *err)
{
    struct ca_test *t = op->user;

    t->done = true;
    t->err = err != NULL ? *err : (struct cl_err){0};
    loop_stop(t->net.loop);
}

static inline void ca_op_prepare(struct ca_test *t)
{
    t->done = false;
    t->op = (struct cl_op){.done = ca_op_done, .user = t};
}

/** One step from start to end; its result is in t->err. */
static inline void ca_step(struct ca_test *t, enum issuer_step step)
{
    ca_op_prepare(t);
    acme_issuer_ops.step(t->issuer, step, &t->op);
    assert_false(t->done);
    net_wait(&t->net, ca_is_done, t);
}

#define assert_ok(t)                                            \
    do {                                                        \
        if ((t)->err.kind != CL_ERR_NONE) {                     \
            fail_msg("%s: %s", (t)->err.reason, (t)->err.text); \
        }                                                       \
    } while (0)
#define assert_err(e, kind_, reason_)             \
    do {                                          \
        assert_string_equal((e).reason, reason_); \
        assert_int_equal((e).kind, kind_);        \
    } while (0)

static inline struct issuer_facts ca_facts(struct ca_test *t)
{
    struct issuer_facts f;

    acme_issuer_ops.facts(t->issuer, loop_now(t->net.loop), &f);
    return f;
}

/** All steps; the Issuer is ready afterwards. */
static inline void ca_prepare(struct ca_test *t)
{
    ca_step(t, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_ok(t);
    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_ok(t);
    if (!ca_facts(t).account_ok) {
        ca_step(t, ISSUER_STEP_ACCOUNT);
        assert_ok(t);
    }
    assert_true(ca_facts(t).account_ok);
}

/* ---- issuing ---- */

struct issued {
    struct issue_op issue;
    struct ca_test *t;
    struct cert_spec spec;
    struct object object;
    bool done, hold_save;
    struct cl_err err;
    struct cl_op *saved; /* held back */
    unsigned saves, changes;
};

static inline void issued_done(struct cl_op *op, const struct cl_err *err)
{
    struct issued *i = op->user;

    i->done = true;
    i->err = err != NULL ? *err : (struct cl_err){0};
    loop_stop(i->t->net.loop);
}

static inline void issued_changed(struct cl_op *op)
{
    struct issued *i = op->user;
    json_t *view = acme_issuer_ops.view(i->t->issuer, &i->issue);

    assert_non_null(json_object_get(view, "order"));
    i->changes++;
    json_decref(view);
}

static inline void issued_save(struct issue_op *issue, const char *order_url,
                               const char *account_url, struct cl_op *saved)
{
    struct issued *i = cl_container(issue, struct issued, issue);

    assert_non_null(strstr(order_url, "/order/"));
    assert_non_null(strstr(account_url, "/acct/1"));
    i->saves++;
    i->saved = saved;
    if (!i->hold_save) { /* as durable as it gets here; never from within the call */
        struct disk_batch *b = disk_batch_create();
        disk_commit(i->t->net.loop, b, saved);
    }
    loop_stop(i->t->net.loop);
}

static inline void issued_start(struct ca_test *t, struct issued *i, const char *name)
{
    static const unsigned char CSR[] = "not really a CSR";

    *i = (struct issued){.t = t, .hold_save = i->hold_save};
    cl_strv_add(&i->spec.dns_names, "a.example");
    i->object = (struct object){.kind = SPEC_CERTIFICATE, .cert = &i->spec};
    i->object.metadata.name = cl_strdup(name);
    i->object.metadata.namespace_ = cl_strdup("");
    i->issue = (struct issue_op){.op = {.done = issued_done, .changed = issued_changed, .user = i},
                                 .object = &i->object,
                                 .key_name = i->object.metadata.name,
                                 .csr = CSR,
                                 .csr_len = sizeof CSR,
                                 .save_order = issued_save};
    acme_issuer_ops.issue(t->issuer, &i->issue);
    assert_false(i->done);
}

static inline bool issued_is_done(void *user)
{
    return ((struct issued *)user)->done;
}

static inline void issued_wait(struct issued *i)
{
    net_wait(&i->t->net, issued_is_done, i);
}

static inline void issued_free(struct issued *i)
{
    cl_free(i->issue.fullchain_pem);
    cl_free(i->issue.used_order_url);
    cl_free(i->issue.used_account_url);
    cl_free(i->issue.used_certificate_url);
    name_problems_deinit(&i->issue.names);
    json_decref(i->issue.failed_view);
    cl_strv_deinit(&i->issue.warnings);
    cl_strv_deinit(&i->spec.dns_names);
    cl_free(i->object.metadata.name);
    cl_free(i->object.metadata.namespace_);
    *i = (struct issued){0};
}

#endif
