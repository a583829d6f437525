/* SPDX-License-Identifier: Apache-2.0 */
/* status_fields: the tables behind the status file, shared by its writer, its reader and the
 * destructor. The order of rows is the order in the file. */
#ifndef STATUS_FIELDS_H
#define STATUS_FIELDS_H

#include "spec/jfield.h"

extern const struct jtable STATUS_METADATA;    /* members of struct status */
extern const struct jtable STATUS_SOURCE;      /* struct status_source */
extern const struct jtable STATUS_ISSUER_REF;  /* members of struct status */
extern const struct jtable STATUS_USED_ISSUER; /* members of struct status */
extern const struct jtable STATUS_EXTRA;       /* of the certificate, beside its facts */
extern const struct jtable STATUS_VALIDITY;    /* members of struct status */
extern const struct jtable STATUS_SCHEDULE;    /* members of struct status */
extern const struct jtable STATUS_CONDITION;   /* struct condition, without type and status */
extern const struct jtable STATUS_ERROR;       /* struct status_error, without class */
extern const struct jtable STATUS_OUTPUT;      /* struct status_output */
extern const struct jtable STATUS_HOOK;        /* struct status_hook */
extern const struct jtable STATUS_PROBE;       /* struct status_probe */
extern const struct jtable STATUS_EVENT;       /* struct status_event, without type */

#endif
