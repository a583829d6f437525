/* SPDX-License-Identifier: Apache-2.0 */
/* adopt: a pair that exists already and answers what an object asks for, so that it costs no order. */
#ifndef ADOPT_H
#define ADOPT_H

#include "reconciler/unit.h"

struct adoptable {
    char *chain_pem;
    char *ca_pem; /* NULL if not known */
    struct cl_buf key_pem;
};
/** Looks in the outputs of @u, and at what objects had that have just gone (a rename). 0: found,
 *  adoptable_deinit it; 1: none. Its validity is the caller's question. */
int adoptable_find(struct unit *u, struct adoptable *ret, struct cl_err *err);
void adoptable_deinit(struct adoptable *a);

#endif
