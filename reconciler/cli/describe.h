/* SPDX-License-Identifier: Apache-2.0 */
/* describe: parts of `certloop describe` that read the status as JSON. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "reconciler/cli/cli.h"

#include <jansson.h>

/** The names whose proof is under way or has failed, each with what every name server says: a table.
 *  @object: a status file. */
void describe_authorizations(struct cli *c, const json_t *object);

#endif
