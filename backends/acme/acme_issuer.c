/* SPDX-License-Identifier: Apache-2.0 */
/* acme_issuer: life and facts of an ACME Issuer, and what its failures mean for all its orders. */
#include "backends/acme/acme_issuer.h"

#include "backends/acme/acme_impl.h"
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_acme.h"

#include <string.h>

#define PROXY_USER_MAX ((size_t)4 << 10)

static struct acme *of(struct issuer *i)
{
    return (struct acme *)(void *)i;
}

static struct issuer *acme_create(const struct issuer_host *host, const struct object *object)
{
    struct acme *a = cl_new(struct acme);
    const struct acme_spec *spec = &object->issuer->acme;

    a->host = host;
    a->object = object;
    a->spec = spec;
    cl_list_init(&a->parked);
    cl_buf_init_secret(&a->proxy_user, PROXY_USER_MAX);
    cl_list_init(&a->polls);
    acme_fetches_init(&a->fetches, loop_now(host->loop));
    a->transport = acme_transport_create(&(struct acme_transport_params){
        .loop = host->loop,
        .http = host->http,
        .directory_url = spec->server,
        .max_connections = spec->max_connections > 0 ? (unsigned)spec->max_connections : 1,
    });
    return (struct issuer *)(void *)a;
}

static void acme_destroy(struct issuer *i)
{
    struct acme *a = of(i);
    size_t at = 0;
    const char *key;
    void *value;

    if (a == NULL) {
        return;
    }
    cl_assert(a->run == NULL && a->wish_op == NULL && cl_list_empty(&a->parked));
    cl_assert(a->polls_running == 0 && cl_list_empty(&a->polls));
    loop_task_cancel(&a->wish_task);
    acme_transport_destroy(a->transport);
    acme_lanes_deinit(a);
    while (cl_map_next(&a->hangs, &at, &key, &value)) {
        cl_free(value);
    }
    cl_map_deinit(&a->hangs);
    http_trust_destroy(a->trust);
    acme_directory_deinit(&a->directory);
    acme_account_doc_deinit(&a->doc);
    key_destroy(a->key);
    key_destroy(a->next_key);
    cl_buf_deinit(&a->proxy_user);
    cl_free(a->next_jwk);
    cl_free(a->jwk);
    cl_free(a->thumbprint);
    cl_free(a);
}

static void acme_facts(struct issuer *i, cl_time now, struct issuer_facts *ret)
{
    struct acme *a = of(i);

    *ret = (struct issuer_facts){
        .credentials = a->credentials,
        .needs_directory = true,
        .directory_at = a->directory_at,
        .needs_account = true,
        .account_ok = a->account_ok && (a->next_key == NULL || a->rolling),
        .rollover_due = a->next_key != NULL || acme_wishes(a, ISSUER_WISH_ROLLOVER),
        .skew = a->skew,
        .renewal_info =
            a->spec->renewal_source == RENEWAL_SOURCE_ARI && a->directory.renewal_info != NULL,
        .problem = a->problem,
    };
    if (a->hold_until > now) {
        ret->hold_until = a->hold_until;
        memcpy(ret->hold_reason, a->hold_reason, sizeof ret->hold_reason);
    }
    (void)cl_format(ret->identity, sizeof ret->identity, "acme:%s", a->spec->server);
}

static void acme_step(struct issuer *i, enum issuer_step step, struct cl_op *op)
{
    acme_step_start(of(i), step, op);
}

static void acme_issue(struct issuer *i, struct issue_op *issue)
{
    acme_issue_start(of(i), issue);
}

static json_t *acme_view(struct issuer *i, const struct issue_op *issue)
{
    const struct acme_order *o = acme_issue_order(issue);

    (void)i;
    return o != NULL ? acme_view_issuance(o) : NULL;
}

static void acme_abandon(struct issuer *i, const char *order_url, struct cl_op *op)
{
    acme_abandon_start(of(i), order_url, op);
}

static void acme_revoke(struct issuer *i, struct revoke_op *op)
{
    acme_revoke_start(of(i), op);
}

static int acme_wish(struct issuer *i, enum issuer_wish wish, struct cl_op *op, struct cl_err *err)
{
    return acme_wish_start(of(i), wish, op, err);
}

static bool acme_secrets_changed(struct issuer *i)
{
    return acme_secrets_differ(of(i));
}

static void acme_renewal_info(struct issuer *i, struct renewal_info_op *op)
{
    acme_renewal_info_start(of(i), op);
}

static json_t *acme_details(struct issuer *i)
{
    return acme_view_details(of(i));
}

