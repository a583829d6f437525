/* SPDX-License-Identifier: Apache-2.0 */
/* preflight_reach: presents a token of our own and fetches it over each address of the name, as the
 * CA would: http-01 with up to 10 redirects to the CA's two ports (RFC 8555 8.3), tls-alpn-01 by
 * comparing the certificate.
 *
 * Not being reached from inside is no proof where a router does not lead back what leaves by its own
 * public address: silence there is a warning. A refused connection and a wrong answer are certain. */
#include "backends/solvers/preflight_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_rng.h"
#include "spec/spec_ip.h"

#include <string.h>

#define FETCH_TIME (5 * CL_SECOND)
#define REDIRECTS_MAX 10U
#define BODY_MAX ((size_t)64 << 10)
#define HINT "; if this machine cannot reach its own public address, set acme.preflight: Never"

static void next_address(struct preflight_name *n);
/* @direct: the URL names the address, and the name goes along as Host. */
static void fetch(struct preflight_name *n, const char *url, bool direct);

static const char *address_of(const struct preflight_name *n)
{
    return n->addresses.items[n->address];
}

static char *bracketed(const char *address)
{
    return cl_printf(strchr(address, ':') != NULL ? "[%s]" : "%s", address);
}

static void tried(struct preflight_name *n)
{
    n->address++;
    n->redirects = 0;
    next_address(n);
}

static void cleaned(struct cl_op *op, const struct cl_err *err)
{
    (void)err; /* a file that stays is in the journal */
    preflight_name_end(op->user);
}

static void finish(struct preflight_name *n)
{
    n->cancel = NULL;
    n->solver_op = (struct cl_op){.done = cleaned, .user = n};
    solvers_cleanup(n->run->s, &n->challenge, &n->solver_op);
}

/* ---- what went wrong on the way ---- */

static bool is_silence(const struct cl_err *err)
{
    return cl_streq(err->reason, "TimedOut") || strstr(err->text, "unreachable") != NULL ||
           strstr(err->text, "No route") != NULL;
}

static void not_reached(struct preflight_name *n, const struct cl_err *err)
{
    bool v6 = strchr(address_of(n), ':') != NULL;

    if (n->redirects > 0) {
        preflight_add(n->run, false, "RedirectFailed", n->identifier,
                      "%s over %s: a redirect leads to %s, which cannot be fetched from here: %s",
                      n->identifier, address_of(n), n->url, err->text);
    } else if (is_silence(err)) {
        preflight_add(n->run, false, "NotReached", n->identifier, "%s over %s: %s" HINT,
                      n->identifier, address_of(n), err->text);
    } else {
        preflight_add(n->run, true, "NotReached", n->identifier,
                      "%s over %s: %s; open the port, or correct the %s record" HINT, n->identifier,
                      address_of(n), err->text, v6 ? "AAAA" : "A");
    }
}

/* ---- http-01 ---- */

struct location {
    bool tls, own_host;
    uint64_t port;
    char host[256];
    const char *rest; /* path and query, in the text that was read */
};

/* An absolute http or https URL to one of the CA's ports, or -1. */
static int read_location(const struct preflight_name *n, const char *text, struct location *ret)
{
    const char *p = strstr(text, "://");

    if (p == NULL || (!cl_str_starts(text, "http://") && !cl_str_starts(text, "https://"))) {
        return -1;
    }
    p += 3;
    size_t len = strcspn(p, "/?#");
    size_t host = p[0] == '[' ? strcspn(p, "]") + 1 : strcspn(p, ":/?#");
    ret->tls = text[4] == 's';
    ret->port = ret->tls ? 443 : 80;
    ret->rest = p + len;
    if (host > len ||
        (host < len && p[host] == ':' &&
         (cl_format(ret->host, sizeof ret->host, "%.*s", (int)(len - host - 1), p + host + 1) < 0 ||
          cl_parse_u64(ret->host, UINT16_MAX, &ret->port) < 0))) {
        return -1;
    }
    (void)cl_format(ret->host, sizeof ret->host, "%.*s", (int)host, p);
    (void)cl_str_lower(ret->host);
    ret->own_host = cl_streq(ret->host, n->identifier);
    return ret->port == 80 || ret->port == 443 || ret->port == n->run->p.http_port ||
                   ret->port == n->run->p.tls_port
               ? 0
               : -1;
}

