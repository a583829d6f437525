/* SPDX-License-Identifier: Apache-2.0 */
/* archive_internal: the file names of a revision, and what loading and writing share. */
#ifndef ARCHIVE_INTERNAL_H
#define ARCHIVE_INTERNAL_H

#include "backends/store/archive.h"

#define ARCHIVE_CURRENT "current"
#define ARCHIVE_PENDING "pending.json"
#define ARCHIVE_KEY "privkey.pem"
#define ARCHIVE_REQUEST "request.der"
#define ARCHIVE_FULLCHAIN "fullchain.pem"
#define ARCHIVE_CA "ca.pem"
#define ARCHIVE_MANIFEST "manifest.json"

/** The number of a directory or link target, or 0 if @name is none (1, 2, ...; no leading 0). */
long archive_number(const char *name);
/** The revision that `current` in @dir points to; 0: no link, -1: something else is there. */
long archive_current(const char *dir);

#endif
