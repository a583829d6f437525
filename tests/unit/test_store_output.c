/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs: what a spec gets where, in which layout and modes; that drift is noticed and repaired by
 * one swap, and that foreign files are never written over. Where they may lie is in
 * test_store_output_safety.c. */
#include "backends/store/output.h"
#include "tests/unit/output_fixture.h"

#include <fcntl.h>

/* ---- the default output ---- */

static void live_key_has_the_four_names_and_the_root_in_the_golden_layout(void **state)
{
    struct output_test *o = *state;
    static const struct {
        const char *name;
        unsigned mode;
    } WANTED[] = {{"cert.pem", 0644},
                  {"chain.pem", 0644},
                  {"fullchain.pem", 0644},
                  {"privkey.pem", 0600},
                  {"ca.pem", 0644}};
    char *leaf = NULL;
    char *rest = NULL;

    write_all(o);
    assert_int_equal(o->plans.len, 1);
    assert_int_equal(mode_of(&o->t, "state/live/web"), 0755);
    char *set = link_of(&o->t, "state/live/web/..data");
    assert_int_equal(strlen(set), 18);
    assert_true(cl_str_starts(set, ".."));
    for (size_t i = 0; i < COUNT(WANTED); i++) {
        char *path = cl_printf("state/live/web/%s", WANTED[i].name);
        char *target = link_of(&o->t, path);
        char *wanted = cl_printf("..data/%s", WANTED[i].name);
        assert_string_equal(target, wanted);
        assert_int_equal(mode_of(&o->t, path), WANTED[i].mode);
        cl_free(wanted);
        cl_free(target);
        cl_free(path);
    }
    assert_int_equal(cert_split_chain(o->rev.fullchain_pem, &leaf, &rest, NULL), 0);
    assert_content(o, "state/live/web/cert.pem", leaf);
    assert_content(o, "state/live/web/chain.pem", rest);
    assert_content(o, "state/live/web/fullchain.pem", o->rev.fullchain_pem);
    assert_content(o, "state/live/web/privkey.pem", cl_buf_str(&o->rev.key_pem));
    assert_content(o, "state/live/web/ca.pem", o->ca.root);
    cl_free(leaf);
    cl_free(rest);
    cl_free(set);
}

static void a_secret_name_gives_the_kubernetes_names_in_its_own_directory(void **state)
{
    struct output_test *o = *state;

    o->spec.secret_name = cl_strdup("web-tls");
    o->spec.private_key.encoding = KEY_PKCS1;
    write_all(o);
    assert_content(o, "state/live/web-tls/tls.crt", o->rev.fullchain_pem);
    assert_content(o, "state/live/web-tls/ca.crt", o->ca.root);
    char *key = get(&o->t, "state/live/web-tls/tls.key");
    assert_has(key, "-----BEGIN EC PRIVATE KEY-----"); /* the spec's encoding */
    assert_false(exists(&o->t, "state/live/web-tls/privkey.pem"));
    assert_false(exists(&o->t, "state/live/web"));
    cl_free_secret(key);
}

static void the_secret_of_a_namespace_has_a_directory_of_its_own(void **state)
{
    struct output_test *o = *state;
    static char ns[] = "team";
    static char key[] = "team_web";

    o->spec.secret_name = cl_strdup("web-tls");
    o->object.metadata.namespace_ = ns;
    o->object.key = key;
    write_all(o);
    assert_true(exists(&o->t, "state/live/team_web-tls/tls.key"));
    assert_false(exists(&o->t, "state/live/web-tls"));
}

static void without_a_known_root_there_is_no_ca_file(void **state)
{
    struct output_test *o = *state;

    cl_free(o->rev.ca_pem);
    o->rev.ca_pem = NULL;
    write_all(o);
    assert_false(exists(&o->t, "state/live/web/ca.pem"));
    assert_true(exists(&o->t, "state/live/web/privkey.pem"));
}

static void a_combined_file_lies_beside_those_of_the_secret_in_the_order_asked_for(void **state)
{
    struct output_test *o = *state;
    struct combined_spec combined = {.parts = {PART_KEY, PART_FULLCHAIN}, .n_parts = 2};

    o->spec.secret_name = cl_strdup("web-tls");
    o->spec.combined = (struct combined_list){.items = &combined, .len = 1};
    write_all(o);
    assert_int_equal(o->plans.len, 1);
    char *wanted = cl_printf("%s%s", cl_buf_str(&o->rev.key_pem), o->rev.fullchain_pem);
    assert_content(o, "state/live/web-tls/tls-combined.pem", wanted);
    assert_int_equal(mode_of(&o->t, "state/live/web-tls/tls-combined.pem"), 0600);
    assert_true(exists(&o->t, "state/live/web-tls/tls.crt"));
    cl_free_secret(wanted);
}

