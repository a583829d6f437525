/* SPDX-License-Identifier: Apache-2.0 */
/* name_problems: what is wrong with which name, as the CA says (RFC 8555 6.7.1): one entry for each
 * name of a certificate. Plain data plus JSON, for memory and status. */
#ifndef NAME_PROBLEMS_H
#define NAME_PROBLEMS_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"

#include <jansson.h>

struct name_problem {
    char *identifier; /* "*.example.com", "192.0.2.1"; lower case */
    char *type;       /* problem type URN, "" if none */
    char *detail;     /* for people; cleaned */
};
struct name_problems {
    struct name_problem *items; /* one for each identifier */
    size_t len;
};
#define NAME_PROBLEMS_MAX 1000u
void name_problems_deinit(struct name_problems *p);
/** The first word about a name counts. @detail is foreign: it is cleaned here. @type may lack the
 *  prefix of ACME's problem types. */
void name_problems_add(struct name_problems *p, const char *identifier, const char *type,
                       const char *detail);
/** @dst is taken as uninitialised. */
void name_problems_copy(struct name_problems *dst, const struct name_problems *src);
/** [{identifier, type, detail}]; new reference. */
json_t *name_problems_write(const struct name_problems *p);
/** @array may be NULL. @ret is deinitialised by the caller, also after an error. */
int name_problems_read(const json_t *array, struct name_problems *ret, struct cl_err *err);

#endif
