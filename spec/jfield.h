/* SPDX-License-Identifier: Apache-2.0 */
/* jfield: a table that maps the members of a struct to those of a JSON object. One table writes,
 * reads, copies and frees, so that the four cannot drift apart. For manifest and status. */
#ifndef JFIELD_H
#define JFIELD_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum jfield_type {
    JF_TEXT,     /* char *, owned; absent and null are NULL */
    JF_WORD,     /* char *, owned; absent and null are "", NULL is written as "" */
    JF_HASH,     /* char[CL_SHA256_TEXT] */
    JF_STRV,     /* struct cl_strv; an array of strings */
    JF_TIME,     /* cl_time; RFC 3339 or null (also for CL_NEVER) */
    JF_LONG,     /* long */
    JF_INT,      /* int */
    JF_UNSIGNED, /* unsigned */
    JF_BOOL      /* bool */
};
struct jfield {
    const char *key;
    enum jfield_type type;
    size_t offset;
    bool omit_empty; /* NULL, "", 0, false and [] are left out; JF_TEXT leaves NULL out always */
};
#define JFIELD(type_, struct_, member_, key_)                 \
    {                                                         \
        key_, type_, offsetof(struct struct_, member_), false \
    }
#define JFIELD_OPT(type_, struct_, member_, key_)            \
    {                                                        \
        key_, type_, offsetof(struct struct_, member_), true \
    }

/* A table and the struct that it describes. */
struct jtable {
    const struct jfield *rows;
    size_t n;
    size_t size; /* of the struct */
};
#define JTABLE(rows_, struct_)                                            \
    {                                                                     \
        rows_, sizeof(rows_) / sizeof((rows_)[0]), sizeof(struct struct_) \
    }

/** Appends the members of @record to @o in the order of the table. */
void jtable_write(const struct jtable *t, json_t *o, const void *record);
/** Fills the members of a zeroed @record from @o; members of @o without a row are ignored. A value
 *  of the wrong type or out of range is an error (kind LOCAL, reason InvalidJSON); what was read
 *  until then stays in @record. */
int jtable_read(const struct jtable *t, const json_t *o, void *record, struct cl_err *err);
/** Frees what @record owns through the table and sets those members to NULL or empty. */
void jtable_free(const struct jtable *t, void *record);
/** Copies member by member into @dst, which is taken as uninitialised. */
void jtable_copy(const struct jtable *t, void *dst, const void *src);
/** Removes the keys of the table from @o. */
void jtable_drop(const struct jtable *t, json_t *o);

/** The same for an array of @n records. */
json_t *jtable_write_list(const struct jtable *t, const void *items, size_t n);
/** @array may be NULL or null. *ret is freed with jtable_free_list, also after an error. */
int jtable_read_list(const struct jtable *t, const json_t *array, void **ret, size_t *ret_n,
                     struct cl_err *err);
void jtable_free_list(const struct jtable *t, void *take_items, size_t n);

/** Sets a member; @take_value is owned by @o from now on and must not be NULL. */
void json_put(json_t *o, const char *key, json_t *take_value);
/** A new JSON string of @s (NULL as ""); what is not UTF-8 is escaped as cl_clean does. */
json_t *json_text(const char *s);
/** RFC 3339, or null for 0 and CL_NEVER. */
json_t *json_time(cl_time t);
/** An array of strings. */
json_t *json_strv(const struct cl_strv *v);
/** Parses an object: duplicate keys, other values and texts past the object are errors (kind LOCAL,
 *  reason InvalidJSON). NULL on error. */
json_t *json_parse_object(const char *text, struct cl_err *err);
/** The text of @o and a newline if @newline; owned by the caller (cl_free). Of jansson's @flags those
 *  for indentation, JSON_COMPACT and JSON_SORT_KEYS have effect (jprint.c). */
char *json_print(const json_t *o, size_t flags, bool newline);

#endif