static void the_key_group_makes_keys_readable_for_it_if_it_exists(void **state)
{
    struct output_test *o = *state;

    o->config.defaults.key_group = cl_strdup("no-such-group-here");
    resolve(o);
    assert_int_equal(planned_mode(&o->plans.items[0], "privkey.pem"), 0600);
    assert_null(o->plans.items[0].group);
    cl_free(o->config.defaults.key_group);
    o->config.defaults.key_group = cl_strdup("root");
    resolve(o);
    assert_int_equal(planned_mode(&o->plans.items[0], "privkey.pem"), 0640);
    assert_string_equal(o->plans.items[0].group, "root");
    assert_int_equal(planned_mode(&o->plans.items[0], "cert.pem"), 0644);
}

/* ---- declared outputs ---- */

static void a_declared_directory_is_made_0750_with_the_four_names(void **state)
{
    struct output_test *o = *state;

    (void)add_output(o, below(&o->t, "srv/tls//web/"));
    write_all(o);
    assert_int_equal(o->plans.len, 2);
    assert_int_equal(mode_of(&o->t, "srv"), 0755);
    assert_int_equal(mode_of(&o->t, "srv/tls/web"), 0750);
    assert_content(o, "srv/tls/web/fullchain.pem", o->rev.fullchain_pem);
    assert_true(exists(&o->t, "srv/tls/web/..data"));
    assert_false(exists(&o->t, "srv/tls/web/ca.pem"));
}

static void chosen_files_get_their_parts_in_order_and_their_modes(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));
    char *leaf = NULL;
    char *rest = NULL;

    out->mode = cl_strdup("0440");
    out->cert_mode = cl_strdup("0600");
    add_file(out, "haproxy.pem", 3, PART_CERT, PART_CHAIN, PART_KEY);
    add_file(out, "open.pem", 1, PART_CA)->mode = cl_strdup("0604");
    add_file(out, "c.pem", 1, PART_FULLCHAIN);
    write_all(o);
    assert_int_equal(cert_split_chain(o->rev.fullchain_pem, &leaf, &rest, NULL), 0);
    char *wanted = cl_printf("%s%s%s", leaf, rest, cl_buf_str(&o->rev.key_pem));
    assert_content(o, "srv/web/haproxy.pem", wanted);
    assert_int_equal(mode_of(&o->t, "srv/web/haproxy.pem"), 0440);
    assert_int_equal(mode_of(&o->t, "srv/web/open.pem"), 0604);
    assert_int_equal(mode_of(&o->t, "srv/web/c.pem"), 0600);
    assert_false(exists(&o->t, "srv/web/cert.pem"));
    cl_free_secret(wanted);
    cl_free(leaf);
    cl_free(rest);
}

static void a_key_is_for_no_others_unless_the_spec_insists(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));

    out->mode = cl_strdup("4777");
    resolve(o);
    assert_int_equal(planned_mode(&o->plans.items[1], "privkey.pem"), 0660);
    out->allow_world_readable_key = true;
    resolve(o);
    assert_int_equal(planned_mode(&o->plans.items[1], "privkey.pem"), 0666);
}

static void a_directory_that_was_there_is_shared_by_single_renames(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/haproxy"));

    add_file(out, "web.pem", 2, PART_FULLCHAIN, PART_KEY);
    put(&o->t, "srv/haproxy/other.pem", "another's", 0644);
    write_all(o);
    assert_false(exists(&o->t, "srv/haproxy/..data"));
    char *target = link_of(&o->t, "srv/haproxy/web.pem");
    assert_string_equal(target, "(none)"); /* a plain file */
    cl_free(target);
    assert_content(o, "srv/haproxy/other.pem", "another's");
    resolve(o);
    assert_false(o->plans.items[1].symlink_layout);
    assert_verdict(o, 1, OUTPUT_IN_SYNC, "");
}

static void a_directory_that_was_not_there_gets_a_set_and_keeps_it(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));
    char before[CL_SHA256_TEXT];

    add_file(out, "web.pem", 2, PART_FULLCHAIN, PART_KEY);
    write_all(o);
    assert_true(exists(&o->t, "srv/web/..data"));
    (void)cl_format(before, sizeof(before), "%s", o->plans.items[1].content_hash);
    resolve(o);
    assert_true(o->plans.items[1].symlink_layout);
    assert_string_equal(o->plans.items[1].content_hash, before);
}

