/* SPDX-License-Identifier: Apache-2.0 */
/* acme_account: finds, registers or updates the account (RFC 8555 7.3), as a machine without IO.
 *
 *   CHECK -> KEY -> REGISTER -> RECORD -> [UPDATE -> RECORD] -> DONE
 *         -> LOOKUP -> RECORD | REGISTER
 *         -> DEACTIVATE -> RECORD
 *
 * The key is durable before newAccount, the account document before the account is used. With both
 * there nothing is asked of the CA; a lost document comes back by newAccount with onlyReturnExisting,
 * which answers 200 for a known key, and costs neither an external account binding nor an
 * agreement. So no account is made twice. What a person has to do is decided before a request that
 * costs something. */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "backends/acme/acme_msg.h"
#include "backends/acme/acme_request.h"
#include "spec/base/cl_err.h"
#include "spec/base/cl_hash.h"

#include <stdbool.h>

/* accounts/KEY/account.json. Strings owned. */
struct acme_account_doc {
    char *url;
    char *directory;   /* URL of the spec */
    char *new_account; /* URL in the directory when it was registered; another one = look again */
    char *terms;       /* agreed to; "" if none were shown */
    char key_sha256[CL_SHA256_TEXT]; /* of the key's SubjectPublicKeyInfo */
    struct cl_strv contact;          /* as we asked for */
    bool deactivated;                /* by us, for good */
};
void acme_account_doc_deinit(struct acme_account_doc *d);
char *acme_account_doc_to_json(const struct acme_account_doc *d); /* owned */
int acme_account_doc_from_json(const char *text, size_t len, struct acme_account_doc *ret,
                               struct cl_err *err);

enum acme_account_state {
    ACCOUNT_CHECK,
    ACCOUNT_KEY,
    ACCOUNT_LOOKUP,
    ACCOUNT_REGISTER,
    ACCOUNT_RECORD,
    ACCOUNT_UPDATE,
    ACCOUNT_DEACTIVATE,
    ACCOUNT_DONE,
    ACCOUNT_STATE_COUNT
};
/* Inputs; borrowed for the life of the machine. */
struct acme_account_params {
    const struct acme_directory *directory;
    const char *directory_url;
    const char *email;      /* or NULL */
    bool terms_agreed;      /* termsOfServiceAgreed */
    const char *key_sha256; /* of the durable key; NULL = there is none yet */
    bool lost;              /* the CA said that the account does not exist: ask it again */
    bool keep;              /* records of others name the account: never register another one */
    const char *eab_key_id; /* external account binding; NULL = none */
    bool force_update;      /* tell the CA contacts and agreement though nothing has changed */
    bool deactivate;        /* end the account */
    const struct acme_account_doc *doc; /* as found on disk; NULL = none */
};
struct acme_account {
    struct acme_account_params p;
    enum acme_account_state state;
    struct cl_strv contact;      /* wanted */
    struct acme_account_doc doc; /* result */
    bool created;                /* newAccount answered 201 */
    bool updated;                /* an update was sent */
    bool update_wanted;          /* after RECORD: the CA knows other contacts */
    bool found;                  /* by LOOKUP: it was there before */
    struct cl_err err;           /* kind NONE = fine */
};
enum acme_account_event_type {
    ACCOUNT_EV_ENTER,
    ACCOUNT_EV_KEY,    /* the key is made and durable: key_sha256; or err */
    ACCOUNT_EV_REPLY,  /* reply */
    ACCOUNT_EV_FAILED, /* err */
    ACCOUNT_EV_SAVED   /* the document is durable; or err */
};
struct acme_account_event {
    enum acme_account_event_type type;
    const char *key_sha256;
    const struct acme_reply *reply;
    const struct cl_err *err;
};
/* What to do next; exactly one thing at a time. */
enum acme_account_action_type {
    ACCOUNT_ACT_MAKE_KEY, /* -> ACCOUNT_EV_KEY */
    ACCOUNT_ACT_REQUEST,  /* request (url borrowed from the machine) -> REPLY or FAILED */
    ACCOUNT_ACT_SAVE,     /* make account->doc durable -> SAVED */
    ACCOUNT_ACT_DONE      /* err and doc are final */
};
struct acme_account_action {
    enum acme_account_action_type type;
    struct acme_request request;
    char *payload; /* owned by the receiver */
    bool bind;     /* REQUEST: the receiver adds the external account binding to the payload */
};
void acme_account_init(struct acme_account *a, const struct acme_account_params *p);
void acme_account_deinit(struct acme_account *a);
void acme_account_step(struct acme_account *a, const struct acme_account_event *ev,
                       struct acme_account_action *ret);
/** Does @doc describe a usable account for these inputs, with nothing to be asked of the CA? */
bool acme_account_is_current(const struct acme_account_params *p);

#endif
