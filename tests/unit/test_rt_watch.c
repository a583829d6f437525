/* SPDX-License-Identifier: Apache-2.0 */
/* Watching directories through what people, editors and tools do to them; on real directories. */
#include "backends/rt/watch.h"
#include "backends/rt/watch_internal.h"
#include "tests/unit/rt_fixture.h"

#include <sys/inotify.h>
#include <sys/wait.h>

struct seen {
    struct rt *rt;
    struct watch *watch;
    struct cl_strv hints; /* "W name", "T name", "G name", "R" */
    const char *want;
    const char *remove_on_hint; /* a directory to stop watching from inside the callback */
};

static void on_hint(void *user, const char *dir, const char *name, enum watch_hint hint)
{
    static const char LETTERS[] = {
        [WATCH_WRITTEN] = 'W', [WATCH_TOUCHED] = 'T', [WATCH_GONE] = 'G', [WATCH_RESCAN] = 'R'};
    struct seen *s = user;

    assert_non_null(dir);
    assert_int_equal(name == NULL, hint == WATCH_RESCAN);
    cl_strv_take(&s->hints, name != NULL ? cl_printf("%c %s", LETTERS[hint], name)
                                         : cl_printf("%c", LETTERS[hint]));
    if (s->remove_on_hint != NULL) {
        watch_remove(s->watch, s->remove_on_hint);
    }
}

static bool wanted_came(void *user)
{
    const struct seen *s = user;

    return cl_strv_has(&s->hints, s->want);
}

/* Waits for a hint and forgets all that came. */
static void expect(struct seen *s, const char *want)
{
    s->want = want;
    rt_wait(s->rt, wanted_came, s);
    rt_turns(s->rt, 2);
    cl_strv_deinit(&s->hints);
}

static void begin(struct seen *s, void **state, const char *dir)
{
    *s = (struct seen){.rt = *state};
    s->watch = watch_create(s->rt->loop, on_hint, s);
    watch_add(s->watch, rt_path(s->rt, dir));
    rt_turns(s->rt, 3);
    assert_int_equal(s->hints.len, 0); /* the first scan is the caller's */
}

static void end(struct seen *s)
{
    watch_destroy(s->watch);
    cl_strv_deinit(&s->hints);
}

