/* SPDX-License-Identifier: Apache-2.0 */
/* requests_ca: requests that a CA has to answer first: the account of an Issuer, and revocations.
 *
 * What is done at the CA is made durable here before the answer is given. A kill in between costs
 * nothing: who asks again hears alreadyRevoked, which is success, and a rollover is found by its key
 * file. */
#include "reconciler/observe.h"
#include "reconciler/requests_internal.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/revocation.h"

#include <string.h>

#define PATIENCE (50 * CL_SECOND) /* the command line waits a minute */

struct asked {
    struct loose loose;
    struct requests *r;
    char *name; /* of the request */
    unsigned uid;
    char *key; /* of the object */
    struct instance *instance;
    struct loop_timer timer;
    /* account */
    enum issuer_wish wish;
    struct cl_op op;
    /* revoke */
    struct revoke_op revoke;
    struct revision rev;
    struct key *cert_key;
    bool reissue;
    bool with_memory;
    struct cl_op commit;
};

static void asked_free(struct asked *q)
{
    if (q->instance != NULL) {
        instance_unref(q->instance);
    }
    revision_deinit(&q->rev);
    key_destroy(q->cert_key);
    cl_free(q->name);
    cl_free(q->key);
    cl_free(q);
}

static struct asked *asked_create(struct requests *r, const char *name, unsigned uid,
                                  const char *key, struct instance *i)
{
    struct asked *q = cl_new(struct asked);

    q->r = r;
    q->name = cl_strdup(name);
    q->uid = uid;
    q->key = cl_strdup(key);
    q->instance = instance_ref(i);
    return q;
}

/* The last thing that is done for it. */
static void conclude(struct asked *q, bool accepted, const char *text)
{
    json_t *answers = json_array();

    loop_timer_stop(q->r->d->loop, &q->timer);
    daemon_loose_end(q->r->d, &q->loose);
    (void)json_array_append_new(answers, requests_entry(q->key, accepted, text));
    requests_answer(q->r, q->name, answers);
    asked_free(q);
}

static void too_long(struct loop_timer *t)
{
    struct asked *q = t->user;

    cl_op_cancel(q->loose.op);
}

static void under_way(struct asked *q, struct cl_op *op)
{
    daemon_loose(q->r->d, &q->loose, op);
    loop_at(q->r->d->loop, &q->timer, loop_now(q->r->d->loop) + PATIENCE, too_long, q);
}

/* ---- account ---- */

static void wish_done(struct cl_op *op, const struct cl_err *err)
{
    static const char *const DONE[ISSUER_WISH_COUNT] = {
        [ISSUER_WISH_UPDATE] = "the CA has been told the contacts of Issuer",
        [ISSUER_WISH_ROLLOVER] = "there is a new account key for Issuer",
        [ISSUER_WISH_DEACTIVATE] = "deactivated for good is the account of Issuer",
    };
    struct asked *q = op->user;
    struct unit *u = unit_find(q->r->d, true, q->key);
    struct cl_err ignored;
    char text[CL_ERR_TEXT + 100];

    if (err != NULL) {
        (void)cl_format(
            text, sizeof(text), "Issuer %s: %s%s", q->key, err->text,
            err->kind == CL_ERR_CANCELLED ? "; certloop account show tells how far it is" : "");
    } else {
        (void)cl_format(text, sizeof(text), "%s %s", DONE[q->wish], q->key);
        if (u != NULL && unit_wake(u, &ignored) == 0) {
            unit_event(u, q->wish == ISSUER_WISH_DEACTIVATE, "AccountChanged", "%s (uid %u)", text,
                       q->uid);
        }
    }
    conclude(q, err == NULL, text);
}

static int wish_of(const char *verb, enum issuer_wish *ret)
{
    static const char *const NAMES[ISSUER_WISH_COUNT] = {
#define X(symbol, name, doc) [ISSUER_WISH_##symbol] = name,
        ISSUER_WISHES(X)
#undef X
    };
    for (size_t i = 0; i < ISSUER_WISH_COUNT; i++) {
        if (cl_streq(NAMES[i], verb)) {
            *ret = (enum issuer_wish)i;
            return 0;
        }
    }
    return -1;
}

