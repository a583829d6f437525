/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca: the door of the model CA: bad days, directory, nonces, signatures, accounts, routes. */
#include "backends/sim/sim_ca.h"

#include "backends/sim/sim_ca_limits.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_crypto.h"
#include "spec/base/cl_alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *const WINDOW_NAMES[] = {
#define X(symbol, name) name,
    SIM_CA_WINDOWS(X)
#undef X
};

int sim_ca_window_parse(const char *name, enum sim_ca_window_kind *ret)
{
    for (size_t i = 0; i < SIM_CA_WINDOW_KINDS; i++) {
        if (cl_streq(name, WINDOW_NAMES[i])) {
            *ret = (enum sim_ca_window_kind)i;
            return 0;
        }
    }
    return -1;
}

struct sim_ca *sim_ca(const char *host)
{
    SIM_WORLD();
    struct sim_ca *ca = cl_map_get(&sim->cas, host);

    if (ca == NULL) {
        ca = cl_new(struct sim_ca);
        ca->host = cl_strdup(host);
        ca->lifetime = 90 * CL_DAY;
        ca->latency_lo = 2;
        ca->latency_hi = 30;
        ca->processing = 400;
        ca->patience = 10 * CL_SECOND;
        ca->retry_after = 0;
        ca->fetches = 1;
        (void)cl_map_set(&sim->cas, host, ca);
    }
    return ca;
}

struct sim_ca *sim_ca_of_url(const char *url)
{
    SIM_WORLD();
    if (!cl_str_starts(url, "https://")) {
        return NULL;
    }
    const char *host = url + strlen("https://");
    char *name = cl_strndup(host, strcspn(host, "/:"));
    struct sim_ca *ca = cl_map_get(&sim->cas, name);
    cl_free(name);
    return ca;
}

cl_time sim_ca_latency(const struct sim_ca *ca)
{
    return sim_between(ca->latency_lo, ca->latency_hi);
}

void sim_ca_window(struct sim_ca *ca, enum sim_ca_window_kind kind, cl_time from, cl_time until,
                   const char *arg)
{
    SIM_WORLD();
    ca->windows = cl_reallocarray(ca->windows, ca->n_windows + 1, sizeof *ca->windows);
    ca->windows[ca->n_windows++] = (struct sim_ca_window){
        .kind = kind, .from = from, .until = until, .arg = cl_strdup(cl_str_or(arg, ""))};
}

const struct sim_ca_window *sim_ca_now(const struct sim_ca *ca, enum sim_ca_window_kind kind,
                                       const char *arg)
{
    for (size_t i = 0; i < ca->n_windows; i++) {
        const struct sim_ca_window *w = &ca->windows[i];
        if (w->kind == kind && sim->now >= w->from && sim->now < w->until &&
            (arg == NULL || cl_streq(w->arg, arg))) {
            return w;
        }
    }
    return NULL;
}

/* ---- answers ---- */

void sim_ca_json(struct sim_response *res, long status, json_t *take_body)
{
    char *text = json_dumps(take_body, JSON_COMPACT);

    res->status = status;
    sim_response_header(res, "content-type", "application/json");
    (void)cl_buf_adds(&res->body, text);
    cl_free(text);
    json_decref(take_body);
}

void sim_ca_problem(struct sim_response *res, long status, const char *type, const char *detail)
{
    char *urn = cl_printf("urn:ietf:params:acme:error:%s", type);

    res->status = status;
    cl_buf_reset(&res->body);
    json_t *body = json_pack("{s:s,s:s,s:i}", "type", urn, "detail", detail, "status", (int)status);
    char *text = json_dumps(body, JSON_COMPACT);
    sim_response_header(res, "content-type", "application/problem+json");
    (void)cl_buf_adds(&res->body, text);
    cl_free(text);
    json_decref(body);
    cl_free(urn);
}

char *sim_ca_url(const struct sim_ca *ca, const char *folder, const char *id)
{
    return cl_printf("https://%s/%s/%s", ca->host, folder, id);
}

char *sim_ca_new_id(struct sim_ca *ca)
{
    return cl_printf("%llu", (unsigned long long)++ca->next_id);
}

static void add_nonce(struct sim_ca *ca, struct sim_response *res)
{
    char *nonce = cl_printf("n%016llx", (unsigned long long)cl_rng_next(&sim->keys));

    (void)cl_map_set(&ca->nonces, nonce, ca);
    sim_response_header(res, "replay-nonce", nonce);
    cl_free(nonce);
}

