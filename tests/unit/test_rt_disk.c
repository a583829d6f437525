/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing, locking and what is below someone else's directory; on real directories. */
#include "tests/unit/rt_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- reading ---- */

static void a_file_is_read_whole_with_its_stat(void **state)
{
    struct rt *rt = *state;
    struct cl_buf b;
    struct disk_stat st;
    char big[40000];

    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    rt_put(rt, "f", big);
    assert_ok(disk_read, rt_path(rt, "f"), sizeof big, &b, &st);
    assert_string_equal(cl_buf_str(&b), big);
    assert_int_equal(st.type, DISK_FILE);
    assert_int_equal(st.size, sizeof big - 1);
    assert_int_equal(st.mode, 0644);
    assert_true(st.ino != 0 && st.mtime_ns > 0 && st.ctime_ns > 0);
    cl_buf_deinit(&b);
}

static void an_empty_file_and_one_of_proc_are_read(void **state)
{
    struct rt *rt = *state;
    struct cl_buf b;

    rt_put(rt, "f", "");
    assert_ok(disk_read, rt_path(rt, "f"), 10, &b, NULL);
    assert_int_equal(b.len, 0);
    cl_buf_deinit(&b);
    assert_ok(disk_read, "/proc/self/status", 1 << 20, &b, NULL);
    assert_true(b.len > 100);
    cl_buf_deinit(&b);
}

static void a_link_is_followed_by_read_but_not_by_read_secret(void **state)
{
    struct rt *rt = *state;
    struct cl_buf b;

    rt_put(rt, "f", "secret");
    assert_int_equal(symlink("f", rt_path(rt, "l")), 0);
    assert_file(rt, "l", "secret");
    assert_refused("SymbolicLink", disk_read_secret, rt_path(rt, "l"), 100, &b, NULL);
    cl_buf_deinit(&b);
    assert_ok(disk_read_secret, rt_path(rt, "f"), 100, &b, NULL);
    assert_true(b.secret);
    assert_string_equal(cl_buf_str(&b), "secret");
    cl_buf_deinit(&b);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    struct rt *rt = *state;
    static const char *const NAMES[] = {"fifo", "dir", "socket", "device"};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(mkfifo(rt_path(rt, "fifo"), 0600), 0);
    assert_int_equal(mkdir(rt_path(rt, "dir"), 0700), 0);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%.90s", rt_path(rt, "socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(symlink("/dev/zero", rt_path(rt, "device")), 0);
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        struct cl_buf b;
        assert_refused("NotARegularFile", disk_read, rt_path(rt, NAMES[i]), 100, &b, NULL);
        assert_int_equal(b.len, 0);
        cl_buf_deinit(&b);
    }
    (void)close(fd);
}

static void a_missing_file_and_a_long_one_have_reasons_of_their_own(void **state)
{
    struct rt *rt = *state;
    struct cl_buf b;

    assert_refused("NotFound", disk_read, rt_path(rt, "none"), 100, &b, NULL);
    cl_buf_deinit(&b);
    assert_refused("NotFound", disk_read, rt_path(rt, "none/below"), 100, &b, NULL);
    cl_buf_deinit(&b);
    rt_put(rt, "f", "12345678901");
    assert_refused("FileTooLarge", disk_read, rt_path(rt, "f"), 10, &b, NULL);
    cl_buf_deinit(&b);
    assert_refused("FileTooLarge", disk_read, "/proc/self/status", 10, &b, NULL);
    cl_buf_deinit(&b);
}

static void stat_says_what_is_there_and_none_for_nothing(void **state)
{
    struct rt *rt = *state;
    struct disk_stat st;

    rt_put(rt, "f", "x");
    assert_int_equal(symlink("f", rt_path(rt, "l")), 0);
    assert_int_equal(symlink("nowhere", rt_path(rt, "dangling")), 0);
    assert_ok(disk_stat, rt_path(rt, "l"), &st);
    assert_int_equal(st.type, DISK_FILE);
    assert_ok(disk_lstat, rt_path(rt, "l"), &st);
    assert_int_equal(st.type, DISK_LINK);
    assert_ok(disk_stat, rt->dir, &st);
    assert_int_equal(st.type, DISK_DIR);
    assert_ok(disk_stat, "/dev/null", &st);
    assert_int_equal(st.type, DISK_OTHER);
    assert_ok(disk_stat, rt_path(rt, "dangling"), &st);
    assert_int_equal(st.type, DISK_NONE);
    assert_ok(disk_stat, rt_path(rt, "f/below"), &st);
    assert_int_equal(st.type, DISK_NONE);
    assert_int_equal(st.ino, 0);
}

