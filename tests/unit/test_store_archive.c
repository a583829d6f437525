/* SPDX-License-Identifier: Apache-2.0 */
/* The archive: what was put in comes out, damage becomes a state that names the file, and `current`
 * never points to less than a whole revision. */
#include "tests/unit/store_fixture.h"

#include <fcntl.h>

struct archive_test {
    struct store_test t;
    struct test_ca ca;
};

static int setup(void **state)
{
    struct archive_test *a = NULL;

    assert_int_equal(store_setup(state), 0);
    a = cl_new(struct archive_test);
    memcpy(&a->t, *state, sizeof(a->t));
    cl_free(*state);
    ca_init(&a->ca);
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    struct archive_test *a = *state;
    struct store_test *t = cl_new(struct store_test);

    ca_deinit(&a->ca);
    memcpy(t, &a->t, sizeof(*t));
    cl_free(a);
    *state = t;
    return store_teardown(state);
}

static void load(const struct archive_test *a, struct revision *r)
{
    struct cl_err err = {0};

    *r = (struct revision){0};
    if (archive_load(&a->t.paths, "web", r, &err) < 0) {
        fail_msg("archive_load: %s: %s", err.reason, err.text);
    }
}

static void nothing_archived_is_a_state_and_no_error(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;

    load(a, &r);
    assert_int_equal(r.state, REVISION_NONE);
    assert_int_equal(r.stamp_hash, 0);
    assert_int_equal(archive_stamp(&a->t.paths, "web"), 0);
    assert_int_equal(archive_last_revision(&a->t.paths, "web"), 0);
    revision_deinit(&r);
}

static void a_revision_comes_back_as_it_was_put_in(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    load(a, &r);
    assert_int_equal(r.state, REVISION_OK);
    assert_string_equal(r.detail, "");
    assert_int_equal(r.number, 1);
    assert_string_equal(r.manifest->cert.dns_names.items[0], "example.com");
    assert_string_equal(r.ca_pem, a->ca.root);
    assert_true(r.key_pem.secret);
    struct key *k = NULL;
    assert_int_equal(key_from_pem(r.key_pem.data, &k, NULL), 0);
    assert_int_equal(cert_matches_key(r.fullchain_pem, k, NULL), 0);
    key_destroy(k);
    assert_int_equal(r.stamp_hash, archive_stamp(&a->t.paths, "web"));
    assert_int_not_equal(r.stamp_hash, 0);
    revision_deinit(&r);
}

static void the_layout_on_disk_is_private_and_golden(void **state)
{
    const struct archive_test *a = *state;
    static const char *const FILES[] = {"ca.pem", "fullchain.pem", "manifest.json", "privkey.pem",
                                        "request.der"};
    struct cl_strv names_ = {0};

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    assert_int_equal(mode_of(&a->t, "state/archive/web"), 0700);
    assert_int_equal(mode_of(&a->t, "state/archive/web/1"), 0700);
    assert_int_equal(disk_list(below(&a->t, "state/archive/web/1"), &names_, NULL), 0);
    assert_int_equal(names_.len, COUNT(FILES));
    for (size_t i = 0; i < COUNT(FILES); i++) {
        assert_string_equal(names_.items[i], FILES[i]);
        char *path = cl_printf("state/archive/web/1/%s", FILES[i]);
        assert_int_equal(mode_of(&a->t, path), 0600);
        cl_free(path);
    }
    char *target = link_of(&a->t, "state/archive/web/current");
    assert_string_equal(target, "1");
    cl_free(target);
    cl_strv_deinit(&names_);
}

/* ---- damage ---- */

static void cut(const struct archive_test *a, const char *file)
{
    const char *path = below(&a->t, file);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
}

