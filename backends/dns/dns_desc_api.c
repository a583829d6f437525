/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_api: reads request, login, sign, zone and the model of a description. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void read_request(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"base", "headers", "query", "basic", "wrap", "as",
                                       "ok",   "error",   "retry", "let",   NULL};
    static const char *const WRAP[] = {"json", "form", NULL};
    static const char *const RETRY[] = {"where", NULL};
    struct dns_api *a = r->d->api;

    r->place = "request";
    if (node == NULL || !dns_check_keys(r, node, "request", KEYS)) {
        return;
    }
    a->request.base = dns_read_tpl(r, yaml_get(node, "base"));
    a->request.headers = dns_read_tpl(r, yaml_get(node, "headers"));
    a->request.query = dns_read_tpl(r, yaml_get(node, "query"));
    dns_read_basic(r, yaml_get(node, "basic"), &a->request.user, &a->request.password);
    const struct yaml_node *wrap = yaml_get(node, "wrap");
    if (wrap != NULL && dns_check_keys(r, wrap, "request.wrap", WRAP) && wrap->len == 1) {
        a->request.wrap_kind =
            cl_streq(wrap->keys[0]->text, "json") ? DNS_BODY_JSON : DNS_BODY_FORM;
        a->request.wrap = dns_read_tpl(r, wrap->items[0]);
    } else if (wrap != NULL) {
        dns_complain(r, wrap, "request.wrap needs one of json and form");
    }
    a->request.as = dns_read_as(r, yaml_get(node, "as"));
    dns_read_ok(r, yaml_get(node, "ok"), &a->request.ok);
    a->request.error = dns_read_tpl(r, yaml_get(node, "error"));
    const struct yaml_node *retry = yaml_get(node, "retry");
    if (retry != NULL && dns_check_keys(r, retry, "request.retry", RETRY)) {
        a->request.retry = dns_read_where(r, yaml_get(retry, "where"));
    }
    dns_read_assign(r, yaml_get(node, "let"), &a->request.let);
}

/* What login sets is session.NAME; its calls go without what `request` adds. */
static void note_session(struct dns_reader *r, const struct dns_calls *calls)
{
    for (size_t i = 0; i < calls->len; i++) {
        for (size_t k = 0; k < calls->items[i].set.len; k++) {
            cl_strv_add(&r->session, calls->items[i].set.names[k]);
        }
        note_session(r, &calls->items[i].each_do);
    }
}

static void read_login(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"calls", "expires", "logout", NULL};
    struct dns_api *a = r->d->api;

    r->place = "login";
    if (node == NULL || !dns_check_keys(r, node, "login", KEYS)) {
        return;
    }
    a->has_login = true;
    dns_read_calls(r, yaml_get(node, "calls"), "login", &a->login.calls);
    dns_read_calls(r, yaml_get(node, "logout"), "login.logout", &a->login.logout);
    a->login.expires = dns_read_duration(r, yaml_get(node, "expires"));
    if (a->login.calls.len == 0) {
        dns_complain(r, node, "login needs calls");
    }
    note_session(r, &a->login.calls);
}

static void read_v4(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"algorithm",    "prefix",  "key",        "secret",
                                       "region",       "service", "terminator", "date_header",
                                       "sign_headers", "date",    "day",        NULL};
    static const char *const NEEDED[] = {"algorithm", "key",        "secret",
                                         "service",   "terminator", NULL};

    if (!dns_check_keys(r, node, "sign.v4", KEYS)) {
        return;
    }
    for (size_t i = 0; NEEDED[i] != NULL; i++) {
        if (yaml_get(node, NEEDED[i]) == NULL) {
            dns_complain(r, node, "sign.v4 needs %s", NEEDED[i]);
        }
    }
    struct dns_v4 *v = cl_new(struct dns_v4);
    struct dns_tpl **members[] = {&v->algorithm,    &v->prefix,  &v->key,        &v->secret,
                                  &v->region,       &v->service, &v->terminator, &v->date_header,
                                  &v->sign_headers, &v->date,    &v->day};
    for (size_t i = 0; KEYS[i] != NULL; i++) {
        *members[i] = dns_read_tpl(r, yaml_get(node, KEYS[i]));
    }
    r->d->api->sign.v4 = v;
}

