/* SPDX-License-Identifier: Apache-2.0 */
/* requests_internal: between requests.c (files, what is answered at once) and requests_ca.c (what a CA
 * is asked first). */
#ifndef REQUESTS_INTERNAL_H
#define REQUESTS_INTERNAL_H

#include "reconciler/requests.h"

#include <jansson.h>
#include <stdbool.h>

struct requests {
    struct daemon *d;
    char *directory;
    bool scanning;
};
/** Writes NAME.done. */
void requests_answer(struct requests *r, const char *name, json_t *take_answers);
/** One entry of answers. */
json_t *requests_entry(const char *object, bool accepted, const char *text);
/** account and revoke: true if the answer comes later, false if @answers says why not. */
bool requests_ca(struct requests *r, const char *name, const json_t *request, unsigned uid,
                 json_t *answers);

#endif
