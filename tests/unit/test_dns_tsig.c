/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/wire/dns_tsig. MACs and answers were computed with another HMAC over
 * bytes put together from RFC 8945 4.3; real name servers judge in the functional tests. */
#include "backends/dns/wire/dns_msg.h"
#include "backends/dns/wire/dns_tsig.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define NOW UINT64_C(1795516948)

static void a_request(struct cl_buf *msg)
{
    unsigned char buf[512];
    struct dns_writer w;
    struct dns_msg flags = {.opcode = DNS_OP_UPDATE};

    dns_write_begin(&w, buf, sizeof buf, 0x1234);
    dns_write_flags(&w, &flags);
    dns_write_question(&w, "example.org", DNS_SOA, DNS_IN);
    cl_buf_init(msg, 65535);
    (void)cl_buf_add(msg, buf, dns_write_end(&w));
}

static void requests_are_signed_with_every_algorithm(void **state)
{
    static const struct {
        const char *name, *mac;
    } CASES[] = {
        {"hmac-md5", "28180803653c922fafc5f6dc21b16463"},
        {"hmac-sha1", "4429f0130ea159e0dee387eb694c7dc50db4369f"},
        {"hmac-sha224", "3eec2cc12c0098d577b621594622207acb8578a90318b01c86c70f92"},
        {"hmac-sha256", "37fed9690c31bf07e9380b84ba3f418b2f6acb200bde7221ef876ce3d73b4dc7"},
        {"hmac-sha384",
         "c8adfddd8a0043da96f219aecb97b8dff39d2b28582eaca17928a7e86cd13dfde94d750321dc"
         "0fe887774a5c6c448f2d"},
        {"hmac-sha512",
         "28f7b5ba908857aa03a0a73c0129e2a95cebacbcdac9133e48d1d0df2344a0613d250a61ec8f"
         "32979eb05d707e90d04cb5acfbead73bc487809d1af1aa6c9e7e"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct dns_tsig_key k;
        struct cl_buf msg;
        struct dns_tsig_mac mac;
        struct dns_msg m;
        struct cl_err err = {0};
        assert_int_equal(dns_tsig_key_init(&k, "ACME.", CASES[i].name, SECRET, &err), 0);
        a_request(&msg);
        size_t before = msg.len;
        assert_int_equal(dns_tsig_sign(&k, &msg, NOW, &mac, &err), 0);
        char *hex = cl_hex(mac.mac, mac.len);
        assert_string_equal(hex, CASES[i].mac);
        cl_free(hex);
        assert_int_equal(dns_msg_decode(msg.data, msg.len, &m, &err), 0);
        assert_int_equal(m.tsig, before);
        assert_string_equal(dns_tsig_algorithm(&k), CASES[i].name);
        dns_msg_deinit(&m);
        cl_buf_deinit(&msg);
        dns_tsig_key_deinit(&k);
    }
}

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static void from_hex(struct cl_buf *b, const char *hex)
{
    cl_buf_init(b, 65535);
    for (; *hex != '\0'; hex += 2) {
        unsigned char c = (unsigned char)(nibble(hex[0]) << 4 | nibble(hex[1]));
        (void)cl_buf_add(b, &c, 1);
    }
}

static void answers_are_believed_only_if_the_key_has_signed_them(void **state)
{
    static const struct {
        const char *what, *hex, *reason;
    } CASES[] = {
        {"a good one",
         "1234a8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b056a14012c00209b9061a9b56e1adc"
         "d8dec074a052655468254625c66add37a8b48d1e5dc6fc4b123400000000",
         NULL},
        {"in time by a hair",
         "1234a8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b056b40012c0020c2f4f3aacf7f3410"
         "6a22b8569f1526ae59d0c194f9796c071a8aac9ce87f5a62123400000000",
         NULL},
        {"its id was changed on the way",
         "abcda8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b056a14012c00209b9061a9b56e1adc"
         "d8dec074a052655468254625c66add37a8b48d1e5dc6fc4b123400000000",
         NULL},
        {"too old",
         "1234a8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b0568e7012c00203da4e6b8c634690b"
         "4c3a961f0b5c9783d148e602eb2ea84e6df1dc818205c026123400000000",
         "TSIGBadTime"},
        {"a server whose clock is an hour ahead",
         "1234a8090001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff0000000000430b686d61632d7368613235360000006b056a14012c00201ae528161fdd590e"
         "9c50ea3790249cb775ce67e54a6a08046b9fe05c00f0ae8812340012000600006b057824",
         "TSIGBadTime"},
        {"the key is unknown",
         "1234a8090001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000001d0b686d61632d7368613235360000006b056a14012c0000123400110000",
         "TSIGBadKey"},
        {"the secret differs",
         "1234a8090001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000001d0b686d61632d7368613235360000006b056a14012c0000123400100000",
         "TSIGBadSignature"},
        {"signed with another key",
         "1234a8000001000000000001076578616d706c65036f72670000060001056f746865720000fa"
         "00ff00000000003d0b686d61632d7368613235360000006b056a14012c00204be3754204a3b1"
         "54c4267c6192f7eb4f0a7034e4af4c74fd69658a4fc6c78d98123400000000",
         "TSIGBadKey"},
        {"a wrong MAC",
         "1234a8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b056a14012c00200000000000000000"
         "000000000000000000000000000000000000000000000000123400000000",
         "TSIGBadSignature"},
        {"a short MAC",
         "1234a8000001000000000001076578616d706c65036f726700000600010461636d650000fa00"
         "ff00000000001d0b686d61632d7368613235360000006b056a14012c0000123400000000",
         "TSIGBadSignature"},
        {"its content was changed",
         "1234a8000001000000000001076558616d706c65036f726700000600010461636d650000fa00"
         "ff00000000003d0b686d61632d7368613235360000006b056a14012c00209b9061a9b56e1adc"
         "d8dec074a052655468254625c66add37a8b48d1e5dc6fc4b123400000000",
         "TSIGBadSignature"},
    };
    struct dns_tsig_mac request = {.len = 32};
    struct dns_tsig_key k;
    struct cl_err err = {0};

    (void)state;
    memset(request.mac, 0x5a, 32);
    assert_int_equal(dns_tsig_key_init(&k, "acme", "HMACSHA256", SECRET "\n", &err), 0);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_buf msg;
        struct dns_msg m;
        from_hex(&msg, CASES[i].hex);
        assert_int_equal(dns_msg_decode(msg.data, msg.len, &m, &err), 0);
        int rc = dns_tsig_verify(&k, &msg, m.tsig, &request, NOW, &err);
        if ((rc == 0) != (CASES[i].reason == NULL) ||
            (rc < 0 && !cl_streq(err.reason, CASES[i].reason))) {
            fail_msg("%s: %d %s %s", CASES[i].what, rc, err.reason, err.text);
        }
        dns_msg_deinit(&m);
        cl_buf_deinit(&msg);
    }
    dns_tsig_key_deinit(&k);
}

