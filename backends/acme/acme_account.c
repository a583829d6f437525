/* SPDX-License-Identifier: Apache-2.0 */
/* acme_account: the account from nothing to usable.
 *
 * Failures: terms of service that are not agreed to, external accounts, refused contacts and a
 * deactivated account need a person (PERMANENT); everything else is what the request failed with.
 * An update for an account that the CA has lost looks it up again. */
#include "backends/acme/acme_account.h"

#include "backends/acme/acme_problem.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

enum step { STEP_WAIT, STEP_AGAIN };

typedef enum step account_fn(struct acme_account *a, const struct acme_account_event *ev,
                             struct acme_account_action *act);
static account_fn account_check, account_key, account_lookup, account_register, account_record,
    account_update, account_deactivate, account_done;

#define TO(s) (1u << ACCOUNT_##s)

/* The whole flow: name, code, states it may move to. */
static const struct {
    const char *name;
    account_fn *run;
    unsigned next;
} STATES[ACCOUNT_STATE_COUNT] = {
    [ACCOUNT_CHECK] = {"check", account_check,
                       TO(KEY) | TO(LOOKUP) | TO(UPDATE) | TO(DEACTIVATE) | TO(DONE)},
    [ACCOUNT_KEY] = {"key", account_key, TO(REGISTER) | TO(DONE)},
    [ACCOUNT_LOOKUP] = {"look up", account_lookup, TO(REGISTER) | TO(RECORD) | TO(DONE)},
    [ACCOUNT_REGISTER] = {"register", account_register, TO(RECORD) | TO(DONE)},
    [ACCOUNT_RECORD] = {"record", account_record, TO(UPDATE) | TO(DONE)},
    [ACCOUNT_UPDATE] = {"update", account_update, TO(LOOKUP) | TO(RECORD) | TO(DONE)},
    [ACCOUNT_DEACTIVATE] = {"deactivate", account_deactivate, TO(RECORD) | TO(DONE)},
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

/* ---- what is there ---- */

/* Is the document of this key, at this server? */
static bool doc_matches(const struct acme_account_params *p)
{
    return p->doc != NULL && p->key_sha256 != NULL && !p->lost &&
           strcmp(p->doc->directory, p->directory_url) == 0 &&
           strcmp(p->doc->new_account, p->directory->new_account) == 0 &&
           strcmp(p->doc->key_sha256, p->key_sha256) == 0;
}

/* A CA that stops to show its terms takes nothing back. */
static bool terms_changed(const struct acme_account_params *p)
{
    const char *now = p->directory->terms_of_service;

    return now != NULL && strcmp(cl_str_or(p->doc->terms, ""), now) != 0;
}

bool acme_account_is_current(const struct acme_account_params *p)
{
    struct cl_strv contact = {0};

    if (!doc_matches(p) || p->doc->deactivated || p->force_update || p->deactivate ||
        terms_changed(p)) {
        return false;
    }
    acme_msg_contacts(p->email, &contact);
    bool same = cl_strv_equal_set(&contact, &p->doc->contact);
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
        .deactivated = src->deactivated,
    };
    memcpy(dst->key_sha256, src->key_sha256, sizeof dst->key_sha256);
    cl_strv_copy(&dst->contact, &src->contact);
}

static enum step account_is_over(struct acme_account *a)
{
    struct cl_err err;

    (void)cl_fail(&err, CL_ERR_PERMANENT, "AccountDeactivated",
                  "the account %s is deactivated, which nothing undoes; remove account.json and "
                  "key.pem of this Issuer from accounts/ to register a new one",
                  cl_str_or(a->doc.url, cl_str_or(a->p.doc != NULL ? a->p.doc->url : NULL, "")));
    return fail(a, &err);
}

/* 0, or -1 with *err: a person has to do something before an account can be registered. */
static int may_register(const struct acme_account_params *p, struct cl_err *err)
{
    const struct acme_directory *d = p->directory;

    if (d->external_account_required && p->eab_key_id == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "ExternalAccountRequired",
                       "the CA registers accounts with an external account binding only: get key "
                       "id and MAC key from it, write the MAC key to a secret, and name both in "
                       "spec.acme.externalAccountBinding");
    }
    if (d->terms_of_service != NULL && !p->terms_agreed) {
        char terms[CL_CLEAN_TEXT];
        cl_clean(terms, sizeof terms, d->terms_of_service, strlen(d->terms_of_service));
        (void)cl_fail(err, CL_ERR_PERMANENT, "AgreementRequired",
                      "the CA has terms of service: read %s and set "
                      "spec.acme.termsOfServiceAgreed: true",
                      terms);
        (void)cl_format(err->url, sizeof err->url, "%s", terms);
        return -1;
    }
    return 0;
}

static enum step account_check(struct acme_account *a, const struct acme_account_event *ev,
                               struct acme_account_action *act)
{
    struct cl_err err;