static void a_directory_is_listed_sorted_with_dot_names(void **state)
{
    struct rt *rt = *state;
    struct cl_strv v = {0};

    rt_put(rt, "b", "");
    rt_put(rt, "a", "");
    rt_put(rt, ".c", "");
    assert_ok(disk_list, rt->dir, &v);
    char *joined = cl_strv_join(&v, " ");
    assert_string_equal(joined, ".c a b");
    cl_free(joined);
    cl_strv_deinit(&v);
    assert_refused("NotFound", disk_list, rt_path(rt, "none"), &v);
}

static void a_link_is_read_and_other_things_are_no_link(void **state)
{
    struct rt *rt = *state;
    char target[600];
    char *got = NULL;

    memset(target, 'x', sizeof target);
    target[sizeof target - 1] = '\0';
    assert_int_equal(symlink(target, rt_path(rt, "l")), 0);
    assert_ok(disk_readlink, rt_path(rt, "l"), &got);
    assert_string_equal(got, target);
    cl_free(got);
    assert_refused("NotALink", disk_readlink, rt->dir, &got);
    assert_refused("NotFound", disk_readlink, rt_path(rt, "none"), &got);
}

static void nothing_outside_a_root_is_read(void **state)
{
    struct rt *rt = *state;
    struct cl_buf b;
    static const struct {
        const char *relative, *reason;
    } CASES[] = {
        {"../outside", "OutsideRoot"},  {"sub/../../outside", "OutsideRoot"},
        {"/etc/passwd", "OutsideRoot"}, {"absolute", "OutsideRoot"},
        {"up", "OutsideRoot"},          {"missing", "NotFound"},
    };

    assert_int_equal(mkdir(rt_path(rt, "root"), 0755), 0);
    assert_int_equal(mkdir(rt_path(rt, "root/sub"), 0755), 0);
    rt_put(rt, "outside", "out");
    rt_put(rt, "root/sub/in", "in");
    assert_int_equal(symlink("/etc/passwd", rt_path(rt, "root/absolute")), 0);
    assert_int_equal(symlink("../outside", rt_path(rt, "root/up")), 0);
    assert_int_equal(symlink("sub/in", rt_path(rt, "root/good")), 0);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_refused(CASES[i].reason, disk_read_beneath, rt_path(rt, "root"), CASES[i].relative,
                       100, &b, NULL);
        cl_buf_deinit(&b);
    }
    assert_ok(disk_read_beneath, rt_path(rt, "root"), "good", 100, &b, NULL);
    assert_string_equal(cl_buf_str(&b), "in");
    cl_buf_deinit(&b);
}

/* ---- writing ---- */

static void a_write_replaces_whole_with_the_mode_asked_for(void **state)
{
    struct rt *rt = *state;
    static const unsigned MODES[] = {0600, 0644, 0664, 0400};
    struct disk_stat st;

    for (size_t i = 0; i < COUNT(MODES); i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "v%zu", i);
        assert_ok(disk_write, rt_path(rt, "f"), text, strlen(text), MODES[i]);
        assert_file(rt, "f", text);
        assert_ok(disk_stat, rt_path(rt, "f"), &st);
        assert_int_equal(st.mode, MODES[i]);
    }
    assert_int_equal(rt_entries(rt, "."), 1);
}

static void a_write_over_a_link_replaces_the_link(void **state)
{
    struct rt *rt = *state;
    struct disk_stat st;

    rt_put(rt, "victim", "old");
    assert_int_equal(symlink("victim", rt_path(rt, "l")), 0);
    assert_ok(disk_write, rt_path(rt, "l"), "new", 3, 0644);
    assert_file(rt, "victim", "old");
    assert_ok(disk_lstat, rt_path(rt, "l"), &st);
    assert_int_equal(st.type, DISK_FILE);
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
    struct rt *rt = *state;

    assert_refused("NotFound", disk_write, rt_path(rt, "none/f"), "x", 1, 0644);
    assert_int_equal(mkdir(rt_path(rt, "d"), 0755), 0);
    rt_put(rt, "d/inside", "");
    assert_refused("DiskError", disk_write, rt_path(rt, "d"), "x", 1, 0644);
    assert_int_equal(rt_entries(rt, "."), 1);
    assert_refused("InvalidPath", disk_write, "", "x", 1, 0644);
    assert_refused("InvalidPath", disk_write, "a/..", "x", 1, 0644);
    assert_refused("InvalidPath", disk_write, "/", "x", 1, 0644);
}

