/* SPDX-License-Identifier: Apache-2.0 */
/* acme_account: the account from nothing to usable.
 *
 * Failures: terms of service that are not agreed to, external accounts and refused contacts need a
 * person (PERMANENT); everything else is what the request failed with. A contact update for an
 * account that the CA has lost registers again. */
#include "backends/acme/acme_account.h"

#include "backends/acme/acme_problem.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

enum step { STEP_WAIT, STEP_AGAIN };

typedef enum step account_fn(struct acme_account *a, const struct acme_account_event *ev,
                             struct acme_account_action *act);
static account_fn account_check, account_key, account_register, account_record, account_update,
    account_done;

#define TO(s) (1u << ACCOUNT_##s)

/* The whole flow: name, code, states it may move to. */
static const struct {
    const char *name;
    account_fn *run;
    unsigned next;
} STATES[ACCOUNT_STATE_COUNT] = {
    [ACCOUNT_CHECK] = {"check", account_check, TO(KEY) | TO(REGISTER) | TO(UPDATE) | TO(DONE)},
    [ACCOUNT_KEY] = {"key", account_key, TO(REGISTER) | TO(DONE)},
    [ACCOUNT_REGISTER] = {"register", account_register, TO(RECORD) | TO(DONE)},
    [ACCOUNT_RECORD] = {"record", account_record, TO(UPDATE) | TO(DONE)},
    [ACCOUNT_UPDATE] = {"update", account_update, TO(REGISTER) | TO(RECORD) | TO(DONE)},
    [ACCOUNT_DONE] = {"done", account_done, 0},
};

void acme_account_init(struct acme_account *a, const struct acme_account_params *p)
{
    *a = (struct acme_account){.p = *p};
    acme_msg_contacts(p->email, &a->contact);
}

void acme_account_deinit(struct acme_account *a)
{
    cl_strv_deinit(&a->contact);
    acme_account_doc_deinit(&a->doc);
}

void acme_account_step(struct acme_account *a, const struct acme_account_event *ev,
                       struct acme_account_action *ret)
{
    static const struct acme_account_event ENTER = {.type = ACCOUNT_EV_ENTER};

    memset(ret, 0, sizeof *ret);
    while (STATES[a->state].run(a, ev, ret) == STEP_AGAIN) {
        ev = &ENTER;
    }
}

static enum step go(struct acme_account *a, enum acme_account_state next)
{
    cl_assert((STATES[a->state].next & (1u << next)) != 0);
    a->state = next;
    return STEP_AGAIN;
}

static enum step fail(struct acme_account *a, const struct cl_err *err)
{
    a->err = *err;
    return go(a, ACCOUNT_DONE);
}

static enum step ask(struct acme_account_action *act, enum acme_what what, const char *url,
                     char *take_payload)
{
    act->type = ACCOUNT_ACT_REQUEST;
    act->payload = take_payload;
    act->request = (struct acme_request){.what = what, .url = url, .payload = take_payload};
    return STEP_WAIT;
}

/* Is the document of this key, at this server? */
static bool doc_matches(const struct acme_account_params *p)
{
    return p->doc != NULL && p->key_sha256 != NULL && !p->lost &&
           strcmp(p->doc->directory, p->directory_url) == 0 &&
           strcmp(p->doc->new_account, p->directory->new_account) == 0 &&
           strcmp(p->doc->key_sha256, p->key_sha256) == 0;
}

bool acme_account_is_current(const struct acme_account_params *p)
{
    struct cl_strv contact = {0};

    acme_msg_contacts(p->email, &contact);
    bool same = doc_matches(p) && cl_strv_equal_set(&contact, &p->doc->contact);
    cl_strv_deinit(&contact);
    return same;
}

static void doc_copy(struct acme_account_doc *dst, const struct acme_account_doc *src)
{
    *dst = (struct acme_account_doc){
        .url = cl_strdup(src->url),
        .directory = cl_strdup(src->directory),
        .new_account = cl_strdup(src->new_account),
        .terms = cl_strdup(src->terms),
    };
    memcpy(dst->key_sha256, src->key_sha256, sizeof dst->key_sha256);
    cl_strv_copy(&dst->contact, &src->contact);
}

static enum step account_check(struct acme_account *a, const struct acme_account_event *ev,
                               struct acme_account_action *act)
{
    struct cl_err err;
    const struct acme_directory *d = a->p.directory;

    (void)ev;
    (void)act;
    if (doc_matches(&a->p)) {
        doc_copy(&a->doc, a->p.doc);
        return go(a, acme_account_is_current(&a->p) ? ACCOUNT_DONE : ACCOUNT_UPDATE);
    }
    if (d->external_account_required) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "ExternalAccountRequired",
                      "the CA registers accounts with an external account binding only, which is "
                      "not supported yet; use another CA");
        return fail(a, &err);
    }
    if (d->terms_of_service != NULL && !a->p.terms_agreed) {
        char terms[CL_CLEAN_TEXT];
        cl_clean(terms, sizeof terms, d->terms_of_service, strlen(d->terms_of_service));
        (void)cl_fail(&err, CL_ERR_PERMANENT, "AgreementRequired",
                      "the CA has terms of service: read %s and set "
                      "spec.acme.termsOfServiceAgreed: true",
                      terms);
        (void)cl_format(err.url, sizeof err.url, "%s", terms);
        return fail(a, &err);
    }
    if (a->p.key_sha256 == NULL) {
        return go(a, ACCOUNT_KEY);
    }
    memcpy(a->doc.key_sha256, a->p.key_sha256, strlen(a->p.key_sha256) + 1);
    return go(a, ACCOUNT_REGISTER);
}

