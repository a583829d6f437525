/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: order, isolation of failures, and group commits; on a real directory. */
#include "tests/unit/rt_fixture.h"

static void write_step(struct rt *rt, struct disk_batch *b, const char *name, const char *text)
{
    disk_batch_write(b, rt_path(rt, name), text, strlen(text), 0640, DISK_KEEP_ID, DISK_KEEP_ID);
}

static void put_link(struct rt *rt, struct disk_batch *b, const char *target, const char *name)
{
    disk_batch_symlink(b, target, rt_path(rt, name));
}

static void assert_link(const struct rt *rt, const char *name, const char *target)
{
    char *got = NULL;

    assert_ok(disk_readlink, rt_path(rt, name), &got);
    assert_string_equal(got, target);
    cl_free(got);
}

static void a_revision_is_made_and_becomes_current(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();
    struct disk_stat st;

    (void)umask(077);
    disk_batch_mkdirs(b, rt_path(rt, "archive/web/1"), 0711);
    write_step(rt, b, "archive/web/1/cert.pem", "cert");
    write_step(rt, b, "archive/web/1/key.pem", "key");
    disk_batch_barrier(b);
    put_link(rt, b, "1", "archive/web/current");
    assert_ok(disk_commit_now, b);
    (void)umask(022);
    assert_file(rt, "archive/web/current/cert.pem", "cert");
    assert_file(rt, "archive/web/current/key.pem", "key");
    assert_ok(disk_stat, rt_path(rt, "archive/web/1/key.pem"), &st);
    assert_int_equal(st.mode, 0640);
    assert_ok(disk_stat, rt_path(rt, "archive"), &st);
    assert_int_equal(st.mode, 0711);
    assert_int_equal(rt_entries(rt, "archive/web/1"), 2);
    assert_int_equal(rt_entries(rt, "archive/web"), 2);
}

static void a_link_is_replaced_atomically_and_later_steps_see_the_new_target(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();

    disk_batch_mkdirs(b, rt_path(rt, "live/a"), 0755);
    disk_batch_mkdirs(b, rt_path(rt, "live/b"), 0755);
    put_link(rt, b, "a", "live/..data");
    write_step(rt, b, "live/..data/f", "in a");
    put_link(rt, b, "b", "live/..data");
    write_step(rt, b, "live/..data/f", "in b");
    assert_ok(disk_commit_now, b);
    assert_file(rt, "live/a/f", "in a");
    assert_file(rt, "live/b/f", "in b");
    assert_link(rt, "live/..data", "b");
}

static void a_link_replaces_a_file_and_a_file_replaces_a_link(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();
    struct disk_stat st;

    rt_put(rt, "was-file", "x");
    rt_put(rt, "victim", "precious");
    assert_int_equal(symlink("victim", rt_path(rt, "was-link")), 0);
    put_link(rt, b, "victim", "was-file");
    write_step(rt, b, "was-link", "new");
    assert_ok(disk_commit_now, b);
    assert_link(rt, "was-file", "victim");
    assert_file(rt, "victim", "precious");
    assert_file(rt, "was-link", "new");
    assert_ok(disk_lstat, rt_path(rt, "was-link"), &st);
    assert_int_equal(st.type, DISK_FILE);
}

static void steps_are_seen_in_their_order(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();
    struct disk_stat st;

    write_step(rt, b, "f", "one");
    disk_batch_rename(b, rt_path(rt, "f"), rt_path(rt, "g"));
    write_step(rt, b, "f", "two");
    disk_batch_chmod(b, rt_path(rt, "f"), 0604);
    disk_batch_unlink(b, rt_path(rt, "g"));
    write_step(rt, b, "g", "three");
    write_step(rt, b, "g", "four");
    disk_batch_mkdirs(b, rt_path(rt, "d.tmp"), 0755);
    write_step(rt, b, "d.tmp/x", "x");
    disk_batch_rename(b, rt_path(rt, "d.tmp"), rt_path(rt, "d"));
    write_step(rt, b, "d/y", "y");
    assert_ok(disk_commit_now, b);
    assert_file(rt, "f", "two");
    assert_file(rt, "g", "four");
    assert_file(rt, "d/x", "x");
    assert_file(rt, "d/y", "y");
    assert_ok(disk_stat, rt_path(rt, "f"), &st);
    assert_int_equal(st.mode, 0604);
    assert_int_equal(rt_entries(rt, "."), 3);
}

