/* SPDX-License-Identifier: Apache-2.0 */
/* acme_msg_impl: reading members of the CA's JSON; shared by acme_msg.c and acme_msg_order.c. */
#ifndef ACME_MSG_IMPL_H
#define ACME_MSG_IMPL_H

#include "backends/acme/acme_msg.h"

#include <jansson.h>

#define ACME_JSON_TEXT_MAX 1024u /* any string that is no URL and no detail */

/** An object, or NULL with @err: "the CA's WHAT is not a JSON object". New reference. */
json_t *acme_json_load(const char *text, size_t len, const char *what, struct cl_err *err);
/** Borrowed; NULL if it is missing, no string, or longer than @max. */
const char *acme_json_text(const json_t *object, const char *key, size_t max);
int acme_json_url(const json_t *object, const char *key, bool allow_http, char **ret,
                  struct cl_err *err);
int acme_json_status(const json_t *object, enum acme_status *ret, struct cl_err *err);
/** 0 if it is missing or no time. */
cl_time acme_json_time(const json_t *object, const char *key);
/** Fails, leaving @ret alone, if it is malformed. */
int acme_json_identifier(const json_t *v, struct acme_identifier *ret);
void acme_identifier_deinit(struct acme_identifier *id);
/** Fails, leaving @ret alone, if it is no problem document. */
int acme_json_problem(const json_t *object, struct acme_problem *ret);

#endif
