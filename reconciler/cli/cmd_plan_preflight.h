/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan_preflight: the part of cmd_plan that uses the network. */
#ifndef CMD_PLAN_PREFLIGHT_H
#define CMD_PLAN_PREFLIGHT_H

#include "reconciler/cli/cli_objects.h"
#include "reconciler/unit.h"

/** Runs the preflight of one Certificate that is awake, and prints what it finds, or appends it to
 *  @items with -o json. Returns the number of certain failures. */
size_t plan_preflight(struct cli *c, struct unit *u, json_t *items);

#endif