static void command(const struct rt *rt, const char *script)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(rt->dir) == 0) {
            (void)execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- entries ---- */

static void a_file_is_touched_until_it_is_closed(void **state)
{
    struct seen s;

    begin(&s, state, ".");
    int fd = open(rt_path(s.rt, "a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "x", 1), 1);
    s.want = "T a.yaml";
    rt_wait(s.rt, wanted_came, &s);
    assert_false(cl_strv_has(&s.hints, "W a.yaml"));
    (void)close(fd);
    expect(&s, "W a.yaml");
    end(&s);
}

static void each_way_to_change_a_file_gives_its_hint(void **state)
{
    static const struct {
        const char *script, *hint;
    } CASES[] = {
        {"echo x > d/new.yaml", "W new.yaml"},
        {"mv outside.yaml d/in.yaml", "W in.yaml"},
        {"mv d/in.yaml back.yaml", "G in.yaml"},
        {"rm d/old.yaml", "G old.yaml"},
        {"ln -s ../back.yaml d/link.yaml", "W link.yaml"},
        {"ln back.yaml d/hard.yaml", "W hard.yaml"},
        {"mkfifo d/fifo.yaml", "W fifo.yaml"},
        {"mkdir d/sub", "W sub"},
        {"chmod 640 d/mode.yaml", "T mode.yaml"},
        {"sed -i s/a/b/ d/sed.yaml", "W sed.yaml"},
        {"cp -p back.yaml d/copied.yaml", "W copied.yaml"},
        {"cp d/sed.yaml d/.sed.Ab12 && mv d/.sed.Ab12 d/rsync.yaml", "W rsync.yaml"},
        {"truncate -s 0 d/mode.yaml", "W mode.yaml"},
    };
    struct seen s;

    command(*state, "mkdir d; echo a > outside.yaml; echo a > d/old.yaml; echo a > d/mode.yaml;"
                    "echo a > d/sed.yaml");
    begin(&s, state, "d");
    for (size_t i = 0; i < COUNT(CASES); i++) {
        command(s.rt, CASES[i].script);
        expect(&s, CASES[i].hint);
    }
    struct watch_info info;
    watch_info(s.watch, &info);
    assert_int_equal(info.rearms, 0);
    assert_false(info.polling);
    end(&s);
}

static void the_rename_dance_of_vim_ends_with_a_written_file(void **state)
{
    struct seen s;

    command(*state, "echo old > web.yaml");
    begin(&s, state, ".");
    command(s.rt, "echo > 4913; rm 4913; mv web.yaml web.yaml~; echo new > web.yaml; rm web.yaml~");
    s.want = "G web.yaml~";
    rt_wait(s.rt, wanted_came, &s);
    assert_true(cl_strv_has(&s.hints, "G web.yaml"));
    assert_true(cl_strv_has(&s.hints, "W web.yaml"));
    assert_false(cl_strv_has(&s.hints, "R"));
    end(&s);
}

static void a_swap_of_dot_dot_data_is_a_rescan(void **state)
{
    struct seen s;

    command(*state, "mkdir ..v1 ..v2; echo 1 > ..v1/a.yaml; echo 2 > ..v2/a.yaml;"
                    "ln -s ..v1 ..data; ln -s ..data/a.yaml a.yaml");
    begin(&s, state, ".");
    command(s.rt, "ln -s ..v2 ..data_tmp; mv -T ..data_tmp ..data; rm -r ..v1");
    expect(&s, "R");
    end(&s);
}

/* ---- the directory itself ---- */

static void a_directory_that_is_removed_and_made_again_is_watched_again(void **state)
{
    struct seen s;
    struct watch_info info;

    command(*state, "mkdir -p p/d");
    begin(&s, state, "p/d");
    for (int i = 0; i < 2; i++) {
        command(s.rt, "rm -r p/d");
        expect(&s, "R");
        command(s.rt, "mkdir p/d");
        expect(&s, "R");
        rt_put(s.rt, "p/d/a.yaml", "x");
        expect(&s, "W a.yaml");
    }
    watch_info(s.watch, &info);
    assert_int_equal(info.rearms, 4);
    end(&s);
}

static void a_directory_that_is_replaced_by_rename_is_watched_in_its_new_place(void **state)
{
    struct seen s;

    command(*state, "mkdir -p p/d p/next");
    begin(&s, state, "p/d");
    command(s.rt, "mv p/d p/last; mv p/next p/d");
    expect(&s, "R");
    rt_put(s.rt, "p/last/old.yaml", "x");
    rt_put(s.rt, "p/d/a.yaml", "x");
    s.want = "W a.yaml";
    rt_wait(s.rt, wanted_came, &s);
    assert_false(cl_strv_has(&s.hints, "W old.yaml"));
    end(&s);
}

static void a_missing_directory_is_found_when_it_comes_with_its_parents(void **state)
{
    struct seen s;

    begin(&s, state, "a/b/c");
    command(s.rt, "mkdir a");
    expect(&s, "R");
    command(s.rt, "mkdir a/b");
    expect(&s, "R");
    command(s.rt, "mkdir a/b/c");
    expect(&s, "R");
    rt_put(s.rt, "a/b/c/x.yaml", "x");
    expect(&s, "W x.yaml");
    command(s.rt, "mv a away");
    expect(&s, "R");
    end(&s);
}

static void a_link_that_is_flipped_leads_to_the_new_directory(void **state)
{
    struct seen s;

    command(*state, "mkdir -p rev/1 rev/2 rev/3; ln -s rev/1 current; ln -s current specs");
    begin(&s, state, "specs");
    rt_put(s.rt, "rev/1/a.yaml", "x");
    expect(&s, "W a.yaml");
    command(s.rt, "ln -s rev/2 tmp; mv -T tmp current"); /* as git-sync does */
    expect(&s, "R");
    rt_put(s.rt, "rev/2/b.yaml", "x");
    expect(&s, "W b.yaml");
    command(s.rt, "ln -sfn rev/3 specs"); /* the outer link; not atomic */
    expect(&s, "R");
    rt_put(s.rt, "rev/3/c.yaml", "x");
    expect(&s, "W c.yaml");
    rt_put(s.rt, "rev/2/d.yaml", "x");
    rt_turns(s.rt, 5);
    assert_int_equal(s.hints.len, 0);
    end(&s);
}

static void a_dangling_link_is_watched_until_its_target_comes(void **state)
{
    struct seen s;

    command(*state, "ln -s target/below link; ln -s loop1 loop2; ln -s loop2 loop1");
    begin(&s, state, "link");
    watch_add(s.watch, rt_path(s.rt, "loop1")); /* must end, and stay quiet */
    command(s.rt, "mkdir target");
    expect(&s, "R");
    command(s.rt, "mkdir target/below");
    expect(&s, "R");
    rt_put(s.rt, "target/below/a.yaml", "x");
    expect(&s, "W a.yaml");
    end(&s);
}

static void a_path_that_flaps_is_held_back(void **state)
{
    struct seen s;
    struct watch_info info;

    command(*state, "mkdir -p p/d");
    begin(&s, state, "p/d");
    for (int i = 0; i < 10; i++) {
        command(s.rt, "rm -rf p/d; mkdir p/d");
        rt_turns(s.rt, 3);
    }
    watch_info(s.watch, &info);
    assert_true(info.rearms <= 5);
    cl_strv_deinit(&s.hints);
    expect(&s, "R"); /* but not forgotten */
    rt_put(s.rt, "p/d/a.yaml", "x");
    expect(&s, "W a.yaml");
    end(&s);
}

static void adding_again_notices_what_no_event_told(void **state)
{
    struct seen s;
    struct watch_info info;

    command(*state, "mkdir d");
    begin(&s, state, "d");
    watch_add(s.watch, rt_path(s.rt, "d"));
    watch_info(s.watch, &info);
    assert_int_equal(info.rearms, 0);
    s.watch->dirs[0]->ino ^= 1; /* as if something had been mounted there */
    watch_add(s.watch, rt_path(s.rt, "d"));
    watch_info(s.watch, &info);
    assert_int_equal(info.rearms, 1);
    assert_int_equal(s.watch->dirs_len, 1);
    end(&s);
}

/* ---- several, removal, overflow, fallback ---- */

static void two_directories_one_in_the_other_are_told_apart(void **state)
{
    struct seen s;

    command(*state, "mkdir -p d/sub");
    begin(&s, state, "d");
    watch_add(s.watch, rt_path(s.rt, "d/sub"));
    rt_put(s.rt, "d/sub/a.yaml", "x");
    expect(&s, "W a.yaml");
    rt_put(s.rt, "d/b.yaml", "x");
    expect(&s, "W b.yaml");
    watch_remove(s.watch, rt_path(s.rt, "d/sub"));
    watch_remove(s.watch, rt_path(s.rt, "d/none"));
    rt_put(s.rt, "d/sub/c.yaml", "x");
    rt_put(s.rt, "d/b.yaml", "y");
    s.want = "W b.yaml";
    rt_wait(s.rt, wanted_came, &s);
    assert_false(cl_strv_has(&s.hints, "W c.yaml"));
    end(&s);
}

static void a_directory_may_be_removed_from_inside_its_hint(void **state)
{
    struct seen s;
    char *dir = NULL;

    command(*state, "mkdir d");
    begin(&s, state, "d");
    dir = cl_strdup(rt_path(s.rt, "d"));
    s.remove_on_hint = dir;
    command(s.rt, "echo > d/a.yaml; echo > d/b.yaml; rm -r d");
    s.want = "T a.yaml";
    rt_wait(s.rt, wanted_came, &s);
    rt_turns(s.rt, 5);
    assert_int_equal(s.hints.len, 1);
    assert_int_equal(s.watch->dirs_len, 0);
    assert_int_equal(s.watch->marks_len, 0);
    cl_free(dir);
    end(&s);
}

static void all_marks_go_with_the_last_directory(void **state)
{
    struct seen s;

    command(*state, "mkdir -p a/b; ln -s a l");
    begin(&s, state, "l/b");
    assert_true(s.watch->marks_len > 2);
    watch_remove(s.watch, rt_path(s.rt, "l/b"));
    assert_int_equal(s.watch->marks_len, 0);
    end(&s);
}

static void an_overflow_rescans_everything_and_is_counted(void **state)
{
    struct seen s;
    struct watch_info info;
    struct inotify_event ev = {.wd = -1, .mask = IN_Q_OVERFLOW};

    command(*state, "mkdir d e");
    begin(&s, state, "d");
    watch_add(s.watch, rt_path(s.rt, "e"));
    watch_handle_events(s.watch, (const char *)&ev, sizeof ev);
    assert_int_equal(s.hints.len, 2);
    assert_true(cl_strv_has(&s.hints, "R"));
    watch_info(s.watch, &info);
    assert_int_equal(info.overflows, 1);
    end(&s);
}

static void odd_event_buffers_do_no_harm(void **state)
{
    struct seen s;
    char buf[sizeof(struct inotify_event) * 2] = {0};
    struct inotify_event cut = {.wd = 1, .mask = IN_CREATE, .len = 1000};
    struct inotify_event unknown = {.wd = 12345, .mask = IN_CREATE};

    begin(&s, state, ".");
    memcpy(buf, &cut, sizeof cut);
    watch_handle_events(s.watch, buf, sizeof buf);
    watch_handle_events(s.watch, buf, 3);
    watch_handle_events(s.watch, (const char *)&unknown, sizeof unknown);
    assert_int_equal(s.hints.len, 0);
    /* about the directory itself: anything may be different */
    struct inotify_event self = {.mask = IN_ATTRIB};
    for (size_t i = 0; i < s.watch->marks_len; i++) {
        if (s.watch->marks[i].is_dir) {
            self.wd = s.watch->marks[i].wd;
        }
    }
    watch_handle_events(s.watch, (const char *)&self, sizeof self);
    assert_int_equal(s.hints.len, 1);
    assert_string_equal(s.hints.items[0], "R");
    end(&s);
}

static void without_inotify_instances_the_directory_is_polled(void **state)
{
    struct seen s = {.rt = *state};
    struct watch_info info;
    int fds[256];
    size_t n = 0;

    /* Use up the user's instances, if the limit is within reach. */
    while (n < COUNT(fds) && (fds[n] = inotify_init1(IN_CLOEXEC)) >= 0) {
        n++;
    }
    bool reached = n < COUNT(fds);
    s.watch = watch_create(s.rt->loop, on_hint, &s);
    if (reached) {
        watch_add(s.watch, s.rt->dir);
        watch_info(s.watch, &info);
        assert_true(info.polling);
        assert_non_null(strstr(info.reason, "fs.inotify.max_user_instances"));
        assert_non_null(strstr(info.reason, "raise the sysctl"));
    }
    while (n > 0) {
        (void)close(fds[--n]);
    }
    if (!reached) {
        end(&s);
        skip();
    }
    /* The retry, an hour later, finds an instance; until then a hint comes with each period. */
    s.watch->dirs[0]->retry_at = 0;
    loop_at(s.rt->loop, &s.watch->dirs[0]->timer, 1, s.watch->dirs[0]->timer.fn, s.watch->dirs[0]);
    expect(&s, "R");
    watch_info(s.watch, &info);
    assert_false(info.polling);
    assert_string_equal(info.reason, "");
    rt_put(s.rt, "a.yaml", "x");
    expect(&s, "W a.yaml");
    end(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_is_touched_until_it_is_closed),
        T(each_way_to_change_a_file_gives_its_hint),
        T(the_rename_dance_of_vim_ends_with_a_written_file),
        T(a_swap_of_dot_dot_data_is_a_rescan),
        T(a_directory_that_is_removed_and_made_again_is_watched_again),
        T(a_directory_that_is_replaced_by_rename_is_watched_in_its_new_place),
        T(a_missing_directory_is_found_when_it_comes_with_its_parents),
        T(a_link_that_is_flipped_leads_to_the_new_directory),
        T(a_dangling_link_is_watched_until_its_target_comes),
        T(a_path_that_flaps_is_held_back),
        T(adding_again_notices_what_no_event_told),
        T(two_directories_one_in_the_other_are_told_apart),
        T(a_directory_may_be_removed_from_inside_its_hint),
        T(all_marks_go_with_the_last_directory),
        T(an_overflow_rescans_everything_and_is_counted),
        T(odd_event_buffers_do_no_harm),
        T(without_inotify_instances_the_directory_is_polled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
