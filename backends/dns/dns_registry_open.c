/* SPDX-License-Identifier: Apache-2.0 */
/* dns_registry_open: for each form of a solver, what it needs and how its provider is made. */
#include "backends/dns/dns_acmedns.h"
#include "backends/dns/dns_described.h"
#include "backends/dns/dns_exec.h"
#include "backends/dns/dns_httpreq.h"
#include "backends/dns/dns_registry_impl.h"
#include "backends/dns/dns_responder.h"
#include "backends/dns/dns_rfc2136.h"
#include "backends/rt/disk.h"
#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"

#include <string.h>

#define RUNNER "acmesh-runner.sh" /* in a provider directory */
#define DEFAULT_RESPONDER "[::]:53"

static const char *secret_or_null(const struct cl_buf *b)
{
    return b->len > 0 ? cl_buf_str(b) : NULL;
}

/* ---- described ---- */

struct lookup {
    struct dns_opening *o;
    struct dns01_input inputs[DNS01_INPUTS_MAX];
    size_t n;
    const char *directory; /* of the credentials, or NULL */
};

/* Beside which secrets is an endpoint of the spec? */
static const char *secrets_beside(const struct lookup *l)
{
    for (size_t i = 0; l->directory == NULL && i < l->n; i++) {
        if (l->inputs[i].secret != NULL) {
            return l->inputs[i].secret->name;
        }
    }
    return l->directory;
}

static const struct dns_input *input_named(const struct dns_description *d, const char *name)
{
    for (size_t i = 0; i < d->n_inputs; i++) {
        if (strcmp(d->inputs[i].name, name) == 0 || cl_strv_has(&d->inputs[i].env, name)) {
            return &d->inputs[i];
        }
    }
    return NULL;
}

/* 1, 0 = not in the spec, -1. */
static int from_spec(struct lookup *l, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct dns01_input *in = &l->inputs[i];
        const struct dns_input *input = input_named(l->o->description, in->name);

        if (strcmp(in->name, name) != 0) {
            continue;
        }
        if (in->secret != NULL) {
            return dns_opening_secret(l->o, in->secret, in->field, ret, err) < 0 ? -1 : 1;
        }
        if (input != NULL && input->secret) {
            return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                           "%s is a secret: put it into a file of that name, not into the spec",
                           name);
        }
        bool endpoint = input != NULL &&
                        (input->origin || dns_input_decides_origin(l->o->description, input->name));
        if (endpoint && dns_opening_origin(l->o, in->value, secrets_beside(l), err) < 0) {
            return -1;
        }
        dns_opening_mix(l->o, name, in->value);
        (void)cl_buf_adds(ret, in->value);
        return 1;
    }
    return 0;
}

static int get_input(void *user, const char *name, struct cl_buf *ret, struct cl_err *err)
{
    struct lookup *l = user;
    int rc = from_spec(l, name, ret, err);

    if (rc == 0 && l->directory != NULL) {
        rc = dns_opening_optional(l->o, l->directory, name, ret, err);
    }
    return rc;
}

/* What the spec gives has to be an input of the description: nothing is looked past. */
static int check_inputs(const struct lookup *l, struct cl_err *err)
{
    const struct dns_description *d = l->o->description;

    for (size_t i = 0; i < l->n; i++) {
        if (input_named(d, l->inputs[i].name) == NULL) {
            return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                           "the description of %s has no input for %s; `certloop providers %s` "
                           "lists what it takes",
                           d->name, l->inputs[i].field, d->name);
        }
    }
    return 0;
}

static int gather_described(struct dns_opening *o, struct cl_err *err)
{
    struct lookup l = {.o = o, .directory = dns01_credentials(o->spec)};
    struct dns_description *d = dns_registry_description(o->r, dns01_provider(o->spec), err);

    if (d == NULL) {
        return -1;
    }
    o->description = dns_description_ref(d);
    l.n = dns01_inputs(o->spec, l.inputs);
    if (check_inputs(&l, err) < 0) {
        return -1;
    }
    char *where = l.directory != NULL ? cl_printf("%s/%s", o->r->paths->secrets, l.directory)
                                      : cl_strdup("the spec");
    const struct dns_credential_source source = {.get = get_input, .user = &l, .where = where};
    dns_opening_mix(o, "provider", d->name);
    o->credentials = dns_credentials_read(d, &source, err);
    cl_free(where);
    return o->credentials != NULL ? 0 : -1;
}

static int make_described(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct dns_described_params p = {.loop = o->r->loop,
                                           .http = o->r->http,
                                           .description = o->description,
                                           .take_credentials = o->credentials};

    o->credentials = NULL;
    *ret = dns_described_create(&p, err);
    return *ret != NULL ? 0 : -1;
}

/* ---- rfc2136 ---- */

static int gather_rfc2136(struct dns_opening *o, struct cl_err *err)
{
    const struct rfc2136_spec *s = &o->spec->rfc2136;

    dns_opening_mix(o, "nameserver", s->nameserver);
    dns_opening_mix(o, "key", s->key_name);
    dns_opening_mix(o, "algorithm", s->algorithm);
    dns_opening_mix(o, "protocol", s->protocol);
    return s->key_name == NULL ? 0
                               : dns_opening_secret(o, &s->secret, "secret", &o->secrets[0], err);
}

