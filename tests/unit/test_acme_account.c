/* SPDX-License-Identifier: Apache-2.0 */
/* The account: made once, found again, kept up to date. */
#include "backends/acme/acme_account.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

#define DIRECTORY_URL "https://ca.example/dir"
#define NEW_ACCOUNT "https://ca.example/new-acct"
#define URL "https://ca.example/acct/1"
#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_KEY "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define URN "urn:ietf:params:acme:error:"

struct test {
    struct acme_directory directory;
    struct acme_account_params p;
    struct acme_account_doc doc;
    struct acme_account machine;
    struct acme_account_action act;
};

static int setup(void **state)
{
    struct test *t = cl_new(struct test);

    t->directory.new_account = cl_strdup(NEW_ACCOUNT);
    t->directory.terms_of_service = cl_strdup("https://ca.example/tos");
    t->p = (struct acme_account_params){.directory = &t->directory,
                                        .directory_url = DIRECTORY_URL,
                                        .email = "ops@example.org",
                                        .terms_agreed = true,
                                        .key_sha256 = KEY};
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct test *t = *state;

    cl_free(t->act.payload);
    acme_account_deinit(&t->machine);
    acme_account_doc_deinit(&t->doc);
    acme_directory_deinit(&t->directory);
    cl_free(t);
    return 0;
}

static void with_doc(struct test *t, const char *contact)
{
    t->doc = (struct acme_account_doc){.url = cl_strdup(URL),
                                       .directory = cl_strdup(DIRECTORY_URL),
                                       .new_account = cl_strdup(NEW_ACCOUNT),
                                       .terms = cl_strdup("https://ca.example/tos")};
    memcpy(t->doc.key_sha256, KEY, sizeof KEY);
    if (contact != NULL) {
        cl_strv_add(&t->doc.contact, contact);
    }
    t->p.doc = &t->doc;
}

static enum acme_account_action_type event(struct test *t, const struct acme_account_event *ev)
{
    cl_free(t->act.payload);
    t->act.payload = NULL;
    acme_account_step(&t->machine, ev, &t->act);
    return t->act.type;
}

static enum acme_account_action_type start(struct test *t)
{
    acme_account_init(&t->machine, &t->p);
    return event(t, &(struct acme_account_event){.type = ACCOUNT_EV_ENTER});
}

static enum acme_account_action_type reply(struct test *t, long status, const char *location,
                                           const char *body)
{
    struct acme_reply r = {
        .status = status, .location = location, .body = body, .len = strlen(body)};

    return event(t, &(struct acme_account_event){.type = ACCOUNT_EV_REPLY, .reply = &r});
}

static enum acme_account_action_type fails(struct test *t, enum acme_account_event_type type,
                                           enum cl_err_kind kind, const char *problem)
{
    struct cl_err err = {.kind = kind};

    (void)cl_format(err.type, sizeof err.type, URN "%s", problem);
    return event(t, &(struct acme_account_event){.type = type, .err = &err});
}

static enum acme_account_action_type saved(struct test *t)
{
    return event(t, &(struct acme_account_event){.type = ACCOUNT_EV_SAVED});
}

/* The key is there, and the CA does not know it. */
static enum acme_account_action_type start_unknown(struct test *t)
{
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_string_equal(t->act.payload, "{\"onlyReturnExisting\":true}");
    return fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "accountDoesNotExist");
}

static void the_key_is_durable_before_the_account_is_asked_for(void **state)
{
    struct test *t = *state;

    t->p.key_sha256 = NULL;
    assert_int_equal(start(t), ACCOUNT_ACT_MAKE_KEY);
    assert_int_equal(
        event(t, &(struct acme_account_event){.type = ACCOUNT_EV_KEY, .key_sha256 = KEY}),
        ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_NEW_ACCOUNT);
    assert_string_equal(t->act.request.url, NEW_ACCOUNT);
    assert_string_equal(t->act.payload, "{\"contact\":[\"mailto:ops@example.org\"],"
                                        "\"termsOfServiceAgreed\":true}");
}

