/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_view: what each name server said about a record, as JSON for the status:
 * [{"nameServer", "address", "seen", "state", "values"?, "error"?, "rounds"}]. Pure. */
#ifndef PROPAGATION_VIEW_H
#define PROPAGATION_VIEW_H

#include "backends/dns/wire/dns_verdict.h"
#include "spec/jfield.h"

/** A new reference. @t may be NULL: then it is NULL, too. "state" is dns_sight_name: a lame server is
 *  "Lame". Values are shown where a server answers without the wanted one, eight at most. */
json_t *propagation_view(const struct dns_table *t);

#endif
