/* SPDX-License-Identifier: Apache-2.0 */
/* renewal: when a certificate wants to be renewed. Pure. */
#ifndef RENEWAL_H
#define RENEWAL_H

#include "spec/manifest.h"
#include "spec/spec.h"

/**
 * The instant: ARI's pick if given; else notAfter - renewBefore (renewBefore | percentage of the
 * issued lifetime | a third, half if the lifetime is below 10 days), minus jitter = hash(serial)
 * over min(5 % of the lifetime, 24 h). A pick after notAfter and a renewBefore longer than the
 * issued lifetime are ignored. Never before notBefore. CL_NEVER if disabled.
 */
cl_time renewal_instant(const struct cert_spec *spec, const struct cert_facts *cert,
                        cl_time ari_selected);
/**
 * Loop guard: what was issued at @issued_at is not renewed by time before this: a tenth of the
 * lifetime, but at notAfter at the latest.
 */
cl_time renewal_floor(const struct cert_facts *cert, cl_time issued_at);
/**
 * Loop guard: after a renewal that ARI asked for at @renewed_at (0 = none), ARI is not followed again
 * before this: an hour, or 5 % of the lifetime if that is more.
 */
cl_time renewal_ari_guard(const struct cert_facts *cert, cl_time renewed_at);
/** The last moment that a renewal may wait until for one of its windows: a tenth of the lifetime
 *  before the end. */
cl_time renewal_window_deadline(const struct cert_facts *cert);
/** From when on renewal is overdue: renewal + (notAfter - renewal) / 4; CL_NEVER if disabled. */
cl_time renewal_overdue_at(cl_time renewal, cl_time not_after);

#endif
