/* SPDX-License-Identifier: Apache-2.0 */
/* observe: files, store, running work -> facts. No decisions. */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "reconciler/unit.h"

struct observation {
    struct facts facts;
    char outputs_detail[400], hooks_message[320], probes_message[320], issuer_message[320];
    char no_solver[256], issuer_problem[320], identity[512];
    char hold_reason[CL_ERR_REASON];
};
/** Fills facts for an awake Certificate. Pointers lead into @ret, the unit, or its Issuer. -1 if the
 *  archive cannot be read at all: an IO error is not the absence of a certificate. */
int observe(struct unit *u, cl_time now, struct observation *ret, struct cl_err *err);
/** The certificate's Issuer and spec as one hash: what a failure depended on. */
void observe_inputs_hash(struct unit *u, char hex[CL_SHA256_TEXT]);

/* observe_ari.c, observe_windows.c */
void observe_ari(struct unit *u, cl_time now, struct observation *seen);
void observe_windows(struct unit *u, cl_time now, struct observation *seen);
/** The certificate id that an order through an issuer of this identity would replace, or NULL. */
const char *observe_replaces(struct unit *u, const char *identity);

/* One hook or probe of the spec with its record; used by observe and deploy. */
struct due_hook {
    struct hook_spec resolved; /* hook_spec_deinit */
    bool usable;               /* resolved */
    char *id;                  /* identity, or "missing:NAME" */
    struct memory_hook *rec;   /* in memory, or NULL */
    struct cl_err err;
};
/** Resolves hook @index of the spec; deinit with due_hook_deinit. */
void due_hook_load(struct unit *u, size_t index, struct due_hook *ret);
void due_hook_deinit(struct due_hook *h);
/** Does the success in @rec (may be NULL) stand for what is deployed now? @when: its hook_when. */
bool hook_done(const struct unit *u, const struct memory_hook *rec, unsigned when);
char *probe_id(const struct probe_spec *p);
struct memory_hook *memory_hook_find(struct memory *m, const char *id);
struct memory_hook *memory_hook_add(struct memory *m, const char *id, const char *name);
struct memory_output *memory_output_find(struct memory *m, const char *directory);

#endif