static int make_rfc2136(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct rfc2136_spec *s = &o->spec->rfc2136;
    const struct dns_rfc2136_params p = {.nameserver = s->nameserver,
                                         .key_name = s->key_name,
                                         .key_algorithm = s->algorithm,
                                         .key_secret = secret_or_null(&o->secrets[0]),
                                         .tcp = cl_streq(s->protocol, "TCP")};

    return dns_rfc2136_create(o->r->loop, &p, ret, err);
}

/* ---- responder ---- */

static const struct responder_spec *responder_of(const struct dns_opening *o)
{
    const struct responder_spec *own = &o->spec->responder;

    return own->zones.len > 0 ? own : &o->r->config->dns.responder;
}

static int gather_responder(struct dns_opening *o, struct cl_err *err)
{
    const struct responder_spec *s = responder_of(o);
    char *zones = cl_strv_join(&s->zones, " "), *addresses = cl_strv_join(&s->addresses, " ");
    int rc = 0;

    dns_opening_mix(o, "listen", cl_str_or(s->listen, DEFAULT_RESPONDER));
    dns_opening_mix(o, "zones", zones);
    dns_opening_mix(o, "ns", s->name_server);
    dns_opening_mix(o, "addresses", addresses);
    if (s->zones.len == 0) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "ResponderZoneInvalid",
                     "no zones: give them here or in dns.responder of the Configuration");
    }
    cl_free(zones);
    cl_free(addresses);
    return rc;
}

static int make_responder(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct responder_spec *s = responder_of(o);
    const struct dns_responder_params p = {.listen = cl_str_or(s->listen, DEFAULT_RESPONDER),
                                           .zones = s->zones,
                                           .ns = s->name_server,
                                           .addresses = s->addresses};

    return dns_responder_create(o->r->loop, &p, ret, err);
}

/* ---- acme-dns ---- */

/* secrets: 0 accounts, 1 host */
static int gather_acme_dns(struct dns_opening *o, struct cl_err *err)
{
    const struct acme_dns_spec *s = &o->spec->acme_dns;
    struct cl_err own = {0};
    bool named = secret_ref_given(&s->account);

    dns_opening_mix(o, "host", s->host);
    /* accounts that do not exist yet are registered, and kept in the state directory */
    if (named && dns_opening_secret(o, &s->account, "accounts", &o->secrets[0], &own) < 0 &&
        !cl_streq(own.reason, "SecretNotFound")) {
        *err = own;
        return -1;
    }
    if (s->host == NULL) {
        int rc = dns_opening_optional(o, s->account.name, "host", &o->secrets[1], err);
        return rc == 0 ? cl_fail(err, CL_ERR_PERMANENT, "SecretNotFound",
                                 "neither host in the spec nor the file %s/%s/host",
                                 o->r->paths->secrets, s->account.name)
                       : (rc < 0 ? -1 : 0);
    }
    return o->secrets[0].len > 0 ? dns_opening_origin(o, s->host, s->account.name, err) : 0;
}

static int make_acme_dns(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct acme_dns_spec *s = &o->spec->acme_dns;
    const char *host = s->host != NULL ? s->host : cl_buf_str(&o->secrets[1]);
    char hex[CL_SHA256_TEXT];
    char *relative = cl_printf("dns/acmedns-%.16s.json", cl_sha256_hex(host, strlen(host), hex));
    char *path = paths_state(o->r->paths, relative);
    const struct dns_acmedns_params p = {.loop = o->r->loop,
                                         .http = o->r->http,
                                         .host = host,
                                         .accounts = secret_or_null(&o->secrets[0]),
                                         .state_path = path,
                                         .allow_from = &s->allow_from};
    int rc = dns_acmedns_create(&p, ret, err);

    cl_free(relative);
    cl_free(path);
    return rc;
}

/* ---- httpreq ---- */

/* secrets: 0 user, 1 password, 2 url. The names of lego's variables do as well. */
static int gather_httpreq(struct dns_opening *o, struct cl_err *err)
{
    static const struct {
        size_t slot;
        const char *file;
    } FILES[] = {{0, "username"}, {0, "HTTPREQ_USERNAME"}, {1, "password"}, {1, "HTTPREQ_PASSWORD"},
                 {2, "url"},      {2, "HTTPREQ_ENDPOINT"}};
    const struct httpreq_spec *s = &o->spec->httpreq;
    const char *directory = s->credentials.name;

    dns_opening_mix(o, "url", s->url);
    dns_opening_mix(o, "mode", s->mode);
    for (size_t i = 0; directory != NULL && i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        struct cl_buf *b = &o->secrets[FILES[i].slot];
        if (b->len == 0 && dns_opening_optional(o, directory, FILES[i].file, b, err) < 0) {
            return -1;
        }
    }
    if (s->url == NULL && o->secrets[2].len == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "SecretNotFound",
                       "neither url in the spec nor the file %s/%s/url", o->r->paths->secrets,
                       cl_str_or(directory, "NAME"));
    }
    return s->url != NULL && o->secrets[1].len > 0 ? dns_opening_origin(o, s->url, directory, err)
                                                   : 0;
}

