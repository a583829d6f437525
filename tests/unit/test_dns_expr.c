/* SPDX-License-Identifier: Apache-2.0 */
/* The expression language of DNS provider descriptions. */
#include "backends/dns/lang/dns_expr.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

static void fixed_random(void *user, unsigned char *buf, size_t len)
{
    (void)user;
    memset(buf, 0xA5, len);
}

static struct dns_env *make_env(void)
{
    static struct dns_env env;
    json_error_t e;

    dns_env_deinit(&env);
    dns_env_set(&env, "res",
                dns_value_json(json_loads(
                    "{\"a\":{\"b\":[{\"x-y\":1},{\"x-y\":2}]},\"n\":10000000000000001,"
                    "\"t\":true,\"z\":null,\"list\":[{\"k\":\"p\",\"v\":1},{\"k\":\"q\",\"v\":2}]}",
                    0, &e)));
    dns_env_set_text(&env, "cred.token", "s3cret");
    ((struct dns_value *)(uintptr_t)dns_env_member(&env, "cred", "token"))->secret = true;
    dns_env_set_text(&env, "name", "_acme-challenge.www.example.com");
    return &env;
}

/* The text of an expression's value; "ERROR: ..." if it has none. Owned. */
static char *eval(const char *text, bool *ret_secret)
{
    struct cl_err err = {0};
    struct dns_value v = {0};
    unsigned at = 0;
    struct dns_expr *e = dns_expr_parse(text, strlen(text), &at, &err);
    struct dns_eval ev = {
        .env = make_env(), .now = (cl_time)1700000000 * CL_SECOND, .random = fixed_random};
    char *result = NULL;

    if (e == NULL) {
        return cl_printf("SYNTAX %u: %s", at, err.text);
    }
    if (dns_expr_eval(e, &ev, &v, &err) < 0) {
        result = cl_printf("ERROR: %s", err.text);
    } else {
        result = dns_value_string(&v, NULL);
    }
    if (ret_secret != NULL) {
        *ret_secret = v.secret;
    }
    dns_value_deinit(&v);
    dns_expr_destroy(e);
    return result;
}

static void expressions_yield_what_they_say(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"res.a.b[0]['x-y']", "1"},
        {"res.a.b[-1]['x-y']", "2"},
        {"res.a.b[7].nothing.at.all", ""},
        {"res.n", "10000000000000001"},
        {"res.t", "true"},
        {"res.a", "{\"b\":[{\"x-y\":1},{\"x-y\":2}]}"},
        {"'it\\'s\\t\\\\'", "it's\t\\"},
        {"-12", "-12"},
        {"default(res.z, '', 'last')", "last"},
        {"when(res.t, res.z, 'no')", ""},
        {"when(res.t, 'yes')", "yes"},
        {"hex(md5('abc'))", "900150983cd24fb0d6963f7d28e17f72"},
        {"hex(sha1('abc'))", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"hex(sha256('abc'))", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        /* RFC 4231 test case 2 */
        {"hex(hmac('sha256', 'Jefe', 'what do ya want for nothing?'))",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"b64('foob')", "Zm9vYg=="},
        {"str(b64d('Zm9vYg=='))", "foob"},
        {"b64url(unhex('fbff'))", "-_8"},
        {"hex(b64d(b64(sha1('abc'))))", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"len(totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'))", "6"},
        {"now()", "1700000000"},
        {"now('ms')", "1700000000000"},
        {"now('%Y-%m-%dT%H:%M:%SZ')", "2023-11-14T22:13:20Z"},
        {"now('%H', 'Europe/Prague')", "23"},
        {"now('%H', '+08:00')", "06"},
        {"now('%a, %d %b %Y %T GMT')", "Tue, 14 Nov 2023 22:13:20 GMT"},
        {"nonce(8)", "a5a5a5a5"},
        {"uuid()", "a5a5a5a5-a5a5-45a5-a5a5-a5a5a5a5a5a5"},
        {"join('+', 'a', res.z, res.a.b[0]['x-y'])", "a++1"},
        {"join(',', pluck(res.list, 'v'))", "1,2"},
        {"find(res.list, 'k', 'q').v", "2"},
        {"cat('a', 1, true)", "a1true"},
        {"replace('a.b.c', '.', '-')", "a-b-c"},
        {"ltrim('/x/1', '/x/')", "1"},
        {"rtrim('name.', '.')", "name"},
        {"first('a.b.c', '.')", "a"},
        {"rest('a.b.c', '.')", "b.c"},
        {"last('a.b.c', '.')", "c"},
        {"tail(name, 2)", "example.com"},
        {"head(name, 2)", "_acme-challenge.www"},
        {"rel(name, 'example.com')", "_acme-challenge.www"},
        {"url('a b/ü')", "a%20b%2F%C3%BC"},
        {"form(object('b', 'x y', 'a', 1), 'sorted')", "a=1&b=x%20y"},
        {"json(object('a', array(1, 'x')))", "{\"a\":[1,\"x\"]}"},
        {"parse('{\"a\": [1, 2]}').a[1]", "2"},
        {"quote('a\"b\\\\c')", "\"a\\\"b\\\\c\""},
        {"unquote('\"ab\" \"cd\"')", "abcd"},
        {"lookup(object('Host.example', 'k'), 'host.EXAMPLE')", "k"},
        {"in('b', 'a', 'b')", "true"},
        {"eq(1, '1')", "true"},
        {"add('41', 1)", "42"},
        {"match('id=77;', 'id=([0-9]+)')", "77"},
        {"slice('abcdef', -2)", "ef"},
        {"xml(object('a', object('@x', 1, 'b', array(1, 2))))",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a x=\"1\"><b>1</b><b>2</b></a>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = eval(CASES[i].text, NULL);
        if (strcmp(got, CASES[i].want) != 0) {
            fail_msg("%s: got %s, want %s", CASES[i].text, got, CASES[i].want);
        }
        cl_free(got);
    }
}

