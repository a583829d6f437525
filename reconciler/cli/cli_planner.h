/* SPDX-License-Identifier: Apache-2.0 */
/* cli_planner: the daemon's own decisions for a command: nothing is written, nobody is asked. What an
 * order costs and when its turn is comes from the same ledger. */
#ifndef CLI_PLANNER_H
#define CLI_PLANNER_H

#include "reconciler/cli/cli_objects.h"
#include "reconciler/ledger_book.h"

struct cli_planner {
    struct cli *c;
    struct loop *loop;
    struct daemon *d;
    cl_time now;
    const char *outputs_detail; /* of the last one planned, while its observation lives */
    bool replaces; /* of the last one planned: its order would be a renewal that the CA knows */
};
/** 0, or the exit code: it was said why. Close it in both cases. */
int cli_planner_open(struct cli *c, struct cli_planner *ret);
void cli_planner_close(struct cli_planner *p);
/** What would happen with @u (a Certificate) now. @renew: if a new one were asked for. */
int cli_planner_plan(struct cli_planner *p, struct unit *u, bool renew, struct observation *seen,
                     struct plan *ret, struct cl_err *err);
/** All Certificates have been planned once: turns are given anew, as the daemon would. */
void cli_planner_settle(struct cli_planner *p);
/** "1 of 300 newOrders, 1 of 50 certificatesPerDomain example.com"; "" if nothing is counted. Owned.
 *  After cli_planner_plan. */
char *cli_planner_cost(const struct cli_planner *p, const struct unit *u);
/** The same as [{bucket, key, left, capacity}]; new reference. */
json_t *cli_planner_cost_json(const struct cli_planner *p, const struct unit *u);
/** When @u is Ready if it orders at its turn: orders take a while. */
cl_time cli_planner_ready(const struct cli_planner *p, const struct unit *u);

#endif
