/* SPDX-License-Identifier: Apache-2.0 */
/* cli: parses the command line: global flags work before and after the command. */
#include "reconciler/cli/cli.h"

#include "backends/rt/log_sink.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

const struct cli_flag CLI_GLOBAL_FLAGS[] = {
    {"--specs", "DIR", "the watched directory of specs [CERTLOOP_SPECS, /etc/acme.d]"},
    {"--state", "DIR",
     "archive, accounts, status, live outputs [CERTLOOP_STATE, /var/lib/certloop]"},
    {"--secrets", "DIR", "{name, key} is DIR/name/key [CERTLOOP_SECRETS, /etc/certloop/secrets]"},
    {"--config", "FILE", "kind: Configuration [CERTLOOP_CONFIG, /etc/certloop/config.yaml]"},
    {"--live", "DIR", "where live/ is, if not in the state directory [CERTLOOP_LIVE]"},
    {"--output-root", "DIR", "a further root for outputs; repeatable [CERTLOOP_OUTPUT_ROOTS]"},
    {"--metrics", "ADDR", "metrics on HOST:PORT or unix:PATH [CERTLOOP_METRICS]"},
    {"--log-level", "LEVEL", "error, warning, notice, info or debug [CERTLOOP_LOG_LEVEL, info]"},
    {"--log-format", "FORMAT", "text or json [CERTLOOP_LOG_FORMAT, text]"},
    {"-n", "NAMESPACE", "objects of this namespace"},
    {"-A", NULL, "objects of all namespaces"},
    {"-l", "KEY=VALUE", "objects with this label; repeatable"},
    {"-o", "FORMAT", "json, yaml, wide or name instead of a table"},
    {NULL, NULL, NULL},
};

/* Verbs of other clients, and how the same is done here. */
static const struct {
    const char *word, *answer;
} OTHER_CLIENTS[] = {
    {"certonly", "write a Certificate spec into the spec directory; the daemon does the rest"},
    {"issue", "write a Certificate spec into the spec directory; the daemon does the rest"},
    {"apply", "put the file into the spec directory; certloop validate FILE checks it first"},
    {"delete", "remove the file from the spec directory"},
    {"certificates", "certloop get"},
    {"list", "certloop get"},
    {"install-cert", "name outputs and hooks in the spec"},
    {"confirm-prune", "certloop prune --yes"},
    {"explain", "certloop describe NAME"},
};

static const struct {
    const char *alias, *name;
} ALIASES[] = {{"ls", "get"}};

static void print_flags(FILE *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        char left[48];
        (void)cl_format(left, sizeof(left), "%s %s", flags->name, cl_str_or(flags->value, ""));
        (void)fprintf(out, "  %-24s %s\n", left, flags->help);
    }
}

static void print_help(FILE *out)
{
    (void)fprintf(out, "certloop keeps TLS certificates as declared in a directory of specs.\n\n"
                       "Usage: certloop [FLAGS] COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        (void)fprintf(out, "  %-10s %s\n", k->name, k->summary);
    }
    (void)fprintf(out, "\nFlags for every command:\n");
    print_flags(out, CLI_GLOBAL_FLAGS);
    (void)fprintf(out, "\n'certloop COMMAND --help' tells more. A first run needs no CA: see the "
                       "README and examples/.\n");
}

static void print_command_help(const struct cli_command *k, FILE *out)
{
    (void)fprintf(out, "Usage: certloop %s %s\n\n%s\n", k->name, k->arguments, k->help);
    if (k->flags != NULL) {
        (void)fprintf(out, "\nFlags:\n");
        print_flags(out, k->flags);
    }
    (void)fprintf(out, "\nFlags for every command:\n");
    print_flags(out, CLI_GLOBAL_FLAGS);
}

__attribute__((format(printf, 3, 0))) static int vcomplain(const char *command, int code,
                                                           const char *fmt, va_list ap)
{
    (void)fprintf(stderr, "certloop%s%s: ", command != NULL ? " " : "", cl_str_or(command, ""));
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    return code;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vcomplain(c->command != NULL ? c->command->name : NULL, EXIT_USAGE, fmt, ap);
    va_end(ap);
    if (c->command != NULL) {
        (void)fprintf(stderr, "Usage: certloop %s %s (--help tells more)\n", c->command->name,
                      c->command->arguments);
    }
    return EXIT_USAGE;
}

int cli_error(struct cli *c, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vcomplain(c->command != NULL ? c->command->name : NULL, code, fmt, ap);
    va_end(ap);
    return code;
}

/* ---- global flags ---- */

static void set_path(char **field, const char *value)
{
    cl_free(*field);
    *field = cl_strdup(value);
    size_t len = strlen(*field);
    while (len > 1 && (*field)[len - 1] == '/') { /* one spelling for each directory */
        (*field)[--len] = '\0';
    }
    if ((*field)[0] != '/') {
        char here[4096];
        char *absolute = cl_printf("%s/%s", getcwd(here, sizeof(here)) != NULL ? here : "", *field);
        cl_free(*field);
        *field = absolute;
    }
}

