/* SPDX-License-Identifier: Apache-2.0 */
/* The external account binding, against values of another implementation (Python's hmac). */
#include "backends/acme/acme_eab.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/acme_fixture.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct acme_eab binding(enum eab_algorithm algorithm, const char *key)
{
    return (struct acme_eab){.key_id = "kid-1",
                             .algorithm = algorithm,
                             .mac_key = key,
                             .url = "https://ca.example/new-acct",
                             .jwk = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"BB\"}"};
}

static const struct {
    enum eab_algorithm algorithm;
    const char *signature;
} CASES[] = {
    {EAB_HS256, "8dvbzMIoCK1izRZYljjanWsBQbCTlEY2CaQ2TY3deTo"},
    {EAB_HS384, "PS9TUrDzsjQ5nJncocNRSOqECFJU37llNitkVBouR9cIhiyB9PHB2iPbvv5Oo-OY"},
    {EAB_HS512,
     "bRtsq1bSf0eg7Rh2GOYR5MHV3Mju8qxlcE2hcaiBT_CMfs9x5RvuBLzQfEreme1ociaJv4xr6-zNcsaY4dvqzQ"},
};

static void acme_point_14_the_account_key_is_signed_with_each_hmac(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct acme_eab in = binding(CASES[i].algorithm, KEY);
        struct cl_err err = {0};
        char *jws = NULL;
        char *want = cl_printf("\"signature\":\"%s\"", CASES[i].signature);

        assert_int_equal(acme_eab_sign(&in, &jws, &err), 0);
        assert_non_null(strstr(jws, want));
        assert_null(strstr(jws, "nonce"));
        cl_free(want);
        cl_free(jws);
    }
}

static void acme_point_14_the_mac_key_may_be_padded_and_of_the_standard_alphabet(void **state)
{
    static const char *const SAME[][2] = {
        {KEY, KEY "="},
        {"-_-_-_-_-_-_-_-_-_-_-_-_", "+/+/+/+/+/+/+/+/+/+/+/+/"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(SAME); i++) {
        char *jws[2] = {NULL, NULL};
        struct cl_err err = {0};
        for (size_t k = 0; k < 2; k++) {
            struct acme_eab in = binding(EAB_HS256, SAME[i][k]);
            assert_int_equal(acme_eab_sign(&in, &jws[k], &err), 0);
        }
        assert_string_equal(jws[0], jws[1]);
        cl_free(jws[0]);
        cl_free(jws[1]);
    }
}

static void acme_point_14_what_is_no_mac_key_is_told_without_quoting_it(void **state)
{
    static const char *const BAD[] = {"", "short", "not base64 at all!", "AAECAw=="};

    (void)state;
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct acme_eab in = binding(EAB_HS256, BAD[i]);
        struct cl_err err = {0};
        char *jws = NULL;
        assert_int_equal(acme_eab_sign(&in, &jws, &err), -1);
        assert_int_equal(err.kind, CL_ERR_PERMANENT);
        assert_string_equal(err.reason, "BadMACKey");
        assert_true(BAD[i][0] == '\0' || strstr(err.text, BAD[i]) == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_14_the_account_key_is_signed_with_each_hmac),
        cmocka_unit_test(acme_point_14_the_mac_key_may_be_padded_and_of_the_standard_alphabet),
        cmocka_unit_test(acme_point_14_what_is_no_mac_key_is_told_without_quoting_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
