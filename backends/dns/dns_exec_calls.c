/* SPDX-License-Identifier: Apache-2.0 */
/* dns_exec_calls: how each protocol is spoken, and what an exit status says in it. Each was taken from
 * the manual of its client. A zone's worker decides what is called when.
 *
 * protocol     present                                          clean up
 * certloop     JSON on stdin, JSON back                         the same
 * lego         present FQDN. VALUE                              cleanup FQDN. VALUE
 * lego-raw     present -- DOMAIN TOKEN KEYAUTH                  cleanup -- DOMAIN TOKEN KEYAUTH
 * certbot      CERTBOT_DOMAIN CERTBOT_VALIDATION ...            and CERTBOT_AUTH_OUTPUT
 * acme.sh      SCRIPT_add FQDN VALUE, in a shell                SCRIPT_rm FQDN VALUE
 * dehydrated   deploy_challenge DOMAIN TOKEN VALUE              clean_challenge DOMAIN TOKEN VALUE
 * mod_md       setup DOMAIN VALUE                               teardown DOMAIN VALUE
 * uacme        begin dns-01 DOMAIN TOKEN VALUE                  done dns-01 DOMAIN TOKEN VALUE
 * acmetool     challenge-dns-start DOMAIN FILE VALUE            challenge-dns-stop DOMAIN FILE VALUE
 */
#include "backends/dns/dns_exec.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/jfield.h"

#include <string.h>

#define CHALLENGE_LABEL "_acme-challenge."
#define ACMETOOL_UNSUPPORTED 42
#define EXIT_RETRY 75       /* EX_TEMPFAIL of sysexits.h */
#define EXIT_UNSUPPORTED 64 /* EX_USAGE */

struct calling {
    const struct dns_exec_params *p;
    const struct dns_exec_subject *s;
    const char *domain, *token, *key_authorization; /* "" if not known */
    struct dns_exec_call *ret;
};

static void arg(const struct calling *c, const char *text)
{
    cl_strv_add(&c->ret->argv, text);
}

static void env(const struct calling *c, const char *name, const char *value)
{
    cl_strv_take(&c->ret->env, cl_printf("%s=%s", name, value));
}

static void verb(const struct calling *c, const char *present, const char *cleanup)
{
    arg(c, c->s->present ? present : cleanup);
}

static void call_certloop(const struct calling *c)
{
    json_t *o = json_object();
    char *fqdn = cl_printf("%s.", c->s->fqdn), *zone = cl_printf("%s.", c->s->zone);

    json_put(o, "version", json_integer(1));
    json_put(o, "action", json_text(c->s->present ? "present" : "cleanup"));
    json_put(o, "type", json_text("dns-01"));
    json_put(o, "fqdn", json_text(fqdn));
    json_put(o, "zoneHint", json_text(zone));
    json_put(o, "value", json_text(c->s->value));
    json_put(o, "ttl", json_integer(c->s->ttl));
    json_put(o, "certificate", json_text(c->s->detail != NULL ? c->s->detail->certificate : NULL));
    c->ret->input = json_print(o, JSON_COMPACT, true);
    json_decref(o);
    cl_free(fqdn);
    cl_free(zone);
}

static void call_lego(const struct calling *c)
{
    char *fqdn = cl_printf("%s.", c->s->fqdn);

    verb(c, "present", "cleanup");
    arg(c, fqdn);
    arg(c, c->s->value);
    cl_free(fqdn);
}

static void call_lego_raw(const struct calling *c)
{
    verb(c, "present", "cleanup");
    arg(c, "--");
    arg(c, c->domain);
    arg(c, c->token);
    arg(c, c->key_authorization);
}

static void call_certbot(const struct calling *c)
{
    env(c, "CERTBOT_DOMAIN", c->domain);
    env(c, "CERTBOT_IDENTIFIER", c->domain);
    env(c, "CERTBOT_VALIDATION", c->s->value);
    env(c, "CERTBOT_REMAINING_CHALLENGES", "0");
    env(c, "CERTBOT_ALL_DOMAINS", c->domain);
    env(c, "CERTBOT_ALL_IDENTIFIERS", c->domain);
    if (!c->s->present) {
        env(c, "CERTBOT_AUTH_OUTPUT", cl_str_or(c->s->auth_output, ""));
    }
}

/* The script is sourced, as by its own client: by acme.sh itself, which runs a function that is its
 * first argument, or by our runner. */