static void a_name_of_full_length_can_be_written(void **state)
{
    struct rt *rt = *state;
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    char *path = cl_printf("%s/%s", rt->dir, name);
    assert_ok(disk_write, path, "x", 1, 0644);
    assert_ok(disk_unlink, path);
    cl_free(path);
}

static void directories_are_made_with_their_mode_and_existing_ones_left_alone(void **state)
{
    struct rt *rt = *state;
    struct disk_stat st;

    assert_int_equal(mkdir(rt_path(rt, "a"), 0700), 0);
    (void)umask(077);
    assert_ok(disk_mkdirs, rt_path(rt, "a//b/c/"), 0755);
    (void)umask(022);
    assert_ok(disk_stat, rt_path(rt, "a"), &st);
    assert_int_equal(st.mode, 0700);
    assert_ok(disk_stat, rt_path(rt, "a/b"), &st);
    assert_int_equal(st.mode, 0755);
    assert_ok(disk_stat, rt_path(rt, "a/b/c"), &st);
    assert_int_equal(st.type, DISK_DIR);
    assert_ok(disk_mkdirs, rt_path(rt, "a/b/c"), 0700);
    rt_put(rt, "f", "");
    assert_refused("NotFound", disk_mkdirs, rt_path(rt, "f"), 0755);
    assert_refused("NotFound", disk_mkdirs, rt_path(rt, "f/x"), 0755);
}

static void append_to(struct rt *rt, const char *name, const char *text, struct rt_op *ret)
{
    disk_append(rt->loop, rt_path(rt, name), text, strlen(text), rt_op(ret));
    assert_int_equal(ret->done, 0);
    rt_wait(rt, rt_op_is_done, ret);
    assert_int_equal(ret->done, 1);
}

static void records_are_appended_to_a_file_that_is_there_and_not_through_a_link(void **state)
{
    struct rt *rt = *state;
    struct rt_op op;

    append_to(rt, "log", "one\n", &op);
    assert_true(op.failed);
    assert_string_equal(op.err.reason, "NotFound");
    assert_false(rt_exists(rt, "log"));
    rt_put(rt, "log", "one\n");
    append_to(rt, "log", "two\n", &op);
    assert_false(op.failed);
    assert_file(rt, "log", "one\ntwo\n");
    assert_int_equal(symlink("log", rt_path(rt, "l")), 0);
    append_to(rt, "l", "x\n", &op);
    assert_true(op.failed);
    assert_string_equal(op.err.reason, "SymbolicLink");
    assert_file(rt, "log", "one\ntwo\n");
}

static void unlink_rename_and_chmod_do_so(void **state)
{
    struct rt *rt = *state;
    struct disk_stat st;

    rt_put(rt, "f", "x");
    assert_ok(disk_chmod, rt_path(rt, "f"), 0640);
    assert_ok(disk_rename, rt_path(rt, "f"), rt_path(rt, "g"));
    assert_ok(disk_stat, rt_path(rt, "g"), &st);
    assert_int_equal(st.mode, 0640);
    assert_int_equal(symlink("g", rt_path(rt, "l")), 0);
    assert_refused("SymbolicLink", disk_chmod, rt_path(rt, "l"), 0777);
    assert_ok(disk_unlink, rt_path(rt, "g"));
    assert_ok(disk_unlink, rt_path(rt, "g"));
    assert_ok(disk_unlink, rt_path(rt, "none/g"));
    assert_refused("NotFound", disk_rename, rt_path(rt, "f"), rt_path(rt, "g"));
    assert_refused("DiskError", disk_unlink, rt->dir);
}

/* ---- webroots ---- */

static const char TOKEN[] = ".well-known/acme-challenge/token";

