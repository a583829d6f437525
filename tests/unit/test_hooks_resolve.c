/* SPDX-License-Identifier: Apache-2.0 */
/* Who may run what: hooks named in a spec, and what they are allowed to be. */
#include "hooks/hook.h"
#include "tests/unit/rt_fixture.h"

struct resolving {
    struct rt *rt;
    struct config config;
    struct hook_spec configured; /* the one entry of spec.hooks */
    struct hook_spec spec, got;
    struct cl_err err;
};

static int setup(void **state)
{
    struct resolving *r = cl_new(struct resolving);
    void *rt = NULL;
    struct cl_err err = {0};

    assert_int_equal(rt_setup(&rt), 0);
    r->rt = rt;
    r->configured.name = cl_strdup("reload-nginx");
    cl_strv_add(&r->configured.exec, "systemctl");
    cl_strv_add(&r->configured.exec, "reload");
    cl_strv_add(&r->configured.exec, "nginx");
    r->configured.user = cl_strdup("root");
    r->configured.timeout = 7 * CL_SECOND;
    r->config.hooks = (struct hook_list){.items = &r->configured, .len = 1};
    assert_int_equal(disk_mkdirs(rt_path(r->rt, "hooks.d"), 0755, &err), 0);
    cl_strv_take(&r->config.hook_directories, cl_printf("%s/none", r->rt->dir));
    cl_strv_take(&r->config.hook_directories, cl_printf("%s/hooks.d", r->rt->dir));
    r->spec.when = HOOK_ISSUED;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct resolving *r = *state;
    void *rt = r->rt;
    hook_spec_deinit(&r->configured);
    hook_spec_deinit(&r->spec);
    hook_spec_deinit(&r->got);
    cl_strv_deinit(&r->config.hook_directories);
    cl_free(r);
    return rt_teardown(&rt);
}

static int resolve(struct resolving *r, const char *name)
{
    memset(&r->err, 0, sizeof(r->err));
    hook_spec_deinit(&r->got);
    cl_free(r->spec.name);
    r->spec.name = cl_strdup(name);
    return hook_resolve(&r->config, &r->spec, &r->got, &r->err);
}

static void put_hook(struct resolving *r, const char *file, unsigned mode)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "hooks.d/%s", file);
    rt_put(r->rt, name, "#!/bin/sh\n");
    assert_int_equal(chmod(rt_path(r->rt, name), (mode_t)mode), 0);
}

static void a_name_of_the_configuration_is_what_it_says_there(void **state)
{
    struct resolving *r = *state;
    assert_int_equal(resolve(r, "reload-nginx"), 0);
    assert_int_equal(r->got.exec.len, 3);
    assert_string_equal(r->got.user, "root");
    assert_int_equal(r->got.timeout, 7 * CL_SECOND);
    assert_int_equal(r->got.when, HOOK_ISSUED); /* when is the spec's word */
    char *label = hook_label(&r->got);
    assert_string_equal(label, "reload-nginx");
    cl_free(label);
}

static void a_file_of_a_hook_directory_is_found_by_its_name(void **state)
{
    struct resolving *r = *state;
    put_hook(r, "notify.sh", 0755);
    assert_int_equal(resolve(r, "notify"), 0);
    assert_string_equal(r->got.exec.items[0], rt_path(r->rt, "hooks.d/notify.sh"));
    put_hook(r, "notify", 0700);
    assert_int_equal(resolve(r, "notify"), 0);
    assert_string_equal(r->got.exec.items[0], rt_path(r->rt, "hooks.d/notify"));
    assert_null(r->got.user);
}

static void leftovers_of_editors_and_packages_do_not_run(void **state)
{
    static const char *const FILES[] = {"notify.sh~",      "notify.bak",     "notify.sh.swp",
                                        "notify.dpkg-old", "notify.rpmsave", "notify.disabled"};
    struct resolving *r = *state;
    for (size_t i = 0; i < COUNT(FILES); i++) {
        put_hook(r, FILES[i], 0755);
    }
    assert_int_equal(resolve(r, "notify"), -1);
    assert_string_equal(r->err.reason, "HookNotFound");
}

static void an_unknown_name_says_where_it_was_looked_for(void **state)
{
    struct resolving *r = *state;
    assert_int_equal(resolve(r, "reload-apache"), -1);
    assert_string_equal(r->err.reason, "HookNotFound");
    assert_non_null(strstr(r->err.text, "/none, "));
    assert_non_null(strstr(r->err.text, "/hooks.d"));
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    struct resolving *r = *state;
    static const struct {
        unsigned mode;
        const char *says;
    } CASES[] = {{0777, "go-w"}, {0775, "go-w"}, {0644, "chmod +x"}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        put_hook(r, "notify", CASES[i].mode);
        assert_int_equal(resolve(r, "notify"), -1);
        assert_string_equal(r->err.reason, "HookUnsafe");
        assert_non_null(strstr(r->err.text, CASES[i].says));
    }
    put_hook(r, "notify", 0755);
    assert_int_equal(chmod(rt_path(r->rt, "hooks.d"), 0777), 0);
    assert_int_equal(resolve(r, "notify"), -1);
    assert_string_equal(r->err.reason, "HookUnsafe");
    if (getuid() == 0) { /* only root can give a file away */
        assert_int_equal(chmod(rt_path(r->rt, "hooks.d"), 0755), 0);
        assert_int_equal(chown(rt_path(r->rt, "hooks.d/notify"), 12345, 12345), 0);
        assert_int_equal(resolve(r, "notify"), -1);
        assert_string_equal(r->err.reason, "HookUnsafe");
    }
}

