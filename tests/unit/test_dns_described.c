/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of described providers over a real loopback server: what it does when a provider is busy,
 * broken, hostile or shared with others. */
#include "tests/unit/dns_fixture.h"

#define HEAD                                                      \
    "provider: fake\n"                                            \
    "credentials: {url: {origin: true}, token: {secret: true}}\n" \
    "request:\n"                                                  \
    "  base: ${cred.url}\n"                                       \
    "  headers: {Authorization: \"Bearer ${cred.token}\"}\n"      \
    "  error: ${res.message}\n"
#define RECORDS                                                                                          \
    HEAD                                                                                                 \
        "records:\n"                                                                                     \
        "  list: {GET: /records, items: \"${res.records}\"}\n"                                           \
        "  add: {POST: /records, json: {name: \"${name.rel}\", value: \"${value}\", ttl: \"${ttl}\"}}\n" \
        "  item: {where: {type: TXT}, name: \"${item.name}\", value: \"${item.value}\"}\n"               \
        "  remove: {DELETE: \"/records/${id}\", absent: 404}\n"
#define RRSET                                                          \
    HEAD "rrset:\n"                                                    \
         "  get: {GET: /set, absent: 404, items: \"${res.values}\"}\n" \
         "  put: {PUT: /set, json: \"${values}\"}\n"                   \
         "  delete: {DELETE: /set}\n"
#define NONE "{\"records\": []}"
#define FOREIGN \
    "{\"records\": [{\"id\": 7, \"type\": \"TXT\", \"name\": \"_acme-challenge\", \"value\": \"foreign\"}]}"
#define OURS                                                                                                   \
    "{\"records\": [{\"id\": 7, \"type\": \"TXT\", \"name\": \"_acme-challenge\", \"value\": \"foreign\"},"    \
    "{\"id\": 8, \"type\": \"TXT\", \"name\": \"_acme-challenge.example.com.\", \"value\": \"\\\"ours\\\"\"}," \
    "{\"id\": 9, \"type\": \"TXT\", \"name\": \"other\", \"value\": \"ours\"}]}"

static void records_adds_what_is_missing_and_removes_only_its_own(void **state)
{
    static const struct reply REPLIES[] = {{"GET /records", "200 OK", FOREIGN, NULL, 1},
                                           {"GET /records", "200 OK", OURS, NULL, 0},
                                           {"POST /records", "201 Created", "{}", NULL, 0},
                                           {"DELETE /records/8", "204 No Content", "", NULL, 0},
                                           {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_string_equal(dnsfix_body(&f, "POST /records"),
                        "{\"name\":\"_acme-challenge\",\"value\":\"ours\",\"ttl\":60}");
    assert_done(&f, dnsfix_apply(&f, "ours", NULL)); /* there already */
    assert_int_equal(dnsfix_count(&f, "POST"), 1);
    assert_done(&f, dnsfix_apply(&f, NULL, "ours"));
    assert_int_equal(dnsfix_count(&f, "DELETE"), 1);
    assert_int_equal(dnsfix_count(&f, "DELETE /records/8"), 1);
    dnsfix_close(&f);
}

static void a_create_whose_answer_is_lost_is_looked_for_before_it_is_repeated(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "200 OK", NONE, "Connection: close\r\n", 1},
        {"GET /records", "200 OK", OURS, NULL, 0},
        {"POST /records", NULL, NULL, NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "POST"), 1);
    assert_int_equal(dnsfix_count(&f, "GET"), 2);
    dnsfix_close(&f);
}

static void a_create_that_was_lost_on_the_way_is_repeated(void **state)
{
    static const struct reply REPLIES[] = {{"GET /records", "200 OK", FOREIGN, NULL, 0},
                                           {"POST /records", "503 Busy", "", NULL, 1},
                                           {"POST /records", "201 Created", "{}", NULL, 0},
                                           {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "POST"), 2);
    dnsfix_close(&f);
}

static void a_record_without_an_id_is_not_removed_by_it(void **state)
{
    static const char *const ANSWERS[] = {
        "{\"records\": [{\"type\": \"TXT\", \"name\": \"_acme-challenge\", \"value\": \"ours\"}]}",
        "{\"records\": [{\"id\": \"\", \"type\": \"TXT\", \"name\": \"_acme-challenge\", \"value\": "
        "\"ours\"}]}"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct reply replies[] = {{"GET /records", "200 OK", ANSWERS[i], NULL, 0},
                                        {"DELETE /records", "200 OK", "{}", NULL, 0},
                                        {0}};
        struct dnsfix f;
        dnsfix_open(&f, RECORDS, replies);
        int rc = dnsfix_apply(&f, NULL, "ours");
        assert_reason(&f, rc, CL_ERR_BAD_RESULT, "ItemIdMissing");
        assert_non_null(strstr(f.err.text, "item.id finds nothing"));
        assert_int_equal(dnsfix_count(&f, "DELETE"), 0);
        dnsfix_close(&f);
    }
}