static void acme_point_11_the_account_url_is_the_location_and_is_recorded_before_use(void **state)
{
    struct test *t = *state;

    assert_int_equal(start_unknown(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(reply(t, 201, URL, "{\"status\":\"valid\"}"), ACCOUNT_ACT_SAVE);
    assert_string_equal(t->machine.doc.url, URL);
    assert_string_equal(t->machine.doc.key_sha256, KEY);
    assert_string_equal(t->machine.doc.directory, DIRECTORY_URL);
    assert_string_equal(t->machine.doc.terms, "https://ca.example/tos");
    assert_int_equal(t->machine.doc.contact.len, 1);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_NONE);
    assert_true(t->machine.created);
}

static void with_key_and_document_nothing_is_asked_of_the_ca(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    assert_true(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_NONE);
    assert_string_equal(t->machine.doc.url, URL);
}

static void a_lost_document_is_recovered_without_a_second_account(void **state)
{
    struct test *t = *state;

    assert_false(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(
        reply(t, 200, URL, "{\"status\":\"valid\",\"contact\":[\"mailto:ops@example.org\"]}"),
        ACCOUNT_ACT_SAVE);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
    assert_false(t->machine.created);
    assert_string_equal(t->machine.doc.url, URL);
}

static void contacts_of_a_recovered_account_are_brought_up_to_date(void **state)
{
    struct test *t = *state;

    (void)start(t);
    assert_int_equal(reply(t, 200, URL, "{\"status\":\"valid\",\"contact\":[\"mailto:old@x\"]}"),
                     ACCOUNT_ACT_SAVE);
    assert_int_equal(t->machine.doc.contact.len, 0); /* not what we want yet */
    assert_int_equal(saved(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_ACCOUNT);
    assert_string_equal(t->act.request.url, URL);
    assert_string_equal(t->act.payload, "{\"contact\":[\"mailto:ops@example.org\"],"
                                        "\"termsOfServiceAgreed\":true}");
    assert_int_equal(reply(t, 200, NULL, "{}"), ACCOUNT_ACT_SAVE);
    assert_int_equal(t->machine.doc.contact.len, 1);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
}

static void a_changed_email_address_updates_the_account(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:old@example.org");
    assert_false(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_ACCOUNT);
    assert_int_equal(reply(t, 200, NULL, "{\"status\":\"valid\"}"), ACCOUNT_ACT_SAVE);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
}

static void another_key_directory_or_server_is_another_account(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    t->p.key_sha256 = OTHER_KEY;
    assert_false(acme_account_is_current(&t->p));
    t->p.key_sha256 = KEY;
    t->p.directory_url = "https://staging.example/dir";
    assert_false(acme_account_is_current(&t->p));
    t->p.directory_url = DIRECTORY_URL;
    cl_free(t->directory.new_account);
    t->directory.new_account = cl_strdup("https://ca.example/elsewhere");
    assert_false(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_NEW_ACCOUNT);
}

static void an_account_that_the_ca_has_lost_is_registered_again(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    t->p.lost = true;
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_NEW_ACCOUNT);
}

static void acme_point_12_a_lost_account_found_at_an_update_is_registered_again(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:old@example.org");
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "accountDoesNotExist"),
                     ACCOUNT_ACT_REQUEST);
    assert_int_equal(t->act.request.what, ACME_NEW_ACCOUNT);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "accountDoesNotExist"),
                     ACCOUNT_ACT_REQUEST);
    assert_int_equal(reply(t, 201, URL, "{\"status\":\"valid\"}"), ACCOUNT_ACT_SAVE);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_NONE);
}

static void acme_point_12_a_deactivated_account_needs_a_person(void **state)
{
    struct test *t = *state;

    (void)start(t);
    assert_int_equal(reply(t, 200, URL, "{\"status\":\"deactivated\"}"), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_PERMANENT);
    assert_string_equal(t->machine.err.reason, "AccountDeactivated");
}

static void acme_point_13_terms_that_nobody_agreed_to_stop_before_any_request(void **state)
{
    struct test *t = *state;

    t->p.terms_agreed = false;
    t->p.key_sha256 = NULL;
    assert_int_equal(start(t), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_PERMANENT);
    assert_string_equal(t->machine.err.reason, "AgreementRequired");
    assert_string_equal(t->machine.err.url, "https://ca.example/tos");
}

static void without_terms_nothing_needs_to_be_agreed_to(void **state)
{
    struct test *t = *state;

    t->p.terms_agreed = false;
    t->p.email = NULL;
    cl_free(t->directory.terms_of_service);
    t->directory.terms_of_service = NULL;
    assert_int_equal(start_unknown(t), ACCOUNT_ACT_REQUEST);
    assert_string_equal(t->act.payload, "{}");
}