static int account(struct requests *r, const char *name, const json_t *request, unsigned uid,
                   struct cl_err *err)
{
    const char *key = json_string_value(json_object_get(request, "issuer"));
    struct unit *u = key != NULL ? unit_find(r->d, true, key) : NULL;
    enum issuer_wish wish;

    if (u == NULL || u->ending || u->instance == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "there is no Issuer %s",
                       cl_str_or(key, "(none named)"));
    }
    if (wish_of(json_string_value(json_object_get(request, "action")), &wish) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "Unknown", "actions are update, rollover, deactivate");
    }
    if (u->instance->ops->wish == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "NoAccount", "Issuer %s is no ACME Issuer", key);
    }
    struct asked *q = asked_create(r, name, uid, key, u->instance);
    q->wish = wish;
    q->op = (struct cl_op){.done = wish_done, .user = q};
    if (u->instance->ops->wish(u->instance->issuer, wish, &q->op, err) < 0) {
        cl_wrap(err, "Issuer %s", key);
        asked_free(q);
        return -1;
    }
    under_way(q, &q->op);
    daemon_wake_unit(r->d, u);
    return 0;
}

/* ---- revoke ---- */

static void revoked_text(const struct asked *q, char *text, size_t size)
{
    const struct manifest *m = q->rev.manifest;

    (void)cl_format(text, size, "revision %ld of %s is revoked (%s)%s; %s", m->revision, q->key,
                    m->revocation_reason, q->revoke.already ? ", as it was before" : "",
                    m->no_reissue ? "no other one is obtained until certloop renew asks for it"
                                  : "a new certificate is obtained if it was the current one");
}

static void recorded(struct cl_op *op, const struct cl_err *err)
{
    struct asked *q = op->user;
    struct unit *u = unit_find(q->r->d, false, q->key);
    char text[CL_ERR_TEXT + 100];

    if (u != NULL && q->with_memory) {
        unit_memory_joined(u, err);
    }
    revoked_text(q, text, sizeof(text));
    if (u != NULL && u->w != NULL) {
        unit_event(u, true, "Revoked", "%s (uid %u)", text, q->uid);
    }
    if (err != NULL) {
        (void)cl_format(text, sizeof(text),
                        "%s is revoked, but that cannot be recorded: %s; ask again", q->key,
                        err->text);
    }
    if (u != NULL) {
        daemon_wake_unit(q->r->d, u);
    }
    conclude(q, err == NULL, text);
}

/* Of a key that leaked nothing is signed again. Signed by itself, its key is blocked by the CA,
 * whatever the reason. */
static void remember_key(struct asked *q, struct unit *u)
{
    struct cl_strv *keys = &u->w->memory.compromised_keys;
    const char *spki = q->rev.manifest->cert.spki_sha256;

    if (q->revoke.reason == REVOCATION_KEY_COMPROMISE || q->cert_key != NULL) {
        if (!cl_strv_has(keys, spki)) {
            cl_strv_add(keys, spki);
        }
        unit_memory_changed(u);
    }
}

static void record(struct asked *q)
{
    struct requests *r = q->r;
    struct manifest *m = q->rev.manifest;
    struct unit *u = unit_find(r->d, false, q->key);
    struct cl_err ignored;
    struct disk_batch *b = disk_batch_create();

    m->revoked_at = m->revoked_at != 0 ? m->revoked_at : loop_now(r->d->loop);
    cl_free(m->revocation_reason);
    m->revocation_reason = cl_strdup(
        revocation_reason_name(q->cert_key != NULL ? REVOCATION_KEY_COMPROMISE : q->revoke.reason));
    m->no_reissue = !q->reissue;
    if (u != NULL && unit_wake(u, &ignored) == 0) {
        remember_key(q, u);
        q->with_memory = unit_memory_join(u, b);
    }
    archive_put_manifest(&r->d->paths, q->key, m, b);
    q->commit = (struct cl_op){.done = recorded, .user = q};
    disk_commit(r->d->loop, b, &q->commit);
}

static void revoked(struct cl_op *op, const struct cl_err *err)
{
    struct asked *q = op->user;
    char text[CL_ERR_TEXT + 100];

    if (err == NULL) {
        loop_timer_stop(q->r->d->loop, &q->timer);
        q->loose.op = &q->commit;
        record(q);
        return;
    }
    (void)cl_format(text, sizeof(text), "%s is not revoked: %s", q->key, err->text);
    conclude(q, false, text);
}