static void a_tree_is_removed_without_following_links(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();

    assert_ok(disk_mkdirs, rt_path(rt, "tree/a/b"), 0755);
    assert_ok(disk_mkdirs, rt_path(rt, "victim"), 0755);
    rt_put(rt, "victim/f", "precious");
    rt_put(rt, "tree/a/b/f", "x");
    assert_int_equal(symlink("../../victim", rt_path(rt, "tree/a/out")), 0);
    assert_int_equal(symlink("victim", rt_path(rt, "link")), 0);
    disk_batch_remove_tree(b, rt_path(rt, "tree"));
    disk_batch_remove_tree(b, rt_path(rt, "link"));
    disk_batch_remove_tree(b, rt_path(rt, "none"));
    disk_batch_remove_tree(b, rt_path(rt, "none/below"));
    disk_batch_unlink(b, rt_path(rt, "none"));
    assert_ok(disk_commit_now, b);
    assert_false(rt_exists(rt, "tree"));
    assert_false(rt_exists(rt, "link"));
    assert_file(rt, "victim/f", "precious");
}

static void owner_and_mode_are_set(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();
    struct disk_stat st;

    if (geteuid() != 0) {
        disk_batch_destroy(b);
        skip();
    }
    disk_batch_write(b, rt_path(rt, "f"), "x", 1, 0440, 1234, 5678);
    disk_batch_write(b, rt_path(rt, "g"), "x", 1, 0600, DISK_KEEP_ID, 5678);
    disk_batch_chown(b, rt_path(rt, "g"), 77, DISK_KEEP_ID);
    assert_int_equal(symlink("f", rt_path(rt, "l")), 0);
    disk_batch_chown(b, rt_path(rt, "l"), 99, 99); /* the link, not what it points to */
    assert_ok(disk_commit_now, b);
    assert_ok(disk_stat, rt_path(rt, "f"), &st);
    assert_int_equal(st.uid, 1234);
    assert_int_equal(st.gid, 5678);
    assert_int_equal(st.mode, 0440);
    assert_ok(disk_stat, rt_path(rt, "g"), &st);
    assert_int_equal(st.uid, 77);
    assert_int_equal(st.gid, 5678);
}

static void a_failing_step_ends_its_batch_and_leaves_no_temporary_files(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();

    write_step(rt, b, "before", "x");
    write_step(rt, b, "none/f", "x");
    write_step(rt, b, "after", "x");
    assert_refused("NotFound", disk_commit_now, b);
    assert_false(rt_exists(rt, "after"));
    assert_int_equal(rt_entries(rt, "."), 0);
    b = disk_batch_create();
    assert_int_equal(mkdir(rt_path(rt, "dir"), 0755), 0);
    write_step(rt, b, "first", "x");
    write_step(rt, b, "dir", "a directory is in the way");
    write_step(rt, b, "last", "x");
    assert_refused("DiskError", disk_commit_now, b);
    assert_true(rt_exists(rt, "first"));
    assert_int_equal(rt_entries(rt, "."), 2);
}

static void what_a_link_points_to_keeps_its_mode(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();

    rt_put(rt, "f", "x");
    assert_int_equal(symlink("f", rt_path(rt, "l")), 0);
    disk_batch_chmod(b, rt_path(rt, "l"), 0777);
    assert_refused("SymbolicLink", disk_commit_now, b);
}

static void an_empty_batch_and_one_of_barriers_succeed(void **state)
{
    struct disk_batch *b = disk_batch_create();

    (void)state;
    assert_ok(disk_commit_now, b);
    b = disk_batch_create();
    disk_batch_barrier(b);
    disk_batch_barrier(b);
    assert_ok(disk_commit_now, b);
    disk_batch_destroy(disk_batch_create());
    disk_batch_destroy(NULL);
}