static void a_token_is_written_and_removed_below_a_webroot(void **state)
{
    struct rt *rt = *state;
    struct disk_stat st;

    assert_int_equal(mkdir(rt_path(rt, "www"), 0755), 0);
    (void)umask(077);
    assert_ok(disk_write_beneath, rt_path(rt, "www"), TOKEN, "auth", 4, 0644);
    (void)umask(022);
    assert_file(rt, "www/.well-known/acme-challenge/token", "auth");
    assert_ok(disk_stat, rt_path(rt, "www/.well-known/acme-challenge/token"), &st);
    assert_int_equal(st.mode, 0644);
    assert_ok(disk_stat, rt_path(rt, "www/.well-known"), &st);
    assert_int_equal(st.mode, 0755);
    /* again, as after a crash */
    assert_ok(disk_write_beneath, rt_path(rt, "www"), TOKEN, "more", 4, 0644);
    assert_file(rt, "www/.well-known/acme-challenge/token", "more");
    assert_ok(disk_unlink_beneath, rt_path(rt, "www"), TOKEN);
    assert_ok(disk_unlink_beneath, rt_path(rt, "www"), TOKEN);
    assert_false(rt_exists(rt, "www/.well-known/acme-challenge/token"));
    assert_refused("NotFound", disk_write_beneath, rt_path(rt, "none"), TOKEN, "x", 1, 0644);
    assert_ok(disk_unlink_beneath, rt_path(rt, "none"), TOKEN);
}

static void planted_links_and_files_in_a_webroot_are_refused(void **state)
{
    struct rt *rt = *state;
    static const struct {
        const char *link, *target; /* planted */
    } CASES[] = {
        {"www/.well-known", "../victim"},
        {"www/.well-known", "/tmp"},
        {"www/.well-known/acme-challenge", "../../victim"},
        {"www/.well-known/acme-challenge/token", "../../../victim/file"},
        {"www/.well-known/acme-challenge/token", "nowhere"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_ok(disk_mkdirs, rt_path(rt, "www/.well-known/acme-challenge"), 0755);
        assert_ok(disk_mkdirs, rt_path(rt, "victim"), 0755);
        rt_put(rt, "victim/file", "precious");
        char *gone = cl_strdup(rt_path(rt, CASES[i].link));
        struct disk_batch *b = disk_batch_create();
        disk_batch_remove_tree(b, gone);
        disk_batch_symlink(b, CASES[i].target, gone);
        cl_free(gone);
        assert_ok(disk_commit_now, b);
        assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), TOKEN, "x", 1,
                       0644);
        assert_int_equal(rt_entries(rt, "victim"), 1);
        assert_file(rt, "victim/file", "precious");
        b = disk_batch_create();
        disk_batch_remove_tree(b, rt_path(rt, "www"));
        assert_ok(disk_commit_now, b);
    }
}

static void odd_relative_paths_and_foreign_files_are_unsafe(void **state)
{
    struct rt *rt = *state;

    assert_ok(disk_mkdirs, rt_path(rt, "www"), 0755);
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "../x", "x", 1, 0644);
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "/x", "x", 1, 0644);
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "a/../../x", "x", 1,
                   0644);
    rt_put(rt, "www/f", "");
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "f/x", "x", 1, 0644);
    /* a hard link to someone's file is not ours to replace or to write through */
    rt_put(rt, "victim", "precious");
    assert_int_equal(link(rt_path(rt, "victim"), rt_path(rt, "www/token")), 0);
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "token", "x", 1, 0644);
    assert_file(rt, "victim", "precious");
    assert_int_equal(mkdir(rt_path(rt, "www/dir"), 0755), 0);
    assert_refused("WebrootUnsafe", disk_write_beneath, rt_path(rt, "www"), "dir", "x", 1, 0644);
    assert_false(rt_exists(rt, "x"));
}

/* ---- file systems, owners, locks ---- */

static void file_systems_are_told_apart_also_for_paths_yet_to_be_made(void **state)
{
    struct rt *rt = *state;
    struct disk_fs_info here;
    struct disk_fs_info below;
    struct disk_fs_info proc;

    assert_ok(disk_fs_info, rt->dir, &here);
    assert_ok(disk_fs_info, rt_path(rt, "not/yet/there"), &below);
    assert_string_equal(here.name, below.name);
    assert_int_equal(here.kind, below.kind);
    assert_false(here.read_only);
    assert_ok(disk_fs_info, "/proc", &proc);
    assert_string_equal(proc.name, "0x9fa0");
    assert_int_equal(proc.kind, DISK_FS_LOCAL);
}

