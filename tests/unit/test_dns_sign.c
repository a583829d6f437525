/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: the published vectors of AWS Signature Version 4 (its test suite: get-vanilla,
 * get-vanilla-query-order-key-case), RFC 6238, and keys of every kind. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_crypto.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define BYTES(s) ((struct dns_bytes){s, strlen(s)})

static struct dns_tpl *text(const char *s)
{
    struct cl_err err = {0};
    struct dns_tpl *t = dns_tpl_compile_text(s, &err);

    assert_non_null(t);
    return t;
}

static void aws_vectors_come_out(void **state)
{
    static const struct {
        const char *url, *signature;
    } CASES[] = {
        {"https://example.amazonaws.com/",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"https://example.amazonaws.com/?Param2=value2&Param1=value1",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    };
    struct dns_v4 v4 = {.algorithm = text("AWS4-HMAC-SHA256"),
                        .prefix = text("AWS4"),
                        .key = text("AKIDEXAMPLE"),
                        .secret = text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                        .region = text("us-east-1"),
                        .service = text("service"),
                        .terminator = text("aws4_request"),
                        .date_header = text("X-Amz-Date")};
    struct dns_eval ev = {.now = (cl_time)1440938160 * CL_SECOND}; /* 20150830T123600Z */

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct api_request r = {.method = "GET", .url = cl_strdup(CASES[i].url)};
        struct cl_err err = {0};
        char want[300];
        (void)cl_format(want, sizeof want,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                        "aws4_request, SignedHeaders=host;x-amz-date, Signature=%s",
                        CASES[i].signature);
        assert_int_equal(api_sign_v4(&v4, &ev, &r, &err), 0);
        assert_string_equal(api_request_get(&r, "x-amz-date"), "20150830T123600Z");
        assert_string_equal(api_request_get(&r, "Authorization"), want);
        api_request_deinit(&r);
    }
    struct dns_tpl *all[] = {v4.algorithm, v4.prefix,  v4.key,        v4.secret,
                             v4.region,    v4.service, v4.terminator, v4.date_header};
    for (size_t i = 0; i < COUNT(all); i++) {
        dns_tpl_destroy(all[i]);
    }
}

static void one_time_passwords_are_those_of_rfc_6238(void **state)
{
    static const struct {
        long long t;
        const char *code; /* the last six of the eight digits of appendix B */
    } CASES[] = {
        {59, "287082"}, {1111111109, "081804"}, {1234567890, "005924"}, {2000000000, "279037"}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char code[7];
        struct cl_err err = {0};
        assert_int_equal(
            dns_totp("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", CASES[i].t * CL_SECOND, code, &err),
            0);
        assert_string_equal(code, CASES[i].code);
    }
    struct cl_err err = {0};
    char code[7];
    assert_int_equal(dns_totp("not base32!", 0, code, &err), -1);
}

static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(bio, &data);
    char *pem = cl_strndup(data, (size_t)len);
    BIO_free(bio);
    return pem;
}

static void keys_sign_what_their_public_half_verifies(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    char *rsa_pem = pem_of(rsa);
    char *ec_pem = pem_of(ec);
    unsigned char *sig = NULL;
    size_t len = 0;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(dns_sign("sha256", BYTES(rsa_pem), BYTES("data"), &sig, &len, &err), 0);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, len, (const unsigned char *)"data", 4), 1);
    EVP_MD_CTX_free(ctx);
    cl_free(sig);
    assert_int_equal(dns_sign("ps256", BYTES(rsa_pem), BYTES("data"), &sig, &len, &err), 0);
    assert_int_equal(len, 256);
    cl_free(sig);
    assert_int_equal(dns_sign("es256", BYTES(ec_pem), BYTES("data"), &sig, &len, &err), 0);
    assert_int_equal(len, 64);
    cl_free(sig);
    assert_int_equal(dns_sign("sha256", BYTES(ec_pem), BYTES("data"), &sig, &len, &err), -1);
    assert_non_null(strstr(err.text, "an RSA key"));
    assert_int_equal(dns_sign("sha256", BYTES("no key"), BYTES("data"), &sig, &len, &err), -1);
    assert_string_equal(err.reason, "CredentialInvalid");
    cl_free(rsa_pem);
    cl_free(ec_pem);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_vectors_come_out),
        cmocka_unit_test(one_time_passwords_are_those_of_rfc_6238),
        cmocka_unit_test(keys_sign_what_their_public_half_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