static void many_directories_do_not_use_up_descriptors(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();
    char name[64];

    for (int i = 0; i < 1500; i++) {
        (void)snprintf(name, sizeof name, "many/d%d", i);
        disk_batch_mkdirs(b, rt_path(rt, name), 0755);
        (void)snprintf(name, sizeof name, "many/d%d/f", i);
        write_step(rt, b, name, "x");
        if (i % 100 == 99) {
            disk_batch_barrier(b);
        }
    }
    assert_ok(disk_commit_now, b);
    assert_int_equal(rt_entries(rt, "many"), 1500);
    assert_file(rt, "many/d1499/f", "x");
}

/* ---- group commits ---- */

enum { GROUP = 200 };

struct many {
    struct rt_op ops[GROUP];
    unsigned order[GROUP]; /* in which they ended */
};

static bool all_done(void *user)
{
    const struct many *m = user;

    for (size_t i = 0; i < GROUP; i++) {
        if (m->ops[i].done == 0) {
            return false;
        }
    }
    return true;
}

static void two_hundred_batches_commit_together_and_the_bad_ones_fail_alone(void **state)
{
    struct rt *rt = *state;
    struct many *m = cl_new(struct many);
    char name[64];

    for (unsigned i = 0; i < GROUP; i++) {
        struct disk_batch *b = disk_batch_create();
        (void)snprintf(name, sizeof name, "archive/c%u/1", i);
        disk_batch_mkdirs(b, rt_path(rt, name), 0755);
        (void)snprintf(name, sizeof name, "archive/c%u/1/cert", i);
        write_step(rt, b, name, "cert");
        (void)snprintf(name, sizeof name, i % 10 == 3 ? "none/c%u" : "archive/c%u/1/key", i);
        write_step(rt, b, name, "key");
        disk_batch_barrier(b);
        (void)snprintf(name, sizeof name, "archive/c%u/current", i);
        put_link(rt, b, "1", name);
        disk_commit(rt->loop, b, rt_op(&m->ops[i]));
        assert_int_equal(m->ops[i].done, 0);
    }
    rt_wait(rt, all_done, m);
    for (unsigned i = 0; i < GROUP; i++) {
        assert_int_equal(m->ops[i].done, 1);
        assert_int_equal(m->ops[i].failed, i % 10 == 3);
        (void)snprintf(name, sizeof name, "archive/c%u/current", i);
        assert_int_equal(rt_exists(rt, name), i % 10 != 3);
        (void)snprintf(name, sizeof name, "archive/c%u/1", i);
        assert_int_equal(rt_entries(rt, name), i % 10 == 3 ? 0 : 2);
    }
    cl_free(m);
}

static void batches_for_one_path_take_effect_in_the_order_of_their_commits(void **state)
{
    struct rt *rt = *state;
    struct many *m = cl_new(struct many);
    char text[16];

    for (unsigned i = 0; i < GROUP; i++) {
        struct disk_batch *b = disk_batch_create();
        (void)snprintf(text, sizeof text, "v%u", i);
        if (i % 3 == 0) { /* which makes it late within its group */
            char name[32];
            (void)snprintf(name, sizeof name, "other%u", i);
            write_step(rt, b, name, "x");
            disk_batch_barrier(b);
            disk_batch_barrier(b);
        }
        write_step(rt, b, i % 2 == 0 ? "even" : "odd", text);
        disk_commit(rt->loop, b, rt_op(&m->ops[i]));
        if (i % 20 == 0) {
            rt_turns(rt, 1);
        }
    }
    rt_wait(rt, all_done, m);
    assert_file(rt, "even", "v198");
    assert_file(rt, "odd", "v199");
    cl_free(m);
}

