/* SPDX-License-Identifier: Apache-2.0 */
/* act: starts the step that a plan names. At most one issue run and one project or deploy run for
 * each unit; each ends by changing memory and queueing its unit again. */
#ifndef ACT_H
#define ACT_H

#include "reconciler/unit.h"

void act_start(struct unit *u, const struct facts *f, const struct plan *p, cl_time now);

/* act_issue.c, act_adopt.c, act_line.c */
void act_issue(struct unit *u, const struct plan *p, cl_time now);
void act_adopt(struct unit *u, cl_time now);
/** Keeps the place in the issuer's line while the plan waits for a slot; gives it back otherwise. */
void act_line(struct unit *u, const struct plan *p);
/** A slot, or a place in the line of @i: true if it may start. */
bool act_enter_line(struct unit *u, struct instance *i);
void act_leave_line(struct unit *u);
void act_cancel(struct unit *u);
/** Will the running issuance make the memory durable with its own first commit? */
bool act_issue_saves(const struct unit *u);
/** The object of @u is being replaced: the run keeps the old one. True if it took it. */
bool act_issue_keeps(struct unit *u, struct object *o);
/** Is the running issuance for a request, issuer or object that is no longer wanted? */
bool act_issue_stale(struct unit *u);
/** Subtree for the status: NULL if the run is young or shows nothing. New reference. */
json_t *act_issue_view(struct unit *u, cl_time now);
/** When the running order should next be shown; CL_NEVER if nothing runs. */
cl_time act_issue_show_at(const struct unit *u);
/** An order runs that is too young to be shown, or was shown a moment ago. */
bool act_issue_told(const struct unit *u, cl_time now);

/* act_project.c */
void act_project(struct unit *u, cl_time now);
/** Outputs that are not declared any more are let go. */
void act_project_forget(struct unit *u);
/** Forgets that writing failed: it is tried again at once. */
void act_project_afresh(struct unit *u);

/* act_ari.c */
/** Asks the CA for renewal information, when it is this unit's turn. */
void act_ari(struct unit *u, cl_time now);
void act_ari_cancel(struct unit *u);
/** When its turn comes; CL_NEVER if it waits for none. */
cl_time act_ari_at(const struct unit *u, cl_time now);

/* act_tidy.c */
/** Removes private keys that are no use as a rollback any more. */
void act_tidy(struct unit *u, cl_time now);

/* deploy.c: hooks are shared between units: identical ones run once for all who wait. */
struct deploys *deploys_create(struct daemon *d);
void deploys_destroy(struct deploys *s);
void act_deploy(struct unit *u, cl_time now);
void act_deploy_cancel(struct unit *u);
/** Runs the hooks with `when: Failed`, once for each failed attempt; not retried. */
void deploys_failed(struct unit *u, const struct cl_err *err);

#endif
