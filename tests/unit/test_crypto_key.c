/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: every kind survives its PEM forms, signs for JWS so that others can verify, and is
 * generated beside the loop without holding it up. */
#include "tests/unit/crypto_fixture.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static const struct kind {
    enum key_algorithm algorithm;
    long size;
    const char *alg;
    size_t signature; /* octets */
} KINDS[] = {
    {KEY_ECDSA, 256, "ES256", 64}, {KEY_ECDSA, 384, "ES384", 96}, {KEY_ECDSA, 521, "ES512", 132},
    {KEY_RSA, 2048, "RS256", 256}, {KEY_ED25519, 0, "EdDSA", 64},
};

static struct key *make(const struct kind *kind)
{
    struct key *k = NULL;

    assert_int_equal(key_generate(kind->algorithm, kind->size, &k, NULL), 0);
    return k;
}

static void a_key_is_the_same_after_pem_in_both_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct key *k = make(&KINDS[i]);
        char before[CL_SHA256_TEXT];
        assert_int_equal(key_spki_sha256(k, before, NULL), 0);
        for (int e = KEY_PKCS1; e <= KEY_PKCS8; e++) {
            struct cl_buf pem;
            struct key *again = NULL;
            char after[CL_SHA256_TEXT];
            cl_buf_init_secret(&pem, 65536);
            assert_int_equal(key_to_pem(k, (enum key_encoding)e, &pem, NULL), 0);
            assert_int_equal(key_from_pem(cl_buf_str(&pem), &again, NULL), 0);
            assert_int_equal(key_spki_sha256(again, after, NULL), 0);
            assert_string_equal(before, after);
            assert_int_equal(key_algorithm(again), KINDS[i].algorithm);
            bool plain = e == KEY_PKCS8 || KINDS[i].algorithm == KEY_ED25519;
            assert_int_equal(strstr(pem.data, "-----BEGIN PRIVATE KEY-----") != NULL, plain);
            key_destroy(again);
            cl_buf_deinit(&pem);
        }
        if (KINDS[i].size != 0) {
            assert_int_equal(key_size(k), KINDS[i].size);
        }
        key_destroy(k);
    }
}

static void text_that_is_no_usable_key_is_named_an_invalid_private_key(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "",
        "garbage",
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n",
        /* encrypted: must not ask for a passphrase */
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAAAAAAAAAAAICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAAAAAAAAAAAAAAAAAAAAAA=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct key *k = NULL;
        struct cl_err err = {0};
        assert_int_equal(key_from_pem(CASES[i], &k, &err), -1);
        assert_string_equal(err.reason, "InvalidPrivateKey");
        assert_null(k);
    }
}

static void a_curve_that_no_ca_takes_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    struct key *k = NULL;
    struct cl_err err = {0};

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(bio, &data);
    char *pem = cl_strndup(data, (size_t)len);
    assert_int_equal(key_from_pem(pem, &k, &err), -1);
    assert_string_equal(err.reason, "InvalidPrivateKey");
    cl_free(pem);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void sizes_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum key_algorithm algorithm;
        long size;
    } CASES[] = {
        {KEY_RSA, 1024}, {KEY_RSA, 0}, {KEY_RSA, 16384}, {KEY_ECDSA, 224}, {KEY_ECDSA, -1}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct key *k = NULL;
        struct cl_err err = {0};
        assert_int_equal(key_generate(CASES[i].algorithm, CASES[i].size, &k, &err), -1);
        assert_string_equal(err.reason, "InvalidKeySize");
    }
}

/* RFC 7638 3.1 has an RSA key and its thumbprint; RFC 8037 appendix A.1 to A.3 an Ed25519 one. */
static void the_thumbprint_of_the_key_in_rfc_8037_is_the_one_printed_there(void **state)
{
    (void)state;
    static const char PEM[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n";
    struct key *k = NULL;
    char *jwk = NULL;
    char *thumbprint = NULL;

    assert_int_equal(key_from_pem(PEM, &k, NULL), 0);
    assert_int_equal(key_jwk(k, &jwk, NULL), 0);
    assert_string_equal(jwk, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
                             "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    assert_int_equal(key_thumbprint(k, &thumbprint, NULL), 0);
    assert_string_equal(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    cl_free(jwk);
    cl_free(thumbprint);
    key_destroy(k);
}

/* Turns R||S back into what OpenSSL verifies. */
static unsigned char *to_der(const unsigned char *sig, size_t len, size_t *ret_len)
{
    ECDSA_SIG *s = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int half = (int)len / 2;

    ECDSA_SIG_set0(s, BN_bin2bn(sig, half, NULL), BN_bin2bn(sig + half, half, NULL));
    *ret_len = (size_t)i2d_ECDSA_SIG(s, &der);
    ECDSA_SIG_free(s);
    return der;
}

static EVP_PKEY *public_of(const struct key *k)
{
    struct cl_buf pem;
    cl_buf_init_secret(&pem, 65536);
    assert_int_equal(key_to_pem(k, KEY_PKCS8, &pem, NULL), 0);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    cl_buf_deinit(&pem);
    assert_non_null(pkey);
    return pkey;
}

static void signatures_have_the_form_of_jws_and_verify(void **state)
{
    (void)state;
    static const char *const DIGESTS[] = {"SHA256", "SHA384", "SHA512", "SHA256", NULL};
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct key *k = make(&KINDS[i]);
        unsigned char *sig = NULL;
        size_t len = 0;
        assert_string_equal(key_jws_alg(k), KINDS[i].alg);
        assert_int_equal(key_sign(k, "header.payload", 14, &sig, &len, NULL), 0);
        assert_int_equal(len, KINDS[i].signature);
        size_t der_len = len;
        unsigned char *der = KINDS[i].algorithm == KEY_ECDSA ? to_der(sig, len, &der_len) : NULL;
        EVP_PKEY *pkey = public_of(k);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const EVP_MD *md = DIGESTS[i] != NULL ? EVP_get_digestbyname(DIGESTS[i]) : NULL;
        assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey), 1);
        assert_int_equal(EVP_DigestVerify(ctx, der != NULL ? der : sig, der_len,
                                          (const unsigned char *)"header.payload", 14),
                         1);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(pkey);
        OPENSSL_free(der);
        cl_free(sig);
        key_destroy(k);
    }
}

