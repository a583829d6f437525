/* SPDX-License-Identifier: Apache-2.0 */
/* ca_issuer: the vtable. Steps: LOAD_CREDENTIALS finds the pair, or says that it is to be made;
 * MAKE_CA makes it: key off the loop, root and key durable, then published. Issuing is one
 * signature; the op ends in the next turn. */
#include "backends/ca/ca_issuer.h"

#include "backends/ca/ca_pair.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define LEAF_DURATION (90 * CL_DAY) /* when the spec says none */
#define FILES_AGAIN (2 * CL_SECOND) /* secret files are looked at again: a few stats */
#define PAIR_AGAIN (10 * CL_MINUTE) /* an archived pair: costly to find */
#define RSA_BITS 3072
#define EC_BITS 256

struct issuer {
    const struct issuer_host *host;
    const struct object *object; /* borrowed: outlives the instance */
    enum issuer_credentials credentials;
    struct cl_err problem;
    struct ca_pair pair;
    uint64_t stamp;
    cl_time look_at_files, look_at_pair; /* not before */
    /* MAKE_CA or LOAD_CREDENTIALS under way */
    struct cl_op *step;
    struct key_op keygen;
    struct cl_op commit;
    struct ca_pair made;
    bool cancelled;
};

static void adopt_pair(struct issuer *i, struct ca_pair *take)
{
    ca_pair_deinit(&i->pair);
    i->pair = *take;
    memset(take, 0, sizeof(*take));
    i->credentials = CREDENTIALS_OK;
    memset(&i->problem, 0, sizeof(i->problem));
}

/* When the files or the pair are looked at again. */
static void looked(struct issuer *i, cl_time now)
{
    i->stamp = ca_pair_stamp(i->host, i->object);
    i->look_at_files = now + FILES_AGAIN;
    i->look_at_pair = now + PAIR_AGAIN;
}

/* A replaced pair is taken up when it is whole; until then the one in use stays. */
static void refresh(struct issuer *i, cl_time now)
{
    if (i->credentials != CREDENTIALS_OK || i->step != NULL || now < i->look_at_files) {
        return;
    }
    i->look_at_files = now + FILES_AGAIN;
    if (now < i->look_at_pair && ca_pair_stamp(i->host, i->object) == i->stamp) {
        return;
    }
    struct ca_pair found = {0};
    struct cl_err ignored = {0};
    if (ca_pair_find(i->host, i->object, &found, &ignored) == CA_FOUND) {
        adopt_pair(i, &found);
    }
    looked(i, now);
}

/* ---- life ---- */

static struct issuer *ca_create(const struct issuer_host *host, const struct object *object)
{
    struct issuer *i = cl_new(struct issuer);
    i->host = host;
    i->object = object;
    return i;
}

static void ca_destroy(struct issuer *i)
{
    cl_assert(i->step == NULL);
    ca_pair_deinit(&i->pair);
    ca_pair_deinit(&i->made);
    cl_free(i);
}

static void ca_facts(struct issuer *i, cl_time now, struct issuer_facts *ret)
{
    refresh(i, now);
    *ret = (struct issuer_facts){.credentials = i->credentials, .problem = i->problem};
    if (i->credentials == CREDENTIALS_OK) {
        ret->valid_from = i->pair.facts.not_before;
        ret->expires = i->pair.facts.not_after;
        (void)cl_format(ret->identity, sizeof(ret->identity), "ca:%s", i->pair.spki);
    }
}

/* ---- steps ---- */

static void step_end(struct issuer *i, const struct cl_err *err)
{
    struct cl_op *op = i->step;
    struct cl_err cancelled = {0};

    i->step = NULL;
    ca_pair_deinit(&i->made);
    if (err != NULL && err->kind != CL_ERR_CANCELLED) {
        i->problem = *err;
    }
    if (i->cancelled) {
        (void)cl_fail(&cancelled, CL_ERR_CANCELLED, "Cancelled", "the step was stopped");
        err = &cancelled;
    }
    op_later(i->host->loop, op, err); /* who ends here may still look at what lies in i */
}

