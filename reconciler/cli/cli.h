/* SPDX-License-Identifier: Apache-2.0 */
/* cli: the command line: global flags, the table of commands, output for people and for programs.
 * Exit codes are part of the contract: 64 usage, 75 locked, 77 wrong user, 78 configuration. */
#ifndef CLI_H
#define CLI_H

#include "backends/store/paths.h"
#include "spec/base/cl_log.h"
#include "spec/base/cl_str.h"

#include <stdio.h>

enum { EXIT_USAGE = 64, EXIT_LOCKED = 75, EXIT_NOPERMISSION = 77, EXIT_CONFIGURATION = 78 };

enum cli_output { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML, CLI_NAME };
struct cli {
    struct paths paths;
    struct cl_strv output_roots;
    char *metrics;
    enum cl_log_level log_level;
    bool log_json;
    char *namespace_; /* -n; NULL = not given */
    bool all_namespaces;
    struct cl_strv labels; /* -l k=v */
    enum cli_output output;
    bool color;           /* standard output is a terminal and NO_COLOR is not set */
    struct cl_strv args;  /* words after the command's name */
    struct cl_strv flags; /* the command's own flags: name, value, name, value, ... */
    const struct cli_command *command;
    FILE *out;
};

struct cli_flag {
    const char *name;  /* "--timeout"; a short one as "-w" */
    const char *value; /* NULL = a switch; else the placeholder for help: "DURATION" */
    const char *help;
};
struct cli_command {
    const char *name, *arguments, *summary;
    const char *help;             /* longer text: what it does, exit codes */
    const struct cli_flag *flags; /* ends with a NULL name; may be NULL */
    int (*run)(struct cli *c);
};
/** All commands, in the order of the help. Ends with a NULL name. */
extern const struct cli_command CLI_COMMANDS[];
/** Flags that every command takes. Ends with a NULL name. */
extern const struct cli_flag CLI_GLOBAL_FLAGS[];

int cli_main(int argc, char **argv);

/* Flags of a command. */
/** true and *ret (borrowed) if the flag was given with a value; the last one counts. */
bool cli_flag_value(struct cli *c, const char *name, const char **ret);
bool cli_flag_given(struct cli *c, const char *name);

/** "certloop COMMAND: TEXT" on standard error; returns EXIT_USAGE. */
int cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The same without usage; returns @code. */
int cli_error(struct cli *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* cmd_*.c */
int cmd_run(struct cli *c);
int cmd_validate(struct cli *c);
int cmd_plan(struct cli *c);
int cmd_get(struct cli *c);
int cmd_status(struct cli *c);
int cmd_describe(struct cli *c);
int cmd_events(struct cli *c);
int cmd_wait(struct cli *c);
int cmd_account(struct cli *c);
int cmd_renew(struct cli *c);
int cmd_revoke(struct cli *c);
int cmd_check(struct cli *c);
int cmd_limits(struct cli *c);
int cmd_simulate(struct cli *c);
int cmd_prune(struct cli *c);
int cmd_version(struct cli *c);
int cmd_schema(struct cli *c);
int cmd_completion(struct cli *c);
int cmd_manual(struct cli *c);
int cmd_providers(struct cli *c);
int cmd_dns(struct cli *c);

#endif
