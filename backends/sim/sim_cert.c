/* SPDX-License-Identifier: Apache-2.0 */
/* sim_cert: toy certificates and requests: "name=value" lines. */
#include "backends/sim/sim.h"
#include "backends/sim/sim_crypto.h"
#include "spec/base/cl_alloc.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
#define CHAIN_BYTES ((size_t)64 << 10)
#define SKEW (5 * CL_MINUTE)

/* ---- lines ---- */

static void put_list(struct cl_buf *b, const char *name, const struct cl_strv *v)
{
    cl_strv_for_each(s, v) {
        (void)cl_buf_addf(b, "%s=%s\n", name, s);
    }
}

/* The value of a line "NAME=VALUE" from *at on; owned, NULL if there is none. Moves *at behind. */
static char *get_line(const char **at, const char *end, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = *at; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *stop = eol != NULL ? eol : end;
        if ((size_t)(stop - p) > n && strncmp(p, name, n) == 0 && p[n] == '=') {
            *at = eol != NULL ? eol + 1 : end;
            return cl_strndup(p + n + 1, (size_t)(stop - p - (ptrdiff_t)n - 1));
        }
        p = eol != NULL ? eol + 1 : end;
    }
    return NULL;
}

static char *get_text(const char *p, const char *end, const char *name)
{
    char *s = get_line(&p, end, name);

    return s != NULL ? s : cl_strdup("");
}

static void get_list(const char *p, const char *end, const char *name, struct cl_strv *ret)
{
    char *s;

    *ret = (struct cl_strv){0};
    while ((s = get_line(&p, end, name)) != NULL) {
        cl_strv_take(ret, s);
    }
}

static int64_t get_number(const char *p, const char *end, const char *name)
{
    char *s = get_text(p, end, name);
    uint64_t n = 0;

    (void)cl_parse_u64(s, INT64_MAX, &n);
    cl_free(s);
    return (int64_t)n;
}

/* ---- certificates ---- */

void toy_cert_deinit(struct toy_cert *c)
{
    cl_free(c->serial);
    cl_free(c->spki);
    cl_free(c->subject);
    cl_free(c->issuer);
    cl_free(c->signer_spki);
    cl_free(c->cn);
    cl_free(c->algorithm);
    cl_strv_deinit(&c->dns);
    cl_strv_deinit(&c->ips);
    cl_strv_deinit(&c->uris);
    cl_strv_deinit(&c->emails);
    memset(c, 0, sizeof *c);
}

void toy_chain_deinit(struct toy_cert *c, int n)
{
    for (int i = 0; i < n; i++) {
        toy_cert_deinit(&c[i]);
    }
}

char *toy_cert_ari_id(const struct toy_cert *c)
{
    char *aki = cl_base64url(c->signer_spki, strnlen(c->signer_spki, 20));
    char *serial = cl_base64url(c->serial, strlen(c->serial));
    char *id = cl_printf("%s.%s", aki, serial);

    cl_free(aki);
    cl_free(serial);
    return id;
}

int toy_cert_print(const struct toy_cert *c, struct cl_buf *ret)
{
    (void)cl_buf_adds(ret, BEGIN);
    (void)cl_buf_addf(ret,
                      "serial=%s\nspki=%s\nsubject=%s\nissuer=%s\nsigner=%s\ncn=%s\nalgorithm=%s\n"
                      "size=%ld\nca=%d\nfrom=%lld\nuntil=%lld\n",
                      c->serial, c->spki, c->subject, c->issuer, c->signer_spki, c->cn,
                      c->algorithm, c->size, c->is_ca ? 1 : 0, (long long)c->not_before,
                      (long long)c->not_after);
    put_list(ret, "dns", &c->dns);
    put_list(ret, "ip", &c->ips);
    put_list(ret, "uri", &c->uris);
    put_list(ret, "email", &c->emails);
    return cl_buf_adds(ret, END);
}

