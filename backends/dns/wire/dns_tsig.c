/* SPDX-License-Identifier: Apache-2.0 */
/* dns_tsig: HMAC over a message and the variables of its TSIG record (RFC 8945 4.3). Answers are
 * accepted with a complete MAC only: truncated ones (5.2.2.1) are nothing a server sends unasked. */
#include "backends/dns/wire/dns_tsig.h"

#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

#define HEADER 12U
#define SECRET_MAX 1024U
#define DIGESTED_MAX (2U * 65535U)
#define ERROR_BADSIG 16U /* as a TSIG error; the same number is BADVERS of EDNS */

static const struct algorithm {
    const char *name;    /* as people write it */
    const char *wire;    /* as a domain name (RFC 8945 6) */
    const char *manager; /* as cert-manager writes it */
    const EVP_MD *(*hash)(void);
} ALGORITHMS[] = {
    {"hmac-md5", "hmac-md5.sig-alg.reg.int", "HMACMD5", EVP_md5},
    {"hmac-sha1", "hmac-sha1", "HMACSHA1", EVP_sha1},
    {"hmac-sha224", "hmac-sha224", "HMACSHA224", EVP_sha224},
    {"hmac-sha256", "hmac-sha256", "HMACSHA256", EVP_sha256},
    {"hmac-sha384", "hmac-sha384", "HMACSHA384", EVP_sha384},
    {"hmac-sha512", "hmac-sha512", "HMACSHA512", EVP_sha512},
};
#define ALGORITHMS_LEN (sizeof ALGORITHMS / sizeof ALGORITHMS[0])

/* What stands in a TSIG record besides its owner and MAC. */
struct variables {
    uint64_t time;
    unsigned fudge, error;
    const unsigned char *other;
    size_t other_len;
};

/* ---- keys ---- */

static int find_algorithm(const char *name, unsigned *ret)
{
    size_t len = strlen(name);

    len -= len > 0 && name[len - 1] == '.' ? 1 : 0;
    for (unsigned i = 0; i < ALGORITHMS_LEN; i++) {
        const char *const names[] = {ALGORITHMS[i].name, ALGORITHMS[i].wire, ALGORITHMS[i].manager};
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            if (strlen(names[k]) == len && strncasecmp(names[k], name, len) == 0) {
                *ret = i;
                return 0;
            }
        }
    }
    return -1;
}

int dns_tsig_key_init(struct dns_tsig_key *ret, const char *name, const char *algorithm,
                      const char *secret, struct cl_err *err)
{
    char clean[CL_CLEAN_TEXT];
    unsigned char *raw = NULL;
    size_t len = 0;
    unsigned found = 0;
    char *normal = dns_name_normalise(name);

    if (normal == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "TSIGKeyInvalid",
                       "\"%s\" is no name of a TSIG key: it must be written as in the name "
                       "server's configuration",
                       cl_clean(clean, sizeof clean, name, strlen(name)));
    }
    if (find_algorithm(cl_str_or(algorithm, "hmac-sha256"), &found) < 0) {
        cl_free(normal);
        return cl_fail(err, CL_ERR_PERMANENT, "TSIGKeyInvalid",
                       "\"%s\" is no TSIG algorithm: use hmac-md5, hmac-sha1, hmac-sha224, "
                       "hmac-sha256, hmac-sha384 or hmac-sha512",
                       cl_clean(clean, sizeof clean, algorithm, strlen(algorithm)));
    }
    size_t text_len = secret != NULL ? strlen(secret) : 0;
    while (text_len > 0 && strchr(" \t\r\n", secret[text_len - 1]) != NULL) {
        text_len--; /* files end with a newline */
    }
    if (text_len == 0 || cl_base64_decode(secret, text_len, &raw, &len) < 0 || len == 0 ||
        len > SECRET_MAX) {
        if (raw != NULL) {
            cl_wipe(raw, len);
            cl_free(raw);
        }
        cl_free(normal);
        return cl_fail(err, CL_ERR_PERMANENT, "TSIGKeyInvalid",
                       "the secret of the TSIG key must be base64, as tsig-keygen writes it");
    }
    *ret = (struct dns_tsig_key){.name = normal, .algorithm = found};
    cl_buf_init_secret(&ret->secret, SECRET_MAX);
    (void)cl_buf_add(&ret->secret, raw, len);
    cl_wipe(raw, len);
    cl_free(raw);
    return 0;
}

void dns_tsig_key_deinit(struct dns_tsig_key *k)
{
    cl_free(k->name);
    k->name = NULL;
    cl_buf_deinit(&k->secret);
}