static void redirected(struct preflight_name *n, const char *target)
{
    struct location l;
    char clean[CL_CLEAN_TEXT];
    char *absolute = target[0] == '/'
                         ? cl_printf("http://%s:%u%s", n->identifier, n->run->p.http_port, target)
                         : cl_strdup(target);

    if (read_location(n, absolute, &l) < 0) {
        preflight_add(
            n->run, true, "RedirectRefused", n->identifier,
            "%s over %s: redirected to %s; a CA follows to http and https on ports 80 and "
            "443 only",
            n->identifier, address_of(n), cl_clean(clean, sizeof clean, target, strlen(target)));
        tried(n);
    } else if (++n->redirects > REDIRECTS_MAX) {
        preflight_add(n->run, true, "RedirectRefused", n->identifier,
                      "%s over %s: more than %u redirects", n->identifier, address_of(n),
                      REDIRECTS_MAX);
        tried(n);
    } else if (l.own_host && !l.tls) { /* still over this address */
        char *host = bracketed(address_of(n));
        char *url = cl_printf("http://%s:%u%s", host, (unsigned)l.port, l.rest);
        fetch(n, url, true);
        cl_free(url);
        cl_free(host);
    } else {
        fetch(n, absolute, false);
    }
    cl_free(absolute);
}

static const char *remedy(const struct preflight_name *n)
{
    return n->solver->http01.webroot != NULL
               ? "is the webroot of this solver the one that the web server serves for this name?"
               : "another server has the port or stands before certloop: let it pass on "
                 "/.well-known/acme-challenge/";
}

static void http_done(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;
    const char *location = err == NULL ? http_header(&n->http, "location") : NULL;
    char first[81];
    const char *body;

    if (n->run->cancelled) {
        finish(n);
        return;
    }
    if (err != NULL) {
        not_reached(n, err);
        tried(n);
        return;
    }
    if (n->http.status >= 300 && n->http.status < 400 && location != NULL) {
        redirected(n, location);
        return;
    }
    body = cl_buf_str(&n->http.body);
    size_t len = strlen(n->key_authorization);
    if (n->by_daemon && n->http.status == 404 && cl_streq(body, HTTP01_NO_SUCH)) {
        tried(n);
        return;
    }
    if (n->http.status != 200) {
        preflight_add(n->run, true, "WrongAnswer", n->identifier,
                      "%s over %s answers HTTP %ld instead of the token: %s", n->identifier,
                      address_of(n), n->http.status, remedy(n));
    } else if (strncmp(body, n->key_authorization, len) != 0 ||
               body[len + strspn(body + len, " \t\r\n")] != '\0') {
        (void)cl_clean(first, sizeof first, body, strnlen(body, 60));
        preflight_add(n->run, true, "WrongAnswer", n->identifier,
                      "%s over %s answers something else than the token (\"%s\"): %s",
                      n->identifier, address_of(n), first, remedy(n));
    }
    tried(n);
}

static void fetch(struct preflight_name *n, const char *url, bool direct)
{
    struct cl_strv headers = {0};
    struct http_request req = {.method = "GET",
                               .url = url,
                               .headers = &headers,
                               .trust = n->run->trust,
                               .connect_timeout = FETCH_TIME,
                               .timeout = FETCH_TIME,
                               .max_body = BODY_MAX,
                               .allow_http = true};
    char *kept = cl_strdup(url);

    if (direct && !n->ip) {
        cl_strv_take(&headers, cl_printf("Host: %s", n->identifier));
    }
    n->http = (struct http_op){.op = {.done = http_done, .user = n}};
    n->cancel = &n->http.op;
    http_start(n->run->s->http, &req, &n->http);
    cl_free(n->url);
    n->url = kept;
    cl_strv_deinit(&headers);
}