static void a_429_is_waited_for_as_long_as_it_says(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "429 Too Many", "{}", "Retry-After: 1\r\n", 1},
        {"GET /records", "429 Too Many", "{}", NULL, 1}, /* without: a second or two */
        {"GET /records", "200 OK", OURS, NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "GET"), 3);
    dnsfix_close(&f);
}

static void a_long_429_goes_up_with_its_time(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "429 Too Many", "{\"message\": \"slow down\"}", "Retry-After: 900\r\n", 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_RATE_LIMITED, "ProviderRateLimited");
    assert_true(f.err.retry_at > loop_now(f.net.loop) + 800 * CL_SECOND);
    assert_non_null(strstr(f.err.text, "fake: records.list: GET http://127.0.0.1"));
    assert_non_null(strstr(f.err.text, "slow down"));
    dnsfix_close(&f);
}

static void a_200_with_an_error_inside_is_an_error(void **state)
{
    static const char TEXT[] = HEAD "  ok: {where: {status: ok}}\n"
                                    "records:\n"
                                    "  list: {GET: /records, items: \"${res.records}\"}\n"
                                    "  add: {POST: /records}\n  remove: {DELETE: /records}\n";
    static const struct reply REPLIES[] = {
        {"GET /records", "200 OK",
         "{\"status\": \"failed\", \"message\": \"token very-secret-token is bad\"}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, TEXT, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_LOCAL, "ProviderRefused");
    assert_non_null(strstr(f.err.text, "token *** is bad")); /* and the secret is masked */
    dnsfix_close(&f);
}

static void a_redirect_is_not_followed(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "302 Found", "", "Location: http://127.0.0.1:1/steal\r\n", 0}, {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_PERMANENT, "ProviderRedirected");
    assert_int_equal(f.peer.requests.len, 1);
    dnsfix_close(&f);
}

#define PAGED                                                                                  \
    HEAD "records:\n"                                                                          \
         "  list: {GET: /records, items: \"${res.records}\", page: {next: \"${res.next}\"}}\n" \
         "  add: {POST: /records}\n  remove: {DELETE: \"/records/${id}\"}\n"                   \
         "  item: {value: \"${item.value}\"}\n"

static void pages_that_never_end_are_an_error(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "200 OK", "{\"records\": [], \"next\": \"same\"}", NULL, 0}, {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, PAGED, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_BAD_RESULT, "PageLoop");
    assert_int_equal(f.peer.requests.len, 2);
    dnsfix_close(&f);
}

static void a_next_link_to_another_host_is_not_followed(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "200 OK", "{\"records\": [], \"next\": \"http://192.0.2.1/records\"}",
         NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, PAGED, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_PERMANENT, "OriginRefused");
    assert_non_null(strstr(f.err.text, "http://192.0.2.1"));
    dnsfix_close(&f);
}

static void flood(struct raw_conn *c, const char *request)
{
    static char megabyte[(1 << 20) + 1];

    (void)request;
    memset(megabyte, 'x', sizeof megabyte - 1);
    raw_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    c->flood = megabyte;
    loop_fd_change(c->watch, LOOP_READ | LOOP_WRITE);
}