static void two_certificates_that_meet_in_a_new_directory_both_end_up_there(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/shared"));

    add_file(out, "one.pem", 2, PART_FULLCHAIN, PART_KEY);
    write_all(o);
    out->files[0].name[0] = 't'; /* "tne.pem": the file of another Certificate */
    write_all(o);
    assert_content_exists(o, "srv/shared/one.pem");
    assert_content_exists(o, "srv/shared/tne.pem");
}

static void layouts_can_be_chosen(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));

    out->layout = LAYOUT_RENAME;
    write_all(o);
    assert_false(exists(&o->t, "srv/web/..data"));
    char *target = link_of(&o->t, "srv/web/privkey.pem");
    assert_string_equal(target, "(none)");
    cl_free(target);
    out->layout = LAYOUT_SYMLINK;
    write_all(o);
    assert_true(exists(&o->t, "srv/web/..data"));
    target = link_of(&o->t, "srv/web/privkey.pem");
    assert_string_equal(target, "..data/privkey.pem");
    cl_free(target);
}

static void claims_name_every_file_and_the_set(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, "/srv/haproxy/");
    struct cl_strv claims = {0};

    add_file(out, "web.pem", 2, PART_FULLCHAIN, PART_KEY);
    output_claims(&o->t.paths, &o->object, &claims);
    assert_true(cl_strv_has(&claims, below(&o->t, "state/live/web/privkey.pem")));
    assert_true(cl_strv_has(&claims, below(&o->t, "state/live/web/ca.pem")));
    assert_true(cl_strv_has(&claims, below(&o->t, "state/live/web/..data")));
    assert_true(cl_strv_has(&claims, "/srv/haproxy/web.pem"));
    assert_false(cl_strv_has(&claims, "/srv/haproxy/..data"));
    assert_int_equal(claims.len, 7);
    cl_strv_deinit(&claims);
}

/* ---- renewal and drift ---- */

static void a_renewal_swaps_the_set_and_removes_the_old_one(void **state)
{
    struct output_test *o = *state;
    struct cl_strv entries = {0};

    write_all(o);
    char *before = link_of(&o->t, "state/live/web/..data");
    struct stat cert_link;
    assert_int_equal(lstat(below(&o->t, "state/live/web/cert.pem"), &cert_link), 0);
    renew(o, 2);
    assert_verdict(o, 0, OUTPUT_DIFFERS, "other content");
    write_all(o);
    char *after = link_of(&o->t, "state/live/web/..data");
    assert_string_not_equal(before, after);
    assert_content(o, "state/live/web/privkey.pem", cl_buf_str(&o->rev.key_pem));
    struct stat now;
    assert_int_equal(lstat(below(&o->t, "state/live/web/cert.pem"), &now), 0);
    assert_true(now.st_ino == cert_link.st_ino); /* only ..data was replaced */
    assert_int_equal(disk_list(below(&o->t, "state/live/web"), &entries, NULL), 0);
    assert_int_equal(entries.len, 7); /* ..data, one set, five names */
    cl_strv_deinit(&entries);
    cl_free(before);
    cl_free(after);
}

static void drift_remove_file(const struct output_test *o)
{
    assert_int_equal(unlink(below(&o->t, "state/live/web/privkey.pem")), 0);
}
static void drift_remove_set(const struct output_test *o)
{
    struct disk_batch *b = disk_batch_create();
    char *set = link_of(&o->t, "state/live/web/..data");
    char *path = cl_printf("%s/%s", below(&o->t, "state/live/web"), set);
    disk_batch_remove_tree(b, path);
    commit(b);
    cl_free(path);
    cl_free(set);
}
static void drift_remove_all(const struct output_test *o)
{
    struct disk_batch *b = disk_batch_create();
    disk_batch_remove_tree(b, below(&o->t, "state/live/web"));
    commit(b);
}
static void drift_edit(const struct output_test *o)
{
    const char *path = below(&o->t, "state/live/web/cert.pem");
    write_file(path, "edited", 6);
}
static void drift_replace(const struct output_test *o)
{
    assert_int_equal(unlink(below(&o->t, "state/live/web/cert.pem")), 0);
    put(&o->t, "state/live/web/cert.pem", "theirs", 0644);
}
static void drift_mode(const struct output_test *o)
{
    assert_int_equal(chmod(below(&o->t, "state/live/web/privkey.pem"), 0604), 0);
}
static void drift_dangling_data(const struct output_test *o)
{
    assert_int_equal(unlink(below(&o->t, "state/live/web/..data")), 0);
    assert_int_equal(symlink("..nowhere", below(&o->t, "state/live/web/..data")), 0);
}