static void an_unsigned_answer_is_refused(void **state)
{
    struct dns_tsig_mac request = {.len = 32};
    struct dns_tsig_key k;
    struct cl_buf msg;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(dns_tsig_key_init(&k, "acme", "", SECRET, &err), 0);
    a_request(&msg);
    assert_int_equal(dns_tsig_verify(&k, &msg, 0, &request, NOW, &err), -1);
    assert_string_equal(err.reason, "TSIGMissing");
    assert_int_equal(dns_tsig_verify(&k, &msg, msg.len - 3, &request, NOW, &err), -1);
    cl_buf_deinit(&msg);
    dns_tsig_key_deinit(&k);
}

static void keys_that_cannot_be_used_are_refused_without_showing_the_secret(void **state)
{
    static const struct {
        const char *name, *algorithm, *secret;
    } CASES[] = {
        {"", "hmac-sha256", SECRET},   {"a..b", "hmac-sha256", SECRET},
        {"acme", "hmac-sha3", SECRET}, {"acme", "hmac-sha256", "this is no base64!"},
        {"acme", "hmac-sha256", ""},   {"acme", "hmac-sha256", "\n"},
        {"acme", "hmac-sha256", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct dns_tsig_key k;
        struct cl_err err = {0};
        assert_int_equal(
            dns_tsig_key_init(&k, CASES[i].name, CASES[i].algorithm, CASES[i].secret, &err), -1);
        assert_string_equal(err.reason, "TSIGKeyInvalid");
        assert_null(strstr(err.text, "this is no"));
        assert_null(strstr(err.text, "MDEy"));
    }
}

static void the_clock_of_the_server_is_named(void **state)
{
    struct dns_tsig_mac request = {.len = 32};
    struct dns_tsig_key k;
    struct cl_buf msg;
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    memset(request.mac, 0x5a, 32);
    assert_int_equal(dns_tsig_key_init(&k, "acme", NULL, SECRET, &err), 0);
    from_hex(&msg, "1234a8090001000000000001076578616d706c65036f726700000600010461636d650000fa00"
                   "ff0000000000430b686d61632d7368613235360000006b056a14012c00201ae528161fdd590e"
                   "9c50ea3790249cb775ce67e54a6a08046b9fe05c00f0ae8812340012000600006b057824");
    assert_int_equal(dns_msg_decode(msg.data, msg.len, &m, &err), 0);
    assert_int_equal(dns_tsig_verify(&k, &msg, m.tsig, &request, NOW, &err), -1);
    assert_non_null(strstr(err.text, "3600 s ahead of ours"));
    dns_msg_deinit(&m);
    cl_buf_deinit(&msg);
    dns_tsig_key_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_signed_with_every_algorithm),
        cmocka_unit_test(answers_are_believed_only_if_the_key_has_signed_them),
        cmocka_unit_test(an_unsigned_answer_is_refused),
        cmocka_unit_test(keys_that_cannot_be_used_are_refused_without_showing_the_secret),
        cmocka_unit_test(the_clock_of_the_server_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