/* One file alone, and a whole set, are committed beside each other: what needs both comes after. */
static void a_batch_for_the_paths_of_two_that_run_comes_after_both(void **state)
{
    struct rt *rt = *state;
    struct many *m = cl_new(struct many);
    char text[16];

    for (unsigned i = 0; i < GROUP; i += 4) {
        struct disk_batch *alone = disk_batch_create();
        struct disk_batch *set = disk_batch_create();
        struct disk_batch *both = disk_batch_create();
        struct disk_batch *again = disk_batch_create();
        (void)snprintf(text, sizeof text, "v%u", i);
        write_step(rt, alone, "alone", text);
        write_step(rt, set, "first", text);
        disk_batch_barrier(set);
        write_step(rt, set, "second", text);
        disk_batch_rename(both, rt_path(rt, "alone"), rt_path(rt, "moved"));
        disk_batch_rename(both, rt_path(rt, "second"), rt_path(rt, "moved too"));
        write_step(rt, again, "moved too", "last");
        disk_commit(rt->loop, alone, rt_op(&m->ops[i]));
        disk_commit(rt->loop, set, rt_op(&m->ops[i + 1]));
        disk_commit(rt->loop, both, rt_op(&m->ops[i + 2]));
        disk_commit(rt->loop, again, rt_op(&m->ops[i + 3]));
        if (i % 20 == 0) {
            rt_turns(rt, 1);
        }
    }
    rt_wait(rt, all_done, m);
    for (unsigned i = 0; i < GROUP; i++) {
        assert_false(m->ops[i].failed);
    }
    assert_file(rt, "moved", "v196");
    assert_file(rt, "moved too", "last");
    assert_int_equal(rt_entries(rt, "."), 3);
    cl_free(m);
}

static void a_file_that_is_there_in_spite_of_a_new_directory_is_replaced(void **state)
{
    struct rt *rt = *state;
    struct disk_batch *b = disk_batch_create();

    disk_batch_mkdirs(b, rt_path(rt, "new"), 0755);
    write_step(rt, b, "new/a", "first");
    write_step(rt, b, "new/a", "second");
    write_step(rt, b, "new/b", "b");
    assert_ok(disk_commit_now, b);
    assert_file(rt, "new/a", "second");
    assert_file(rt, "new/b", "b");
    assert_int_equal(rt_entries(rt, "new"), 2);
}

struct chain {
    struct rt *rt;
    struct cl_op op;
    unsigned left;
};

static void chain_next(struct cl_op *op, const struct cl_err *err)
{
    struct chain *c = op->user;
    char name[32];

    assert_null(err);
    if (--c->left == 0) {
        return;
    }
    struct disk_batch *b = disk_batch_create();
    (void)snprintf(name, sizeof name, "chain%u", c->left);
    write_step(c->rt, b, name, "x");
    disk_commit(c->rt->loop, b, op);
}

static bool chain_ended(void *user)
{
    return ((struct chain *)user)->left == 0;
}

static void a_commit_may_be_made_from_the_end_of_another(void **state)
{
    struct rt *rt = *state;
    struct chain c = {.rt = rt, .op = {.done = chain_next}, .left = 20};

    c.op.user = &c;
    disk_commit(rt->loop, disk_batch_create(), &c.op);
    cl_op_cancel(&c.op); /* cannot be hurried, and is not lost */
    rt_wait(rt, chain_ended, &c);
    assert_int_equal(rt_entries(rt, "."), 19);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_revision_is_made_and_becomes_current),
        T(a_link_is_replaced_atomically_and_later_steps_see_the_new_target),
        T(a_link_replaces_a_file_and_a_file_replaces_a_link),
        T(steps_are_seen_in_their_order),
        T(a_tree_is_removed_without_following_links),
        T(owner_and_mode_are_set),
        T(a_failing_step_ends_its_batch_and_leaves_no_temporary_files),
        T(what_a_link_points_to_keeps_its_mode),
        T(an_empty_batch_and_one_of_barriers_succeed),
        T(many_directories_do_not_use_up_descriptors),
        T(two_hundred_batches_commit_together_and_the_bad_ones_fail_alone),
        T(batches_for_one_path_take_effect_in_the_order_of_their_commits),
        T(a_batch_for_the_paths_of_two_that_run_comes_after_both),
        T(a_file_that_is_there_in_spite_of_a_new_directory_is_replaced),
        T(a_commit_may_be_made_from_the_end_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