static void acme_point_14_a_missing_external_account_is_told_before_any_request(void **state)
{
    struct test *t = *state;

    t->directory.external_account_required = true;
    t->p.key_sha256 = NULL;
    assert_int_equal(start(t), ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "ExternalAccountRequired");
}

static void acme_point_14_the_binding_is_for_new_accounts_only(void **state)
{
    struct test *t = *state;

    t->directory.external_account_required = true;
    t->p.eab_key_id = "kid-1";
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_false(t->act.bind); /* a look-up costs no single-use binding */
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "accountDoesNotExist"),
                     ACCOUNT_ACT_REQUEST);
    assert_true(t->act.bind);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "unauthorized"),
                     ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "ExternalAccountRefused");
    assert_non_null(strstr(t->machine.err.text, "kid-1"));
}

static void acme_point_12_an_unauthorized_look_up_is_a_deactivated_account(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    t->p.lost = true;
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "unauthorized"),
                     ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "AccountDeactivated");
    assert_int_equal(t->machine.err.kind, CL_ERR_PERMANENT);
}

static void a_look_up_that_fails_is_tried_again(void **state)
{
    struct test *t = *state;

    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_TRANSIENT, "serverInternal"),
                     ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_TRANSIENT);
}

static void acme_point_12_records_that_name_a_lost_account_forbid_a_new_one(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    t->p.lost = true;
    t->p.keep = true;
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "accountDoesNotExist"),
                     ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "AccountLost");
}

static void acme_point_13_changed_terms_are_agreed_to_if_the_spec_says_so(void **state)
{
    struct test *t = *state;

    with_doc(t, "mailto:ops@example.org");
    cl_free(t->directory.terms_of_service);
    t->directory.terms_of_service = cl_strdup("https://ca.example/tos/2");
    assert_false(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_non_null(strstr(t->act.payload, "\"termsOfServiceAgreed\":true"));
    assert_int_equal(reply(t, 200, NULL, "{}"), ACCOUNT_ACT_SAVE);
    assert_string_equal(t->machine.doc.terms, "https://ca.example/tos/2");
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
    acme_account_deinit(&t->machine);

    t->p.terms_agreed = false;
    assert_int_equal(start(t), ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "AgreementRequired");
    assert_string_equal(t->machine.err.url, "https://ca.example/tos/2");
}

static void a_deactivation_is_recorded_and_stays(void **state)
{
    struct test *t = *state;
    struct acme_account_doc back;

    with_doc(t, "mailto:ops@example.org");
    t->p.deactivate = true;
    assert_int_equal(start(t), ACCOUNT_ACT_REQUEST);
    assert_string_equal(t->act.payload, "{\"status\":\"deactivated\"}");
    assert_int_equal(reply(t, 200, NULL, "{}"), ACCOUNT_ACT_SAVE);
    char *text = acme_account_doc_to_json(&t->machine.doc);
    assert_int_equal(acme_account_doc_from_json(text, strlen(text), &back, NULL), 0);
    assert_true(back.deactivated);
    cl_free(text);
    assert_int_equal(saved(t), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_NONE);
    acme_account_deinit(&t->machine);

    /* the same when the answer was lost and the CA says it is over */
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "unauthorized"),
                     ACCOUNT_ACT_SAVE);
    acme_account_deinit(&t->machine);
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_BUSY, "x"), ACCOUNT_ACT_DONE);
    acme_account_deinit(&t->machine);

    t->p.deactivate = false;
    t->p.doc = &back;
    assert_false(acme_account_is_current(&t->p));
    assert_int_equal(start(t), ACCOUNT_ACT_DONE);
    assert_string_equal(t->machine.err.reason, "AccountDeactivated");
    t->p.doc = NULL;
    acme_account_doc_deinit(&back);
}