static void directory(const struct sim_ca *ca, struct sim_response *res)
{
    char *base = cl_printf("https://%s", ca->host);
    json_t *o = json_object();

    static const char *const NAMES[][2] = {{"newNonce", "/nonce"},
                                           {"newAccount", "/account"},
                                           {"newOrder", "/order"},
                                           {"revokeCert", "/revoke"},
                                           {"keyChange", "/rollover"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *url = cl_printf("%s%s", base, NAMES[i][1]);
        (void)json_object_set_new(o, NAMES[i][0], json_string(url));
        cl_free(url);
    }
    if (ca->renewal_every > 0) {
        char *url = cl_printf("%s/ari", base);
        (void)json_object_set_new(o, "renewalInfo", json_string(url));
        cl_free(url);
    }
    cl_free(base);
    (void)json_object_set_new(o, "meta",
                              json_pack("{s:s}", "termsOfService", "https://terms.test/1"));
    sim_ca_json(res, 200, o);
}

/* ---- bad days ---- */

static void retry_after(struct sim_response *res, const struct sim_ca_window *w)
{
    uint64_t seconds = 0;
    char text[32];

    if (w->arg[0] == '\0' || cl_parse_u64(w->arg, 10000000, &seconds) < 0) {
        seconds = (uint64_t)((w->until - sim->now) / CL_SECOND) + 1;
    }
    (void)cl_format(text, sizeof text, "%llu", (unsigned long long)seconds);
    sim_response_header(res, "retry-after", text);
}

/* The answer, if the day decides it. */
static bool bad_day(const struct sim_ca *ca, const char *path, struct sim_response *res)
{
    const struct sim_ca_window *w;

    if (sim_ca_now(ca, SIM_CA_ERROR, NULL) != NULL) {
        sim_ca_problem(res, 500, "serverInternal", "this is not our day");
        return true;
    }
    if ((w = sim_ca_now(ca, SIM_CA_BUSY, NULL)) != NULL) {
        sim_ca_problem(res, 503, "serverInternal", "too many requests at once");
        retry_after(res, w);
        return true;
    }
    if ((w = sim_ca_now(ca, SIM_CA_LIMITED, NULL)) != NULL && cl_streq(path, "/order")) {
        sim_ca_problem(res, 429, "rateLimited", "too many orders");
        retry_after(res, w);
        return true;
    }
    if (sim_ca_now(ca, SIM_CA_PAUSED, NULL) != NULL && cl_streq(path, "/order")) {
        sim_ca_problem(res, 429, "rateLimited",
                       "Your account is temporarily prevented from requesting certificates for "
                       "these names. Please visit: https://unpause.test/?jwt=abc");
        return true;
    }
    if (sim_ca_now(ca, SIM_CA_HTML, NULL) != NULL) {
        res->status = 200;
        sim_response_header(res, "content-type", "text/html");
        (void)cl_buf_adds(&res->body, "<html><body>maintenance</body></html>");
        return true;
    }
    if (sim_ca_now(ca, SIM_CA_HUGE, NULL) != NULL) {
        char line[1024];
        memset(line, ' ', sizeof line);
        res->status = 200;
        for (int i = 0; i < 2048; i++) {
            (void)cl_buf_add(&res->body, line, sizeof line);
        }
        return true;
    }
    return false;
}

/* ---- JWS ---- */

struct jws {
    json_t *protected_;
    char *payload, *signature, *protected_text;
};

static char *decoded(const json_t *o, const char *key, size_t *ret_len)
{
    const char *text = json_string_value(json_object_get(o, key));
    unsigned char *raw = NULL;

    if (text == NULL || cl_base64_decode(text, strlen(text), &raw, ret_len) < 0) {
        return NULL;
    }
    return (char *)raw;
}

static const char *jwk_spki(const json_t *jwk)
{
    const char *x = json_string_value(json_object_get(jwk, "x"));

    return x != NULL ? x : json_string_value(json_object_get(jwk, "n"));
}

static bool signature_fits(const json_t *body, const char *spki)
{
    unsigned char wanted[64];
    size_t len = 0;
    char *sig = decoded(body, "signature", &len);
    char *input = cl_printf("%s.%s", json_string_value(json_object_get(body, "protected")),
                            cl_str_or(json_string_value(json_object_get(body, "payload")), ""));

    toy_sign(spki, input, strlen(input), wanted);
    bool fits = sig != NULL && len == sizeof wanted && cl_mem_equal(sig, wanted, len);
    cl_free(input);
    cl_free(sig);
    return fits;
}

static int check_nonce(struct sim_ca *ca, const json_t *header, struct sim_response *res)
{
    const char *nonce = cl_str_or(json_string_value(json_object_get(header, "nonce")), "");
    bool known = cl_map_remove(&ca->nonces, nonce) != NULL;

    if (!known || (!sim->poisoned && sim_chance(ca->bad_nonce))) {
        sim_ca_problem(res, 400, "badNonce", "unknown nonce");
        return -1;
    }
    return 0;
}

/* Fills *p from a verified body; -1: the answer says why not. */
static int open_jws(struct sim_ca *ca, const struct sim_request *req, const json_t *body,
                    json_t *header, struct sim_post *p, struct sim_response *res)
{
    const char *kid = json_string_value(json_object_get(header, "kid"));
    const char *url = cl_str_or(json_string_value(json_object_get(header, "url")), "");
    const json_t *jwk = json_object_get(header, "jwk");

    if (check_nonce(ca, header, res) < 0) {
        return -1;
    }
    if (!cl_streq(url, req->url)) {
        sim_ca_problem(res, 400, "unauthorized", "the url of the JWS is not that of the request");
        return -1;
    }
    if (kid != NULL) {
        p->account =
            cl_map_get(&ca->accounts, strrchr(kid, '/') != NULL ? strrchr(kid, '/') + 1 : kid);
        p->spki = p->account != NULL ? p->account->spki : NULL;
    } else {
        p->spki = jwk_spki(jwk);
    }
    if (p->spki == NULL) {
        sim_ca_problem(res, 400, "accountDoesNotExist", "no such account");
        return -1;
    }
    if (!signature_fits(body, p->spki)) {
        sim_ca_problem(res, 400, "malformed", "the signature is wrong");
        return -1;
    }
    return 0;
}

/* ---- accounts ---- */

static void answer_account(struct sim_ca *ca, const struct sim_account *a, long status,
                           struct sim_response *res)
{
    char *url = sim_ca_url(ca, "acct", a->id);

    sim_response_header(res, "location", url);
    cl_free(url);
    sim_ca_json(res, status, json_pack("{s:s,s:[]}", "status", "valid", "contact"));
}

static void new_account(struct sim_ca *ca, const struct sim_post *p, struct sim_response *res)
{
    char *key = cl_printf("spki:%s", p->spki);
    struct sim_account *a = cl_map_get(&ca->accounts, key);
    long status = 200;

    if (a == NULL && json_is_true(json_object_get(p->payload, "onlyReturnExisting"))) {
        cl_free(key);
        sim_ca_problem(res, 400, "accountDoesNotExist", "no account for this key");
        return;
    }
    if (a == NULL && !sim_ca_account_allowed(ca, res)) {
        cl_free(key);
        return;
    }
    if (a == NULL) {
        a = cl_new(struct sim_account);
        a->id = sim_ca_new_id(ca);
        a->spki = cl_strdup(p->spki);
        (void)cl_map_set(&ca->accounts, key, a);
        (void)cl_map_set(&ca->accounts, a->id, a);
        ca->n_accounts++;
        status = 201;
        sim_check_account(ca);
    }
    cl_free(key);
    answer_account(ca, a, status, res);
}

/* RFC 8555 7.3.5: the payload is a JWS of the new key about this account and its old key. */
static void key_change(struct sim_ca *ca, const struct sim_post *p, struct sim_response *res)
{
    size_t len = 0;
    char *text = decoded(p->payload, "protected", &len);
    json_t *header = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
    char *body = decoded(p->payload, "payload", &len);
    json_t *wish = body != NULL ? json_loadb(body, len, 0, NULL) : NULL;
    const char *spki = jwk_spki(json_object_get(header, "jwk"));
    const char *old = jwk_spki(json_object_get(wish, "oldKey"));
    char *key = cl_printf("spki:%s", cl_str_or(spki, ""));
    const struct sim_account *other = cl_map_get(&ca->accounts, key);

    if (spki == NULL || !cl_streq(old, p->account->spki) ||
        json_object_get(header, "nonce") != NULL || !signature_fits(p->payload, spki)) {
        sim_ca_problem(res, 400, "malformed", "this is no change of a key");
    } else if (other != NULL) {
        answer_account(ca, other, 409, res);
    } else {
        char *former = cl_printf("spki:%s", p->account->spki);
        (void)cl_map_remove(&ca->accounts, former);
        (void)cl_map_set(&ca->accounts, key, p->account);
        cl_free(p->account->spki);
        p->account->spki = cl_strdup(spki);
        cl_free(former);
        ca->n_key_changes++;
        answer_account(ca, p->account, 200, res);
    }
    cl_free(key);
    json_decref(wish);
    json_decref(header);
    cl_free(body);
    cl_free(text);
}

/* ---- routes ---- */

static void route_order(struct sim_ca *ca, const char *rest, const struct sim_post *p,
                        struct sim_response *res)
{
    char *id = cl_strndup(rest, strcspn(rest, "/"));
    const char *what = rest + strlen(id);
    struct sim_order *o = cl_map_get(&ca->orders, id);

    cl_free(id);
    if (o == NULL || o->account != p->account || sim_ca_now(ca, SIM_CA_LOSES, NULL) != NULL) {
        if (o != NULL) {
            o->excused = true;
        }
        sim_ca_problem(res, 404, "malformed", "no such order");
    } else if (cl_streq(what, "/finalize")) {
        sim_ca_finalize(ca, o, p, res);
    } else if (cl_streq(what, "/chain")) {
        sim_ca_chain(ca, o, res);
    } else {
        sim_ca_order(ca, o, res);
    }
}

static void route(struct sim_ca *ca, const char *path, const struct sim_post *p,
                  struct sim_response *res)
{
    struct sim_authz *z = cl_map_get(&ca->authzs, strlen(path) > 3 ? path + 3 : "");

    if (cl_streq(path, "/account")) {
        new_account(ca, p, res);
    } else if (p->account == NULL) {
        sim_ca_problem(res, 400, "malformed", "an account is needed");
    } else if (cl_streq(path, "/order")) {
        sim_ca_new_order(ca, p, res);
    } else if (cl_streq(path, "/rollover")) {
        key_change(ca, p, res);
    } else if (cl_str_starts(path, "/acct/")) {
        answer_account(ca, p->account, 200, res);
    } else if (cl_str_starts(path, "/o/")) {
        route_order(ca, path + 3, p, res);
    } else if (cl_str_starts(path, "/z/") && z != NULL && z->account == p->account) {
        sim_ca_authz(ca, z, p, res);
    } else if ((cl_str_starts(path, "/c/") || cl_str_starts(path, "/t/")) && z != NULL &&
               z->account == p->account) {
        z->by_tls = z->answered ? z->by_tls : path[1] == 't';
        sim_ca_challenge(ca, z, p, res);
    } else {
        sim_ca_problem(res, 404, "malformed", "no such thing");
    }
}

static void post(struct sim_ca *ca, const struct sim_request *req, struct sim_response *res)
{
    json_t *body = json_loadb(req->body, req->body_len, 0, NULL);
    size_t len = 0;
    char *text = decoded(body, "protected", &len);
    json_t *header = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
    struct sim_post p = {.life = req->life};

    ca->n_posts++;
    add_nonce(ca, res);
    if (header == NULL) {
        sim_ca_problem(res, 400, "malformed", "this is no JWS");
    } else if (open_jws(ca, req, body, header, &p, res) == 0) {
        char *payload = decoded(body, "payload", &len);
        p.payload = payload != NULL && len > 0 ? json_loadb(payload, len, 0, NULL) : NULL;
        route(ca, req->path, &p, res);
        json_decref(p.payload);
        cl_free(payload);
    }
    json_decref(header);
    json_decref(body);
    cl_free(text);
}

enum sim_ca_reply sim_ca_handle(struct sim_ca *ca, const struct sim_request *req,
                                struct sim_response *res)
{
    SIM_WORLD();
    if (sim_ca_now(ca, SIM_CA_DOWN, NULL) != NULL) {
        return SIM_CA_REFUSES;
    }
    if (sim_ca_now(ca, SIM_CA_SILENT, NULL) != NULL) {
        return SIM_CA_SWALLOWS;
    }
    if (bad_day(ca, req->path, res) || sim_ca_too_fast(ca, req->path, res)) {
        return SIM_CA_ANSWERS;
    }
    if (cl_streq(req->path, "/dir")) {
        directory(ca, res);
    } else if (cl_streq(req->path, "/nonce")) {
        ca->n_new_nonce++;
        res->status = 200;
        add_nonce(ca, res);
    } else if (cl_str_starts(req->path, "/ari/") && ca->renewal_every > 0) {
        sim_ca_renewal_info(ca, req->path + strlen("/ari/"), res);
    } else if (cl_streq(req->method, "POST")) {
        post(ca, req, res);
    } else {
        sim_ca_problem(res, 404, "malformed", "no such thing");
    }
    return SIM_CA_ANSWERS;
}