static int set_output(struct cli *c, const char *value)
{
    static const char *const names[] = {"table", "wide", "json", "yaml", "name"};
    for (unsigned i = 0; i < 5; i++) {
        if (cl_streq(value, names[i])) {
            c->output = (enum cli_output)i;
            return 0;
        }
    }
    return cli_usage(c, "-o %s: expected json, yaml, wide or name", value);
}

static int set_global(struct cli *c, const char *name, const char *value)
{
    if (cl_streq(name, "--specs")) {
        set_path(&c->paths.specs, value);
    } else if (cl_streq(name, "--state")) {
        set_path(&c->paths.state, value);
    } else if (cl_streq(name, "--secrets")) {
        set_path(&c->paths.secrets, value);
    } else if (cl_streq(name, "--config")) {
        set_path(&c->paths.config, value);
    } else if (cl_streq(name, "--live")) {
        set_path(&c->paths.live, value);
    } else if (cl_streq(name, "--output-root")) {
        cl_strv_split(&c->output_roots, value, ":");
    } else if (cl_streq(name, "--metrics")) {
        cl_free(c->metrics);
        c->metrics = cl_strdup(value);
    } else if (cl_streq(name, "--log-level")) {
        if (cl_log_level_parse(value, &c->log_level) < 0) {
            return cli_usage(c, "--log-level %s: expected error, warning, notice, info or debug",
                             value);
        }
    } else if (cl_streq(name, "--log-format")) {
        c->log_json = cl_streq(value, "json");
        if (!c->log_json && !cl_streq(value, "text")) {
            return cli_usage(c, "--log-format %s: expected text or json", value);
        }
    } else if (cl_streq(name, "-n")) {
        cl_free(c->namespace_);
        c->namespace_ = cl_strdup(value);
    } else if (cl_streq(name, "-A")) {
        c->all_namespaces = true;
    } else if (cl_streq(name, "-l")) {
        if (strchr(value, '=') == NULL) {
            return cli_usage(c, "-l %s: expected KEY=VALUE", value);
        }
        cl_strv_add(&c->labels, value);
    } else {
        return set_output(c, value);
    }
    return 0;
}

static const struct cli_flag *find_flag(const struct cli_flag *flags, const char *name, size_t len)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (strlen(flags->name) == len && strncmp(flags->name, name, len) == 0) {
            return flags;
        }
    }
    return NULL;
}

static int from_environment(struct cli *c)
{
    static const struct {
        const char *variable, *flag, *otherwise;
    } DEFAULTS[] = {
        {"CERTLOOP_SPECS", "--specs", "/etc/acme.d"},
        {"CERTLOOP_STATE", "--state", "/var/lib/certloop"},
        {"CERTLOOP_SECRETS", "--secrets", "/etc/certloop/secrets"},
        {"CERTLOOP_CONFIG", "--config", "/etc/certloop/config.yaml"},
        {"CERTLOOP_LIVE", "--live", NULL},
        {"CERTLOOP_OUTPUT_ROOTS", "--output-root", NULL},
        {"CERTLOOP_METRICS", "--metrics", NULL},
        {"CERTLOOP_LOG_LEVEL", "--log-level", "info"},
        {"CERTLOOP_LOG_FORMAT", "--log-format", "text"},
    };
    for (size_t i = 0; i < sizeof(DEFAULTS) / sizeof(DEFAULTS[0]); i++) {
        const char *value = cl_str_or(sys_getenv(DEFAULTS[i].variable), DEFAULTS[i].otherwise);
        if (value != NULL && set_global(c, DEFAULTS[i].flag, value) != 0) {
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* ---- arguments ---- */

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(ALIASES) / sizeof(ALIASES[0]); i++) {
        name = cl_streq(name, ALIASES[i].alias) ? ALIASES[i].name : name;
    }
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        if (cl_streq(k->name, name)) {
            return k;
        }
    }
    return NULL;
}

static int unknown_command(struct cli *c, const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(OTHER_CLIENTS) / sizeof(OTHER_CLIENTS[0]); i++) {
        if (cl_streq(name, OTHER_CLIENTS[i].word)) {
            return cli_usage(c, "there is no '%s': %s", name, OTHER_CLIENTS[i].answer);
        }
    }
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL && n < 63; k++) {
        names[n++] = k->name;
    }
    names[n] = NULL;
    const char *near = cl_str_suggest(name, names);
    return near != NULL ? cli_usage(c, "unknown command '%s'; did you mean '%s'?", name, near)
                        : cli_usage(c, "unknown command '%s'; certloop --help lists them", name);
}