static void damage_missing_manifest(const struct archive_test *a)
{
    assert_int_equal(unlink(below(&a->t, "state/archive/web/1/manifest.json")), 0);
}
static void damage_cut_manifest(const struct archive_test *a)
{
    cut(a, "state/archive/web/1/manifest.json");
}
static void damage_no_key(const struct archive_test *a)
{
    assert_int_equal(unlink(below(&a->t, "state/archive/web/1/privkey.pem")), 0);
}
static void damage_empty_key(const struct archive_test *a)
{
    put(&a->t, "state/archive/web/1/privkey.pem", "", 0600);
}
static void damage_cut_key(const struct archive_test *a)
{
    cut(a, "state/archive/web/1/privkey.pem");
}
static void damage_other_key(const struct archive_test *a)
{
    char *pem = pem_of(a->ca.a_key);
    put(&a->t, "state/archive/web/1/privkey.pem", pem, 0600);
    cl_free_secret(pem);
}
static void damage_linked_key(const struct archive_test *a)
{
    put(&a->t, "elsewhere.pem", "x", 0600);
    damage_no_key(a);
    assert_int_equal(
        symlink(below(&a->t, "elsewhere.pem"), below(&a->t, "state/archive/web/1/privkey.pem")), 0);
}
static void damage_no_chain(const struct archive_test *a)
{
    assert_int_equal(unlink(below(&a->t, "state/archive/web/1/fullchain.pem")), 0);
}
static void damage_garbage_chain(const struct archive_test *a)
{
    put(&a->t, "state/archive/web/1/fullchain.pem", "garbage", 0600);
}
static void damage_cut_chain(const struct archive_test *a)
{
    cut(a, "state/archive/web/1/fullchain.pem");
}
static void damage_chain_without_middle(const struct archive_test *a)
{
    struct revision r;
    char *leaf = NULL;
    char *rest = NULL;

    load(a, &r);
    assert_int_equal(cert_split_chain(r.fullchain_pem, &leaf, &rest, NULL), 0);
    char *broken = cl_printf("%s%s", leaf, a->ca.a);
    put(&a->t, "state/archive/web/1/fullchain.pem", broken, 0600);
    cl_free(broken);
    cl_free(leaf);
    cl_free(rest);
    revision_deinit(&r);
}
static void damage_other_certificate_of_the_key(const struct archive_test *a)
{
    struct revision r;
    struct key *k = NULL;
    struct cert_spec s = spec_for("other.example.com");

    load(a, &r);
    assert_int_equal(key_from_pem(r.key_pem.data, &k, NULL), 0);
    char *chain = ca_issue(&a->ca, &s, k, CL_DAY);
    put(&a->t, "state/archive/web/1/fullchain.pem", chain, 0600);
    cl_free(chain);
    key_destroy(k);
    spec_free(&s);
    revision_deinit(&r);
}
static void damage_fifo_chain(const struct archive_test *a)
{
    damage_no_chain(a);
    assert_int_equal(mkfifo(below(&a->t, "state/archive/web/1/fullchain.pem"), 0600), 0);
}
static void damage_dangling_current(const struct archive_test *a)
{
    assert_int_equal(
        rename(below(&a->t, "state/archive/web/1"), below(&a->t, "state/archive/web/gone")), 0);
}
static void damage_current_is_a_file(const struct archive_test *a)
{
    assert_int_equal(unlink(below(&a->t, "state/archive/web/current")), 0);
    put(&a->t, "state/archive/web/current", "1", 0600);
}
static void damage_current_leads_out(const struct archive_test *a)
{
    assert_int_equal(unlink(below(&a->t, "state/archive/web/current")), 0);
    assert_int_equal(symlink("../other/1", below(&a->t, "state/archive/web/current")), 0);
}