static void read_sign(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"let", "headers", "query", "v4", NULL};
    struct dns_api *a = r->d->api;

    r->place = "sign";
    if (node == NULL || !dns_check_keys(r, node, "sign", KEYS)) {
        return;
    }
    a->has_sign = true;
    const struct yaml_node *v4 = yaml_get(node, "v4");
    if (v4 != NULL) {
        read_v4(r, v4);
    }
    dns_read_assign(r, yaml_get(node, "let"), &a->sign.let);
    a->sign.headers = dns_read_tpl(r, yaml_get(node, "headers"));
    a->sign.query = dns_read_tpl(r, yaml_get(node, "query"));
}

const char *dns_zone_by_name(enum dns_zone_by by)
{
    static const char *const NAMES[] = {"soa", "list", "probe", "none", "labels", "config"};

    return NAMES[by];
}

const char *dns_model_name(enum dns_model model)
{
    static const char *const NAMES[] = {"records", "rrset", "delta", "zonefile", "slot"};

    return NAMES[model];
}

static enum dns_zone_by read_by(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const WORDS[] = {"soa", "list", "probe", "none", "labels", "config", NULL};

    if (node == NULL) {
        return DNS_ZONE_SOA;
    }
    for (size_t i = 0; node->kind == YAML_SCALAR && WORDS[i] != NULL; i++) {
        if (cl_streq(WORDS[i], node->text)) {
            return (enum dns_zone_by)i;
        }
    }
    dns_complain(r, node, "zone.by has to be soa, list, probe, none, labels or config");
    return DNS_ZONE_SOA;
}

static void read_zone(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"by", "call", "name", "where", "set", "labels", NULL};
    struct dns_api *a = r->d->api;

    r->place = "zone";
    if (node == NULL || !dns_check_keys(r, node, "zone", KEYS)) {
        return;
    }
    r->d->zone_by = read_by(r, yaml_get(node, "by"));
    dns_read_calls(r, yaml_get(node, "call"), "zone", &a->zone.call);
    a->zone.name = dns_read_tpl(r, yaml_get(node, "name"));
    a->zone.where = dns_read_where(r, yaml_get(node, "where"));
    dns_read_assign(r, yaml_get(node, "set"), &a->zone.set);
    a->zone.labels = (unsigned)dns_read_long(r, yaml_get(node, "labels"), 1, 10, 0);
    a->zone.by_name = dns_calls_use(&a->zone.call, "name") ||
                      dns_calls_use(&a->zone.call, "zone") ||
                      dns_calls_use(&a->zone.call, "candidate");
    enum dns_zone_by by = r->d->zone_by;
    if ((by == DNS_ZONE_LIST || by == DNS_ZONE_PROBE) && a->zone.call.len == 0) {
        dns_complain(r, node, "zone.by: %s needs zone.call", dns_zone_by_name(by));
    }
    if (by == DNS_ZONE_LABELS && a->zone.labels == 0) {
        dns_complain(r, node, "zone.by: labels needs labels: how many the zone has");
    }
    if (a->zone.name == NULL && (by == DNS_ZONE_LIST || by == DNS_ZONE_CONFIG ||
                                 (by == DNS_ZONE_SOA && a->zone.call.len > 0))) {
        dns_complain(r, node, "zone.by: %s needs name: which member of an item is its name",
                     dns_zone_by_name(by));
    }
}

/* One key of a model: which calls it fills. */
struct part {
    const char *key, *place;
    struct dns_calls *calls;
    bool needed;
    const char *why; /* what a missing one means */
};

