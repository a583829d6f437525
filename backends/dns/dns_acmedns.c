/* SPDX-License-Identifier: Apache-2.0 */
/* dns_acmedns: zones are accounts here. The zone of a name is the full domain of the account whose
 * target it is, or of the domain's account; a domain without an account gets one, which is durable
 * before anybody is told of it. Nothing is ever deleted at the server: an account keeps its last two
 * values, and the next two take their place. */
#include "backends/dns/dns_acmedns.h"

#include "backends/dns/dns_each.h"
#include "backends/rt/disk.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/base/cl_map.h"
#include "spec/jfield.h"

#include <string.h>

#define CHALLENGE_LABEL "_acme-challenge."
#define STATE_MAX ((size_t)4 << 20)
#define BODY_SHOWN 200
#define BODY_MAX (64 << 10)

struct acmedns {
    struct dns_provider_head head;
    struct loop *loop;
    struct http *http;
    char *host, *state_path;
    json_t *given; /* the user's file; never written */
    json_t *own;   /* registered by us */
    struct cl_strv allow_from;
    struct cl_map registering; /* domain -> struct registration */
};
struct registration { /* of one domain; several may wait for it: an apex and its wildcard */
    struct acmedns *p;
    struct dns_zone_op **ops;
    size_t n;
    char *domain;
    struct http_op request;
    struct cl_op commit;
    json_t *account;
};
struct run {
    struct dns_each each; /* first */
    struct acmedns *p;
    struct http_op request;
};

static struct acmedns *self(struct dns_provider *p)
{
    return (struct acmedns *)(void *)p;
}

static void traits(struct dns_provider *p, struct dns_traits *ret)
{
    (void)p;
    *ret = (struct dns_traits){.values_per_name = 2, .concurrency = 4, .ttl = 1};
}

/* ---- accounts ---- */

static const char *text_of(const json_t *account, const char *key)
{
    return json_string_value(json_object_get(account, key));
}

static bool account_ok(const json_t *a)
{
    return text_of(a, "username") != NULL && text_of(a, "password") != NULL &&
           text_of(a, "subdomain") != NULL && text_of(a, "fulldomain") != NULL;
}

static const json_t *find_in(json_t *accounts, const char *domain, const char *fqdn)
{
    const char *key;
    json_t *a;

    json_object_foreach(accounts, key, a)
    {
        const char *full = text_of(a, "fulldomain");
        if (account_ok(a) && (cl_streq(key, domain) || cl_streq(full, fqdn))) {
            return a;
        }
    }
    return NULL;
}

/* By domain, or by the name that updates of it appear at. */
static const json_t *find_account(const struct acmedns *p, const char *fqdn)
{
    const char *domain =
        cl_str_starts(fqdn, CHALLENGE_LABEL) ? fqdn + strlen(CHALLENGE_LABEL) : fqdn;
    const json_t *a = find_in(p->given, domain, fqdn);

    return a != NULL ? a : find_in(p->own, domain, fqdn);
}

/* ---- zones: registration ---- */

static void zone_end(struct registration *r, const struct cl_err *err)
{
    struct cl_err own = *err; /* it may belong to what ends here */

    (void)cl_map_remove(&r->p->registering, r->domain);
    for (size_t i = 0; i < r->n; i++) {
        cl_op_done(&r->ops[i]->op, &own);
    }
    json_decref(r->account);
    cl_free(r->ops);
    cl_free(r->domain);
    cl_free(r);
}

static void saved(struct cl_op *commit, const struct cl_err *err)
{
    struct registration *r = commit->user;
    struct cl_err own = {0};

    if (err != NULL) {
        zone_end(r, err);
        return;
    }
    (void)cl_fail(&own, CL_ERR_LOCAL, "CNAMEMissing",
                  "an account was registered; now publish the record " CHALLENGE_LABEL
                  "%s. CNAME %s.",
                  r->domain, text_of(r->account, "fulldomain"));
    zone_end(r, &own);
}

