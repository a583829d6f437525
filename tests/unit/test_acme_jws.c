/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as JSON Web Signatures. */
#include "backends/acme/acme_jws.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/acme_fixture.h"

#include <jansson.h>

static json_t *decoded(const json_t *jws, const char *member)
{
    const char *text = json_string_value(json_object_get(jws, member));
    unsigned char *raw;
    size_t len;

    assert_non_null(text);
    assert_int_equal(cl_base64_decode(text, strlen(text), &raw, &len), 0);
    json_t *v = json_loadb((char *)raw, len, JSON_DECODE_ANY, NULL);
    cl_free(raw);
    return v;
}

static json_t *sign(const struct key *key, const char *kid, const char *jwk, const char *payload)
{
    struct cl_err err = {0};
    char *body;
    struct acme_jws in = {.key = key,
                          .url = "https://ca.example/acme/new-order",
                          .nonce = "n0nce_-",
                          .kid = kid,
                          .jwk = jwk,
                          .payload = payload};

    assert_int_equal(acme_jws_sign(&in, &body, &err), 0);
    json_t *jws = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(jws);
    assert_int_equal(json_object_size(jws), 3);
    cl_free(body);
    return jws;
}

static struct key *new_key(enum key_algorithm algorithm, long size)
{
    struct key *key;
    struct cl_err err = {0};

    assert_int_equal(key_generate(algorithm, size, &key, &err), 0);
    return key;
}

static void acme_point_03_the_url_header_equals_the_requested_url_byte_for_byte(void **state)
{
    struct key *key = new_key(KEY_ECDSA, 256);
    json_t *jws = sign(key, "https://ca.example/acct/1", NULL, "{}");
    json_t *header = decoded(jws, "protected");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(header, "url")),
                        "https://ca.example/acme/new-order");
    assert_string_equal(json_string_value(json_object_get(header, "nonce")), "n0nce_-");
    assert_string_equal(json_string_value(json_object_get(header, "alg")), "ES256");
    json_decref(header);
    json_decref(jws);
    key_destroy(key);
}

static void acme_point_04_kid_or_jwk_but_never_both(void **state)
{
    struct key *key = new_key(KEY_ECDSA, 256);
    struct cl_err err = {0};
    char *jwk;

    (void)state;
    assert_int_equal(key_jwk(key, &jwk, &err), 0);
    json_t *known = sign(key, "https://ca.example/acct/1", NULL, "{}");
    json_t *header = decoded(known, "protected");
    assert_string_equal(json_string_value(json_object_get(header, "kid")),
                        "https://ca.example/acct/1");
    assert_null(json_object_get(header, "jwk"));
    json_decref(header);
    json_decref(known);

    json_t *registering = sign(key, NULL, jwk, "{}");
    header = decoded(registering, "protected");
    assert_null(json_object_get(header, "kid"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(header, "jwk"), "kty")),
                        "EC");
    json_decref(header);
    json_decref(registering);
    cl_free(jwk);
    key_destroy(key);
}

static void acme_point_05_post_as_get_has_the_empty_string_and_a_challenge_an_object(void **state)
{
    struct key *key = new_key(KEY_ECDSA, 256);
    json_t *get = sign(key, "https://ca.example/acct/1", NULL, "");
    json_t *challenge = sign(key, "https://ca.example/acct/1", NULL, "{}");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(get, "payload")), "");
    json_t *payload = decoded(challenge, "payload");
    assert_true(json_is_object(payload));
    assert_int_equal(json_object_size(payload), 0);
    json_decref(payload);
    json_decref(get);
    json_decref(challenge);
    key_destroy(key);
}

static void an_es256_signature_is_64_bytes_and_rsa_says_rs256(void **state)
{
    static const struct {
        enum key_algorithm algorithm;
        long size;
        const char *alg;
        size_t len;
    } CASES[] = {{KEY_ECDSA, 256, "ES256", 64}, {KEY_RSA, 2048, "RS256", 256}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct key *key = new_key(CASES[i].algorithm, CASES[i].size);
        json_t *jws = sign(key, "https://ca.example/acct/1", NULL, "{}");
        json_t *header = decoded(jws, "protected");
        const char *text = json_string_value(json_object_get(jws, "signature"));
        unsigned char *raw;
        size_t len;

        assert_string_equal(json_string_value(json_object_get(header, "alg")), CASES[i].alg);
        assert_int_equal(cl_base64_decode(text, strlen(text), &raw, &len), 0);
        assert_int_equal(len, CASES[i].len);
        assert_null(strchr(text, '='));
        cl_free(raw);
        json_decref(header);
        json_decref(jws);
        key_destroy(key);
    }
}

static void point_31_a_key_authorization_is_token_dot_thumbprint(void **state)
{
    char *got = acme_jws_key_authorization("token", "thumb");

    (void)state;
    assert_string_equal(got, "token.thumb");
    cl_free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_03_the_url_header_equals_the_requested_url_byte_for_byte),
        cmocka_unit_test(acme_point_04_kid_or_jwk_but_never_both),
        cmocka_unit_test(acme_point_05_post_as_get_has_the_empty_string_and_a_challenge_an_object),
        cmocka_unit_test(an_es256_signature_is_64_bytes_and_rsa_says_rs256),
        cmocka_unit_test(point_31_a_key_authorization_is_token_dot_thumbprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
