/* SPDX-License-Identifier: Apache-2.0 */
/* dns_func_crypto: functions that signatures are made of: encodings, digests, keys, time, nonces. */
#include "backends/dns/lang/dns_crypto.h"
#include "backends/dns/lang/dns_func.h"
#include "backends/dns/lang/dns_time.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

static void give(struct dns_value *ret, char *take)
{
    *ret = dns_value_text(take);
    cl_free_secret(take);
}

/* Base64 with the alphabet and padding of RFC 4648 4, made from the URL form. */
static char *base64(const void *data, size_t len)
{
    char *text = cl_base64url(data, len);
    size_t n = strlen(text);

    text = cl_realloc(text, n + 4);
    for (char *s = text; *s != '\0'; s++) {
        *s = *s == '-' ? '+' : *s == '_' ? '/' : *s;
    }
    while (n % 4 != 0) {
        text[n++] = '=';
    }
    text[n] = '\0';
    return text;
}

DNS_FN(b64)
{
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    give(ret, base64(s, len));
    cl_free_secret(s);
    return 0;
}

DNS_FN(b64url)
{
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    give(ret, cl_base64url(s, len));
    cl_free_secret(s);
    return 0;
}

DNS_FN(b64d)
{
    unsigned char *data = NULL;
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    int rc = cl_base64_decode(s, len, &data, &len);
    cl_free_secret(s);
    if (rc < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "its argument is no base64");
    }
    *ret = dns_value_bytes(data, len);
    cl_wipe(data, len);
    cl_free(data);
    return 0;
}

DNS_FN(hex)
{
    size_t len = 0;

    DNS_FN_UNUSED();
    char *s = dns_argn(args, 0, &len);
    give(ret, cl_hex(s, len));
    cl_free_secret(s);
    return 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

DNS_FN(unhex)
{
    DNS_FN_UNUSED();
    char *s = dns_arg(args, 0);
    size_t len = strlen(s);
    bool good = len % 2 == 0;
    for (size_t i = 0; good && i < len; i += 2) {
        int high = hex_digit(s[i]);
        int low = hex_digit(s[i + 1]);
        good = high >= 0 && low >= 0;
        s[i / 2] = (char)(good ? high * 16 + low : 0);
    }
    if (good) {
        *ret = dns_value_bytes(s, len / 2);
    }
    cl_wipe(s, len);
    cl_free(s);
    return good ? 0 : cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "its argument is no hex text");
}

static int digest(const char *algorithm, const struct dns_value *args, struct dns_value *ret,
                  struct cl_err *err)
{
    struct dns_digest d;
    size_t len = 0;
    char *s = dns_argn(args, 0, &len);
    int rc = dns_digest(algorithm, s, len, &d, err);

    cl_free_secret(s);
    if (rc == 0) {
        *ret = dns_value_bytes(d.data, d.len);
    }
    return rc;
}

DNS_FN(md5)
{
    DNS_FN_UNUSED();
    return digest("md5", args, ret, err);
}

DNS_FN(sha1)
{
    DNS_FN_UNUSED();
    return digest("sha1", args, ret, err);
}

DNS_FN(sha256)
{
    DNS_FN_UNUSED();
    return digest("sha256", args, ret, err);
}

DNS_FN(sha512)
{
    DNS_FN_UNUSED();
    return digest("sha512", args, ret, err);
}

/* hmac(algorithm, key, data) */
DNS_FN(hmac)
{
    struct dns_digest d;
    size_t key_len = 0;
    size_t len = 0;

    DNS_FN_UNUSED();
    char *algorithm = dns_arg(args, 0);
    char *key = dns_argn(args, 1, &key_len);
    char *data = dns_argn(args, 2, &len);
    int rc = dns_hmac(algorithm, (struct dns_bytes){key, key_len}, (struct dns_bytes){data, len},
                      &d, err);
    cl_wipe(key, key_len);
    cl_free(key);
    cl_free_secret(data);
    cl_free(algorithm);
    if (rc == 0) {
        *ret = dns_value_bytes(d.data, d.len);
    }
    return rc;
}