static void read_parts(struct dns_reader *r, const struct yaml_node *node, const char *model,
                       const struct part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *calls = yaml_get(node, parts[i].key);
        dns_read_calls(r, calls, parts[i].place, parts[i].calls);
        if (calls == NULL && parts[i].needed) {
            dns_complain(r, node, "%s needs %s: %s", model, parts[i].key, parts[i].why);
        }
    }
}

static void read_batch(struct dns_reader *r, const struct yaml_node *node, const char *place)
{
    static const char *const KEYS[] = {"max", "write", NULL};
    struct dns_api *a = r->d->api;

    if (node == NULL || !dns_check_keys(r, node, "batch", KEYS)) {
        return;
    }
    a->batch_max = (size_t)dns_read_long(r, yaml_get(node, "max"), 1, 10000, 50);
    dns_read_calls(r, yaml_get(node, "write"), place, &a->batch);
    if (a->batch.len == 0) {
        dns_complain(r, node, "batch needs write: the call that sees `changes`");
    }
    r->d->batches = a->batch.len > 0;
}

#define LIST_WHY "without it nobody can tell which values are there, after a crash for one"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void read_records(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"add", "list", "item", "remove", "batch", NULL};
    struct dns_api *a = r->d->api;
    bool batch = yaml_get(node, "batch") != NULL;
    const struct part parts[] = {
        {"list", "records.list", &a->get, true, LIST_WHY},
        {"add", "records.add", &a->add, !batch, "how one record is created"},
        {"remove", "records.remove", &a->remove, !batch, "how one record is deleted"}};

    if (dns_check_keys(r, node, "records", KEYS)) {
        read_parts(r, node, "records", parts, COUNT(parts));
        read_batch(r, yaml_get(node, "batch"), "records.batch");
        dns_read_item(r, yaml_get(node, "item"), &a->item);
    }
}

static void read_rrset(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"get",    "item",  "create", "put",
                                       "delete", "batch", "exists", NULL};
    struct dns_api *a = r->d->api;
    bool batch = yaml_get(node, "batch") != NULL;
    const struct part parts[] = {
        {"get", "rrset.get", &a->get, true, LIST_WHY},
        {"create", "rrset.create", &a->create, false, ""},
        {"put", "rrset.put", &a->put, !batch, "how all values of a name are written"},
        {"delete", "rrset.delete", &a->drop, !batch, "how the last value goes"}};

    if (dns_check_keys(r, node, "rrset", KEYS)) {
        read_parts(r, node, "rrset", parts, COUNT(parts));
        read_batch(r, yaml_get(node, "batch"), "rrset.batch");
        dns_read_item(r, yaml_get(node, "item"), &a->item);
        char *exists = dns_read_text(r, yaml_get(node, "exists"), "");
        a->exists_always = cl_streq(exists, "always");
        if (*exists != '\0' && !a->exists_always) {
            dns_complain(r, yaml_get(node, "exists"), "exists can only be: always");
        }
        cl_free(exists);
    }
}

static void read_delta(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"add", "remove", "change", "list", "item", "batch", NULL};
    struct dns_api *a = r->d->api;
    bool one = yaml_get(node, "change") != NULL || yaml_get(node, "batch") != NULL;
    const struct part parts[] = {
        {"list", "delta.list", &a->get, false, ""},
        {"change", "delta.change", &a->change, false, ""},
        {"add", "delta.add", &a->add, !one, "how values are added (or change: both at once)"},
        {"remove", "delta.remove", &a->remove, !one, "how values are removed"}};

    if (dns_check_keys(r, node, "delta", KEYS)) {
        read_parts(r, node, "delta", parts, COUNT(parts));
        read_batch(r, yaml_get(node, "batch"), "delta.batch");
        dns_read_item(r, yaml_get(node, "item"), &a->item);
    }
}

