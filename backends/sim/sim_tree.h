/* SPDX-License-Identifier: Apache-2.0 */
/* sim_tree (private to backends/sim): files of the real machine, read for the simulated one. */
#ifndef SIM_TREE_H
#define SIM_TREE_H

#include "spec/base/cl_str.h"

/** Appends path and content of each regular file in @dir (not below) whose name ends in @suffix, under
 *  the name it has in @as. -1: @dir cannot be read. */
int sim_tree_read(const char *dir, const char *as, const char *suffix, struct cl_strv *ret);
/** One file; owned, NULL with a message on standard error. */
char *sim_tree_file(const char *path);

bool sim_tree_exists(const char *path);

#endif