static void bad_answers_end_the_registration(void **state)
{
    static const struct {
        const char *location, *body, *reason;
    } CASES[] = {
        {NULL, "{\"status\":\"valid\"}", "NoAccountURL"},
        {"javascript:x", "{\"status\":\"valid\"}", "NoAccountURL"},
        {URL, "<html>", "NotJSON"},
        {URL, "{}", "BadStatus"},
    };
    struct test *t = *state;

    for (size_t i = 0; i < COUNT(CASES); i++) {
        (void)start_unknown(t);
        assert_int_equal(reply(t, 201, CASES[i].location, CASES[i].body), ACCOUNT_ACT_DONE);
        assert_int_equal(t->machine.err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(t->machine.err.reason, CASES[i].reason);
        acme_account_deinit(&t->machine);
    }
    (void)start_unknown(t);
}

static void failures_on_the_way_come_out(void **state)
{
    struct test *t = *state;

    t->p.key_sha256 = NULL;
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_KEY, CL_ERR_LOCAL, ""), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_LOCAL);
    acme_account_deinit(&t->machine);

    t->p.key_sha256 = KEY;
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_BUSY, "x"), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_BUSY);
    acme_account_deinit(&t->machine);

    (void)start(t);
    (void)reply(t, 201, URL, "{\"status\":\"valid\"}");
    assert_int_equal(fails(t, ACCOUNT_EV_SAVED, CL_ERR_LOCAL, ""), ACCOUNT_ACT_DONE);
    assert_int_equal(t->machine.err.kind, CL_ERR_LOCAL);
    acme_account_deinit(&t->machine);

    with_doc(t, NULL);
    (void)start(t);
    assert_int_equal(fails(t, ACCOUNT_EV_FAILED, CL_ERR_PERMANENT, "invalidContact"),
                     ACCOUNT_ACT_DONE);
    assert_non_null(strstr(t->machine.err.text, "update the account"));
}

static void a_document_survives_its_file(void **state)
{
    struct test *t = *state;
    struct acme_account_doc back;
    struct cl_err err = {0};

    with_doc(t, "mailto:a@b");
    char *text = acme_account_doc_to_json(&t->doc);
    assert_int_equal(acme_account_doc_from_json(text, strlen(text), &back, &err), 0);
    assert_string_equal(back.url, URL);
    assert_string_equal(back.directory, DIRECTORY_URL);
    assert_string_equal(back.new_account, NEW_ACCOUNT);
    assert_string_equal(back.key_sha256, KEY);
    assert_true(cl_strv_equal(&back.contact, &t->doc.contact));
    acme_account_doc_deinit(&back);
    cl_free(text);
}

static void a_damaged_document_is_refused(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "{",
        "{}",
        "{\"schema\":1,\"url\":\"file:///x\",\"directory\":\"\",\"newAccount\":\"\","
        "\"termsOfService\":\"\",\"keySHA256\":\"\",\"contact\":[]}",
        "{\"schema\":9,\"url\":\"https://ca/1\",\"directory\":\"\",\"newAccount\":\"\","
        "\"termsOfService\":\"\",\"keySHA256\":\"\",\"contact\":[]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        struct acme_account_doc d;
        struct cl_err err = {0};
        assert_int_equal(acme_account_doc_from_json(TEXTS[i], strlen(TEXTS[i]), &d, &err), -1);
        assert_string_equal(err.reason, "BadAccountDocument");
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_key_is_durable_before_the_account_is_asked_for),
        TEST(acme_point_11_the_account_url_is_the_location_and_is_recorded_before_use),
        TEST(with_key_and_document_nothing_is_asked_of_the_ca),
        TEST(a_lost_document_is_recovered_without_a_second_account),
        TEST(contacts_of_a_recovered_account_are_brought_up_to_date),
        TEST(a_changed_email_address_updates_the_account),
        TEST(another_key_directory_or_server_is_another_account),
        TEST(an_account_that_the_ca_has_lost_is_registered_again),
        TEST(acme_point_12_a_lost_account_found_at_an_update_is_registered_again),
        TEST(acme_point_12_a_deactivated_account_needs_a_person),
        TEST(acme_point_13_terms_that_nobody_agreed_to_stop_before_any_request),
        TEST(without_terms_nothing_needs_to_be_agreed_to),
        TEST(acme_point_14_a_missing_external_account_is_told_before_any_request),
        TEST(acme_point_14_the_binding_is_for_new_accounts_only),
        TEST(acme_point_12_an_unauthorized_look_up_is_a_deactivated_account),
        TEST(a_look_up_that_fails_is_tried_again),
        TEST(acme_point_12_records_that_name_a_lost_account_forbid_a_new_one),
        TEST(acme_point_13_changed_terms_are_agreed_to_if_the_spec_says_so),
        TEST(a_deactivation_is_recorded_and_stays),
        TEST(bad_answers_end_the_registration),
        TEST(failures_on_the_way_come_out),
        TEST(a_document_survives_its_file),
        TEST(a_damaged_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
