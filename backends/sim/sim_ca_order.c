/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca_order: orders, authorizations, validation by fetching from the daemon, and certificates. */
#include "backends/sim/sim_ca.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_crypto.h"
#include "backends/sim/sim_http.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_ip.h"

#include <string.h>

#define FETCH_EVERY (500 * CL_MS)

/* ---- what an order is ---- */

static bool all_valid(const struct sim_order *o)
{
    for (size_t i = 0; i < o->n_authzs; i++) {
        if (o->authzs[i]->status != AUTHZ_VALID) {
            return false;
        }
    }
    return true;
}

static bool any_bad(const struct sim_order *o)
{
    for (size_t i = 0; i < o->n_authzs; i++) {
        if (o->authzs[i]->status == AUTHZ_INVALID || o->authzs[i]->status == AUTHZ_DEACTIVATED) {
            return true;
        }
    }
    return false;
}

/* Time and authorizations move it on. */
void sim_ca_refresh(struct sim_ca *ca, struct sim_order *o)
{
    if (o->status == ORDER_PENDING && (any_bad(o) || sim->now >= o->expires)) {
        o->status = ORDER_INVALID;
        ca->n_failed_orders++;
    }
    if (o->status == ORDER_PROCESSING && sim->now >= o->ready_at) {
        o->status = ORDER_VALID;
    }
}

static const char *status_text(const struct sim_order *o)
{
    switch (o->status) {
    case ORDER_PENDING:
        return all_valid(o) ? "ready" : "pending";
    case ORDER_PROCESSING:
        return "processing";
    case ORDER_VALID:
        return "valid";
    case ORDER_INVALID:
        break;
    }
    return "invalid";
}

static json_t *identifier(const char *typed)
{
    const char *colon = strchr(typed, ':');

    return json_pack("{s:s#,s:s}", "type", typed, (int)(colon - typed), "value", colon + 1);
}

static void set_url(json_t *o, const char *key, char *take_url)
{
    (void)json_object_set_new(o, key, json_string(take_url));
    cl_free(take_url);
}

static void answer_order(struct sim_ca *ca, struct sim_order *o, long status,
                         struct sim_response *res)
{
    json_t *body = json_object();
    json_t *names = json_array();
    json_t *authzs = json_array();
    char at[CL_TIME_TEXT];

    (void)json_object_set_new(body, "status", json_string(status_text(o)));
    (void)json_object_set_new(body, "expires", json_string(cl_time_format(o->expires, at)));
    cl_strv_for_each(typed, &o->identifiers) {
        (void)json_array_append_new(names, identifier(typed));
    }
    for (size_t i = 0; i < o->n_authzs; i++) {
        char *url = sim_ca_url(ca, "z", o->authzs[i]->id);
        (void)json_array_append_new(authzs, json_string(url));
        cl_free(url);
    }
    (void)json_object_set_new(body, "identifiers", names);
    (void)json_object_set_new(body, "authorizations", authzs);
    set_url(body, "finalize", cl_printf("https://%s/o/%s/finalize", ca->host, o->id));
    if (o->status == ORDER_VALID) {
        set_url(body, "certificate", cl_printf("https://%s/o/%s/chain", ca->host, o->id));
    }
    if (o->status == ORDER_PROCESSING && ca->retry_after > 0) {
        char *seconds = cl_printf("%lld", (long long)(ca->retry_after / CL_SECOND));
        sim_response_header(res, "retry-after", seconds);
        cl_free(seconds);
    }
    char *url = sim_ca_url(ca, "o", o->id);
    sim_response_header(res, "location", url);
    cl_free(url);
    sim_ca_json(res, status, body);
}

void sim_ca_order(struct sim_ca *ca, struct sim_order *o, struct sim_response *res)
{
    sim_ca_refresh(ca, o);
    answer_order(ca, o, 200, res);
}

/* ---- a new one ---- */

static struct sim_authz *reusable(struct sim_ca *ca, const struct sim_account *account,
                                  const char *typed)
{
    char *key = cl_printf("last:%s:%s", account->id, typed);
    struct sim_authz *z = cl_map_get(&ca->authzs, key);

    cl_free(key);
    return z != NULL && z->status == AUTHZ_VALID && sim_chance(ca->reuse) ? z : NULL;
}