static void every_damage_is_a_state_that_names_the_file(void **state)
{
    const struct archive_test *a = *state;
    static const struct {
        void (*damage)(const struct archive_test *a);
        enum revision_state wanted;
        const char *file;
    } CASES[] = {
        {damage_missing_manifest, REVISION_MISSING_DATA, "manifest.json"},
        {damage_cut_manifest, REVISION_MISSING_DATA, "manifest.json"},
        {damage_no_key, REVISION_MISSING_DATA, "privkey.pem"},
        {damage_empty_key, REVISION_MISSING_DATA, "privkey.pem"},
        {damage_cut_key, REVISION_INVALID_KEY, "privkey.pem"},
        {damage_other_key, REVISION_KEY_MISMATCH, "privkey.pem"},
        {damage_linked_key, REVISION_MISSING_DATA, "privkey.pem"},
        {damage_no_chain, REVISION_MISSING_DATA, "fullchain.pem"},
        {damage_garbage_chain, REVISION_INVALID_CERT, "fullchain.pem"},
        {damage_cut_chain, REVISION_INVALID_CERT, "fullchain.pem"},
        {damage_chain_without_middle, REVISION_INVALID_CHAIN, "fullchain.pem"},
        {damage_other_certificate_of_the_key, REVISION_INVALID_CERT, "fullchain.pem"},
        {damage_fifo_chain, REVISION_MISSING_DATA, "fullchain.pem"},
        {damage_dangling_current, REVISION_MISSING_DATA, "manifest.json"},
        {damage_current_is_a_file, REVISION_MISSING_DATA, "current"},
        {damage_current_leads_out, REVISION_MISSING_DATA, "current"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct revision r;
        struct disk_batch *b = disk_batch_create();
        disk_batch_remove_tree(b, below(&a->t, "state/archive/web"));
        commit(b);
        archive_one(&a->t, &a->ca, "example.com", 1, 3);
        uint64_t before = archive_stamp(&a->t.paths, "web");
        CASES[i].damage(a);
        load(a, &r);
        if (r.state != CASES[i].wanted || strstr(r.detail, CASES[i].file) == NULL) {
            fail_msg("case %zu: state %d, detail %s", i, (int)r.state, r.detail);
        }
        assert_int_not_equal(archive_stamp(&a->t.paths, "web"), before);
        assert_int_equal(archive_stamp(&a->t.paths, "web"), r.stamp_hash);
        revision_deinit(&r);
    }
}

static void a_manifest_of_a_newer_version_is_an_error_not_damage(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;
    struct cl_err err = {0};

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    put(&a->t, "state/archive/web/1/manifest.json", "{\"schema\": 99}", 0600);
    assert_int_equal(archive_load(&a->t.paths, "web", &r, &err), -1);
    assert_string_equal(err.reason, "StateTooNew");
    assert_has(err.text, "manifest.json");
}

static void a_verified_stamp_spares_the_verification_until_a_file_changes(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;
    struct revision again;

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    load(a, &r);
    assert_int_equal(archive_load_verified(&a->t.paths, "web", r.stamp_hash, &again, NULL), 0);
    assert_int_equal(again.state, REVISION_OK);
    assert_string_equal(again.fullchain_pem, r.fullchain_pem);
    assert_string_equal(again.key_pem.data, r.key_pem.data);
    assert_string_equal(again.manifest->cert.sha256, r.manifest->cert.sha256);
    revision_deinit(&again);
    damage_other_key(a);
    assert_int_equal(archive_load_verified(&a->t.paths, "web", r.stamp_hash, &again, NULL), 0);
    assert_int_equal(again.state, REVISION_KEY_MISMATCH);
    revision_deinit(&again);
    revision_deinit(&r);
}

static void a_missing_root_does_no_harm(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    assert_int_equal(unlink(below(&a->t, "state/archive/web/1/ca.pem")), 0);
    load(a, &r);
    assert_int_equal(r.state, REVISION_OK);
    assert_null(r.ca_pem);
    revision_deinit(&r);
}

/* ---- revisions ---- */

static void a_new_revision_becomes_current_and_drops_the_pending_record(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    put(&a->t, "state/archive/web/pending.json", "{}", 0600);
    archive_one(&a->t, &a->ca, "example.com www.example.com", 2, 3);
    load(a, &r);
    assert_int_equal(r.number, 2);
    assert_int_equal(r.manifest->cert.dns_names.len, 2);
    assert_false(exists(&a->t, "state/archive/web/pending.json"));
    assert_int_equal(archive_last_revision(&a->t.paths, "web"), 2);
    revision_deinit(&r);
}

static void only_the_kept_revisions_stay_and_only_the_rollback_keeps_its_key(void **state)
{
    const struct archive_test *a = *state;

    for (long n = 1; n <= 5; n++) {
        archive_one(&a->t, &a->ca, "example.com", n, 3);
    }
    assert_false(exists(&a->t, "state/archive/web/1"));
    assert_false(exists(&a->t, "state/archive/web/2"));
    assert_true(exists(&a->t, "state/archive/web/3/fullchain.pem"));
    assert_false(exists(&a->t, "state/archive/web/3/privkey.pem"));
    assert_true(exists(&a->t, "state/archive/web/4/privkey.pem"));
    assert_true(exists(&a->t, "state/archive/web/5/privkey.pem"));
    struct disk_batch *b = disk_batch_create();
    archive_drop_old_keys(&a->t.paths, "web", 5, b);
    commit(b);
    assert_false(exists(&a->t, "state/archive/web/4/privkey.pem"));
    assert_true(exists(&a->t, "state/archive/web/5/privkey.pem"));
}

static void what_a_crash_left_is_neither_current_nor_kept_as_a_rollback(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    /* a crash before the manifest of revision 2 was in place */
    put(&a->t, "state/archive/web/2/privkey.pem", "half", 0600);
    load(a, &r);
    assert_int_equal(r.state, REVISION_OK);
    assert_int_equal(r.number, 1);
    revision_deinit(&r);
    assert_int_equal(archive_last_revision(&a->t.paths, "web"), 2);
    archive_one(&a->t, &a->ca, "example.com", 3, 3);
    assert_false(exists(&a->t, "state/archive/web/2"));
    assert_true(exists(&a->t, "state/archive/web/1/privkey.pem"));
}

static void a_batch_that_fails_leaves_the_old_revision_in_force(void **state)
{
    const struct archive_test *a = *state;
    struct revision r;
    struct manifest m = {.schema = MANIFEST_SCHEMA, .revision = 2, .issued_at = NOW};
    struct archive_write w = {
        .key = "web", .manifest = &m, .key_pem = "k", .fullchain_pem = "c", .keep_revisions = 3};
    struct disk_batch *b = disk_batch_create();

    archive_one(&a->t, &a->ca, "example.com", 1, 3);
    put(&a->t, "state/archive/web/2", "a file where the directory should be", 0600);
    archive_put(&a->t.paths, &w, b);
    assert_int_equal(disk_commit_now(b, NULL), -1);
    load(a, &r);
    assert_int_equal(r.state, REVISION_OK);
    assert_int_equal(r.number, 1);
    revision_deinit(&r);
}

/* ---- pending ---- */

static struct pending a_pending(void)
{
    struct pending p = {.issuer_name = cl_strdup("le"),
                        .issuer_identity = cl_strdup("acme:https://ca.example/dir"),
                        .spec_hash = cl_strdup("41aa"),
                        .request = cl_strdup("{\"dnsNames\":[\"example.com\"]}"),
                        .trigger = cl_strdup("DoesNotExist"),
                        .attempt = 2,
                        .started_at = NOW + 123,
                        .order_url = cl_strdup("https://ca.example/order/1"),
                        .csr_len = 5};

    cl_buf_init_secret(&p.key_pem, 65536);
    (void)cl_buf_adds(&p.key_pem, "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n");
    p.csr = cl_malloc(5);
    memcpy(p.csr, "\x30\x00\xff\x00\x01", 5);
    return p;
}

static void a_pending_record_survives_to_the_last_byte(void **state)
{
    const struct archive_test *a = *state;
    struct pending p = a_pending();
    struct pending q;
    struct disk_batch *b = disk_batch_create();

    assert_int_equal(pending_load(&a->t.paths, "web", &q, NULL), 1);
    pending_put(&a->t.paths, "web", &p, b);
    commit(b);
    assert_int_equal(mode_of(&a->t, "state/archive/web/pending.json"), 0600);
    assert_int_equal(mode_of(&a->t, "state/archive/web"), 0700);
    assert_int_equal(pending_load(&a->t.paths, "web", &q, NULL), 0);
    assert_string_equal(q.issuer_name, p.issuer_name);
    assert_string_equal(q.issuer_identity, p.issuer_identity);
    assert_string_equal(q.spec_hash, p.spec_hash);
    assert_string_equal(q.request, p.request);
    assert_string_equal(q.trigger, p.trigger);
    assert_string_equal(q.order_url, p.order_url);
    assert_null(q.account_url);
    assert_int_equal(q.attempt, 2);
    assert_int_equal(q.started_at, NOW + 123);
    assert_string_equal(q.key_pem.data, p.key_pem.data);
    assert_true(q.key_pem.secret);
    assert_int_equal(q.csr_len, 5);
    assert_memory_equal(q.csr, p.csr, 5);
    b = disk_batch_create();
    pending_drop(&a->t.paths, "web", b);
    commit(b);
    assert_false(exists(&a->t, "state/archive/web/pending.json"));
    pending_deinit(&p);
    pending_deinit(&q);
}

static void added(struct cl_op *op, const struct cl_err *err)
{
    assert_null(err);
    loop_stop(op->user);
}

static void add_order(const struct archive_test *a, const char *order)
{
    struct loop *l = loop_create();
    struct pending p = {.order_url = cl_strdup(order),
                        .account_url = cl_strdup("https://ca.test/acct/1")};
    struct cl_op op = {.done = added, .user = l};

    pending_add_order(l, &a->t.paths, "web", &p, &op);
    loop_run(l);
    loop_destroy(l);
    pending_deinit(&p);
}

static void put_record(const struct archive_test *a)
{
    struct pending p = a_pending();
    struct disk_batch *b = disk_batch_create();

    cl_free(p.order_url);
    p.order_url = NULL;
    pending_put(&a->t.paths, "web", &p, b);
    commit(b);
    pending_deinit(&p);
}

static void assert_order(const struct archive_test *a, const char *order)
{
    struct pending q;

    assert_int_equal(pending_load(&a->t.paths, "web", &q, NULL), 0);
    assert_true(cl_streq(q.order_url, order));
    assert_true(cl_streq(q.account_url, order != NULL ? "https://ca.test/acct/1" : NULL));
    pending_deinit(&q);
}

static void the_order_added_last_counts(void **state)
{
    const struct archive_test *a = *state;

    put_record(a);
    assert_order(a, NULL);
    add_order(a, "https://ca.test/order/1");
    assert_order(a, "https://ca.test/order/1");
    add_order(a, "https://ca.test/order/2");
    assert_order(a, "https://ca.test/order/2");
}

static void an_order_that_a_power_cut_has_cut_off_is_none(void **state)
{
    const struct archive_test *a = *state;
    const char *path = "state/archive/web/pending.json";
    static const char RECORD[] = "\n{\"orderURL\": \"https://ca.test/order/1\", "
                                 "\"accountURL\": \"https://ca.test/acct/1\"}\n";

    put_record(a);
    char *whole = get(&a->t, path);
    for (size_t len = 0; len < sizeof(RECORD); len++) {
        char *torn = cl_printf("%s%.*s", whole, (int)len, RECORD);
        put(&a->t, path, torn, 0600);
        assert_order(a, len < sizeof(RECORD) - 1 ? NULL : "https://ca.test/order/1");
        add_order(a, "https://ca.test/order/2");
        assert_order(a, "https://ca.test/order/2");
        cl_free(torn);
    }
    cl_free(whole);
}

static void a_damaged_pending_record_is_an_error_that_names_the_file(void **state)
{
    const struct archive_test *a = *state;
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"", "StateCorrupt"},
        {"[]", "StateCorrupt"},
        {"{}", "StateCorrupt"},
        {"{\"schema\":1", "StateCorrupt"},
        {"{\"schema\":1}", "StateCorrupt"},
        {"{\"schema\":1,\"privateKey\":\"k\",\"request.der\":\"*\"}", "StateCorrupt"},
        {"{\"schema\":1,\"privateKey\":7,\"request.der\":\"MAA\"}", "StateCorrupt"},
        {"{\"schema\":1,\"privateKey\":\"k\",\"request.der\":\"MAA\",\"attempt\":\"x\"}",
         "StateCorrupt"},
        {"{\"schema\":2}", "StateTooNew"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct pending p;
        struct cl_err err = {0};
        put(&a->t, "state/archive/web/pending.json", CASES[i].text, 0600);
        assert_int_equal(pending_load(&a->t.paths, "web", &p, &err), -1);
        assert_string_equal(err.reason, CASES[i].reason);
        assert_has(err.text, "archive/web/pending.json");
    }
}

#define archive_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        archive_test(nothing_archived_is_a_state_and_no_error),
        archive_test(a_revision_comes_back_as_it_was_put_in),
        archive_test(the_layout_on_disk_is_private_and_golden),
        archive_test(every_damage_is_a_state_that_names_the_file),
        archive_test(a_manifest_of_a_newer_version_is_an_error_not_damage),
        archive_test(a_verified_stamp_spares_the_verification_until_a_file_changes),
        archive_test(a_missing_root_does_no_harm),
        archive_test(a_new_revision_becomes_current_and_drops_the_pending_record),
        archive_test(only_the_kept_revisions_stay_and_only_the_rollback_keeps_its_key),
        archive_test(what_a_crash_left_is_neither_current_nor_kept_as_a_rollback),
        archive_test(a_batch_that_fails_leaves_the_old_revision_in_force),
        archive_test(a_pending_record_survives_to_the_last_byte),
        archive_test(the_order_added_last_counts),
        archive_test(an_order_that_a_power_cut_has_cut_off_is_none),
        archive_test(a_damaged_pending_record_is_an_error_that_names_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