/* rsa(algorithm, pem, data); also 'ps256' and 'es256' */
DNS_FN(rsa)
{
    unsigned char *sig = NULL;
    size_t sig_len = 0;
    size_t pem_len = 0;
    size_t len = 0;

    DNS_FN_UNUSED();
    char *algorithm = dns_arg(args, 0);
    char *pem = dns_argn(args, 1, &pem_len);
    char *data = dns_argn(args, 2, &len);
    int rc = dns_sign(algorithm, (struct dns_bytes){pem, pem_len}, (struct dns_bytes){data, len},
                      &sig, &sig_len, err);
    cl_free_secret(pem);
    cl_free_secret(data);
    cl_free(algorithm);
    if (rc == 0) {
        *ret = dns_value_bytes(sig, sig_len);
        cl_free(sig);
    }
    return rc;
}

DNS_FN(totp)
{
    char code[7];

    DNS_FN_UNUSED();
    char *secret = dns_arg(args, 0);
    int rc = dns_totp(secret, ev->now, code, err);
    cl_free_secret(secret);
    if (rc == 0) {
        *ret = dns_value_text(code);
    }
    return rc;
}

/* now(): seconds; now('ms'); now(format, zone, seconds to add) */
DNS_FN(now)
{
    char text[128];
    long long shift = 0;

    DNS_FN_UNUSED();
    char *format = n > 0 ? dns_arg(args, 0) : cl_strdup("%s");
    char *zone = n > 1 ? dns_arg(args, 1) : cl_strdup("UTC");
    int rc = n > 2 ? dns_arg_int(args, 2, &shift, err) : 0;
    cl_time t = ev->now + shift * CL_SECOND;
    if (rc == 0 && cl_streq(format, "%s")) {
        *ret = dns_value_int(t / CL_SECOND);
    } else if (rc == 0 && cl_streq(format, "ms")) {
        *ret = dns_value_int(t);
    } else if (rc == 0) {
        rc = dns_time_format(t, format, zone, text, sizeof text, err);
        *ret = rc == 0 ? dns_value_text(text) : *ret;
    }
    cl_free(format);
    cl_free(zone);
    return rc;
}

/* nonce(digits): hex. */
DNS_FN(nonce)
{
    unsigned char bytes[64];
    long long digits = 16;

    DNS_FN_UNUSED();
    if (n > 0 && dns_arg_int(args, 0, &digits, err) < 0) {
        return -1;
    }
    if (digits < 1 || digits > 128) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "a nonce has 1 to 128 digits");
    }
    ev->random(ev->random_user, bytes, sizeof bytes);
    char *text = cl_hex(bytes, sizeof bytes);
    text[digits] = '\0';
    give(ret, text);
    return 0;
}

/* RFC 9562 5.4 */
DNS_FN(uuid)
{
    unsigned char b[16];
    char text[37];

    DNS_FN_UNUSED();
    (void)args;
    ev->random(ev->random_user, b, sizeof b);
    b[6] = (unsigned char)(0x40 | (b[6] & 0x0F));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3F));
    (void)cl_format(text, sizeof text,
                    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                    b[13], b[14], b[15]);
    *ret = dns_value_text(text);
    return 0;
}

const struct dns_function DNS_FUNCTIONS_CRYPTO[] = {
    {"b64", 1, 1, fn_b64, false, NULL, "b64(data)"},
    {"b64url", 1, 1, fn_b64url, false, NULL, "b64url(data)"},
    {"b64d", 1, 1, fn_b64d, false, NULL, "b64d(text)"},
    {"hex", 1, 1, fn_hex, false, NULL, "hex(data)"},
    {"unhex", 1, 1, fn_unhex, false, NULL, "unhex(text)"},
    {"md5", 1, 1, fn_md5, false, NULL, "md5(data)"},
    {"sha1", 1, 1, fn_sha1, false, NULL, "sha1(data)"},
    {"sha256", 1, 1, fn_sha256, false, NULL, "sha256(data)"},
    {"sha512", 1, 1, fn_sha512, false, NULL, "sha512(data)"},
    {"hmac", 3, 3, fn_hmac, false, NULL, "hmac(algorithm, key, data)"},
    {"rsa", 3, 3, fn_rsa, false, NULL, "rsa(algorithm, pem, data)"},
    {"totp", 1, 1, fn_totp, false, NULL, "totp(secret)"},
    {"now", 0, 3, fn_now, false, NULL, "now(format, zone, seconds)"},
    {"nonce", 0, 1, fn_nonce, false, NULL, "nonce(digits)"},
    {"uuid", 0, 0, fn_uuid, false, NULL, "uuid()"},
    {0},
};
