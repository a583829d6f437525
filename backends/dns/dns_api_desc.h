/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_desc: the compiled calls of a description. Private to backends/dns: dns_desc_*.c make it,
 * dns_api_*.c run it. */
#ifndef DNS_API_DESC_H
#define DNS_API_DESC_H

#include "backends/dns/dns_description.h"
#include "backends/dns/lang/dns_template.h"
#include "backends/dns/lang/dns_where.h"

enum dns_body { DNS_BODY_NONE, DNS_BODY_JSON, DNS_BODY_FORM, DNS_BODY_XML, DNS_BODY_TEXT };
enum dns_as { DNS_AS_UNSET, DNS_AS_JSON, DNS_AS_XML, DNS_AS_TEXT };
enum dns_page { DNS_PAGE_NONE, DNS_PAGE_NEXT, DNS_PAGE_LAST, DNS_PAGE_SIZE };

/* `set` and `let`: variables in the order of the file, each may use those before it. */
struct dns_assign {
    char **names;
    struct dns_tpl **values;
    size_t len;
};
struct dns_ok {
    bool given; /* this call has an `ok` of its own */
    long status[16];
    size_t n_status; /* 0 = any 2xx */
    struct dns_where *where;
    struct dns_tpl *match; /* extended regular expression over a text answer */
};
struct dns_calls {
    struct dns_call *items;
    size_t len; /* 0 = there is none */
};
struct dns_call {
    unsigned line;
    const char *method; /* NULL: only let, or each */
    struct dns_tpl *url, *query, *headers, *user, *password, *body;
    enum dns_body body_kind;
    enum dns_as as;
    struct dns_ok ok;
    long absent[8];
    size_t n_absent;
    struct dns_where *absent_if;
    struct dns_tpl *error;
    struct dns_tpl *items;
    bool values; /* items are the values of an object */
    struct dns_call *expand;
    enum dns_page page;
    struct dns_tpl *page_expr;
    long page_size, page_start;
    struct dns_assign set, let;
    struct dns_tpl *when;
    struct dns_tpl *each;
    char *each_as;
    struct dns_calls each_do;
    struct dns_where *until, *fail;
    cl_time every, timeout;
    bool plain; /* without what `request` and `sign` add */
};
struct dns_item {
    struct dns_where *where;
    struct dns_tpl *name, *each, *value, *id; /* NULL = not given */
};
/* The "v4" family: AWS Signature Version 4 and those who took it over, by their parameters. */
struct dns_v4 {
    struct dns_tpl *algorithm, *prefix, *key, *secret, *region, *service, *terminator, *date_header,
        *sign_headers, *date, *day;
};
struct dns_api {
    struct {
        struct dns_tpl *base, *headers, *query, *user, *password, *wrap, *error;
        enum dns_body wrap_kind;
        enum dns_as as;
        struct dns_ok ok;
        struct dns_where *retry;
        struct dns_assign let;
    } request;
    bool has_login;
    struct {
        struct dns_calls calls, logout;
        cl_time expires; /* 0 = as long as the API accepts it */
    } login;
    bool has_sign;
    struct {
        struct dns_v4 *v4; /* NULL: the other three */
        struct dns_assign let;
        struct dns_tpl *headers, *query;
    } sign;
    struct {
        struct dns_calls call; /* none: the zone's name is enough */
        struct dns_tpl *name;
        struct dns_where *where;
        struct dns_assign set;
        unsigned labels;
        bool by_name; /* the call names what is looked for: its list is not the whole */
    } zone;
    bool quoted; /* values are written in quotes */
    char *apex;  /* name.rel at the zone itself */
    /* The model. get is records.list, rrset.get, delta.list, zonefile.get. */
    struct dns_calls get, add, remove, create, put, drop, change, set, clear, batch;
    size_t batch_max;
    bool get_by_name;   /* `get` names the name: one read for each */
    bool exists_always; /* rrset.exists: always */
    struct dns_item item;
    struct dns_tpl *record; /* zonefile */
    struct dns_calls wait, commit;
    struct dns_tpl **urls; /* borrowed: every url, to find the origins */
    size_t n_urls;
};
void dns_api_destroy(struct dns_api *a); /* NULL is fine */

/* ---- for the loader's files alone ---- */

/* A template with the place it belongs to, kept until variables are checked. */
struct dns_seen {
    const struct dns_tpl *tpl;
    const char *place; /* "records.add" */
};
struct dns_reader {
    struct spec_problems *problems;
    bool bad;
    struct dns_description *d;
    const char *place;
    struct dns_seen *seen;
    size_t n_seen;
    struct cl_strv names;   /* variables that something sets */
    struct cl_strv session; /* those of login */
};
/** Reports at @node. */
void dns_complain(struct dns_reader *r, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** @node must be a mapping with no other keys than @keys (NULL-terminated). */
bool dns_check_keys(struct dns_reader *r, const struct yaml_node *node, const char *what,
                    const char *const *keys);
struct dns_tpl *dns_read_tpl(struct dns_reader *r,
                             const struct yaml_node *node); /* NULL for NULL */
struct dns_where *dns_read_where(struct dns_reader *r, const struct yaml_node *node);
void dns_read_calls(struct dns_reader *r, const struct yaml_node *node, const char *place,
                    struct dns_calls *ret);
void dns_read_assign(struct dns_reader *r, const struct yaml_node *node, struct dns_assign *ret);
void dns_read_ok(struct dns_reader *r, const struct yaml_node *node, struct dns_ok *ret);
void dns_read_item(struct dns_reader *r, const struct yaml_node *node, struct dns_item *ret);
void dns_read_basic(struct dns_reader *r, const struct yaml_node *node, struct dns_tpl **ret_user,
                    struct dns_tpl **ret_password);
enum dns_as dns_read_as(struct dns_reader *r, const struct yaml_node *node);
/** A word, a whole number, a duration. Absent: @otherwise. */
char *dns_read_text(struct dns_reader *r, const struct yaml_node *node, const char *otherwise);
long dns_read_long(struct dns_reader *r, const struct yaml_node *node, long min, long max,
                   long otherwise);
cl_time dns_read_duration(struct dns_reader *r, const struct yaml_node *node);
bool dns_read_bool(struct dns_reader *r, const struct yaml_node *node);
/** request, login, sign, zone, the model, wait and commit. */
void dns_read_api(struct dns_reader *r, const struct yaml_node *root);
/** Every variable has to be one that is there; origins come from literals and credentials alone. */
void dns_check_variables(struct dns_reader *r);
/** Does anything in @calls use the variable @name? */
bool dns_calls_use(const struct dns_calls *calls, const char *name);
bool dns_tpl_uses(const struct dns_tpl *t, const char *name); /* false for NULL */
/** Frees what a call owns. */
void dns_calls_deinit(struct dns_calls *c);
/** A tree that is @child over @base: see `extends` in providers/README.md. Owned. */
struct yaml_node *dns_yaml_merge(const struct yaml_node *base, const struct yaml_node *child);
void dns_yaml_destroy(struct yaml_node *n);

#endif