static void step_cancel(struct cl_op *op)
{
    struct issuer *i = op->impl;
    i->cancelled = true; /* what is being written is written to its end */
    cl_op_cancel(&i->keygen.op);
}

/* Runs the batch; @done ends the step. */
static void step_commit(struct issuer *i, struct disk_batch *take_b,
                        void (*done)(struct cl_op *op, const struct cl_err *err))
{
    i->commit = (struct cl_op){.done = done, .user = i};
    disk_commit(i->host->loop, take_b, &i->commit);
}

static void published(struct cl_op *op, const struct cl_err *err)
{
    /* The pair is fine without its published copy, but a client would miss it: say so. */
    step_end(op->user, err);
}

static void load(struct issuer *i, struct cl_op *op)
{
    struct ca_pair found = {0};
    struct cl_err err = {0};
    cl_time now = loop_now(i->host->loop);

    switch (ca_pair_find(i->host, i->object, &found, &err)) {
    case CA_FOUND:
        adopt_pair(i, &found);
        looked(i, now);
        if (!ca_root_published(i->host, i->object, &i->pair)) {
            struct disk_batch *b = disk_batch_create();
            ca_root_publish(i->host, i->object, &i->pair, b);
            i->step = op;
            op->impl = i;
            op->cancel = step_cancel;
            step_commit(i, b, published);
            return;
        }
        op_later(i->host->loop, op, NULL);
        return;
    case CA_MISSING:
        if (i->object->issuer->ca.generate.on && cl_str_empty(i->object->issuer->ca.secret_name)) {
            i->credentials = CREDENTIALS_TO_MAKE;
            memset(&i->problem, 0, sizeof(i->problem));
            op_later(i->host->loop, op, NULL);
            return;
        }
        break;
    case CA_BROKEN:
        break; /* a damaged root is never replaced silently: its certificates are in use */
    }
    i->credentials = CREDENTIALS_MISSING;
    i->problem = err;
    op_later(i->host->loop, op, &err);
}

static void made_durable(struct cl_op *op, const struct cl_err *err)
{
    struct issuer *i = op->user;
    if (err == NULL) {
        adopt_pair(i, &i->made);
        looked(i, loop_now(i->host->loop));
    }
    step_end(i, err);
}

static void key_made(struct cl_op *op, const struct cl_err *err)
{
    struct issuer *i = op->user;
    struct cl_err why = {0};

    if (err != NULL || i->cancelled) {
        step_end(i, err);
        return;
    }
    struct key *key = i->keygen.key;
    i->keygen.key = NULL;
    struct disk_batch *b = disk_batch_create();
    if (ca_root_sign(i->object, key, loop_now(i->host->loop), &i->made, &why) < 0 ||
        ca_root_put(i->host, i->object, &i->made, b, &why) < 0) {
        disk_batch_destroy(b);
        step_end(i, &why);
        return;
    }
    ca_root_publish(i->host, i->object, &i->made, b);
    step_commit(i, b, made_durable);
}

static void make(struct issuer *i, struct cl_op *op)
{
    enum key_algorithm algorithm = i->object->issuer->ca.generate.algorithm;
    long size = algorithm == KEY_RSA ? RSA_BITS : EC_BITS;

    i->step = op;
    i->cancelled = false;
    op->impl = i;
    op->cancel = step_cancel;
    i->keygen = (struct key_op){.op = {.done = key_made, .user = i}};
    key_generate_start(i->host->loop, algorithm == KEY_DEFAULT ? KEY_ECDSA : algorithm, size,
                       &i->keygen);
}