static void a_directory_is_no_hook(void **state)
{
    struct resolving *r = *state;
    struct cl_err err = {0};
    assert_int_equal(disk_mkdirs(rt_path(r->rt, "hooks.d/notify"), 0755, &err), 0);
    assert_int_equal(resolve(r, "notify"), -1);
    assert_string_equal(r->err.reason, "HookUnsafe");
}

static void names_lead_out_of_no_directory(void **state)
{
    static const char *const NAMES[] = {"../hooks.d/x", "/bin/sh", ".hidden", "", "a b", "a/b"};
    struct resolving *r = *state;
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        assert_int_equal(resolve(r, NAMES[i]), -1);
        assert_string_equal(r->err.reason, "HookNotFound");
        assert_int_equal(r->err.kind, CL_ERR_PERMANENT);
    }
}

static void inline_actions_need_the_permission_of_the_configuration(void **state)
{
    struct resolving *r = *state;
    /* even if they carry the name of one that is allowed */
    cl_strv_add(&r->spec.exec, "/bin/rm");
    assert_int_equal(resolve(r, "reload-nginx"), -1);
    assert_string_equal(r->err.reason, "HookForbidden");
    assert_non_null(strstr(r->err.text, "allowInlineHooks"));
    cl_strv_deinit(&r->spec.exec);
    r->spec.exec = (struct cl_strv){0};

    r->spec.signal_pid_file = cl_strdup("/run/nginx.pid");
    assert_int_equal(resolve(r, "x"), -1);
    assert_string_equal(r->err.reason, "HookForbidden");
    cl_free(r->spec.signal_pid_file);
    r->spec.signal_pid_file = NULL;

    r->spec.systemd_unit = cl_strdup("nginx");
    assert_int_equal(resolve(r, "x"), -1);
    assert_string_equal(r->err.reason, "HookForbidden");

    r->config.allow_inline_hooks = true;
    r->spec.user = cl_strdup("root"); /* a spec has no say in that */
    assert_int_equal(resolve(r, "x"), 0);
    assert_string_equal(r->got.systemd_unit, "nginx");
    assert_null(r->got.user);
}

static void what_does_the_same_has_the_same_identity(void **state)
{
    struct resolving *r = *state;
    struct hook_spec a = {0}, b = {0};
    (void)r;
    cl_strv_add(&a.exec, "x");
    cl_strv_add(&a.exec, "y z");
    cl_strv_add(&b.exec, "x");
    cl_strv_add(&b.exec, "y");
    cl_strv_add(&b.exec, "z");
    b.name = cl_strdup("named");
    char *ia = hook_identity(&a), *ib = hook_identity(&b);
    assert_string_not_equal(ia, ib);
    cl_free(ib);
    cl_strv_deinit(&b.exec);
    cl_strv_copy(&b.exec, &a.exec);
    ib = hook_identity(&b); /* the name does not matter */
    assert_string_equal(ia, ib);
    cl_free(ib);
    b.user = cl_strdup("www-data"); /* who runs it does */
    ib = hook_identity(&b);
    assert_string_not_equal(ia, ib);
    cl_free(ia);
    cl_free(ib);
    hook_spec_deinit(&a);
    hook_spec_deinit(&b);
}

static void an_unnamed_hook_is_labelled_by_what_it_does(void **state)
{
    struct hook_spec exec = {0}, sig = {0}, unit = {0}, none = {0};
    (void)state;
    cl_strv_add(&exec.exec, "/usr/bin/notify");
    cl_strv_add(&exec.exec, "now");
    sig.signal_pid_file = cl_strdup("/run/x.pid");
    unit.systemd_unit = cl_strdup("nginx");
    unit.systemd_action = cl_strdup("restart");
    const struct {
        const struct hook_spec *h;
        const char *label;
    } CASES[] = {{&exec, "/usr/bin/notify now"},
                 {&sig, "signal HUP to /run/x.pid"},
                 {&unit, "systemctl restart nginx"},
                 {&none, "hook"}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *label = hook_label(CASES[i].h);
        assert_string_equal(label, CASES[i].label);
        cl_free(label);
    }
    hook_spec_deinit(&exec);
    hook_spec_deinit(&sig);
    hook_spec_deinit(&unit);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_of_the_configuration_is_what_it_says_there),
        TEST(a_file_of_a_hook_directory_is_found_by_its_name),
        TEST(leftovers_of_editors_and_packages_do_not_run),
        TEST(an_unknown_name_says_where_it_was_looked_for),
        TEST(a_file_that_others_can_write_is_refused),
        TEST(a_directory_is_no_hook),
        TEST(names_lead_out_of_no_directory),
        TEST(inline_actions_need_the_permission_of_the_configuration),
        TEST(what_does_the_same_has_the_same_identity),
        cmocka_unit_test(an_unnamed_hook_is_labelled_by_what_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