static enum step account_key(struct acme_account *a, const struct acme_account_event *ev,
                             struct acme_account_action *act)
{
    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        act->type = ACCOUNT_ACT_MAKE_KEY;
        return STEP_WAIT;
    case ACCOUNT_EV_KEY:
        if (ev->err != NULL) {
            return fail(a, ev->err);
        }
        memcpy(a->doc.key_sha256, ev->key_sha256, strlen(ev->key_sha256) + 1);
        return go(a, ACCOUNT_REGISTER);
    case ACCOUNT_EV_REPLY:
    case ACCOUNT_EV_FAILED:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_KEY");
}

/* A new document for the key in use; without contacts yet. */
static void record_doc(struct acme_account *a, const char *url)
{
    struct acme_account_doc d = {
        .url = cl_strdup(url),
        .directory = cl_strdup(a->p.directory_url),
        .new_account = cl_strdup(a->p.directory->new_account),
        .terms = cl_strdup(cl_str_or(a->p.directory->terms_of_service, "")),
    };

    memcpy(d.key_sha256, a->doc.key_sha256, sizeof d.key_sha256);
    acme_account_doc_deinit(&a->doc);
    a->doc = d;
}

static enum step registered(struct acme_account *a, const struct acme_reply *reply)
{
    struct acme_account_msg msg;
    struct cl_err err;

    if (!acme_url_ok(reply->location, true)) {
        (void)cl_fail(&err, CL_ERR_BAD_RESULT, "NoAccountURL",
                      "the CA's answer to newAccount has no usable Location");
        return fail(a, &err);
    }
    if (acme_msg_account(reply->body, reply->len, &msg, &err) < 0) {
        return fail(a, &err);
    }
    if (msg.status != ACME_STATUS_VALID) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "AccountDeactivated",
                      "the CA says that the account is %s; remove its key to register a new one",
                      acme_status_name(msg.status));
        acme_account_msg_deinit(&msg);
        return fail(a, &err);
    }
    a->created = reply->status == 201;
    a->update_wanted = !a->created && !a->updated && !cl_strv_equal_set(&msg.contact, &a->contact);
    acme_account_msg_deinit(&msg);
    record_doc(a, reply->location);
    if (!a->update_wanted) {
        cl_strv_copy(&a->doc.contact, &a->contact);
    }
    return go(a, ACCOUNT_RECORD);
}

static enum step account_register(struct acme_account *a, const struct acme_account_event *ev,
                                  struct acme_account_action *act)
{
    struct cl_err err;

    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        return ask(act, ACME_NEW_ACCOUNT, a->p.directory->new_account,
                   acme_msg_new_account(&a->contact, a->p.terms_agreed));
    case ACCOUNT_EV_REPLY:
        return registered(a, ev->reply);
    case ACCOUNT_EV_FAILED:
        err = *ev->err;
        cl_wrap(&err, "register the account");
        return fail(a, &err);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_REGISTER");
}

static enum step account_record(struct acme_account *a, const struct acme_account_event *ev,
                                struct acme_account_action *act)
{
    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        act->type = ACCOUNT_ACT_SAVE;
        return STEP_WAIT;
    case ACCOUNT_EV_SAVED:
        if (ev->err != NULL) {
            return fail(a, ev->err);
        }
        return go(a, a->update_wanted ? ACCOUNT_UPDATE : ACCOUNT_DONE);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_REPLY:
    case ACCOUNT_EV_FAILED:
        break;
    }
    cl_impossible("event in ACCOUNT_RECORD");
}

static enum step account_update(struct acme_account *a, const struct acme_account_event *ev,
                                struct acme_account_action *act)
{
    struct cl_err err;

    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        a->updated = true;
        a->update_wanted = false;
        return ask(act, ACME_ACCOUNT, a->doc.url, acme_msg_update_account(&a->contact));
    case ACCOUNT_EV_REPLY:
        cl_strv_deinit(&a->doc.contact);
        cl_strv_copy(&a->doc.contact, &a->contact);
        return go(a, ACCOUNT_RECORD);
    case ACCOUNT_EV_FAILED:
        if (acme_problem_is(ev->err, "accountDoesNotExist")) {
            return go(a, ACCOUNT_REGISTER);
        }
        err = *ev->err;
        cl_wrap(&err, "update the contacts of the account");
        return fail(a, &err);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_UPDATE");
}

static enum step account_done(struct acme_account *a, const struct acme_account_event *ev,
                              struct acme_account_action *act)
{
    (void)a;
    (void)ev;
    act->type = ACCOUNT_ACT_DONE;
    return STEP_WAIT;
}