static void every_drift_is_noticed_named_and_repaired(void **state)
{
    struct output_test *o = *state;
    static const struct {
        void (*drift)(const struct output_test *o);
        enum output_verdict verdict;
        const char *detail;
    } CASES[] = {
        {drift_remove_file, OUTPUT_MISSING, "privkey.pem is missing"},
        {drift_remove_set, OUTPUT_MISSING, "link to nowhere"},
        {drift_remove_all, OUTPUT_MISSING, "cert.pem is missing"},
        {drift_edit, OUTPUT_DIFFERS, "cert.pem has other content"},
        {drift_replace, OUTPUT_DIFFERS, "cert.pem has other content"},
        {drift_mode, OUTPUT_DIFFERS, "privkey.pem has mode 0604 instead of 0600"},
        {drift_dangling_data, OUTPUT_MISSING, "link to nowhere"},
    };

    write_all(o);
    assert_verdict(o, 0, OUTPUT_IN_SYNC, "");
    for (size_t i = 0; i < COUNT(CASES); i++) {
        uint64_t before = output_stamp(&o->recs[0]);
        assert_int_equal(before, o->recs[0].stamp_hash);
        CASES[i].drift(o);
        assert_true(output_stamp(&o->recs[0]) != before);
        assert_verdict(o, 0, CASES[i].verdict, CASES[i].detail);
        write_all(o);
        assert_verdict(o, 0, OUTPUT_IN_SYNC, "");
        assert_content(o, "state/live/web/cert.pem", o->plans.items[0].leaf_pem);
    }
}

static void a_change_of_owner_is_noticed(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));

    if (geteuid() != 0) {
        skip();
    }
    out->owner = cl_strdup("12345");
    out->group = cl_strdup("23456");
    write_all(o);
    struct stat st;
    assert_int_equal(stat(below(&o->t, "srv/web/privkey.pem"), &st), 0);
    assert_int_equal(st.st_uid, 12345);
    assert_int_equal(st.st_gid, 23456);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(stat(below(&o->t, "srv/web"), &st), 0);
    assert_int_equal(st.st_gid, 23456); /* else the group could not enter it */
    assert_int_equal(chown(below(&o->t, "srv/web/privkey.pem"), 0, 0), 0);
    assert_verdict(o, 1, OUTPUT_DIFFERS, "privkey.pem has another owner");
}

static void an_owner_that_does_not_exist_is_said_by_writing(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));
    struct cl_err err = {0};
    struct disk_batch *b = disk_batch_create();

    out->owner = cl_strdup("no-such-user-here");
    resolve(o);
    assert_int_equal(output_put(&o->t.paths, &o->plans.items[1], b, &err), -1);
    assert_has(err.text, "no-such-user-here");
    disk_batch_destroy(b);
}

static void a_name_that_is_no_longer_wanted_goes_with_the_next_swap(void **state)
{
    struct output_test *o = *state;

    write_all(o);
    cl_free(o->rev.ca_pem);
    o->rev.ca_pem = NULL;
    resolve(o);
    assert_verdict(o, 0, OUTPUT_DIFFERS, "ca.pem is no longer wanted");
    write_all(o);
    assert_false(exists(&o->t, "state/live/web/ca.pem"));
    assert_verdict(o, 0, OUTPUT_IN_SYNC, "");
}

static void the_content_hash_covers_names_bytes_modes_and_owners(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));
    char hashes[5][CL_SHA256_TEXT];

    add_file(out, "a.pem", 1, PART_FULLCHAIN);
    for (size_t i = 0; i < COUNT(hashes); i++) {
        switch (i) {
        case 1:
            out->files[0].name[0] = 'b';
            break;
        case 2:
            out->files[0].parts[0] = PART_CERT;
            break;
        case 3:
            out->files[0].mode = cl_strdup("0600");
            break;
        case 4:
            out->owner = cl_strdup("root");
            break;
        default:
            break;
        }
        resolve(o);
        (void)cl_format(hashes[i], CL_SHA256_TEXT, "%s", o->plans.items[1].content_hash);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(hashes[i], hashes[k]);
        }
    }
}

/* ---- removing ---- */