const char *dns_tsig_algorithm(const struct dns_tsig_key *k)
{
    return ALGORITHMS[k->algorithm].name;
}

/* ---- the digest ---- */

static void add_number(struct cl_buf *b, uint64_t v, unsigned bytes)
{
    unsigned char out[8];

    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (unsigned char)(v >> 8 * (bytes - 1 - i) & 0xff);
    }
    (void)cl_buf_add(b, out, bytes);
}

static void add_name(struct cl_buf *b, const char *name)
{
    unsigned char wire[DNS_NAME_MAX];
    int len = dns_name_encode(name, wire);

    (void)cl_buf_add(b, wire, len > 0 ? (size_t)len : 0); /* normalised: it is one */
}

static void add_variables(struct cl_buf *b, const struct dns_tsig_key *k, const struct variables *v)
{
    add_name(b, k->name);
    add_number(b, DNS_CLASS_ANY, 2);
    add_number(b, 0, 4); /* TTL */
    add_name(b, ALGORITHMS[k->algorithm].wire);
    add_number(b, v->time, 6);
    add_number(b, v->fudge, 2);
    add_number(b, v->error, 2);
    add_number(b, v->other_len, 2);
    (void)cl_buf_add(b, v->other, v->other_len);
}

/* @b: all that is digested. */
static int compute(const struct dns_tsig_key *k, const struct cl_buf *b, struct dns_tsig_mac *ret,
                   struct cl_err *err)
{
    const EVP_MD *hash = ALGORITHMS[k->algorithm].hash();
    unsigned len = 0;

    if (hash == NULL || HMAC(hash, k->secret.data, (int)k->secret.len,
                             (const unsigned char *)b->data, b->len, ret->mac, &len) == NULL) {
        return cl_fail(err, CL_ERR_INTERNAL, "TSIGFailed", "OpenSSL cannot compute %s here",
                       ALGORITHMS[k->algorithm].name);
    }
    ret->len = len;
    return 0;
}

int dns_tsig_sign(const struct dns_tsig_key *k, struct cl_buf *msg, uint64_t now,
                  struct dns_tsig_mac *ret_mac, struct cl_err *err)
{
    struct variables v = {.time = now, .fudge = DNS_TSIG_FUDGE};
    struct cl_buf b;

    cl_buf_init(&b, DIGESTED_MAX);
    (void)cl_buf_add(&b, msg->data, msg->len);
    add_variables(&b, k, &v);
    int rc = compute(k, &b, ret_mac, err);
    if (rc == 0) {
        const unsigned char *m = (const unsigned char *)msg->data;
        unsigned records = ((unsigned)m[10] << 8 | m[11]) + 1;
        cl_buf_reset(&b);
        add_name(&b, k->name);
        add_number(&b, DNS_TSIG, 2);
        add_number(&b, DNS_CLASS_ANY, 2);
        add_number(&b, 0, 4);
        size_t at = b.len;
        add_number(&b, 0, 2); /* length of what follows */
        add_name(&b, ALGORITHMS[k->algorithm].wire);
        add_number(&b, v.time, 6);
        add_number(&b, v.fudge, 2);
        add_number(&b, ret_mac->len, 2);
        (void)cl_buf_add(&b, ret_mac->mac, ret_mac->len);
        (void)cl_buf_add(&b, m, 2); /* original id */
        add_number(&b, 0, 4);       /* error, length of other data */
        size_t len = b.len - at - 2;
        b.data[at] = (char)(unsigned char)(len >> 8);
        b.data[at + 1] = (char)(unsigned char)(len & 0xff);
        if (cl_buf_add(msg, b.data, b.len) < 0) {
            rc =
                cl_fail(err, CL_ERR_INTERNAL, "TSIGFailed", "the request is too long to be signed");
        } else {
            msg->data[10] = (char)(unsigned char)(records >> 8);
            msg->data[11] = (char)(unsigned char)(records & 0xff);
        }
    }
    cl_buf_deinit(&b);
    return rc;
}

/* ---- answers ---- */

struct record {
    char owner[DNS_NAME_TEXT], algorithm[DNS_NAME_TEXT];
    struct variables v;
    const unsigned char *mac;
    size_t mac_len;
    const unsigned char *original_id;
};