static struct sim_authz *new_authz(struct sim_ca *ca, struct sim_account *account,
                                   const char *typed)
{
    struct sim_authz *z = reusable(ca, account, typed);
    const char *colon = strchr(typed, ':');

    if (z != NULL) {
        return z;
    }
    z = cl_new(struct sim_authz);
    z->id = sim_ca_new_id(ca);
    z->account = account;
    z->type = cl_strndup(typed, (size_t)(colon - typed));
    z->name = cl_strdup(colon + 1);
    z->token = cl_printf("tok%016llx%016llx", (unsigned long long)cl_rng_next(&sim->keys),
                         (unsigned long long)cl_rng_next(&sim->keys));
    (void)cl_map_set(&ca->authzs, z->id, z);
    if (ca->reuse > 0) {
        char *key = cl_printf("last:%s:%s", account->id, typed);
        (void)cl_map_set(&ca->authzs, key, z);
        cl_free(key);
    }
    return z;
}

static int read_names(const struct sim_ca *ca, const struct sim_post *p, struct cl_strv *names,
                      struct sim_response *res)
{
    const json_t *list = json_object_get(p->payload, "identifiers");
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        const char *type = json_string_value(json_object_get(v, "type"));
        const char *value = json_string_value(json_object_get(v, "value"));
        if (type == NULL || value == NULL) {
            sim_ca_problem(res, 400, "malformed", "an identifier is malformed");
            return -1;
        }
        if (sim_ca_now(ca, SIM_CA_REJECTS, value) != NULL) {
            sim_ca_problem(res, 400, "rejectedIdentifier", "we do not issue for this name");
            return -1;
        }
        cl_strv_take(names, cl_printf("%s:%s", type, value));
    }
    cl_strv_sort(names);
    if (names->len == 0) {
        sim_ca_problem(res, 400, "malformed", "an order needs identifiers");
        return -1;
    }
    return 0;
}

void sim_ca_new_order(struct sim_ca *ca, const struct sim_post *p, struct sim_response *res)
{
    struct cl_strv names = {0};

    if (read_names(ca, p, &names, res) < 0) {
        cl_strv_deinit(&names);
        return;
    }
    struct sim_order *o = cl_new(struct sim_order);
    o->id = sim_ca_new_id(ca);
    o->account = p->account;
    o->identifiers = names;
    o->names = cl_strv_join(&names, " ");
    if (sim_ca_take_replaces(ca, p, o, res) < 0) {
        cl_strv_deinit(&o->identifiers);
        cl_free(o->names);
        cl_free(o->id);
        cl_free(o);
        return;
    }
    o->created = sim->now;
    o->expires = sim->now + 7 * CL_DAY;
    o->life = p->life;
    o->authzs = cl_calloc(names.len, sizeof(struct sim_authz *));
    cl_strv_for_each(typed, &names) {
        o->authzs[o->n_authzs++] = new_authz(ca, p->account, typed);
    }
    (void)cl_map_set(&ca->orders, o->id, o);
    ca->n_orders++;
    sim_check_order(ca, o);
    answer_order(ca, o, 201, res);
}

/* ---- authorizations ---- */

static const char *authz_status(const struct sim_authz *z)
{
    static const char *const NAMES[] = {"pending", "valid", "invalid", "deactivated"};
    return NAMES[z->status];
}

static json_t *challenge_json(const struct sim_ca *ca, const struct sim_authz *z, bool tls)
{
    const char *status = z->status == AUTHZ_VALID     ? "valid"
                         : z->status == AUTHZ_INVALID ? "invalid"
                         : z->answered                ? "processing"
                                                      : "pending";
    json_t *c = json_pack("{s:s,s:s,s:s}", "type", tls ? "tls-alpn-01" : "http-01", "token",
                          z->token, "status", status);

    set_url(c, "url", sim_ca_url(ca, tls ? "t" : "c", z->id));
    if (z->status == AUTHZ_INVALID) {
        (void)json_object_set_new(c, "error",
                                  json_pack("{s:s,s:s,s:i}", "type",
                                            "urn:ietf:params:acme:error:connection", "detail",
                                            z->why, "status", 400));
    }
    return c;
}

void sim_ca_authz(struct sim_ca *ca, struct sim_authz *z, const struct sim_post *p,
                  struct sim_response *res)
{
    const char *wanted = json_string_value(json_object_get(p->payload, "status"));
    char *typed = cl_printf("%s:%s", z->type, z->name);
    char at[CL_TIME_TEXT];