static void removing_takes_the_set_but_not_what_others_put_beside_it(void **state)
{
    struct output_test *o = *state;

    (void)add_output(o, below(&o->t, "srv/web"));
    write_all(o);
    put(&o->t, "srv/web/README", "theirs", 0644);
    struct disk_batch *b = disk_batch_create();
    output_remove(&o->recs[0], b);
    output_remove(&o->recs[1], b);
    commit(b);
    assert_false(exists(&o->t, "state/live/web"));
    assert_true(exists(&o->t, "state/live"));
    assert_true(exists(&o->t, "srv/web/README"));
    assert_false(exists(&o->t, "srv/web/privkey.pem"));
    assert_false(exists(&o->t, "srv/web/..data"));
}

/* ---- adoption ---- */

static void a_pair_of_an_earlier_client_is_found_for_the_same_names_only(void **state)
{
    struct output_test *o = *state;
    char *chain = NULL;
    struct cl_buf key = {0};
    struct cl_err err = {0};

    (void)add_output(o, below(&o->t, "le/live/web"));
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, &err), 1);
    put(&o->t, "le/live/web/fullchain.pem", o->rev.fullchain_pem, 0644);
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, &err), 1);
    put(&o->t, "le/live/web/privkey.pem", cl_buf_str(&o->rev.key_pem), 0600);
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, &err), 0);
    assert_string_equal(chain, o->rev.fullchain_pem);
    assert_string_equal(cl_buf_str(&key), cl_buf_str(&o->rev.key_pem));
    assert_true(key.secret);
    cl_free(chain);
    cl_buf_deinit(&key);
    names(&o->spec.dns_names, "other.example.com");
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, &err), 1);
}

static void a_pair_in_one_file_and_under_the_other_names_is_found_too(void **state)
{
    struct output_test *o = *state;
    char *chain = NULL;
    struct cl_buf key = {0};
    struct output_spec *out = add_output(o, below(&o->t, "srv/h"));

    add_file(out, "web.pem", 2, PART_KEY, PART_FULLCHAIN);
    char *both = cl_printf("# mine\n%s\n%s", cl_buf_str(&o->rev.key_pem), o->rev.fullchain_pem);
    put(&o->t, "srv/h/web.pem", both, 0600);
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, NULL), 0);
    cl_free(chain);
    cl_buf_deinit(&key);
    assert_int_equal(unlink(below(&o->t, "srv/h/web.pem")), 0);
    put(&o->t, "state/live/web/tls.crt", o->rev.fullchain_pem, 0600);
    put(&o->t, "state/live/web/tls.key", cl_buf_str(&o->rev.key_pem), 0600);
    assert_int_equal(output_find_pair(&o->t.paths, &o->object, &chain, &key, NULL), 0);
    cl_free(chain);
    cl_buf_deinit(&key);
    cl_free_secret(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        output_test(live_key_has_the_four_names_and_the_root_in_the_golden_layout),
        output_test(a_secret_name_gives_the_kubernetes_names_in_its_own_directory),
        output_test(the_secret_of_a_namespace_has_a_directory_of_its_own),
        output_test(without_a_known_root_there_is_no_ca_file),
        output_test(a_combined_file_lies_beside_those_of_the_secret_in_the_order_asked_for),
        output_test(the_key_group_makes_keys_readable_for_it_if_it_exists),
        output_test(a_declared_directory_is_made_0750_with_the_four_names),
        output_test(chosen_files_get_their_parts_in_order_and_their_modes),
        output_test(a_key_is_for_no_others_unless_the_spec_insists),
        output_test(a_directory_that_was_there_is_shared_by_single_renames),
        output_test(a_directory_that_was_not_there_gets_a_set_and_keeps_it),
        output_test(two_certificates_that_meet_in_a_new_directory_both_end_up_there),
        output_test(layouts_can_be_chosen),
        output_test(claims_name_every_file_and_the_set),
        output_test(a_renewal_swaps_the_set_and_removes_the_old_one),
        output_test(every_drift_is_noticed_named_and_repaired),
        output_test(a_change_of_owner_is_noticed),
        output_test(an_owner_that_does_not_exist_is_said_by_writing),
        output_test(a_name_that_is_no_longer_wanted_goes_with_the_next_swap),
        output_test(the_content_hash_covers_names_bytes_modes_and_owners),
        output_test(removing_takes_the_set_but_not_what_others_put_beside_it),
        output_test(a_pair_of_an_earlier_client_is_found_for_the_same_names_only),
        output_test(a_pair_in_one_file_and_under_the_other_names_is_found_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