static void parse_one(const char *p, const char *end, struct toy_cert *c)
{
    c->serial = get_text(p, end, "serial");
    c->spki = get_text(p, end, "spki");
    c->subject = get_text(p, end, "subject");
    c->issuer = get_text(p, end, "issuer");
    c->signer_spki = get_text(p, end, "signer");
    c->cn = get_text(p, end, "cn");
    c->algorithm = get_text(p, end, "algorithm");
    c->size = (long)get_number(p, end, "size");
    c->is_ca = get_number(p, end, "ca") != 0;
    c->not_before = get_number(p, end, "from");
    c->not_after = get_number(p, end, "until");
    get_list(p, end, "dns", &c->dns);
    get_list(p, end, "ip", &c->ips);
    get_list(p, end, "uri", &c->uris);
    get_list(p, end, "email", &c->emails);
}

int toy_chain_parse(const char *pem, struct toy_cert ret[TOY_CHAIN_MAX], struct cl_err *err)
{
    int n = 0;
    const char *p = pem;

    if (strlen(pem) > CHAIN_BYTES) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidChain", "the chain is longer than 64 KiB");
    }
    while ((p = strstr(p, BEGIN)) != NULL) {
        const char *end = strstr(p, END);
        if (end == NULL || n == TOY_CHAIN_MAX) {
            toy_chain_deinit(ret, n);
            return cl_fail(err, CL_ERR_PERMANENT,
                           end == NULL ? "InvalidCertificate" : "InvalidChain",
                           "certificate %d of the chain is damaged", n + 1);
        }
        memset(&ret[n], 0, sizeof ret[n]);
        parse_one(p + strlen(BEGIN), end, &ret[n++]);
        if (ret[n - 1].spki[0] == '\0' || ret[n - 1].not_after == 0) {
            toy_chain_deinit(ret, n);
            return cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate",
                           "certificate %d of the chain cannot be parsed", n);
        }
        p = end + strlen(END);
    }
    if (n == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate", "there is no certificate");
    }
    return n;
}

static int check_signatures(const struct toy_cert *c, int n, struct cl_err *err)
{
    for (int i = 0; i + 1 < n; i++) {
        if (!cl_streq(c[i].signer_spki, c[i + 1].spki) || !c[i + 1].is_ca) {
            return cl_fail(err, CL_ERR_PERMANENT, "InvalidChain",
                           "certificate %d of the chain is not signed by certificate %d", i + 1,
                           i + 2);
        }
    }
    return 0;
}

static void to_facts(const struct toy_cert *c, int n, struct cert_facts *f)
{
    struct cl_buf pem;
    char hex[CL_SHA256_TEXT];

    memset(f, 0, sizeof *f);
    cl_buf_init(&pem, CHAIN_BYTES);
    (void)toy_cert_print(c, &pem);
    f->serial = cl_strdup(c->serial);
    f->sha256 = cl_strdup(cl_sha256_hex(cl_buf_str(&pem), pem.len, hex));
    f->spki_sha256 = cl_strdup(c->spki);
    f->subject = cl_strdup(c->subject);
    f->issuer = cl_strdup(c->issuer);
    f->common_name = cl_strdup(c->cn);
    cl_strv_copy(&f->dns_names, &c->dns);
    cl_strv_copy(&f->ip_addresses, &c->ips);
    cl_strv_copy(&f->uris, &c->uris);
    cl_strv_copy(&f->email_addresses, &c->emails);
    f->not_before = c->not_before;
    f->not_after = c->not_after;
    for (int i = 1; i < n; i++) {
        f->chain_not_after =
            i == 1 ? c[i].not_after : cl_time_min(f->chain_not_after, c[i].not_after);
    }
    f->key_algorithm = cl_strdup(c->algorithm);
    f->key_size = c->size;
    f->chain_length = n;
    f->is_ca = c->is_ca;
    f->ari_cert_id = toy_cert_ari_id(c);
    cl_buf_deinit(&pem);
}

int cert_parse_chain(const char *pem, struct cert_facts *ret, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    int n = toy_chain_parse(pem, c, err);

    if (n < 0) {
        return -1;
    }
    int rc = check_signatures(c, n, err);
    if (rc == 0) {
        to_facts(c, n, ret);
    }
    toy_chain_deinit(c, n);
    return rc;
}

