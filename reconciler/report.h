/* SPDX-License-Identifier: Apache-2.0 */
/* report: facts and plan -> status file, summary, log. Written only if something changed. */
#ifndef REPORT_H
#define REPORT_H

#include "reconciler/unit.h"
#include "spec/spec_parse.h"

void report(struct unit *u, const struct facts *f, const struct plan *p, cl_time now);
/** @p comes from plan_unreadable: tells so, and leaves all that was known before as it was. */
void report_unreadable(struct unit *u, const struct plan *p, cl_time now);
void report_issuer(struct unit *u, const struct issuer_facts *f, const struct issuer_plan *p,
                   cl_time now);
/** status/_files/BASENAME.json for a rejected file; NULL problems removes it. */
void report_file(struct daemon *d, const char *file, const char *sha256,
                 const struct spec_problems *problems);

/** The subtree of a Certificate that came from an ACME CA; new reference. */
json_t *report_acme(const struct unit *u);

#endif
