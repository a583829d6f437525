/* SPDX-License-Identifier: Apache-2.0 */
/* act: starts what the plan says: one step in the issue lane, one in the deploy lane. */
#include "reconciler/act.h"

static void start_issue_lane(struct unit *u, const struct plan *p, cl_time now)
{
    switch (p->issue) {
    case PLAN_ADOPT:
        act_adopt(u, now);
        break;
    case PLAN_ISSUE:
        act_issue(u, p, now);
        break;
    case PLAN_CANCEL:
        act_cancel(u);
        break;
    case PLAN_NONE:
    case PLAN_PROJECT:
    case PLAN_DEPLOY:
    case PLAN_STEP_COUNT:
        break; /* not of this lane */
    }
}

static void start_deploy_lane(struct unit *u, const struct plan *p, cl_time now)
{
    switch (p->deploy) {
    case PLAN_PROJECT:
        act_project(u, now);
        break;
    case PLAN_DEPLOY:
        act_deploy(u, now);
        break;
    case PLAN_NONE:
    case PLAN_ADOPT:
    case PLAN_ISSUE:
    case PLAN_CANCEL:
    case PLAN_STEP_COUNT:
        break; /* not of this lane */
    }
}

void act_start(struct unit *u, const struct facts *f, const struct plan *p, cl_time now)
{
    /* uid and generation must be durable before anything is made in their name: an issuance commits
     * them with its own first record. */
    bool remembered = !u->memory_dirty && !u->memory_saving;
    bool joins = p->issue == PLAN_ISSUE && !u->memory_saving && u->memory_failures == 0;

    act_line(u, p);
    if (u->issue != NULL) {
        if (p->issue == PLAN_CANCEL) {
            act_cancel(u);
        }
    } else if (remembered || joins) {
        start_issue_lane(u, p, now);
    }
    if (!f->deploying && u->project == NULL && u->deploy == NULL) {
        start_deploy_lane(u, p, now);
    }
    if (p->ask_renewal) {
        act_ari(u, now);
    }
    act_project_forget(u);
    act_tidy(u, now);
}