int cert_split_chain(const char *pem, char **ret_leaf, char **ret_rest, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    int n = toy_chain_parse(pem, c, err);

    if (n < 0) {
        return -1;
    }
    const char *leaf = strstr(pem, BEGIN);
    const char *rest = strstr(leaf, END) + strlen(END);
    *ret_leaf = cl_strndup(leaf, (size_t)(rest - leaf));
    *ret_rest = cl_strdup(rest);
    toy_chain_deinit(c, n);
    return 0;
}

int cert_matches_key(const char *pem, const struct key *k, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    int n = toy_chain_parse(pem, c, err);

    if (n < 0) {
        return -1;
    }
    bool same = cl_streq(c[0].spki, k->spki);
    toy_chain_deinit(c, n);
    return same ? 0
                : cl_fail(err, CL_ERR_PERMANENT, "InvalidKeyPair",
                          "the certificate was made for another private key");
}

static int bad(struct cl_err *err, const char *reason, const char *text)
{
    return cl_fail(err, CL_ERR_BAD_RESULT, reason, "%s", text);
}

static bool names_fit(const struct toy_cert *c, const struct cert_spec *spec)
{
    struct cl_strv wanted;

    cl_strv_copy(&wanted, &spec->dns_names);
    if (spec->common_name != NULL && !cl_strv_has(&wanted, spec->common_name) &&
        cl_strv_has(&c->dns, spec->common_name)) {
        cl_strv_add(&wanted, spec->common_name);
    }
    bool fit = cl_strv_equal_set(&wanted, &c->dns) &&
               cl_strv_equal_set(&spec->ip_addresses, &c->ips) &&
               cl_strv_equal_set(&spec->uris, &c->uris) &&
               cl_strv_equal_set(&spec->email_addresses, &c->emails);
    cl_strv_deinit(&wanted);
    return fit;
}

static int guard(const struct toy_cert *c, int n, const struct cert_spec *spec, const struct key *k,
                 cl_time now, struct cl_err *err)
{
    if (!cl_streq(c->spki, k->spki)) {
        return bad(err, "WrongKey", "the certificate is for another key");
    }
    if (check_signatures(c, n, err) < 0) {
        return bad(err, "InvalidChain", "the chain is not signed from one to the next");
    }
    if (!names_fit(c, spec)) {
        return bad(err, "WrongNames", "the certificate is for other names");
    }
    if (c->not_before > cl_time_add(now, SKEW) || c->not_after <= now) {
        return bad(err, "NotValidNow", "the certificate is not valid now");
    }
    for (int i = 1; i < n; i++) {
        if (c[i].not_after <= now) {
            return bad(err, "InvalidChain", "an intermediate certificate expired");
        }
    }
    if (c->is_ca != spec->is_ca) {
        return bad(err, c->is_ca ? "UnexpectedCA" : "NotACA", "CA or not is not as asked for");
    }
    return 0;
}

int cert_guard(const char *pem, const struct cert_spec *spec, const struct key *k, cl_time now,
               struct cert_facts *ret, struct cl_err *err)
{
    struct toy_cert c[TOY_CHAIN_MAX];
    struct cl_err own = {0};
    int n = toy_chain_parse(pem, c, &own);

    if (n < 0) {
        return bad(err, own.reason, own.text);
    }
    int rc = guard(c, n, spec, k, now, err);
    if (rc == 0) {
        to_facts(c, n, ret);
    }
    toy_chain_deinit(c, n);
    return rc;
}

const char *cert_common_name(const struct cert_spec *spec)
{
    return spec->common_name != NULL && strlen(spec->common_name) <= 64 ? spec->common_name : NULL;
}

/* ---- signing in process ---- */

