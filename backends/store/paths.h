/* SPDX-License-Identifier: Apache-2.0 */
/* paths: where things are in the state directory. All results are owned by the caller. */
#ifndef PATHS_H
#define PATHS_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

struct paths {
    char *specs;   /* /etc/acme.d */
    char *state;   /* /var/lib/certloop */
    char *secrets; /* /etc/certloop/secrets */
    char *live;    /* STATE/live, or --live */
    char *config;  /* /etc/certloop/config.yaml */
};
void paths_deinit(struct paths *p);
char *paths_archive(const struct paths *p, const char *key); /* STATE/archive/KEY */
char *paths_memory(const struct paths *p, const char *key, enum spec_kind kind);
/* STATE/memory/KEY.json, for issuers STATE/memory/_issuers/KEY.json */
char *paths_status(const struct paths *p, const char *namespace_, const char *name,
                   enum spec_kind kind);
char *paths_status_file(const struct paths *p, const char *basename); /* STATUS/_files/X.json */
char *paths_state(const struct paths *p, const char *relative);       /* STATE/RELATIVE */
char *paths_live(const struct paths *p, const char *dirname);         /* LIVE/DIRNAME */
char *paths_account(const struct paths *p, const char *issuer_key);   /* STATE/accounts/KEY */
/** Creates the state directory's folders with the modes of SECURITY.md (state 0711, archive
 *  accounts memory ledger ca dns journal 0700, status 0755, live 0755, requests 0770); tightens
 *  what is wider, appending a line for each deviation to @ret_notes (may be NULL). */
int paths_prepare(const struct paths *p, struct cl_strv *ret_notes, struct cl_err *err);
/** STATE/schema holds the format number; a newer one fails with reason "StateTooNew". */
int paths_check_schema(const struct paths *p, struct cl_err *err);
#define STATE_SCHEMA 1u

#endif
