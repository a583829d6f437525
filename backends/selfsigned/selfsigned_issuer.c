/* SPDX-License-Identifier: Apache-2.0 */
/* selfsigned_issuer: needs no preparation; issuing is one signature with the leaf's own key. */
#include "backends/selfsigned/selfsigned_issuer.h"

#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#define LEAF_DURATION (90 * CL_DAY) /* when the spec says none */
#define PEM_MAX ((size_t)64 * 1024)

struct issuer {
    const struct issuer_host *host;
    const struct object *object; /* borrowed: outlives the instance */
};

static struct issuer *self_create(const struct issuer_host *host, const struct object *object)
{
    struct issuer *i = cl_new(struct issuer);
    i->host = host;
    i->object = object;
    return i;
}

static void self_destroy(struct issuer *i)
{
    cl_free(i);
}

static void self_facts(struct issuer *i, cl_time now, struct issuer_facts *ret)
{
    (void)i;
    (void)now;
    *ret = (struct issuer_facts){.credentials = CREDENTIALS_OK};
    (void)cl_format(ret->identity, sizeof(ret->identity), "selfSigned");
}

static void self_step(struct issuer *i, enum issuer_step step, struct cl_op *op)
{
    (void)step; /* there is nothing to prepare */
    op_later(i->host->loop, op, NULL);
}

static void self_issue(struct issuer *i, struct issue_op *issue)
{
    const struct cert_spec *spec = issue->object->cert;
    struct cl_err err = {0};
    struct cl_buf pem;
    struct cert_sign_params params = {
        .spec = spec,
        .subject_key = issue->key,
        .issuer_key = issue->key,
        .now = loop_now(i->host->loop),
        .duration = spec->duration > 0 ? spec->duration : LEAF_DURATION,
        .path_len = -1,
        .crl_distribution_points = &i->object->issuer->self_signed_crl_distribution_points,
    };

    cl_buf_init(&pem, PEM_MAX);
    if (cert_sign(&params, &pem, &err) == 0) {
        issue->ca_pem = cl_strdup(cl_buf_str(&pem)); /* who trusts it, trusts itself */
        issue->fullchain_pem = cl_buf_take(&pem);
    } else {
        cl_wrap(&err, "Issuer %s", i->object->metadata.name);
    }
    cl_buf_deinit(&pem);
    op_later(i->host->loop, &issue->op, &err);
}

static json_t *self_details(struct issuer *i)
{
    (void)i;
    return json_pack("{s:{}}", "selfSigned");
}

const struct issuer_ops self_signed_issuer_ops = {
    .name = "selfSigned",
    .type = ISSUER_SELF_SIGNED,
    .create = self_create,
    .destroy = self_destroy,
    .facts = self_facts,
    .step = self_step,
    .issue = self_issue,
    .details = self_details,
};