/* ---- beside the loop ---- */

struct wanted {
    struct key_op op;
    struct loop *l;
    int *open;
    bool done;
    enum cl_err_kind kind;
};

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct wanted *w = op->user;

    assert_false(w->done);
    w->done = true;
    w->kind = err != NULL ? err->kind : CL_ERR_NONE;
    if (--*w->open == 0) {
        loop_stop(w->l);
    }
}

static void start(struct wanted *w, struct loop *l, int *open, enum key_algorithm a, long size)
{
    *w = (struct wanted){.op.op = {.done = on_done}, .l = l, .open = open};
    w->op.op.user = w;
    ++*open;
    key_generate_start(l, a, size, &w->op);
    assert_false(w->done);
}

static void an_elliptic_key_comes_in_a_later_turn(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    struct wanted w;
    int open = 0;

    start(&w, l, &open, KEY_ECDSA, 256);
    loop_run(l);
    assert_int_equal(w.kind, CL_ERR_NONE);
    assert_int_equal(key_size(w.op.key), 256);
    key_destroy(w.op.key);
    loop_destroy(l);
}

static void rsa_keys_are_made_one_after_the_other_and_all_come(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    struct wanted w[3];
    int open = 0;

    for (size_t i = 0; i < COUNT(w); i++) {
        start(&w[i], l, &open, KEY_RSA, 2048);
    }
    loop_run(l);
    for (size_t i = 0; i < COUNT(w); i++) {
        assert_int_equal(w[i].kind, CL_ERR_NONE);
        assert_int_equal(key_size(w[i].op.key), 2048);
        key_destroy(w[i].op.key);
    }
    loop_destroy(l);
}

static void an_impossible_size_is_an_error_in_done(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    struct wanted w[2];
    int open = 0;

    start(&w[0], l, &open, KEY_RSA, 512);
    start(&w[1], l, &open, KEY_ECDSA, 7);
    loop_run(l);
    for (size_t i = 0; i < COUNT(w); i++) {
        assert_int_equal(w[i].kind, CL_ERR_PERMANENT);
        assert_null(w[i].op.key);
    }
    loop_destroy(l);
}

static void a_cancelled_generation_ends_without_a_key_whether_it_runs_or_waits(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    struct wanted w[4];
    int open = 0;

    start(&w[0], l, &open, KEY_RSA, 3072); /* runs at once */
    start(&w[1], l, &open, KEY_RSA, 2048); /* waits */
    start(&w[2], l, &open, KEY_ECDSA, 256);
    start(&w[3], l, &open, KEY_RSA, 2048); /* waits behind the cancelled ones, and comes */
    for (size_t i = 0; i < 3; i++) {
        cl_op_cancel(&w[i].op.op);
        cl_op_cancel(&w[i].op.op);
        assert_false(w[i].done);
    }
    loop_run(l);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(w[i].kind, CL_ERR_CANCELLED);
        assert_null(w[i].op.key);
    }
    assert_int_equal(w[3].kind, CL_ERR_NONE);
    key_destroy(w[3].op.key);
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_the_same_after_pem_in_both_encodings),
        cmocka_unit_test(text_that_is_no_usable_key_is_named_an_invalid_private_key),
        cmocka_unit_test(a_curve_that_no_ca_takes_is_refused),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(the_thumbprint_of_the_key_in_rfc_8037_is_the_one_printed_there),
        cmocka_unit_test(signatures_have_the_form_of_jws_and_verify),
        cmocka_unit_test(an_elliptic_key_comes_in_a_later_turn),
        cmocka_unit_test(rsa_keys_are_made_one_after_the_other_and_all_come),
        cmocka_unit_test(an_impossible_size_is_an_error_in_done),
        cmocka_unit_test(a_cancelled_generation_ends_without_a_key_whether_it_runs_or_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