static void an_answer_of_100_mib_is_cut_off(void **state)
{
    static const struct reply REPLIES[] = {{0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    f.peer.answer = flood;
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_BAD_RESULT, "BodyTooLarge");
    dnsfix_close(&f);
}

static void an_answer_that_is_no_json_says_what_came(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /records", "200 OK", "<html>login</html>", NULL, 0}, {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RECORDS, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_BAD_RESULT, "AnswerNotJSON");
    assert_non_null(strstr(f.err.text, "<html>login"));
    dnsfix_close(&f);
}

/* ---- sessions ---- */

#define LOGIN                                                                                                  \
    "provider: fake\n"                                                                                         \
    "credentials: {url: {origin: true}, token: {secret: true}}\n"                                              \
    "request: {base: \"${cred.url}\", headers: {X-Session: \"${session.sid}\"}, error: \"${res.message}\"}\n"  \
    "login:\n"                                                                                                 \
    "  calls: [{POST: \"${cred.url}/login\", json: {token: \"${cred.token}\"}, set: {sid: \"${res.sid}\"}}]\n" \
    "  logout: {POST: \"${cred.url}/logout\", headers: {X-Session: \"${session.sid}\"}}\n"                     \
    "records:\n"                                                                                               \
    "  list: {GET: /records, items: \"${res.records}\"}\n"                                                     \
    "  item: {value: \"${item.value}\"}\n"                                                                     \
    "  add: {POST: /records, json: {value: \"${value}\"}}\n  remove: {DELETE: \"/records/${id}\"}\n"

static void a_login_that_fails_names_the_step(void **state)
{
    static const struct reply REPLIES[] = {
        {"POST /login", "401 Unauthorized", "{\"message\": \"wrong password\"}", NULL, 0}, {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, LOGIN, REPLIES);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_PERMANENT, "ProviderDenied");
    assert_non_null(strstr(f.err.text, "login"));
    assert_non_null(strstr(f.err.text, "wrong password"));
    assert_int_equal(f.peer.requests.len, 1);
    dnsfix_close(&f);
}

static void a_session_is_kept_and_renewed_once_when_it_is_refused(void **state)
{
    static const struct reply REPLIES[] = {
        {"POST /login", "200 OK", "{\"sid\": \"session-one\"}", NULL, 1},
        {"POST /login", "200 OK", "{\"sid\": \"session-two\"}", NULL, 1},
        {"GET /records", "200 OK", "{\"records\": []}", NULL, 1},
        {"GET /records", "401 Expired", "{}", NULL, 1},
        {"GET /records", "200 OK", "{\"records\": []}", NULL, 1},
        {"POST /records", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, LOGIN, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "POST /login"), 1);
    assert_done(&f, dnsfix_apply(&f, "more", NULL));
    assert_int_equal(dnsfix_count(&f, "POST /login"), 2);
    assert_non_null(
        strstr(f.peer.requests.items[f.peer.requests.len - 1], "X-Session: session-two"));
    dnsfix_close(&f);
}

/* ---- sets ---- */

static void a_set_keeps_what_is_there_and_is_read_again(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /set", "200 OK", "{\"values\": [\"\\\"foreign\\\"\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"foreign\", \"ours\"]}", NULL, 0},
        {"PUT /set", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RRSET, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_string_equal(dnsfix_body(&f, "PUT"), "[\"foreign\",\"ours\"]");
    assert_int_equal(dnsfix_count(&f, "GET"), 2);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "PUT"), 1);
    dnsfix_close(&f);
}