static void read_zonefile(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"get", "item", "record", "put", NULL};
    struct dns_api *a = r->d->api;
    const struct part parts[] = {
        {"get", "zonefile.get", &a->get, true, "all records, which are written back unchanged"},
        {"put", "zonefile.put", &a->put, true, "how all records are written"}};

    if (dns_check_keys(r, node, "zonefile", KEYS)) {
        read_parts(r, node, "zonefile", parts, COUNT(parts));
        dns_read_item(r, yaml_get(node, "item"), &a->item);
        r->place = "zonefile.record";
        a->record = dns_read_tpl(r, yaml_get(node, "record"));
        if (a->record == NULL) {
            dns_complain(r, node, "zonefile needs record: the form of a new record");
        }
        if (a->item.each != NULL) {
            dns_complain(r, yaml_get(node, "item"),
                         "zonefile has no item.each: entries are written back as a whole");
        }
        if (a->item.name == NULL) {
            dns_complain(r, node, "zonefile needs item.name: the zone holds other names, too");
        }
    }
}

static void read_slot(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"values", "set", "clear", NULL};
    struct dns_api *a = r->d->api;
    const struct part parts[] = {{"set", "slot.set", &a->set, true, "how the value is written"},
                                 {"clear", "slot.clear", &a->clear, false, ""}};

    if (dns_check_keys(r, node, "slot", KEYS)) {
        read_parts(r, node, "slot", parts, COUNT(parts));
        r->d->slot_values = (unsigned)dns_read_long(r, yaml_get(node, "values"), 1, 2, 1);
    }
}

static void read_model(struct dns_reader *r, const struct yaml_node *root)
{
    static const struct {
        const char *name, *place;
        void (*read)(struct dns_reader *r, const struct yaml_node *node);
    } MODELS[] = {{"records", "records.item", read_records},
                  {"rrset", "rrset.item", read_rrset},
                  {"delta", "delta.item", read_delta},
                  {"zonefile", "zonefile.item", read_zonefile},
                  {"slot", "slot", read_slot}};
    const struct yaml_node *first = NULL;

    for (size_t i = 0; i < COUNT(MODELS); i++) {
        const struct yaml_node *node = yaml_get(root, MODELS[i].name);
        if (node == NULL) {
            continue;
        }
        if (first != NULL) {
            dns_complain(r, yaml_key(root, MODELS[i].name),
                         "a description has one of records, rrset, delta, zonefile and slot; line "
                         "%u has the first",
                         first->line);
            return;
        }
        first = yaml_key(root, MODELS[i].name);
        r->d->model = (enum dns_model)i;
        r->place = MODELS[i].place;
        MODELS[i].read(r, node);
    }
    if (first == NULL) {
        dns_complain(r, root, "one of records, rrset, delta, zonefile and slot is missing");
    }
}

void dns_read_api(struct dns_reader *r, const struct yaml_node *root)
{
    struct dns_api *a = r->d->api;

    read_request(r, yaml_get(root, "request"));
    read_login(r, yaml_get(root, "login"));
    read_sign(r, yaml_get(root, "sign"));
    read_zone(r, yaml_get(root, "zone"));
    read_model(r, root);
    dns_read_calls(r, yaml_get(root, "wait"), "wait", &a->wait);
    dns_read_calls(r, yaml_get(root, "commit"), "commit", &a->commit);
    char *txt = dns_read_text(r, yaml_get(root, "txt"), "plain");
    a->quoted = cl_streq(txt, "quoted");
    if (!a->quoted && !cl_streq(txt, "plain")) {
        dns_complain(r, yaml_get(root, "txt"), "txt has to be plain or quoted");
    }
    cl_free(txt);
    a->apex = dns_read_text(r, yaml_get(root, "apex"), "@");
    a->get_by_name = dns_calls_use(&a->get, "name");
    r->d->lists = a->get.len > 0 && r->d->model != DNS_SLOT;
    for (size_t i = 0; i < a->wait.len; i++) {
        if (a->wait.items[i].until == NULL && a->wait.items[i].method != NULL) {
            dns_complain(r, yaml_key(root, "wait"),
                         "wait needs until: what the answer says at the end");
        }
    }
}
