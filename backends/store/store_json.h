/* SPDX-License-Identifier: Apache-2.0 */
/* store_json: what the state files of this folder share: times kept to the millisecond, a schema
 * number, and errors that name the file. */
#ifndef STORE_JSON_H
#define STORE_JSON_H

#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"

#include <jansson.h>
#include <stddef.h>

/* A cl_time member, written as a number of milliseconds: exact, also for CL_NEVER. */
struct store_time {
    const char *key;
    size_t offset;
};
void store_times_write(const struct store_time *rows, size_t n, json_t *o, const void *record);
int store_times_read(const struct store_time *rows, size_t n, const json_t *o, void *record,
                     struct cl_err *err);

/** Parses a state file's text: an object whose "schema" is 1..@schema. Reasons: "StateCorrupt",
 *  "StateTooNew". @what names the file or the record. NULL on error. */
json_t *store_parse(const char *text, unsigned schema, const char *what, struct cl_err *err);
/** Turns any error of decoding into StateCorrupt, naming @what; always -1. */
int store_corrupt(struct cl_err *err, const char *what);

/** The text of @o in a secret buffer, initialised here. */
void store_print_secret(const json_t *o, struct cl_buf *ret);
/** Overwrites the bytes of a JSON string that held a secret; NULL is fine. */
void store_wipe_string(json_t *string);

#endif