/* ---- tls-alpn-01 ---- */

static void probe_done(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;

    if (n->run->cancelled) {
        finish(n);
        return;
    }
    if (n->by_daemon && err != NULL && strstr(err->text, "unrecognized name") != NULL) {
        tried(n);
        return;
    }
    if (err != NULL && cl_streq(err->reason, "TLSFailed")) {
        preflight_add(n->run, true, "WrongAnswer", n->identifier,
                      "%s: %s; another server has the port: let it pass on connections with ALPN "
                      "acme-tls/1 to this solver",
                      n->identifier, err->text);
    } else if (err != NULL) {
        not_reached(n, err);
    } else if (!tlsalpn01_shows(n->run->s, n->identifier, n->probe.cert_pem)) {
        preflight_add(n->run, true, "WrongAnswer", n->identifier,
                      "%s over %s shows another certificate than that of the challenge: let the "
                      "server there pass on connections with ALPN acme-tls/1 to this solver",
                      n->identifier, address_of(n));
    }
    tried(n);
}

static void probe(struct preflight_name *n, const char *host)
{
    char *server = cl_printf("%s:%u", host, n->run->p.tls_port);
    struct ip_address ip;
    char reverse[IP_REVERSE_TEXT];
    const char *name =
        n->ip && ip_parse(n->identifier, &ip) == 0 ? ip_reverse_name(&ip, reverse) : n->identifier;

    n->probe = (struct alpn_probe_op){.op = {.done = probe_done, .user = n}};
    n->cancel = &n->probe.op;
    alpn_probe_start(n->run->s->loop, server, name, FETCH_TIME, &n->probe);
    cl_free(server);
}

/* ---- all addresses ---- */

static void next_address(struct preflight_name *n)
{
    if (n->address >= n->addresses.len || n->run->cancelled) {
        finish(n);
        return;
    }
    char *host = bracketed(address_of(n));
    if (n->solver->has_tlsalpn01) {
        probe(n, host);
    } else {
        char *url =
            cl_printf("http://%s:%u" HTTP01_PREFIX "%s", host, n->run->p.http_port, n->token);
        fetch(n, url, true);
        cl_free(url);
    }
    cl_free(host);
}

static void presented(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;

    if (err != NULL && n->run->p.daemon_runs && cl_streq(err->reason, "AddressInUse")) {
        n->by_daemon = true;
        err = NULL;
    }
    if (err != NULL && !n->run->cancelled) {
        preflight_add(n->run, true, err->reason, n->identifier, "%s", err->text);
    }
    if (err != NULL || n->run->cancelled) {
        finish(n);
        return;
    }
    next_address(n);
}

void preflight_reach(struct preflight_name *n)
{
    if (n->run->cancelled) {
        preflight_name_end(n);
        return;
    }
    n->token =
        cl_printf("preflight-%016llx%016llx", (unsigned long long)loop_entropy(n->run->s->loop),
                  (unsigned long long)loop_entropy(n->run->s->loop));
    n->key_authorization = cl_printf("%s.preflight", n->token);
    n->challenge =
        (struct solver_challenge){.type = n->solver->has_tlsalpn01 ? "tls-alpn-01" : "http-01",
                                  .identifier = n->identifier,
                                  .token = n->token,
                                  .key_authorization = n->key_authorization,
                                  .solver = n->solver};
    n->solver_op = (struct cl_op){.done = presented, .user = n};
    n->cancel = &n->solver_op;
    solvers_present(n->run->s, &n->challenge, &n->solver_op);
}
