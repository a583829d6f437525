/* SPDX-License-Identifier: Apache-2.0 */
/* renewal: when a certificate wants to be renewed. Everything is counted from what was issued,
 * never from what the spec hoped for: a CA may shorten the lifetime. */
#include "reconciler/core/renewal.h"

#include "spec/base/cl_rng.h"

#include <stddef.h>

/* Certificates that live shorter are renewed at half of their life (Let's Encrypt's advice). */
#define SHORT_LIVED (10 * CL_DAY)
#define JITTER_MAX CL_DAY

static cl_time reserve(const struct cert_spec *spec, cl_time lifetime)
{
    if (spec->renew_before > 0 && spec->renew_before < lifetime) {
        return spec->renew_before;
    }
    if (spec->renew_before_percentage > 0 && spec->renew_before_percentage < 100) {
        return lifetime / 100 * spec->renew_before_percentage;
    }
    /* also when the CA gave less than renewBefore: renewing at once would never end */
    return lifetime < SHORT_LIVED ? lifetime / 2 : lifetime / 3;
}

cl_time renewal_instant(const struct cert_spec *spec, const struct cert_facts *cert,
                        cl_time ari_selected)
{
    if (spec->renewal_disabled) {
        return CL_NEVER;
    }
    cl_time lifetime = cert->not_after - cert->not_before;
    if (lifetime <= 0) {
        return cl_time_max(cert->not_before, 1);
    }
    if (ari_selected > 0 && ari_selected < cert->not_after) {
        return cl_time_max(ari_selected, cert->not_before);
    }
    cl_time instant = cert->not_after - reserve(spec, lifetime);
    /* Spread by the serial, so that what was issued together is not renewed together, and at most
     * over half of the way back to notBefore. */
    cl_time spread = cl_time_min(lifetime / 20, JITTER_MAX);
    spread = cl_time_min(spread, (instant - cert->not_before) / 2);
    if (spread > 0 && cert->serial != NULL) {
        instant -= (cl_time)(cl_rng_hash(cert->serial) % (uint64_t)spread);
    }
    return instant;
}

cl_time renewal_floor(const struct cert_facts *cert, cl_time issued_at)
{
    cl_time pause = (cert->not_after - cert->not_before) / 10;
    return cl_time_min(cl_time_add(issued_at, pause), cert->not_after);
}

cl_time renewal_ari_guard(const struct cert_facts *cert, cl_time renewed_at)
{
    cl_time lifetime = cert->not_after - cert->not_before;
    return renewed_at == 0 ? 0 : cl_time_add(renewed_at, cl_time_max(CL_HOUR, lifetime / 20));
}

cl_time renewal_window_deadline(const struct cert_facts *cert)
{
    return cert->not_after - (cert->not_after - cert->not_before) / 10;
}

cl_time renewal_overdue_at(cl_time renewal, cl_time not_after)
{
    if (renewal == CL_NEVER) {
        return CL_NEVER;
    }
    return renewal >= not_after ? not_after : renewal + (not_after - renewal) / 4;
}
