/* SPDX-License-Identifier: Apache-2.0 */
/* requests: how commands ask a running daemon: a file renamed into STATE/requests, answered in
 * ID.done. Its directory mode is the permission. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "reconciler/daemon.h"

struct requests *requests_create(struct daemon *d);
void requests_destroy(struct requests *r);
/** Handles what is there. */
void requests_scan(struct requests *r);

#endif