    (void)ev;
    (void)act;
    if (doc_matches(&a->p)) {
        doc_copy(&a->doc, a->p.doc);
        if (a->doc.deactivated) {
            return account_is_over(a);
        }
        if (a->p.deactivate) {
            return go(a, ACCOUNT_DEACTIVATE);
        }
        if (acme_account_is_current(&a->p)) {
            return go(a, ACCOUNT_DONE);
        }
        return terms_changed(&a->p) && may_register(&a->p, &err) < 0 &&
                       strcmp(err.reason, "AgreementRequired") == 0
                   ? fail(a, &err)
                   : go(a, ACCOUNT_UPDATE);
    }
    if (a->p.key_sha256 != NULL) {
        memcpy(a->doc.key_sha256, a->p.key_sha256, strlen(a->p.key_sha256) + 1);
        return go(a, ACCOUNT_LOOKUP);
    }
    return may_register(&a->p, &err) < 0 ? fail(a, &err) : go(a, ACCOUNT_KEY);
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

/* ---- newAccount ---- */

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
        acme_account_msg_deinit(&msg);
        return account_is_over(a);
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

/* RFC 8555 7.3.1: only an account that is there already is wanted. A CA refuses a deactivated one
 * as unauthorized. */
static enum step account_lookup(struct acme_account *a, const struct acme_account_event *ev,
                                struct acme_account_action *act)
{
    struct cl_err err;

    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        return ask(act, ACME_NEW_ACCOUNT, a->p.directory->new_account, acme_msg_find_account());
    case ACCOUNT_EV_REPLY:
        a->found = true;
        return registered(a, ev->reply);
    case ACCOUNT_EV_FAILED:
        if (acme_problem_is(ev->err, "unauthorized")) {
            return account_is_over(a);
        }
        if (!acme_problem_is(ev->err, "accountDoesNotExist")) {
            err = *ev->err;
            cl_wrap(&err, "look for the account");
            return fail(a, &err);
        }
        if (a->p.keep && a->p.doc != NULL) {
            (void)cl_fail(&err, CL_ERR_PERMANENT, "AccountLost",
                          "the CA does not know account %s any more, and dns-persist-01 records "
                          "name it: a new account would break them all. Remove account.json of "
                          "this Issuer from accounts/ to register one, then publish new records",
                          a->p.doc->url);
            return fail(a, &err);
        }
        return may_register(&a->p, &err) < 0 ? fail(a, &err) : go(a, ACCOUNT_REGISTER);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_LOOKUP");
}

static enum step refused(struct acme_account *a, const struct cl_err *failed)
{
    struct cl_err err = *failed;

    if (a->p.eab_key_id != NULL &&
        (acme_problem_is(failed, "unauthorized") || acme_problem_is(failed, "malformed") ||
         acme_problem_is(failed, "externalAccountRequired"))) {
        (void)cl_format(err.reason, sizeof err.reason, "ExternalAccountRefused");
        cl_wrap(&err,
                "the CA refuses the external account binding %s (used up, expired or mistyped?); "
                "put a new key id and MAC key into spec.acme.externalAccountBinding",
                a->p.eab_key_id);
        return fail(a, &err);
    }
    cl_wrap(&err, "register the account");
    return fail(a, &err);
}

static enum step account_register(struct acme_account *a, const struct acme_account_event *ev,
                                  struct acme_account_action *act)
{
    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        act->bind = a->p.eab_key_id != NULL;
        return ask(act, ACME_NEW_ACCOUNT, a->p.directory->new_account,
                   acme_msg_new_account(&a->contact, a->p.terms_agreed));
    case ACCOUNT_EV_REPLY:
        return registered(a, ev->reply);
    case ACCOUNT_EV_FAILED:
        return refused(a, ev->err);
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

/* ---- the account that is there ---- */

/* Contacts, and the agreement to terms that have changed (RFC 8555 7.3.2, 7.3.3). */
static enum step account_update(struct acme_account *a, const struct acme_account_event *ev,
                                struct acme_account_action *act)
{
    struct cl_err err;

    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        a->updated = true;
        a->update_wanted = false;
        return ask(act, ACME_ACCOUNT, a->doc.url,
                   acme_msg_update_account(&a->contact, a->p.terms_agreed));
    case ACCOUNT_EV_REPLY:
        cl_strv_deinit(&a->doc.contact);
        cl_strv_copy(&a->doc.contact, &a->contact);
        if (a->p.directory->terms_of_service != NULL) {
            cl_free(a->doc.terms);
            a->doc.terms = cl_strdup(a->p.directory->terms_of_service);
        }
        return go(a, ACCOUNT_RECORD);
    case ACCOUNT_EV_FAILED:
        if (acme_problem_is(ev->err, "accountDoesNotExist") ||
            acme_problem_is(ev->err, "unauthorized")) {
            return go(a, ACCOUNT_LOOKUP);
        }
        err = *ev->err;
        cl_wrap(&err, "update the account");
        return fail(a, &err);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_UPDATE");
}

/* RFC 8555 7.3.6. Of a lost answer the CA's next one tells: unauthorized. */
static enum step account_deactivate(struct acme_account *a, const struct acme_account_event *ev,
                                    struct acme_account_action *act)
{
    struct cl_err err;

    switch (ev->type) {
    case ACCOUNT_EV_ENTER:
        return ask(act, ACME_ACCOUNT, a->doc.url, cl_strdup(ACME_PAYLOAD_DEACTIVATE));
    case ACCOUNT_EV_REPLY:
        a->doc.deactivated = true;
        return go(a, ACCOUNT_RECORD);
    case ACCOUNT_EV_FAILED:
        if (acme_problem_is(ev->err, "unauthorized")) {
            a->doc.deactivated = true;
            return go(a, ACCOUNT_RECORD);
        }
        err = *ev->err;
        cl_wrap(&err, "deactivate the account");
        return fail(a, &err);
    case ACCOUNT_EV_KEY:
    case ACCOUNT_EV_SAVED:
        break;
    }
    cl_impossible("event in ACCOUNT_DEACTIVATE");
}

static enum step account_done(struct acme_account *a, const struct acme_account_event *ev,
                              struct acme_account_action *act)
{
    (void)a;
    (void)ev;
    act->type = ACCOUNT_ACT_DONE;
    return STEP_WAIT;
}