static void save(struct registration *r)
{
    struct acmedns *p = r->p;
    json_t *o = json_deep_copy(p->own);
    struct disk_batch *b = disk_batch_create();

    json_put(o, "schema", json_integer(1));
    char *text = json_print(o, JSON_INDENT(2), true);
    disk_batch_write(b, p->state_path, text, strlen(text), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    r->commit = (struct cl_op){.done = saved, .user = r};
    disk_commit(p->loop, b, &r->commit);
    cl_free_secret(text);
    json_decref(o);
}

/* What an answer that is no success means. */
static int judge(const struct acmedns *p, const struct http_op *q, const char *what,
                 struct cl_err *err)
{
    char body[BODY_SHOWN + 8];
    bool refused = q->status == 401 || q->status == 403;

    if (q->status >= 200 && q->status < 300) {
        return 0;
    }
    (void)cl_clean(body, sizeof(body), cl_buf_str(&q->body),
                   q->body.len < BODY_SHOWN ? q->body.len : BODY_SHOWN);
    (void)cl_fail(err, q->status >= 500 || q->status == 429 ? CL_ERR_TRANSIENT : CL_ERR_LOCAL,
                  refused ? "AuthFailed" : "ProviderRefused", "%s %s: HTTP %ld: %s", p->host, what,
                  q->status, body);
    err->http_status = (int)q->status;
    return -1;
}

static void registered(struct cl_op *op, const struct cl_err *err)
{
    struct registration *r = op->user;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
        cl_wrap(&own, "%s register", r->p->host);
        zone_end(r, &own);
        return;
    }
    if (judge(r->p, &r->request, "register", &own) < 0) {
        zone_end(r, &own);
        return;
    }
    r->account = json_parse_object(cl_buf_str(&r->request.body), NULL);
    if (r->account == NULL || !account_ok(r->account)) {
        (void)cl_fail(&own, CL_ERR_BAD_RESULT, "BadAnswer",
                      "%s register: the answer is not an account of acme-dns", r->p->host);
        zone_end(r, &own);
        return;
    }
    cl_log_mask(text_of(r->account, "password"));
    json_put(r->p->own, r->domain, json_incref(r->account));
    save(r);
}

static void wait_for(struct registration *r, struct dns_zone_op *op)
{
    r->ops = cl_reallocarray(r->ops, r->n + 1, sizeof(*r->ops));
    r->ops[r->n++] = op;
    op->op.impl = r;
    op->op.cancel = NULL; /* others may want the account, and it ends soon */
}

static void register_account(struct acmedns *p, struct dns_zone_op *op)
{
    const char *domain = op->fqdn + strlen(CHALLENGE_LABEL);
    struct registration *r = cl_map_get(&p->registering, domain);

    if (r != NULL) {
        wait_for(r, op);
        return;
    }
    struct cl_strv headers = {0};
    json_t *o = json_object();
    char *url = cl_printf("%s/register", p->host);
    r = cl_new(struct registration);
    r->p = p;
    r->domain = cl_strdup(domain);
    (void)cl_map_set(&p->registering, domain, r);
    wait_for(r, op);
    if (p->allow_from.len > 0) {
        json_put(o, "allowfrom", json_strv(&p->allow_from));
    }
    char *body = json_print(o, JSON_COMPACT, false);
    cl_strv_add(&headers, "Content-Type: application/json");
    const struct http_request req = {.method = "POST",
                                     .once = true,
                                     .url = url,
                                     .headers = &headers,
                                     .body = body,
                                     .body_len = strlen(body),
                                     .max_body = BODY_MAX,
                                     .allow_http = true};
    r->request = (struct http_op){.op = {.done = registered, .user = r}};
    http_start(p->http, &req, &r->request);
    cl_strv_deinit(&headers);
    json_decref(o);
    cl_free(body);
    cl_free(url);
}

static void zone(struct dns_provider *provider, struct dns_zone_op *op)
{
    struct acmedns *p = self(provider);
    const json_t *a = find_account(p, op->fqdn);
    struct cl_err err = {0};

    if (a == NULL && !cl_str_starts(op->fqdn, CHALLENGE_LABEL)) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "ZoneNotFound",
                      "%s is the target of a CNAME, but no account at %s has that name", op->fqdn,
                      p->host);
        op_later(p->loop, &op->op, &err);
    } else if (a == NULL) {
        register_account(p, op);
    } else if (!cl_streq(text_of(a, "fulldomain"), op->fqdn) && op->soa_zone != NULL) {
        /* the DNS was asked, and there is no CNAME to the account: the CA would find nothing */
        (void)cl_fail(&err, CL_ERR_LOCAL, "CNAMEMissing", "publish the record %s. CNAME %s.",
                      op->fqdn, text_of(a, "fulldomain"));
        op_later(p->loop, &op->op, &err);
    } else {
        dns_zone_given(p->loop, op, text_of(a, "fulldomain"));
    }
}

/* ---- updates ---- */

static void updated(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
        cl_wrap(&own, "%s update", r->p->host);
    } else {
        (void)judge(r->p, &r->request, "update", &own);
    }
    dns_each_next(&r->each, own.kind != CL_ERR_NONE ? &own : NULL);
}