static void mistakes_are_shown_where_they_are(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"a + b", "SYNTAX 2: unexpected +"},
        {"sha265('x')", "SYNTAX 0: there is no function sha265; did you mean sha256?"},
        {"hmac('sha1', 'k')",
         "SYNTAX 0: hmac has 2 arguments here; it is hmac(algorithm, key, data)"},
        {"'open", "SYNTAX 0: the text that starts here has no closing quote"},
        {"res.", "SYNTAX 4: expected a name"},
        {"res[0", "SYNTAX 5: expected ]"},
        {"", "SYNTAX 0: the expression ends where a value is expected"},
        {"1x", "SYNTAX 0: this is no whole number"},
        {"'\\q'", "SYNTAX 1: only \\n"},
        {"int('x')", "ERROR: int(): \"x\" is no whole number"},
        {"json(sha1('x'))", "ERROR: json(): bytes have no form in JSON"},
        {"hmac('sha3', 'a', 'b')", "ERROR: hmac(): unknown algorithm sha3"},
        {"now('%Q')", "ERROR: now(): the time pattern"},
        {"b64d('***')", "ERROR: b64d(): its argument is no base64"},
        {"add(9223372036854775807, 1)", "ERROR: add(): the number gets too large"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = eval(CASES[i].text, NULL);
        if (strncmp(got, CASES[i].want, strlen(CASES[i].want)) != 0) {
            fail_msg("%s: got %s, want %s", CASES[i].text, got, CASES[i].want);
        }
        cl_free(got);
    }
}

static void nesting_has_a_limit(void **state)
{
    struct cl_buf b;

    (void)state;
    cl_buf_init(&b, 500);
    for (int i = 0; i < 40; i++) {
        (void)cl_buf_adds(&b, "str(");
    }
    char *got = eval(cl_buf_str(&b), NULL);
    assert_non_null(strstr(got, "nested deeper than 32"));
    cl_free(got);
    cl_buf_deinit(&b);
}

static void what_is_made_of_a_secret_is_secret(void **state)
{
    static const struct {
        const char *text;
        bool secret;
    } CASES[] = {{"cred.token", true},
                 {"cat('Bearer ', cred.token)", true},
                 {"hex(hmac('sha256', cred.token, 'x'))", true},
                 {"object('a', cred.token)", true},
                 {"object('a', cred.token).a", true},
                 {"eq(cred.token, 'x')", false},
                 {"res.n", false}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        bool secret = !CASES[i].secret;
        cl_free(eval(CASES[i].text, &secret));
        if (secret != CASES[i].secret) {
            fail_msg("%s: secret %d", CASES[i].text, secret);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_yield_what_they_say),
        cmocka_unit_test(mistakes_are_shown_where_they_are),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(what_is_made_of_a_secret_is_secret),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    dns_env_deinit(make_env());
    return rc;
}