/* One "--flag", "--flag=value" or "--flag value"; *i moves over a value. */
static int take_flag(struct cli *c, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    const char *equals = strchr(arg, '=');
    size_t len = equals != NULL && arg[1] == '-' ? (size_t)(equals - arg) : strlen(arg);
    const struct cli_flag *own = c->command != NULL ? find_flag(c->command->flags, arg, len) : NULL;
    const struct cli_flag *flag = own != NULL ? own : find_flag(CLI_GLOBAL_FLAGS, arg, len);
    const char *value = equals != NULL && len < strlen(arg) ? equals + 1 : NULL;

    if (flag == NULL) {
        return cli_usage(c, "unknown flag %s", arg);
    }
    if (flag->value == NULL && value != NULL) {
        return cli_usage(c, "%s takes no value", flag->name);
    }
    if (flag->value != NULL && value == NULL) {
        if (*i + 1 >= argc) {
            return cli_usage(c, "%s needs a value: %s", flag->name, flag->value);
        }
        value = argv[++*i];
    }
    if (own == NULL) {
        return set_global(c, flag->name, cl_str_or(value, ""));
    }
    cl_strv_add(&c->flags, flag->name);
    cl_strv_add(&c->flags, cl_str_or(value, ""));
    return 0;
}

/* The command is the first word that is no flag and no flag's value. */
static void find_first_word(struct cli *c, int argc, char **argv, int *ret_index)
{
    *ret_index = 0;
    for (int i = 1; i < argc; i++) {
        const struct cli_flag *f = find_flag(CLI_GLOBAL_FLAGS, argv[i], strlen(argv[i]));
        if (f != NULL && f->value != NULL) {
            i++;
        } else if (argv[i][0] != '-') {
            c->command = find_command(argv[i]);
            *ret_index = i;
            return;
        }
    }
}

static int parse(struct cli *c, int argc, char **argv)
{
    int word = 0;
    bool only_words = false;

    find_first_word(c, argc, argv, &word);
    if (word > 0 && c->command == NULL) {
        return unknown_command(c, argv[word]);
    }
    for (int i = 1; i < argc; i++) {
        if (i == word) {
            continue;
        }
        if (!only_words && cl_streq(argv[i], "--")) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
            int rc = take_flag(c, argc, argv, &i);
            if (rc != 0) {
                return rc;
            }
        } else {
            cl_strv_add(&c->args, argv[i]);
        }
    }
    return 0;
}

bool cli_flag_value(struct cli *c, const char *name, const char **ret)
{
    bool found = false;
    for (size_t i = 0; i + 1 < c->flags.len; i += 2) {
        if (cl_streq(c->flags.items[i], name)) {
            found = true;
            if (ret != NULL) {
                *ret = c->flags.items[i + 1];
            }
        }
    }
    return found;
}

bool cli_flag_given(struct cli *c, const char *name)
{
    return cli_flag_value(c, name, NULL);
}

static void cli_deinit(struct cli *c)
{
    paths_deinit(&c->paths);
    cl_strv_deinit(&c->output_roots);
    cl_strv_deinit(&c->labels);
    cl_strv_deinit(&c->args);
    cl_strv_deinit(&c->flags);
    cl_free(c->metrics);
    cl_free(c->namespace_);
}

static bool wants(int argc, char **argv, const char *flag, const char *also)
{
    for (int i = 1; i < argc && !cl_streq(argv[i], "--"); i++) {
        if (cl_streq(argv[i], flag) || cl_streq(argv[i], also)) {
            return true;
        }
    }
    return false;
}

static int run(struct cli *c, int argc, char **argv)
{
    int rc = from_environment(c);
    if (rc != 0) {
        return rc;
    }
    if (wants(argc, argv, "--help", "-h")) {
        int word = 0;
        find_first_word(c, argc, argv, &word);
        if (c->command != NULL) {
            print_command_help(c->command, stdout);
        } else {
            print_help(stdout);
        }
        return 0;
    }
    if (wants(argc, argv, "--version", "--version")) {
        return cmd_version(c);
    }
    rc = parse(c, argc, argv);
    if (rc != 0) {
        return rc;
    }
    if (c->command == NULL) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (c->paths.live == NULL) {
        c->paths.live = cl_printf("%s/live", c->paths.state);
    }
    json_set_alloc_funcs(cl_malloc, cl_free);
    log_sink_open(c->log_json, c->command->run == cmd_run ? c->log_level : CL_LOG_ERROR);
    rc = c->command->run(c);
    if (fflush(stdout) != 0 && rc == 0) {
        return cli_error(c, 1, "cannot write to standard output");
    }
    return rc;
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.out = stdout, .log_level = CL_LOG_INFO};
    c.color = isatty(STDOUT_FILENO) == 1 && cl_str_empty(sys_getenv("NO_COLOR"));
    int rc = run(&c, argc, argv);
    cli_deinit(&c);
    return rc;
}