/* "default (as usual), shortlived (six days)" */
static void list_profiles(const struct acme_directory *d, struct cl_buf *ret)
{
    char name[CL_CLEAN_TEXT];
    char doc[CL_CLEAN_TEXT];

    for (size_t i = 0; i < d->profiles.len; i++) {
        const char *text = d->profile_docs.items[i];
        cl_clean(name, sizeof name, d->profiles.items[i], strlen(d->profiles.items[i]));
        cl_clean(doc, sizeof doc, text, strlen(text));
        if (cl_buf_addf(ret, "%s%s%s%s%s", i > 0 ? ", " : "", name, doc[0] != '\0' ? " (" : "", doc,
                        doc[0] != '\0' ? ")" : "") < 0) {
            (void)cl_buf_adds(ret, " ...");
            return;
        }
    }
}

/* A profile that the directory does not name should not be asked for (draft-ietf-acme-profiles). */
static int acme_refuses(struct issuer *i, const struct object *certificate, struct cl_err *err)
{
    const struct acme *a = of(i);
    const char *profile = acme_profile_of(certificate->cert, a->spec);
    struct cl_buf offer;

    if (profile == NULL || a->directory_at == 0 || cl_strv_has(&a->directory.profiles, profile)) {
        return 0;
    }
    cl_buf_init(&offer, 300);
    list_profiles(&a->directory, &offer);
    (void)cl_fail(err, CL_ERR_PERMANENT, "InvalidProfile",
                  "the CA has no profile %s, which %s asks for; it offers %s; nothing is ordered "
                  "before that is changed",
                  profile,
                  cl_str_empty(certificate->cert->profile) ? "the Issuer" : "the Certificate",
                  offer.len > 0 ? cl_buf_str(&offer) : "no profiles at all");
    cl_buf_deinit(&offer);
    return -1;
}

const struct issuer_ops acme_issuer_ops = {
    .name = "acme",
    .type = ISSUER_ACME,
    .create = acme_create,
    .destroy = acme_destroy,
    .facts = acme_facts,
    .step = acme_step,
    .issue = acme_issue,
    .view = acme_view,
    .renewal_info = acme_renewal_info,
    .abandon = acme_abandon,
    .refuses = acme_refuses,
    .revoke = acme_revoke,
    .wish = acme_wish,
    .secrets_changed = acme_secrets_changed,
    .details = acme_details,
};

/* Does a solver rely on records that name the account? */
static bool solves_by_records(const struct acme_spec *spec)
{
    for (size_t i = 0; i < spec->solvers.len; i++) {
        const struct solver_spec *s = &spec->solvers.items[i];
        if (s->has_dns01 && s->dns01.challenge == DNS_CHALLENGE_PERSIST_01) {
            return true;
        }
    }
    return false;
}

void acme_account_inputs(const struct acme *a, struct acme_account_params *ret)
{
    *ret = (struct acme_account_params){
        .directory = &a->directory,
        .directory_url = a->spec->server,
        .email = a->spec->email,
        .terms_agreed = a->spec->terms_of_service_agreed,
        .key_sha256 = a->key != NULL ? a->key_sha256 : NULL,
        .lost = a->account_lost,
        .keep = solves_by_records(a->spec),
        .eab_key_id = a->spec->eab.on ? a->spec->eab.key_id : NULL,
        .force_update = acme_wishes(a, ISSUER_WISH_UPDATE),
        .deactivate = acme_wishes(a, ISSUER_WISH_DEACTIVATE),
        .doc = a->has_doc ? &a->doc : NULL,
    };
}

void acme_account_refresh(struct acme *a)
{
    struct acme_account_params p;

    acme_account_inputs(a, &p);
    a->account_ok = a->directory_at != 0 && acme_account_is_current(&p);
    acme_transport_set_account(a->transport, a->has_doc ? a->doc.url : NULL);
}

static void hold(struct acme *a, const struct cl_err *err)
{
    if (err->retry_at > a->hold_until) {
        a->hold_until = err->retry_at;
        (void)cl_format(a->hold_reason, sizeof a->hold_reason, "%s", err->reason);
    }
}

void acme_note_failure(struct acme *a, struct cl_err *err)
{
    bool changed = false;

    if (acme_problem_is(err, "accountDoesNotExist")) {
        /* The CA has lost the account, or started anew: the key registers again. */
        err->kind = CL_ERR_TRANSIENT;
        a->account_lost = true;
        a->account_ok = false;
        changed = true;
    }
    if (a->account_lost && a->account_ok) {
        a->account_ok = false;
        changed = true;
    }
    if (strcmp(err->reason, "DirectoryStale") == 0) {
        a->directory_at = 0;
        a->account_ok = false;
        changed = true;
    }
    if (acme_problem_holds_issuer(err) && err->retry_at != 0) {
        hold(a, err);
        changed = true;
    }
    if (changed && a->host->changed != NULL) {
        a->host->changed(a->host->user, a->object->key);
    }
}
