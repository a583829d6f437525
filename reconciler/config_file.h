/* SPDX-License-Identifier: Apache-2.0 */
/* config_file: the Configuration on disk: loaded at start, watched, re-read on SIGHUP. An invalid
 * one keeps the last good in force. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "reconciler/daemon.h"

/** At start: an invalid file is an error (FILE:LINE:COL in the text); a missing one is defaults. */
int config_file_load(struct daemon *d, struct cl_err *err);
/** Re-reads it; a change puts everything in question again. */
void config_file_changed(struct daemon *d);
char *config_file_directory(const struct daemon *d); /* owned */
void config_file_free(struct daemon *d);

/** Tells http the proxy of the Configuration in force. */
void config_file_apply_proxy(struct daemon *d);

#endif
