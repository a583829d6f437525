/* SPDX-License-Identifier: Apache-2.0 */
/* publish: _daemon.json, _summary.json and the metrics: at most once a second, and at the end. */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "reconciler/daemon.h"

struct publish *publish_create(struct daemon *d);
void publish_destroy(struct publish *p);
/** Something changed: write soon. */
void publish_changed(struct daemon *d);
/** The same within minutes: only times of the next look differ. */
void publish_later(struct daemon *d);
/** Writes now (start, end). */
void publish_now(struct daemon *d);
/** (Re)binds the metrics listener as the Configuration says. */
void publish_listen(struct daemon *d);
/** Writes _summary.json: one row for each object (publish_summary.c). */
void publish_summary(struct daemon *d);
/** Prometheus text format, appended to @b (metrics.c). */
void metrics_render(struct daemon *d, struct cl_buf *b);

#endif