static int make_httpreq(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct httpreq_spec *s = &o->spec->httpreq;
    const struct dns_httpreq_params p = {.loop = o->r->loop,
                                         .http = o->r->http,
                                         .url =
                                             s->url != NULL ? s->url : cl_buf_str(&o->secrets[2]),
                                         .raw = cl_streq(s->mode, "RAW"),
                                         .username = secret_or_null(&o->secrets[0]),
                                         .password = secret_or_null(&o->secrets[1]),
                                         .timeout = s->timeout};

    (void)err;
    *ret = dns_httpreq_create(&p);
    return 0;
}

/* ---- exec ---- */

static int gather_exec(struct dns_opening *o, struct cl_err *err)
{
    const struct dns_exec_spec *s = &o->spec->exec;
    char *command = cl_strv_join(&s->command, "\n"),
         *cleanup = cl_strv_join(&s->cleanup_command, "\n");
    const struct secret_ref file = {.file = s->env_file};
    struct cl_buf text = {0};
    int rc = 0;

    dns_opening_mix(o, "command", command);
    dns_opening_mix(o, "cleanupCommand", cleanup);
    dns_opening_mix(o, "protocol", dns_exec_protocol_name(s->protocol));
    dns_opening_mix(o, "script", s->script);
    cl_free(command);
    cl_free(cleanup);
    for (size_t i = 0; i < s->env.len; i++) {
        dns_opening_mix(o, s->env.items[i].key, s->env.items[i].value);
        cl_strv_take(&o->env, cl_printf("%s=%s", s->env.items[i].key, s->env.items[i].value));
    }
    if (s->env_file != NULL) {
        rc = dns_opening_secret(o, &file, "envFile", &text, err);
        if (rc == 0) {
            rc = dns_exec_env_parse(cl_buf_str(&text), &o->env, err);
            cl_wrap(rc < 0 ? err : NULL, "%s", s->env_file);
        }
    }
    cl_buf_deinit(&text);
    return rc;
}

/* Our runner lies beside the descriptions. Owned. */
static char *find_runner(const struct dns_opening *o)
{
    struct disk_stat st;

    cl_strv_for_each(directory, &o->r->config->provider_directories) {
        char *path = cl_printf("%s/" RUNNER, directory);
        if (disk_stat(path, &st, NULL) == 0 && st.type == DISK_FILE && (st.mode & 0022) == 0) {
            return path;
        }
        cl_free(path);
    }
    return NULL;
}

static int make_exec(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err)
{
    const struct dns_exec_spec *s = &o->spec->exec;
    char *runner = s->protocol == EXEC_ACME_SH && s->command.len == 0 ? find_runner(o) : NULL;
    const struct dns_exec_params p = {.loop = o->r->loop,
                                      .command = &s->command,
                                      .cleanup_command = &s->cleanup_command,
                                      .protocol = s->protocol,
                                      .script = s->script,
                                      .runner = runner,
                                      .env = &o->env,
                                      .timeout = s->timeout,
                                      .sequential = s->sequential};

    if (s->protocol == EXEC_ACME_SH && s->command.len == 0 && runner == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "NotFound",
                       "the file %s is in none of the Configuration's providerDirectories; or give "
                       "command: [/path/to/acme.sh]",
                       RUNNER);
    }
    *ret = dns_exec_create(&p);
    cl_free(runner);
    return 0;
}

/* ---- table ---- */

const struct dns_opener *dns_opener_of(enum dns01_type type)
{
    static const struct dns_opener DESCRIBED = {gather_described, make_described},
                                   RFC2136 = {gather_rfc2136, make_rfc2136},
                                   RESPONDER = {gather_responder, make_responder},
                                   ACME_DNS = {gather_acme_dns, make_acme_dns},
                                   HTTPREQ = {gather_httpreq, make_httpreq},
                                   EXEC = {gather_exec, make_exec};
    static const struct dns_opener *const OPENERS[DNS01_TYPES] = {
        [DNS01_PROVIDER] = &DESCRIBED,     [DNS01_RFC2136] = &RFC2136,
        [DNS01_RESPONDER] = &RESPONDER,    [DNS01_ACME_DNS] = &ACME_DNS,
        [DNS01_HTTPREQ] = &HTTPREQ,        [DNS01_EXEC] = &EXEC,
        [DNS01_CLOUDFLARE] = &DESCRIBED,   [DNS01_ROUTE53] = &DESCRIBED,
        [DNS01_AZURE_DNS] = &DESCRIBED,    [DNS01_CLOUD_DNS] = &DESCRIBED,
        [DNS01_DIGITALOCEAN] = &DESCRIBED, [DNS01_AKAMAI] = &DESCRIBED,
    };

    return OPENERS[type];
}