static void tmpfs_is_ephemeral(void **state)
{
    struct disk_fs_info fs;

    (void)state;
    if (disk_fs_info("/dev/shm", &fs, NULL) < 0 || !cl_streq(fs.name, "tmpfs")) {
        skip();
    }
    assert_int_equal(fs.kind, DISK_FS_EPHEMERAL);
}

static void owners_are_looked_up_by_name_and_number(void **state)
{
    unsigned uid = 1;
    unsigned gid = 1;

    (void)state;
    assert_ok(disk_lookup_owner, "root", "", &uid, &gid);
    assert_int_equal(uid, 0);
    assert_int_equal(gid, DISK_KEEP_ID);
    assert_ok(disk_lookup_owner, NULL, "root", &uid, &gid);
    assert_int_equal(uid, DISK_KEEP_ID);
    assert_int_equal(gid, 0);
    assert_ok(disk_lookup_owner, "1234", "5678", &uid, &gid);
    assert_int_equal(uid, 1234);
    assert_int_equal(gid, 5678);
    assert_refused("OwnerUnknown", disk_lookup_owner, "no-such-user", "", &uid, &gid);
    assert_refused("OwnerUnknown", disk_lookup_owner, "", "no-such-group", &uid, &gid);
}

static void a_lock_held_by_another_process_is_refused_and_names_it(void **state)
{
    struct rt *rt = *state;
    struct disk_lock *lock = NULL;
    struct cl_err err = {0};
    int ready[2];
    int end[2];
    char c;
    char want[64];

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) { /* holds it until told to end */
        int rc = disk_lock(rt_path(rt, "lock"), &lock, &err);
        (void)close(end[1]);
        (void)!write(ready[1], rc == 0 ? "y" : "n", 1);
        (void)!read(end[0], &c, 1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    assert_int_equal(disk_lock(rt_path(rt, "lock"), &lock, &err), -1);
    assert_string_equal(err.reason, "Locked");
    (void)snprintf(want, sizeof want, "is held by process %ld", (long)pid);
    assert_non_null(strstr(err.text, want));
    (void)close(end[1]); /* the holder ends, and with it the lock */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(disk_lock, rt_path(rt, "lock"), &lock);
    disk_unlock(lock);
    disk_unlock(NULL);
    (void)close(end[0]);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void a_lock_is_free_again_after_unlock(void **state)
{
    struct rt *rt = *state;
    struct disk_lock *lock = NULL;
    struct disk_lock *second = NULL;
    struct disk_stat st;

    assert_ok(disk_lock, rt_path(rt, "lock"), &lock);
    assert_refused("Locked", disk_lock, rt_path(rt, "lock"), &second);
    disk_unlock(lock);
    assert_ok(disk_lock, rt_path(rt, "lock"), &second);
    disk_unlock(second);
    assert_ok(disk_stat, rt_path(rt, "lock"), &st);
    assert_int_equal(st.mode, 0600);
    assert_refused("NotFound", disk_lock, rt_path(rt, "none/lock"), &lock);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_is_read_whole_with_its_stat),
        T(an_empty_file_and_one_of_proc_are_read),
        T(a_link_is_followed_by_read_but_not_by_read_secret),
        T(what_is_no_regular_file_is_refused_without_waiting),
        T(a_missing_file_and_a_long_one_have_reasons_of_their_own),
        T(stat_says_what_is_there_and_none_for_nothing),
        T(a_directory_is_listed_sorted_with_dot_names),
        T(a_link_is_read_and_other_things_are_no_link),
        T(nothing_outside_a_root_is_read),
        T(a_write_replaces_whole_with_the_mode_asked_for),
        T(a_write_over_a_link_replaces_the_link),
        T(a_failed_write_leaves_nothing_behind),
        T(a_name_of_full_length_can_be_written),
        T(directories_are_made_with_their_mode_and_existing_ones_left_alone),
        T(records_are_appended_to_a_file_that_is_there_and_not_through_a_link),
        T(unlink_rename_and_chmod_do_so),
        T(a_token_is_written_and_removed_below_a_webroot),
        T(planted_links_and_files_in_a_webroot_are_refused),
        T(odd_relative_paths_and_foreign_files_are_unsafe),
        T(file_systems_are_told_apart_also_for_paths_yet_to_be_made),
        T(tmpfs_is_ephemeral),
        T(owners_are_looked_up_by_name_and_number),
        T(a_lock_held_by_another_process_is_refused_and_names_it),
        T(a_lock_is_free_again_after_unlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