    if (cl_streq(wanted, "deactivated") && z->status != AUTHZ_INVALID) {
        z->status = AUTHZ_DEACTIVATED;
        z->ended = sim->now;
    }
    if (z->status == AUTHZ_PENDING && ca->retry_after > 0) {
        char *seconds = cl_printf("%lld", (long long)(ca->retry_after / CL_SECOND));
        sim_response_header(res, "retry-after", seconds);
        cl_free(seconds);
    }
    json_t *body =
        json_pack("{s:s,s:s,s:o}", "status", authz_status(z), "expires",
                  cl_time_format(sim->now + CL_DAY, at), "identifier", identifier(typed));
    json_t *challenges = json_array();
    (void)json_array_append_new(challenges, challenge_json(ca, z, false));
    (void)json_array_append_new(challenges, challenge_json(ca, z, true));
    (void)json_object_set_new(body, "challenges", challenges);
    cl_free(typed);
    sim_ca_json(res, 200, body);
}

struct validation {
    struct sim_ca *ca;
    struct sim_authz *z;
};

static void authz_ends(const struct sim_ca *ca, struct sim_authz *z, bool valid, const char *why)
{
    z->status = valid ? AUTHZ_VALID : AUTHZ_INVALID;
    z->why = cl_strdup(why);
    z->ended = sim->now;
    if (!valid) {
        sim_trace("%s: cannot validate %s: %s", ca->host, z->name, why);
    }
}

/* Does the daemon answer the challenge? */
static bool answers(const struct sim_authz *z)
{
    struct ip_address ip;
    char reverse[IP_REVERSE_TEXT];
    char *wanted =
        z->by_tls ? cl_printf("challenge %s %s.", z->name, z->token) : cl_printf("%s.", z->token);
    char *path = cl_printf("/.well-known/acme-challenge/%s", z->token);
    char *got = NULL;
    bool here = true;

    if (z->by_tls) {
        bool address = cl_streq(z->type, "ip") && ip_parse(z->name, &ip) == 0;
        got = sim_alpn_ask(address ? ip_reverse_name(&ip, reverse) : z->name);
    } else {
        here = sim_fetch(z->name, path, true, &got) == 200;
    }
    bool ok = here && got != NULL && cl_str_starts(got, wanted);
    cl_free(got);
    cl_free(wanted);
    cl_free(path);
    return ok;
}

static void fetch_due(void *arg)
{
    struct validation *v = arg;
    struct sim_authz *z = v->z;
    struct sim_ca *ca = v->ca;

    if (z->status != AUTHZ_PENDING) { /* deactivated meanwhile */
        cl_free(v);
    } else if (sim_ca_now(ca, SIM_CA_INVALID, z->name) != NULL) {
        authz_ends(ca, z, false, "connection refused");
        cl_free(v);
    } else if (!answers(z)) {
        if (sim->now >= z->give_up) {
            authz_ends(ca, z, false, "no answer to the challenge");
            cl_free(v);
        } else {
            sim_at(sim->now + FETCH_EVERY, fetch_due, v);
        }
    } else if (--z->fetches_left > 0) {
        sim_at(sim->now + sim_between(1, 50), fetch_due, v);
    } else {
        authz_ends(ca, z, true, "");
        cl_free(v);
    }
}

void sim_ca_challenge(struct sim_ca *ca, struct sim_authz *z, const struct sim_post *p,
                      struct sim_response *res)
{
    if (p->payload != NULL && z->status == AUTHZ_PENDING && !z->answered) {
        struct validation *v = cl_new(struct validation);
        *v = (struct validation){.ca = ca, .z = z};
        z->answered = true;
        z->fetches_left = ca->fetches;
        z->give_up = sim->now + ca->patience;
        sim_at(sim->now + sim_ca_latency(ca), fetch_due, v);
    }
    char *url = sim_ca_url(ca, "z", z->id);
    char *link = cl_printf("<%s>;rel=\"up\"", url);
    sim_response_header(res, "link", link);
    cl_free(link);
    cl_free(url);
    sim_ca_json(res, 200, challenge_json(ca, z, z->by_tls));
}

/* ---- certificates ---- */

static char *spki_of(const struct sim_ca *ca, const char *what)
{
    char hex[CL_SHA256_TEXT];
    char *text = cl_printf("%s of %s", what, ca->host);
    char *spki = cl_strdup(cl_sha256_hex(text, strlen(text), hex));

    cl_free(text);
    return spki;
}