static void call_acme_sh(const struct calling *c)
{
    static const char SOURCE[] =
        "_initpath >/dev/null; _f=$CERTLOOP_SCRIPT; "
        "[ -f \"$_f\" ] || _f=$(_findHook '' dnsapi \"$CERTLOOP_SCRIPT\"); "
        ". \"$_f\" && \"$CERTLOOP_FUNCTION\" \"$CERTLOOP_FQDN\" \"$CERTLOOP_VALUE\"";
    const char *slash = strrchr(c->p->script, '/');
    const char *base = slash != NULL ? slash + 1 : c->p->script;
    size_t len = strlen(base) - (cl_str_ends(base, ".sh") ? 3 : 0);
    char *function = cl_printf("%.*s_%s", (int)len, base, c->s->present ? "add" : "rm");

    if (c->p->command->len > 0) {
        arg(c, "eval");
        arg(c, SOURCE);
    } else {
        arg(c, "/bin/sh");
        arg(c, c->p->runner);
    }
    env(c, "CERTLOOP_SCRIPT", c->p->script);
    env(c, "CERTLOOP_FUNCTION", function);
    env(c, "CERTLOOP_FQDN", c->s->fqdn);
    env(c, "CERTLOOP_VALUE", c->s->value);
    cl_free(function);
}

static void call_dehydrated(const struct calling *c)
{
    verb(c, "deploy_challenge", "clean_challenge");
    arg(c, c->domain);
    arg(c, c->token);
    arg(c, c->s->value);
}

static void call_mod_md(const struct calling *c)
{
    verb(c, "setup", "teardown");
    arg(c, c->domain);
    arg(c, c->s->value); /* of version 2 when tearing down; version 1 looks past it */
}

static void call_uacme(const struct calling *c)
{
    verb(c, "begin", "done");
    arg(c, "dns-01");
    arg(c, c->domain);
    arg(c, c->token);
    arg(c, c->s->value);
}

static void call_acmetool(const struct calling *c)
{
    verb(c, "challenge-dns-start", "challenge-dns-stop");
    arg(c, c->domain);
    arg(c, ""); /* no target file: it is of no use for a record */
    arg(c, c->s->value);
}

static const struct {
    void (*call)(const struct calling *c);
    bool domain; /* called with the domain: the record's name follows from it */
    bool key_authorization;
} PROTOCOLS[EXEC_PROTOCOLS] = {
    [EXEC_CERTLOOP] = {call_certloop, false, false},
    [EXEC_LEGO] = {call_lego, false, false},
    [EXEC_LEGO_RAW] = {call_lego_raw, true, true},
    [EXEC_CERTBOT] = {call_certbot, true, false},
    [EXEC_ACME_SH] = {call_acme_sh, false, false},
    [EXEC_DEHYDRATED] = {call_dehydrated, true, false},
    [EXEC_MOD_MD] = {call_mod_md, true, false},
    [EXEC_UACME] = {call_uacme, true, false},
    [EXEC_ACMETOOL] = {call_acmetool, true, false},
};

int dns_exec_call_of(const struct dns_exec_params *p, const struct dns_exec_subject *s,
                     struct dns_exec_call *ret, struct cl_err *err)
{
    static const struct dns_detail NOTHING = {0};
    const struct dns_detail *d = s->detail != NULL ? s->detail : &NOTHING;
    const struct cl_strv *command =
        !s->present && p->cleanup_command->len > 0 ? p->cleanup_command : p->command;
    struct calling c = {.p = p,
                        .s = s,
                        .token = cl_str_or(d->token, ""),
                        .key_authorization = cl_str_or(d->key_authorization, ""),
                        .ret = ret};

    if (PROTOCOLS[p->protocol].domain && !cl_str_starts(s->fqdn, CHALLENGE_LABEL)) {
        return cl_fail(err, CL_ERR_PERMANENT, "ProtocolTooNarrow",
                       "the record has to be at %s, but hooks of %s are told a domain only; say "
                       "cnameStrategy: None, or use protocol lego, acme.sh or certloop",
                       s->fqdn, dns_exec_protocol_name(p->protocol));
    }
    if (PROTOCOLS[p->protocol].key_authorization && d->key_authorization == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "DetailsMissing",
                       "%s: hooks of lego-raw need the key authorization, which is not known any "
                       "more",
                       s->fqdn);
    }
    c.domain = s->fqdn + (PROTOCOLS[p->protocol].domain ? strlen(CHALLENGE_LABEL) : 0);
    *ret = (struct dns_exec_call){0};
    cl_strv_for_each(word, command) {
        cl_strv_add(&ret->argv, word);
    }
    PROTOCOLS[p->protocol].call(&c);
    return 0;
}

