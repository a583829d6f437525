/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan_as_of: the report of plan --as-of. */
#ifndef CMD_PLAN_AS_OF_H
#define CMD_PLAN_AS_OF_H

#include "reconciler/cli/cli_objects.h"
#include "reconciler/unit.h"

/** @d: read only, scanned. Exit code: 0 nothing breaks, 2 something does or gets tight, 1 error. */
int cmd_plan_as_of(struct cli *c, struct daemon *d,
                   bool (*asked_for)(struct cli *c, const struct unit *u));

#endif
