/* SPDX-License-Identifier: Apache-2.0 */
/* cli_objects: what commands read: status files, spec files. No daemon is needed. */
#ifndef CLI_OBJECTS_H
#define CLI_OBJECTS_H

#include "reconciler/cli/cli.h"
#include "spec/spec_parse.h"
#include "spec/status.h"

#include <jansson.h>

struct cli_object { /* one status file */
    bool is_issuer;
    struct status status;
    json_t *json;
    char *display; /* [NS/]NAME */
};
struct cli_objects {
    struct cli_object *items;
    size_t len;
};
void cli_objects_deinit(struct cli_objects *l);
/** Reads all status files of Certificates (or Issuers), sorted by name, filtered by -n, -A, -l and
 *  @names (NULL or empty = all). 0, or an exit code after a message. @ret_missing (may be NULL) gets
 *  the names for which there is no object. */
int cli_objects_load(struct cli *c, bool issuers, const struct cl_strv *names,
                     struct cli_objects *ret, struct cl_strv *ret_missing);
/** A JSON file of the state directory, or NULL. New reference. */
json_t *cli_state_json(struct cli *c, const char *relative);
/** Is a daemon alive? Judged by the heartbeat. @ret_daemon: _daemon.json (new reference or NULL). */
bool cli_daemon_alive(struct cli *c, json_t **ret_daemon);

/* One Certificate as the spec directory declares it now. */
struct cli_declared {
    char *display; /* [NS/]NAME */
    char *file;    /* relative */
    char sha256[CL_SHA256_TEXT];
};
struct cli_declarations {
    struct cli_declared *items;
    size_t len;
    size_t broken; /* files that do not parse */
};
void cli_declarations_deinit(struct cli_declarations *l);
/** Parses the spec directory. -1 if it cannot be read (then status alone must do). */
int cli_declarations_load(struct cli *c, struct cli_declarations *ret);
/** The Configuration for parsing, as the daemon would use it; NULL and a message on error. */
struct config *cli_config(struct cli *c);

/** "[NS/]NAME" -> "NS/NAME", with -n applied. Owned. */
char *cli_full_name(struct cli *c, const char *name);

/* Tables: cells are added row by row; widths are found when it is printed. */
struct cli_table {
    struct cl_strv cells;
    size_t columns;
};
void cli_table_row(struct cli_table *t, ...) __attribute__((sentinel)); /* NULL ends it */
void cli_table_print(struct cli *c, struct cli_table *t);               /* and deinit */

/** "in 29d", "3h ago", "-" for 0. Returns @buf. */
const char *cli_relative(cl_time t, char buf[CL_DURATION_TEXT]);
/** Wall clock for the command line (commands have no loop). */
cl_time cli_now(void);
void cli_print_json(struct cli *c, json_t *take_root);

/** Asks the daemon by a file in STATE/requests and prints its answer; the exit code. */
int cli_ask(struct cli *c, json_t *take_request, cl_time patience);

#endif
