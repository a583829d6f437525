/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_simulate: hands over to certloop-simulate, which holds the same code on a simulated machine. */
#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "reconciler/cli/cli.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_time.h"
#include "version.h"

/* Beside this program (a build tree), or where it is installed. Owned; NULL: nowhere. */
static char *find_program(void)
{
    char *dir = sys_program_dir();
    char *found = NULL;
    char *const places[] = {cl_printf("%s/certloop-simulate", dir),
                            cl_printf("%s/../libexec/certloop/certloop-simulate", dir),
                            cl_strdup(CERTLOOP_LIBEXEC_DIR "/certloop-simulate")};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct disk_stat st;
        struct cl_err err = {0};
        if (found == NULL && disk_stat(places[i], &st, &err) == 0 && st.type == DISK_FILE) {
            found = cl_strdup(places[i]);
        }
        cl_free(places[i]);
    }
    cl_free(dir);
    return found;
}

int cmd_simulate(struct cli *c)
{
    struct cl_strv argv = {0};
    struct cl_err err = {0};
    const char *horizon = "1y";
    const char *value = NULL;
    cl_time d = 0;

    (void)cli_flag_value(c, "--horizon", &horizon);
    if (cl_streq(horizon, "1y")) {
        horizon = "365d";
    }
    if (cl_duration_parse(horizon, &d) < 0 || d == 0) {
        return cli_usage(c, "--horizon: expected a duration, as in 90d or 1y");
    }
    if (c->args.len > 0) {
        return cli_usage(c, "%s: the specs are those of --specs", c->args.items[0]);
    }
    char *program = find_program();
    if (program == NULL) {
        return cli_error(c, 1,
                         "certloop-simulate is not installed: it is looked for beside this program "
                         "and in " CERTLOOP_LIBEXEC_DIR);
    }
    cl_strv_add(&argv, program);
    cl_strv_add(&argv, "--user-specs");
    cl_strv_add(&argv, c->paths.specs);
    cl_strv_add(&argv, "--user-config");
    cl_strv_add(&argv, c->paths.config);
    cl_strv_add(&argv, "--horizon");
    cl_strv_add(&argv, horizon);
    if (cli_flag_value(c, "--seed", &value)) {
        cl_strv_add(&argv, "--seed");
        cl_strv_add(&argv, value);
    }
    for (size_t i = 0; i + 1 < c->flags.len; i += 2) {
        if (cl_streq(c->flags.items[i], "--fault")) {
            cl_strv_add(&argv, "--fault");
            cl_strv_add(&argv, c->flags.items[i + 1]);
        }
    }
    if (c->output == CLI_JSON) {
        cl_strv_add(&argv, "--json");
    }
    (void)sys_exec(program, &argv, &err); /* comes back only if it fails */
    cl_strv_deinit(&argv);
    cl_free(program);
    return cli_error(c, 1, "%s", err.text);
}