static void send_value(struct run *r, const json_t *account, const char *value)
{
    struct acmedns *p = r->p;
    struct cl_strv headers = {0};
    json_t *o = json_object();
    char *url = cl_printf("%s/update", p->host);

    json_put(o, "subdomain", json_text(text_of(account, "subdomain")));
    json_put(o, "txt", json_text(value));
    char *body = json_print(o, JSON_COMPACT, false);
    cl_strv_add(&headers, "Content-Type: application/json");
    cl_strv_take(&headers, cl_printf("X-Api-User: %s", text_of(account, "username")));
    cl_strv_take(&headers, cl_printf("X-Api-Key: %s", text_of(account, "password")));
    const struct http_request req = {.method = "POST",
                                     .url = url,
                                     .headers = &headers,
                                     .body = body,
                                     .body_len = strlen(body),
                                     .max_body = BODY_MAX,
                                     .allow_http = true};
    r->request = (struct http_op){.op = {.done = updated, .user = r}};
    dns_each_under(&r->each, &r->request.op);
    http_start(p->http, &req, &r->request);
    cl_wipe(headers.items[2], strlen(headers.items[2]));
    cl_strv_deinit(&headers);
    json_decref(o);
    cl_free(body);
    cl_free(url);
}

static void send_item(struct dns_each *each, const struct dns_item *item)
{
    struct run *r = (struct run *)(void *)each;
    const json_t *account = find_account(r->p, each->op->zone);
    struct cl_err err = {0};

    if (!item->present) { /* pushed out by the next ones */
        dns_each_next(each, NULL);
    } else if (account == NULL) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "ZoneNotFound", "the account of %s is gone",
                      each->op->zone);
        dns_each_next(each, &err);
    } else {
        send_value(r, account, item->value);
    }
}

static void apply(struct dns_provider *p, struct dns_apply_op *op)
{
    struct run *r = cl_new(struct run);

    r->p = self(p);
    dns_each_start(&r->each, r->p->loop, op, send_item);
}

/* ---- life ---- */

static void destroy(struct dns_provider *provider)
{
    struct acmedns *p = self(provider);

    json_decref(p->given);
    json_decref(p->own);
    cl_strv_deinit(&p->allow_from);
    cl_map_deinit(&p->registering);
    cl_free(p->head.name);
    cl_free(p->host);
    cl_free(p->state_path);
    cl_free(p);
}

static const struct dns_provider_ops OPS = {
    .kind = "acmeDNS", .traits = traits, .zone = zone, .apply = apply, .destroy = destroy};

/* Accounts that were registered in the past. */
static int load_state(struct acmedns *p, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_err own = {0};
    int rc = disk_read(p->state_path, STATE_MAX, &text, NULL, &own);

    text.secret = true;
    if (rc == 0) {
        p->own = json_parse_object(cl_buf_str(&text), &own);
        (void)json_object_del(p->own, "schema");
    } else if (cl_streq(own.reason, "NotFound")) {
        p->own = json_object();
    }
    cl_buf_deinit(&text);
    return p->own != NULL
               ? 0
               : cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "%s: %s", p->state_path, own.text);
}

static void mask_passwords(json_t *accounts)
{
    const char *key;
    json_t *a;

    json_object_foreach(accounts, key, a)
    {
        if (account_ok(a)) {
            cl_log_mask(text_of(a, "password"));
        }
    }
}

int dns_acmedns_create(const struct dns_acmedns_params *params, struct dns_provider **ret,
                       struct cl_err *err)
{
    struct acmedns *p = cl_new(struct acmedns);
    size_t len = strlen(params->host);

    while (len > 0 && params->host[len - 1] == '/') {
        len--;
    }
    p->head.ops = &OPS;
    p->loop = params->loop;
    p->http = params->http;
    p->host = cl_strndup(params->host, len);
    p->state_path = cl_strdup(params->state_path);
    p->head.name = cl_printf("acmeDNS %s", p->host);
    if (params->allow_from != NULL) {
        cl_strv_copy(&p->allow_from, params->allow_from);
    }
    if (load_state(p, err) < 0) {
        destroy((struct dns_provider *)(void *)p);
        return -1;
    }
    if (params->accounts != NULL) {
        struct cl_err own = {0};
        p->given = json_parse_object(params->accounts, &own);
        if (p->given == NULL) {
            destroy((struct dns_provider *)(void *)p);
            return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                           "the file of accounts is not {DOMAIN: {username, password, fulldomain, "
                           "subdomain}}: %s",
                           own.text);
        }
    }
    mask_passwords(p->given);
    mask_passwords(p->own);
    *ret = (struct dns_provider *)(void *)p;
    return 0;
}