void dns_exec_call_deinit(struct dns_exec_call *c)
{
    cl_strv_deinit(&c->argv);
    cl_strv_deinit(&c->env);
    cl_free(c->input);
    *c = (struct dns_exec_call){0};
}

/* ---- ends ---- */

static int failed(struct cl_err *err, enum cl_err_kind kind, const char *reason, int exit_code,
                  const char *message)
{
    char clean[200];

    (void)cl_clean(clean, sizeof(clean), message, strnlen(message, 150));
    return cl_fail(err, kind, reason, "the hook ended with %d%s%s", exit_code,
                   *clean != '\0' ? ": " : "", clean);
}

/* The reply is the last line that is a JSON object: before it the hook may have talked. NULL: none. */
static json_t *reply_in(const char *output)
{
    struct cl_strv lines = {0};
    json_t *reply = NULL;

    cl_strv_split(&lines, output, "\n");
    for (size_t i = lines.len; reply == NULL && i-- > 0;) {
        reply = json_parse_object(lines.items[i], NULL);
    }
    cl_strv_deinit(&lines);
    return reply;
}

static int judge_reply(const json_t *reply, int exit_code, cl_time now, struct cl_err *err)
{
    const char *status = cl_str_or(json_string_value(json_object_get(reply, "status")), "ok");
    const char *message = cl_str_or(json_string_value(json_object_get(reply, "message")), "");
    json_int_t after = json_integer_value(json_object_get(reply, "retryAfter"));

    if (exit_code == 0 && strcmp(status, "ok") == 0) {
        return 0;
    }
    if (strcmp(status, "retry") == 0 || exit_code == EXIT_RETRY) {
        (void)failed(err, CL_ERR_TRANSIENT, "HookRetry", exit_code, message);
        if (err != NULL && after > 0 && after < 7 * 24 * 3600) {
            err->retry_at = now + after * CL_SECOND;
        }
        return -1;
    }
    if (strcmp(status, "unsupported") == 0 || exit_code == EXIT_UNSUPPORTED) {
        return failed(err, CL_ERR_PERMANENT, "HookUnsupported", exit_code, message);
    }
    return failed(err, CL_ERR_LOCAL, "HookFailed", exit_code, message);
}

int dns_exec_judge(enum dns_exec_protocol protocol, int exit_code, const char *output, cl_time now,
                   struct cl_err *err)
{
    if (protocol == EXEC_CERTLOOP) {
        json_t *reply = reply_in(output);
        int rc = judge_reply(reply, exit_code, now, err);
        json_decref(reply);
        return rc;
    }
    if (exit_code == 0) {
        return 0;
    }
    /* what it printed may hold secrets: it is in the log at level debug, not in the status */
    return protocol == EXEC_ACMETOOL && exit_code == ACMETOOL_UNSUPPORTED
               ? failed(err, CL_ERR_PERMANENT, "HookUnsupported", exit_code, "")
               : failed(err, CL_ERR_LOCAL, "HookFailed", exit_code, "");
}

/* ---- environment files ---- */

static bool name_ok(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_';
        if (!letter && (i == 0 || s[i] < '0' || s[i] > '9')) {
            return false;
        }
    }
    return len > 0;
}

int dns_exec_env_parse(const char *text, struct cl_strv *ret, struct cl_err *err)
{
    struct cl_strv lines = {0};
    int rc = 0;

    cl_strv_split(&lines, text, "\r\n");
    for (size_t i = 0; i < lines.len && rc == 0; i++) {
        const char *line = lines.items[i] + strspn(lines.items[i], " \t");
        line += cl_str_starts(line, "export ") ? strlen("export ") : 0;
        size_t len = strcspn(line, "=");
        if (*line == '#' || *line == '\0') {
            continue;
        }
        if (line[len] != '=' || !name_ok(line, len)) {
            rc = cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                         "the %zu. line that is not empty is not NAME=VALUE", i + 1);
            continue;
        }
        const char *value = line + len + 1;
        size_t n = strlen(value);
        bool quoted = n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0];
        cl_strv_take(
            ret, cl_printf("%.*s=%.*s", (int)len, line, (int)(quoted ? n - 2 : n), value + quoted));
    }
    for (size_t i = 0; i < lines.len; i++) {
        cl_wipe(lines.items[i], strlen(lines.items[i]));
    }
    cl_strv_deinit(&lines);
    return rc;
}