static void ca_step(struct issuer *i, enum issuer_step step, struct cl_op *op)
{
    cl_assert(i->step == NULL);
    i->cancelled = false;
    switch (step) {
    case ISSUER_STEP_LOAD_CREDENTIALS:
        load(i, op);
        return;
    case ISSUER_STEP_MAKE_CA:
        make(i, op);
        return;
    case ISSUER_STEP_NONE:
    case ISSUER_STEP_DIRECTORY:
    case ISSUER_STEP_ACCOUNT:
    case ISSUER_STEP_ROLLOVER:
    case ISSUER_STEP_COUNT:
        break; /* a ca Issuer has neither */
    }
    cl_impossible("step of a ca Issuer");
}

/* ---- issuing ---- */

static int sign(struct issuer *i, struct issue_op *issue, struct cl_err *err)
{
    const struct cert_spec *spec = issue->object->cert;
    const struct ca_spec *ca = &i->object->issuer->ca;
    struct cl_buf pem;

    refresh(i, loop_now(i->host->loop));
    if (i->credentials != CREDENTIALS_OK) {
        return cl_fail(err, CL_ERR_LOCAL, "IssuerNotReady", "Issuer %s has no key pair yet",
                       i->object->metadata.name);
    }
    if (spec->is_ca && ca->generate.on && cl_str_empty(ca->secret_name)) {
        return cl_fail(err, CL_ERR_PERMANENT, "UnsupportedByIssuer",
                       "the root that Issuer %s generated signs no further CA (path length 0); "
                       "use ca.secretName with a root of your own",
                       i->object->metadata.name);
    }
    struct cert_sign_params params = {
        .spec = spec,
        .subject_key = issue->key,
        .issuer_key = i->pair.key,
        .issuer_pem = i->pair.cert_pem,
        .now = loop_now(i->host->loop),
        .duration = spec->duration > 0 ? spec->duration : LEAF_DURATION,
        .path_len = -1,
        .crl_distribution_points = &ca->crl_distribution_points,
        .ocsp_servers = &ca->ocsp_servers,
        .issuing_certificate_urls = &ca->issuing_certificate_urls,
    };
    cl_buf_init(&pem, 2 * CA_FILE_MAX);
    int rc = cert_sign(&params, &pem, err);
    if (rc == 0 && cl_buf_adds(&pem, i->pair.chain_pem) < 0) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidChain", "the chain is too long");
    }
    if (rc == 0) {
        issue->fullchain_pem = cl_buf_take(&pem);
        issue->ca_pem = cl_strdup(i->pair.root_pem);
    } else {
        cl_wrap(err, "Issuer %s", i->object->metadata.name);
    }
    cl_buf_deinit(&pem);
    return rc;
}

static void ca_issue(struct issuer *i, struct issue_op *issue)
{
    struct cl_err err = {0};
    (void)sign(i, issue, &err);
    op_later(i->host->loop, &issue->op, &err);
}

static json_t *ca_details(struct issuer *i)
{
    if (i->credentials != CREDENTIALS_OK) {
        return json_pack("{s:{}}", "ca");
    }
    char from[CL_TIME_TEXT], until[CL_TIME_TEXT];
    char *path = ca_root_path(i->host, i->object);
    json_t *ca = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "subject", i->pair.facts.subject,
                           "serialNumber", i->pair.facts.serial, "sha256", i->pair.facts.sha256,
                           "spkiSHA256", i->pair.spki, "notBefore",
                           cl_time_format(i->pair.facts.not_before, from), "notAfter",
                           cl_time_format(i->pair.facts.not_after, until));
    if (i->pair.root_pem != NULL) {
        (void)json_object_set_new(ca, "published", json_string(path));
    }
    cl_free(path);
    return json_pack("{s:o}", "ca", ca);
}

const struct issuer_ops ca_issuer_ops = {
    .name = "ca",
    .type = ISSUER_CA,
    .create = ca_create,
    .destroy = ca_destroy,
    .facts = ca_facts,
    .step = ca_step,
    .issue = ca_issue,
    .details = ca_details,
};