int cert_sign(const struct cert_sign_params *p, struct cl_buf *ret, struct cl_err *err)
{
    struct toy_cert chain[TOY_CHAIN_MAX] = {0};
    const char *cn = cl_str_or(cert_common_name(p->spec), "");
    int n = 0;
    char serial[48];

    if (p->issuer_pem != NULL && (n = toy_chain_parse(p->issuer_pem, chain, err)) < 0) {
        return -1;
    }
    (void)cl_format(serial, sizeof serial, "%016llx%016llx",
                    (unsigned long long)cl_rng_next(&sim->keys),
                    (unsigned long long)cl_rng_next(&sim->keys));
    struct toy_cert c = {
        .serial = serial,
        .spki = cl_strdup(p->subject_key->spki),
        .subject = cl_printf("CN=%s", cn),
        .issuer = n > 0 ? cl_strdup(chain[0].subject) : cl_printf("CN=%s", cn),
        .signer_spki = cl_strdup(p->issuer_key->spki),
        .cn = cl_strdup(cn),
        .algorithm = cl_strdup(key_algorithm_name(p->subject_key->algorithm)),
        .dns = p->spec->dns_names,
        .ips = p->spec->ip_addresses,
        .uris = p->spec->uris,
        .emails = p->spec->email_addresses,
        .size = p->subject_key->size,
        .is_ca = p->spec->is_ca,
        .not_before = (p->now - SKEW) / CL_SECOND * CL_SECOND,
        .not_after = (p->now + p->duration) / CL_SECOND * CL_SECOND,
    };
    if (n > 0) {
        c.not_after = cl_time_min(c.not_after, chain[0].not_after);
    }
    int rc = toy_cert_print(&c, ret);
    c.serial = NULL;
    memset(&c.dns, 0, sizeof c.dns);
    memset(&c.ips, 0, sizeof c.ips);
    memset(&c.uris, 0, sizeof c.uris);
    memset(&c.emails, 0, sizeof c.emails);
    toy_cert_deinit(&c);
    toy_chain_deinit(chain, n);
    return rc < 0 ? cl_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "the buffer is full") : 0;
}

/* ---- requests ---- */

int csr_create(const struct cert_params *p, const struct key *k, unsigned char **ret,
               size_t *ret_len, struct cl_err *err)
{
    struct cl_buf b;

    (void)err;
    cl_buf_init(&b, CHAIN_BYTES);
    (void)cl_buf_addf(&b, "toycsr\nspki=%s\nalgorithm=%s\nsize=%ld\ncn=%s\n", k->spki,
                      key_algorithm_name(k->algorithm), k->size,
                      cl_str_or(cert_common_name(p->spec), ""));
    put_list(&b, "dns", &p->spec->dns_names);
    put_list(&b, "ip", &p->spec->ip_addresses);
    *ret_len = b.len;
    *ret = (unsigned char *)cl_buf_take(&b);
    return 0;
}

int toy_csr_parse(const unsigned char *der, size_t len, struct toy_csr *ret)
{
    const char *p = (const char *)der;
    const char *end = p + len;

    if (len < 7 || strncmp(p, "toycsr\n", 7) != 0) {
        return -1;
    }
    ret->spki = get_text(p, end, "spki");
    ret->algorithm = get_text(p, end, "algorithm");
    ret->cn = get_text(p, end, "cn");
    ret->size = (long)get_number(p, end, "size");
    get_list(p, end, "dns", &ret->dns);
    get_list(p, end, "ip", &ret->ips);
    return 0;
}

void toy_csr_deinit(struct toy_csr *c)
{
    cl_free(c->spki);
    cl_free(c->algorithm);
    cl_free(c->cn);
    cl_strv_deinit(&c->dns);
    cl_strv_deinit(&c->ips);
}

int csr_names(const unsigned char *der, size_t len, struct cl_strv *ret_dns, struct cl_strv *ret_ip,
              struct cl_err *err)
{
    struct toy_csr c = {0};

    if (toy_csr_parse(der, len, &c) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidCertificateRequest",
                       "this is not a certificate request in DER form");
    }
    *ret_dns = c.dns;
    *ret_ip = c.ips;
    memset(&c.dns, 0, sizeof c.dns);
    memset(&c.ips, 0, sizeof c.ips);
    toy_csr_deinit(&c);
    return 0;
}

const char *crypto_version(void)
{
    return "toy keys";
}