static uint64_t number(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* Reads the record at @at, which is the last of @msg: 0 or -1. */
static int read_record(const struct cl_buf *msg, size_t at, struct record *ret)
{
    const unsigned char *m = (const unsigned char *)msg->data;
    size_t pos = at;

    if (dns_name_decode(m, msg->len, &pos, ret->owner) < 0 || msg->len - pos < 10) {
        return -1;
    }
    pos += 10; /* type, class, TTL, length: what is decoded ends where the message does */
    if (dns_name_decode(m, msg->len, &pos, ret->algorithm) < 0 || msg->len - pos < 10) {
        return -1;
    }
    ret->v.time = number(m + pos, 6);
    ret->v.fudge = (unsigned)number(m + pos + 6, 2);
    ret->mac_len = (size_t)number(m + pos + 8, 2);
    ret->mac = m + pos + 10;
    pos += 10;
    if (msg->len - pos < ret->mac_len + 6) {
        return -1;
    }
    pos += ret->mac_len;
    ret->original_id = m + pos;
    ret->v.error = (unsigned)number(m + pos + 2, 2);
    ret->v.other_len = (size_t)number(m + pos + 4, 2);
    ret->v.other = m + pos + 6;
    return msg->len - pos - 6 == ret->v.other_len ? 0 : -1;
}

static int fail_key(const struct dns_tsig_key *k, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_PERMANENT, "TSIGBadKey",
                   "the name server does not know the key \"%s\" with %s (BADKEY): name and "
                   "algorithm must be those of its configuration, and in Knot an acl of the zone "
                   "must name the key",
                   k->name, dns_tsig_algorithm(k));
}

static int fail_signature(const struct dns_tsig_key *k, const char *who, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_PERMANENT, "TSIGBadSignature",
                   "%s is not signed with the same secret (BADSIG): the secret of key \"%s\" "
                   "differs between here and the name server",
                   who, k->name);
}

/* Is the MAC the one that our key gives? */
static int check_mac(const struct dns_tsig_key *k, const struct cl_buf *msg, size_t at,
                     const struct record *r, const struct dns_tsig_mac *request, struct cl_err *err)
{
    const unsigned char *m = (const unsigned char *)msg->data;
    unsigned records = ((unsigned)m[10] << 8 | m[11]) - 1;
    struct dns_tsig_mac mac = {.len = 0};
    struct cl_buf b;

    cl_buf_init(&b, DIGESTED_MAX);
    add_number(&b, request->len, 2);
    (void)cl_buf_add(&b, request->mac, request->len);
    (void)cl_buf_add(&b, r->original_id, 2);
    (void)cl_buf_add(&b, m + 2, 8);
    add_number(&b, records, 2);
    (void)cl_buf_add(&b, m + HEADER, at - HEADER);
    add_variables(&b, k, &r->v);
    int rc = compute(k, &b, &mac, err);
    cl_buf_deinit(&b);
    if (rc == 0 && (r->mac_len != mac.len || !cl_mem_equal(r->mac, mac.mac, mac.len))) {
        rc = fail_signature(k, "the answer", err);
    }
    return rc;
}

static int fail_time(uint64_t theirs, uint64_t now, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_LOCAL, "TSIGBadTime",
                   "the clock of the name server is %" PRIu64 " s %s ours (BADTIME): at most %u s "
                   "are allowed; set both by NTP",
                   theirs > now ? theirs - now : now - theirs, theirs > now ? "ahead of" : "behind",
                   DNS_TSIG_FUDGE);
}

int dns_tsig_verify(const struct dns_tsig_key *k, const struct cl_buf *msg, size_t tsig,
                    const struct dns_tsig_mac *request, uint64_t now, struct cl_err *err)
{
    struct record r = {.mac_len = 0};

    if (tsig < HEADER || tsig >= msg->len || read_record(msg, tsig, &r) < 0) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "TSIGMissing",
                       "the answer of the name server is not signed, so it could be anyone's");
    }
    if (r.v.error == DNS_BADKEY) {
        return fail_key(k, err);
    }
    if (r.v.error == ERROR_BADSIG) {
        return fail_signature(k, "the request", err);
    }
    if (!cl_streq(r.owner, k->name) || !cl_streq(r.algorithm, ALGORITHMS[k->algorithm].wire)) {
        return cl_fail(err, CL_ERR_PERMANENT, "TSIGBadKey",
                       "the name server signs with another key or algorithm than \"%s\" with %s",
                       k->name, dns_tsig_algorithm(k));
    }
    if (check_mac(k, msg, tsig, &r, request, err) < 0) {
        return -1;
    }
    if (r.v.error == DNS_BADTIME) {
        return fail_time(r.v.other_len == 6 ? number(r.v.other, 6) : r.v.time, now, err);
    }
    if ((r.v.time > now ? r.v.time - now : now - r.v.time) > DNS_TSIG_FUDGE) {
        return fail_time(r.v.time, now, err);
    }
    return 0;
}