/* The Issuer that has signed @rev, as long as it is the same CA. */
static struct instance *signer(struct requests *r, struct unit *u, const struct revision *rev,
                               struct cl_err *err)
{
    struct unit *issuer = unit_issuer(u);
    struct issuer_facts f = {0};

    if (issuer == NULL || issuer->instance == NULL) {
        (void)cl_fail(err, CL_ERR_LOCAL, "IssuerNotFound", "there is no Issuer %s",
                      cl_str_or(rev->manifest->issuer_name, ""));
        return NULL;
    }
    issuer_unit_facts(issuer, &f);
    if (!cl_streq(f.identity, rev->manifest->issuer_identity)) {
        (void)cl_fail(err, CL_ERR_LOCAL, "IncorrectIssuer",
                      "the revision was issued by %s, but the Issuer is %s; name the former one in "
                      "issuerRef first",
                      cl_str_or(rev->manifest->issuer_identity, "another CA"), f.identity);
        return NULL;
    }
    if (issuer->instance->ops->revoke == NULL) {
        (void)cl_fail(
            err, CL_ERR_PERMANENT, "RevokeUnsupported",
            "an Issuer of this kind publishes no revocations; certloop renew replaces the "
            "certificate");
        return NULL;
    }
    (void)r;
    return issuer->instance;
}

static int take_wish(struct asked *q, const json_t *request, struct cl_err *err)
{
    json_int_t reason = json_integer_value(json_object_get(request, "reason"));

    q->reissue = !json_is_false(json_object_get(request, "reissue"));
    if (revocation_reason_name((int)reason) == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "BadReason", "there is no such reason");
    }
    q->revoke.reason = (int)reason;
    if (!json_is_true(json_object_get(request, "withKey"))) {
        return 0;
    }
    if (q->rev.key_pem.len == 0) {
        return cl_fail(err, CL_ERR_LOCAL, "KeyGone",
                       "the key of revision %ld was removed when it was replaced; leave "
                       "--with-key out",
                       q->rev.number);
    }
    return key_from_pem(cl_buf_str(&q->rev.key_pem), &q->cert_key, err);
}

static int revoke_one(struct requests *r, const char *name, const json_t *request, unsigned uid,
                      struct cl_err *err)
{
    const char *key = json_string_value(json_object_get(request, "object"));
    long number = (long)json_integer_value(json_object_get(request, "revision"));
    struct unit *u = key != NULL ? unit_find(r->d, false, key) : NULL;
    struct revision rev = {0};

    if (u == NULL || u->ending || unit_wake(u, err) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "there is no Certificate %s",
                       cl_str_or(key, "(none named)"));
    }
    if (archive_load_number(&r->d->paths, key, number, &rev, err) < 0) {
        return -1;
    }
    if (rev.manifest == NULL || rev.fullchain_pem == NULL) {
        revision_deinit(&rev);
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "%s has no%s revision%s that can be revoked",
                       key, number == 0 ? "" : " such", number == 0 ? " yet" : "");
    }
    struct instance *i = signer(r, u, &rev, err);
    if (i == NULL) {
        revision_deinit(&rev);
        return -1;
    }
    struct asked *q = asked_create(r, name, uid, key, i);
    q->rev = rev;
    if (take_wish(q, request, err) < 0) {
        asked_free(q);
        return -1;
    }
    q->revoke.op = (struct cl_op){.done = revoked, .user = q};
    q->revoke.certificate = q->rev.fullchain_pem;
    q->revoke.key = q->cert_key;
    under_way(q, &q->revoke.op);
    i->ops->revoke(i->issuer, &q->revoke);
    return 0;
}

bool requests_ca(struct requests *r, const char *name, const json_t *request, unsigned uid,
                 json_t *answers)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    struct cl_err err = {0};
    int rc = cl_streq(verb, "account") ? account(r, name, request, uid, &err)
                                       : revoke_one(r, name, request, uid, &err);

    if (rc < 0) {
        (void)json_array_append_new(answers, requests_entry("", false, err.text));
        return false;
    }
    return true;
}