static void print_intermediate(const struct sim_ca *ca, const char *spki, const char *root,
                               struct cl_buf *b)
{
    struct toy_cert c = {.serial = cl_strdup("01"),
                         .spki = cl_strdup(spki),
                         .subject = cl_printf("CN=Intermediate %s", ca->host),
                         .issuer = cl_printf("CN=Root %s", ca->host),
                         .signer_spki = cl_strdup(root),
                         .cn = cl_strdup(ca->host),
                         .algorithm = cl_strdup("ECDSA"),
                         .size = 256,
                         .is_ca = true,
                         .not_before = SIM_START - 365 * CL_DAY,
                         .not_after = SIM_START + 3650 * CL_DAY};

    (void)toy_cert_print(&c, b);
    toy_cert_deinit(&c);
}

static void make_chain(struct sim_ca *ca, struct sim_order *o, const struct toy_csr *csr)
{
    char *signer = spki_of(ca, "intermediate");
    char *root = spki_of(ca, "root");
    struct cl_buf b;
    bool wrong_chain = sim_ca_now(ca, SIM_CA_WRONG_CHAIN, NULL) != NULL;
    bool wrong_key = sim_ca_now(ca, SIM_CA_WRONG_KEY, NULL) != NULL;
    struct toy_cert c = {.serial =
                             cl_printf("%016llx%08llx", (unsigned long long)cl_rng_next(&sim->keys),
                                       (unsigned long long)ca->n_orders),
                         .spki = cl_strdup(wrong_key ? root : csr->spki),
                         .subject = cl_printf("CN=%s", csr->dns.len > 0 ? csr->dns.items[0] : ""),
                         .issuer = cl_printf("CN=Intermediate %s", ca->host),
                         .signer_spki = cl_strdup(wrong_chain ? root : signer),
                         .cn = cl_strdup(csr->cn),
                         .algorithm = cl_strdup(csr->algorithm),
                         .size = csr->size,
                         .not_before = sim->now / CL_SECOND * CL_SECOND - CL_HOUR,
                         .not_after = (sim->now + ca->lifetime) / CL_SECOND * CL_SECOND};

    cl_strv_copy(&c.dns, &csr->dns);
    cl_strv_copy(&c.ips, &csr->ips);
    cl_buf_init(&b, 64 * 1024);
    (void)toy_cert_print(&c, &b);
    print_intermediate(ca, signer, root, &b);
    o->not_after = c.not_after;
    sim_ca_note_certificate(ca, o, &c);
    o->excused = o->excused || wrong_key || wrong_chain;
    o->chain = cl_buf_take(&b);
    toy_cert_deinit(&c);
    cl_free(signer);
    cl_free(root);
}

static bool csr_fits(const struct sim_order *o, const struct toy_csr *csr)
{
    struct cl_strv names = {0};

    cl_strv_for_each(dns, &csr->dns) {
        cl_strv_take(&names, cl_printf("dns:%s", dns));
    }
    cl_strv_for_each(ip, &csr->ips) {
        cl_strv_take(&names, cl_printf("ip:%s", ip));
    }
    bool fits = cl_strv_equal_set(&names, &o->identifiers);
    cl_strv_deinit(&names);
    return fits;
}

void sim_ca_finalize(struct sim_ca *ca, struct sim_order *o, const struct sim_post *p,
                     struct sim_response *res)
{
    const char *text = cl_str_or(json_string_value(json_object_get(p->payload, "csr")), "");
    unsigned char *der = NULL;
    size_t len = 0;
    struct toy_csr csr = {0};

    sim_ca_refresh(ca, o);
    if (o->status != ORDER_PENDING || !all_valid(o)) {
        sim_ca_problem(res, 403, "orderNotReady", "the order is not ready");
        return;
    }
    if (cl_base64_decode(text, strlen(text), &der, &len) < 0 || toy_csr_parse(der, len, &csr) < 0 ||
        !csr_fits(o, &csr)) {
        sim_ca_problem(res, 400, "badCSR", "the request does not fit the order");
    } else {
        o->status = ORDER_PROCESSING;
        o->ready_at = sim->now + sim_between(0, ca->processing);
        make_chain(ca, o, &csr);
        sim_ca_refresh(ca, o);
        answer_order(ca, o, 200, res);
    }
    toy_csr_deinit(&csr);
    cl_free(der);
}

void sim_ca_chain(struct sim_ca *ca, struct sim_order *o, struct sim_response *res)
{
    sim_ca_refresh(ca, o);
    if (o->status != ORDER_VALID) {
        sim_ca_problem(res, 404, "malformed", "there is no certificate yet");
        return;
    }
    o->delivered = true;
    res->status = 200;
    sim_response_header(res, "content-type", "application/pem-certificate-chain");
    (void)cl_buf_adds(&res->body, o->chain);
}
