/* SPDX-License-Identifier: Apache-2.0 */
/* lifetimes: which specs break, or get tight, when certificates live shorter and validations are
 * reused for less long. The dates that CAs have announced are a table. Pure. */
#ifndef LIFETIMES_H
#define LIFETIMES_H

#include "spec/base/cl_tz.h"
#include "spec/spec.h"

/* What a CA gives at some time; 0 = not known. */
struct lifetime_rule {
    cl_time lifetime, reuse; /* of a certificate; of a validated authorization */
    const char *source;      /* one line: who announced it */
};
/** The rule for an ACME directory at @when: its host's, else that of all public CAs (which is nothing
 *  for a private one). @profile: of the CA, or NULL. */
struct lifetime_rule lifetime_rule_at(const char *directory_url, const char *profile, cl_time when);

enum lifetime_verdict { LIFETIME_FINE, LIFETIME_TIGHT, LIFETIME_BREAKS };
struct lifetime_finding {
    enum lifetime_verdict verdict;
    const char *field; /* of the spec */
    char text[300];
};
#define LIFETIME_FINDINGS 6
/** What of @spec does not go with @rule. @zones: of its renewal windows, in their order; NULL = UTC.
 *  Returns how many of @ret were filled. */
size_t lifetime_findings(const struct cert_spec *spec, const struct cl_tz *const *zones,
                         const struct lifetime_rule *rule, cl_time as_of,
                         struct lifetime_finding ret[LIFETIME_FINDINGS]);
const char *lifetime_verdict_name(enum lifetime_verdict v);

#endif
