/* SPDX-License-Identifier: Apache-2.0 */
/* spec_schema: the fields of the kinds as tables. One table for each mapping of a spec drives
 * decoding, defaults, checks of single values, printing, copying, freeing and documentation, so that
 * these cannot drift apart. A field that a later version will honour has its row already, with
 * FIELD_UNSUPPORTED; honouring it means dropping the flag and naming a member. */
#ifndef SPEC_SCHEMA_H
#define SPEC_SCHEMA_H

#include "spec/spec.h"
#include "spec/spec_yaml.h"

#include <jansson.h>

enum field_type {
    FIELD_TEXT,     /* char *, owned */
    FIELD_BOOL,     /* bool */
    FIELD_LONG,     /* long */
    FIELD_DURATION, /* cl_time */
    FIELD_WORD,     /* an enum (or a bool for two words) */
    FIELD_FLAGS,    /* unsigned: a list of words, each a bit */
    FIELD_STRV,     /* struct cl_strv */
    FIELD_MAP,      /* struct string_map */
    FIELD_WORDS,    /* an array of PARTS enums in the record and a size_t beside it */
    FIELD_STRUCT,   /* a record inside the record, or (offset 0) members of the same record */
    FIELD_LIST,     /* pointer to records and a size_t */
    FIELD_KEYED,    /* the same, written as a mapping from the record's key; sorted by it */
    FIELD_ANY       /* not looked into */
};
enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_UNSUPPORTED = 2, /* refused by name unless empty or false */
    FIELD_WARN = 4,        /* accepted without effect; doc says why */
    FIELD_REFUSED = 8,     /* an error of which doc is the text */
    FIELD_IGNORED = 16,    /* accepted in silence */
    FIELD_COMPAT = 32,     /* with others: in cert-manager documents; elsewhere doc is the error */
    FIELD_CONFIG = 64,     /* in a Configuration only; doc names it */
    FIELD_ONE = 128,       /* LIST: the only entry may stand without a list */
    FIELD_OPTIONAL = 256,  /* STRUCT: no defaults if it is absent */
    FIELD_SET = 512        /* STRV: repeated values are dropped */
};
/* A word of an enum. */
struct schema_word {
    const char *name;
    unsigned value;
    bool unsupported;
};
/** Checks a value and returns its normal form (owned), or NULL and a reason in @why. */
typedef char *schema_value(const char *text, char *why, size_t why_size);

struct schema;
struct schema_field {
    const char *key;
    const char *alias; /* also accepted */
    enum field_type type;
    unsigned flags;
    size_t offset, size;             /* of the member; pointers of LIST and KEYED */
    size_t count_offset;             /* LIST, KEYED, WORDS */
    const char *def;                 /* default, as written; lists are separated by commas */
    const char *def_compat;          /* in cert-manager documents, if it differs */
    schema_value *value;             /* TEXT, STRV */
    const struct schema_word *words; /* WORD, FLAGS, WORDS, STRV; ends with a NULL name */
    const struct schema *sub;        /* STRUCT, LIST, KEYED */
    long min, max;                   /* LONG; max 0 = no limits */
    size_t tag_offset;               /* STRUCT: tag_size bytes here say that it was given */
    unsigned tag_size, tag;
    const char *doc; /* one sentence for people */
};
struct schema {
    const char *name;
    size_t size;                       /* of the record */
    size_t key_offset;                 /* KEYED: of the char * that holds the key */
    schema_value *key_value;           /* KEYED: checks the key */
    const char *short_scalar;          /* key that a lone scalar stands for */
    const char *short_list;            /* key that a lone list stands for */
    const struct schema_field *fields; /* ends with a NULL key */
};

/* Rows: where the member is. */
#define ROW(key_, type_, struct_, member_)                                             \
    .key = (key_), .type = FIELD_##type_, .offset = offsetof(struct struct_, member_), \
    .size = sizeof(((struct struct_ *)0)->member_)
#define ROWS(key_, type_, struct_, items_, count_) \
    ROW(key_, type_, struct_, items_), .count_offset = offsetof(struct struct_, count_)
/* A nested mapping whose fields are members of the same record. */
#define ROW_FLAT(key_) .key = (key_), .type = FIELD_STRUCT
/* No member: the row only says what happens to the key. */
#define ROW_BARE(key_, type_) .key = (key_), .type = FIELD_##type_
#define ROW_END     \
    {               \
        .key = NULL \
    }
/* STRUCT: presence sets @member_ of @struct_ to @value_. */
#define ROW_TAG(struct_, member_, value_)            \
    .tag_offset = offsetof(struct struct_, member_), \
    .tag_size = sizeof(((struct struct_ *)0)->member_), .tag = (value_)
#define SCHEMA(name_, struct_, fields_) \
    .name = (name_), .size = sizeof(struct struct_), .fields = (fields_)

/* What decoding needs to know besides the tree. */
struct schema_context {
    struct spec_problems *problems;
    enum spec_api api;
    enum spec_kind kind;
    bool trusted; /* canonical text: bounds of the Configuration were checked when it was written */
};

/** Fills the zeroed @record from @node, which is at @path ("spec"); defaults for what is absent.
 *  Problems go to context->problems; a record with errors can still be freed. Aliases of keys are
 *  renamed in the tree, so that later rules find them. */
void schema_decode(const struct schema_context *context, const struct schema *schema,
                   struct yaml_node *node, const char *path, void *record);
/** Prints in the order of the table; what is empty and has no default is left out. New reference. */
json_t *schema_print(const struct schema *schema, const void *record);
/** Frees what the record owns and zeroes it. */
void schema_deinit(const struct schema *schema, void *record);
/** Deep copy; @dst is taken as uninitialised. */
void schema_copy(const struct schema *schema, void *dst, const void *src);
/** The name of a value, or NULL. */
const char *schema_word_name(const struct schema_word *words, unsigned value);

/* For the functions above, and for rules that read members: */
void *schema_member(const struct schema_field *f, void *record);
const void *schema_member_const(const struct schema_field *f, const void *record);
unsigned schema_word_get(const struct schema_field *f, const void *record);
size_t schema_count(const struct schema_field *f, const void *record);
/** Entry @i of a LIST or KEYED. */
const void *schema_entry(const struct schema_field *f, const void *record, size_t i);

#endif
