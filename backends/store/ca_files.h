/* SPDX-License-Identifier: Apache-2.0 */
/* ca_files: reads the files about known CAs (spec/ca_catalog.h). */
#ifndef CA_FILES_H
#define CA_FILES_H

#include "spec/ca_catalog.h"

/** All *.yaml of @dirs into @ret (initialised here); of files with one name, and of CAs with one host,
 *  the first wins; missing directories are empty. A file that is wrong is left out, and a line
 *  "PATH:LINE:COL: TEXT" goes to @ret_problems (may be NULL). */
void ca_files_load(const struct cl_strv *dirs, struct ca_catalog *ret,
                   struct cl_strv *ret_problems);

#endif