static void a_set_that_was_overwritten_meanwhile_is_merged(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /set", "200 OK", "{\"values\": [\"foreign\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"late\"]}", NULL, 2}, /* somebody else wrote */
        {"GET /set", "200 OK", "{\"values\": [\"late\", \"ours\", \"foreign\"]}", NULL, 0},
        {"PUT /set", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RRSET, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_string_equal(dnsfix_body(&f, "PUT"), "[\"late\",\"ours\",\"foreign\"]");
    assert_int_equal(dnsfix_count(&f, "PUT"), 2);
    dnsfix_close(&f);
}

static void a_refused_condition_is_read_again(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /set", "200 OK", "{\"values\": [\"foreign\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"foreign\", \"late\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"foreign\", \"late\", \"ours\"]}", NULL, 0},
        {"PUT /set", "412 Precondition Failed", "{}", NULL, 1},
        {"PUT /set", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RRSET, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_string_equal(dnsfix_body(&f, "PUT"), "[\"foreign\",\"late\",\"ours\"]");
    dnsfix_close(&f);
}

static void the_last_own_value_deletes_the_set_and_a_foreign_one_keeps_it(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /set", "200 OK", "{\"values\": [\"foreign\", \"ours\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"foreign\"]}", NULL, 1},
        {"GET /set", "200 OK", "{\"values\": [\"ours\"]}", NULL, 1},
        {"GET /set", "404 Not Found", "", NULL, 0},
        {"PUT /set", "200 OK", "{}", NULL, 0},
        {"DELETE /set", "204 No Content", "", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, RRSET, REPLIES);
    assert_done(&f, dnsfix_apply(&f, NULL, "ours"));
    assert_string_equal(dnsfix_body(&f, "PUT"), "[\"foreign\"]");
    assert_int_equal(dnsfix_count(&f, "DELETE"), 0);
    assert_done(&f, dnsfix_apply(&f, NULL, "ours"));
    assert_int_equal(dnsfix_count(&f, "DELETE"), 1);
    dnsfix_close(&f);
}

/* ---- zones ---- */

#define ZONES                                                                                                           \
    HEAD                                                                                                                \
        "zone: {by: list, call: {GET: /zones, items: \"${res}\"}, name: \"${item.name}\", set: {id: \"${item.id}\"}}\n" \
        "slot: {set: {POST: \"/set/${zone.id}\"}}\n"

static void the_longest_zone_on_a_label_boundary_is_taken_and_remembered(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /zones", "200 OK",
         "[{\"id\": 1, \"name\": \"ample.com\"}, {\"id\": 2, \"name\": \"EXAMPLE.com.\"},"
         "{\"id\": 3, \"name\": \"sub.example.com\"}]",
         NULL, 0},
        {"POST /set/2", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, ZONES, REPLIES);
    assert_done(&f, dnsfix_find(&f, "_acme-challenge.example.com", NULL));
    assert_string_equal(f.zone, "example.com");
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_int_equal(dnsfix_count(&f, "GET /zones"), 1);
    assert_int_equal(dnsfix_count(&f, "POST /set/2"), 1);
    int rc = dnsfix_find(&f, "_acme-challenge.example.org", NULL);
    assert_reason(&f, rc, CL_ERR_PERMANENT, "ZoneNotFound");
    dnsfix_close(&f);
}

/* ---- whole zones ---- */

#define ZONEFILE                                                                  \
    HEAD "zonefile:\n"                                                            \
         "  get: {GET: /zone, items: \"${res}\"}\n"                               \
         "  item: {where: {t: TXT}, name: \"${item.n}\", value: \"${item.v}\"}\n" \
         "  record: {n: \"${name.rel}\", t: TXT, v: \"${value}\"}\n"              \
         "  put: {PUT: /zone, json: \"${records}\"}\n"

static void a_whole_zone_passes_through_unchanged(void **state)
{
    static const struct reply REPLIES[] = {
        {"GET /zone", "200 OK", "[{\"n\":\"@\",\"t\":\"A\",\"v\":\"192.0.2.1\",\"x\":1}]", NULL, 1},
        {"GET /zone", "200 OK",
         "[{\"n\":\"@\",\"t\":\"A\",\"v\":\"192.0.2.1\",\"x\":1},{\"n\":\"_acme-challenge\",\"t\":\"TXT\",\"v\":\"ours\"}]",
         NULL, 1},
        {"GET /zone", "200 OK", "[]", NULL, 0},
        {"PUT /zone", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, ZONEFILE, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", NULL));
    assert_string_equal(dnsfix_body(&f, "PUT"),
                        "[{\"n\":\"@\",\"t\":\"A\",\"v\":\"192.0.2.1\",\"x\":1},"
                        "{\"n\":\"_acme-challenge\",\"t\":\"TXT\",\"v\":\"ours\"}]");
    int rc = dnsfix_apply(&f, "more", NULL);
    assert_reason(&f, rc, CL_ERR_LOCAL, "ZoneLooksEmpty");
    assert_int_equal(dnsfix_count(&f, "PUT"), 1);
    dnsfix_close(&f);
}

/* ---- delta, slot, batch, cancel ---- */

static void a_delta_names_values_and_waits_until_the_job_is_done(void **state)
{
    static const char TEXT[] = HEAD
        "delta:\n"
        "  change: {PATCH: /zone, json: {add: \"${adds}\", del: \"${removes}\"}, set: {job: \"${res.job}\"}}\n"
        "wait: {GET: \"/job/${job}\", until: {state: done}, fail: {state: failed}, every: 10ms, timeout: 5s}\n"
        "commit: {POST: /commit}\n";
    static const struct reply REPLIES[] = {
        {"PATCH /zone", "200 OK", "{\"job\": 5}", NULL, 0},
        {"GET /job/5", "200 OK", "{\"state\": \"running\"}", NULL, 2},
        {"GET /job/5", "200 OK", "{\"state\": \"done\"}", NULL, 1},
        {"GET /job/5", "200 OK", "{\"state\": \"failed\"}", NULL, 1},
        {"POST /commit", "200 OK", "", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, TEXT, REPLIES);
    assert_done(&f, dnsfix_apply(&f, "ours", "old"));
    assert_string_equal(dnsfix_body(&f, "PATCH"), "{\"add\":[\"ours\"],\"del\":[\"old\"]}");
    assert_int_equal(dnsfix_count(&f, "GET /job"), 3);
    assert_int_equal(dnsfix_count(&f, "POST /commit"), 1);
    int rc = dnsfix_apply(&f, "ours", NULL);
    assert_reason(&f, rc, CL_ERR_LOCAL, "ProviderJobFailed");
    dnsfix_close(&f);
}

static void names_of_a_zone_go_in_one_batch(void **state)
{
    static const char TEXT[] = HEAD
        "rrset:\n"
        "  get: {GET: \"/set/${name.rel}\", absent: 404, items: \"${res}\"}\n"
        "  batch: {max: 10, write: {POST: /batch, json: [{$each: \"${changes}\", $as: c, $do: {n: \"${c.name.rel}\", do: \"${c.action}\", v: \"${c.values}\"}}]}}\n";
    static const struct reply REPLIES[] = {
        {"GET /set/_acme-challenge.a ", "404 Not Found", "", NULL, 1},
        {"GET /set/_acme-challenge.b ", "200 OK", "[\"foreign\"]", NULL, 1},
        {"GET /set/_acme-challenge.a ", "200 OK", "[\"va\"]", NULL, 0},
        {"GET /set/_acme-challenge.b ", "200 OK", "[\"foreign\",\"vb\"]", NULL, 0},
        {"POST /batch", "200 OK", "{}", NULL, 0},
        {0}};
    struct dnsfix f;

    (void)state;
    dnsfix_open(&f, TEXT, REPLIES);
    f.change[0].fqdn = "_acme-challenge.a.example.com";
    cl_strv_add(&f.change[0].add, "va");
    f.change[1].fqdn = "_acme-challenge.b.example.com";
    cl_strv_add(&f.change[1].add, "vb");
    dnsfix_start(&f, 2);
    net_wait(&f.net, dnsfix_is_done, &f);
    assert_done(&f, f.err.kind == CL_ERR_NONE ? 0 : -1);
    assert_int_equal(dnsfix_count(&f, "POST"), 1);
    assert_string_equal(dnsfix_body(&f, "POST"),
                        "[{\"n\":\"_acme-challenge.a\",\"do\":\"create\",\"v\":[\"va\"]},"
                        "{\"n\":\"_acme-challenge.b\",\"do\":\"put\",\"v\":[\"foreign\",\"vb\"]}]");
    dnsfix_close(&f);
}

static void an_operation_can_be_cancelled_at_any_time(void **state)
{
    static const struct reply REPLIES[] = {{"GET /records", "503 Busy", "", NULL, 0}, {0}};

    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct dnsfix f;
        dnsfix_open(&f, RECORDS, REPLIES);
        f.change[0].fqdn = "_acme-challenge.example.com";
        cl_strv_add(&f.change[0].add, "ours");
        dnsfix_start(&f, 1);
        net_turns(&f.net, turns);
        cl_op_cancel(&f.apply.op);
        net_wait(&f.net, dnsfix_is_done, &f);
        assert_int_equal(f.done, 1);
        assert_int_equal(f.err.kind, CL_ERR_CANCELLED);
        dnsfix_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_adds_what_is_missing_and_removes_only_its_own),
        cmocka_unit_test(a_create_whose_answer_is_lost_is_looked_for_before_it_is_repeated),
        cmocka_unit_test(a_create_that_was_lost_on_the_way_is_repeated),
        cmocka_unit_test(a_record_without_an_id_is_not_removed_by_it),
        cmocka_unit_test(a_429_is_waited_for_as_long_as_it_says),
        cmocka_unit_test(a_long_429_goes_up_with_its_time),
        cmocka_unit_test(a_200_with_an_error_inside_is_an_error),
        cmocka_unit_test(a_redirect_is_not_followed),
        cmocka_unit_test(pages_that_never_end_are_an_error),
        cmocka_unit_test(a_next_link_to_another_host_is_not_followed),
        cmocka_unit_test(an_answer_of_100_mib_is_cut_off),
        cmocka_unit_test(an_answer_that_is_no_json_says_what_came),
        cmocka_unit_test(a_login_that_fails_names_the_step),
        cmocka_unit_test(a_session_is_kept_and_renewed_once_when_it_is_refused),
        cmocka_unit_test(a_set_keeps_what_is_there_and_is_read_again),
        cmocka_unit_test(a_set_that_was_overwritten_meanwhile_is_merged),
        cmocka_unit_test(a_refused_condition_is_read_again),
        cmocka_unit_test(the_last_own_value_deletes_the_set_and_a_foreign_one_keeps_it),
        cmocka_unit_test(the_longest_zone_on_a_label_boundary_is_taken_and_remembered),
        cmocka_unit_test(a_whole_zone_passes_through_unchanged),
        cmocka_unit_test(a_delta_names_values_and_waits_until_the_job_is_done),
        cmocka_unit_test(names_of_a_zone_go_in_one_batch),
        cmocka_unit_test(an_operation_can_be_cancelled_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
