/* SPDX-License-Identifier: Apache-2.0 */
/* zones: time zones by name, from the machine's tz database. */
#ifndef ZONES_H
#define ZONES_H

#include "spec/base/cl_map.h"
#include "spec/base/cl_tz.h"

#include <stdbool.h>
#include <stddef.h>

struct zones {             /* zeroed = nothing loaded */
    struct cl_map by_name; /* name -> struct cl_tz */
};
/** "UTC", "Europe/Berlin" or a POSIX TZ text; loaded on first use and kept. NULL: there is none. */
const struct cl_tz *zones_get(struct zones *z, const char *name);
void zones_deinit(struct zones *z);
/** For config.zone_exists: is there such a zone here? If not, @hint says what to do. */
bool zones_exists(const char *name, char *hint, size_t size);

#endif
