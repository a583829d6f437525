/* SPDX-License-Identifier: Apache-2.0 */
/* sim_scenario: the text of a scenario. One command a line, see tests/sim/README.md:
 *
 *   # comment
 *   horizon 2d                    how long it lasts
 *   write PATH <<END ... END      what follows up to END is the argument
 *   at 10m COMMAND ...            later
 *   expect NAME Ready by 1h       must be so then
 */
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_run.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct later {
    struct cl_strv words;
    char *text;
};

struct reader {
    const char *at;
    unsigned line;
};

/* The next line without its end; false at the end of the text. */
static bool next_line(struct reader *r, char **ret)
{
    if (*r->at == '\0') {
        return false;
    }
    size_t n = strcspn(r->at, "\n");
    *ret = cl_strndup(r->at, n);
    r->at += n + (r->at[n] == '\n' ? 1 : 0);
    r->line++;
    return true;
}

/* The lines up to END; owned. */
static char *here_document(struct reader *r)
{
    struct cl_buf b;
    char *line = NULL;
    bool more = true;

    cl_buf_init(&b, (size_t)4 << 20);
    while (more && next_line(r, &line)) {
        more = !cl_streq(line, "END");
        if (more) {
            (void)cl_buf_addf(&b, "%s\n", line);
        }
        cl_free(line);
    }
    return cl_buf_take(&b);
}

static void later_due(void *arg)
{
    struct later *l = arg;
    struct later run = *l;
    struct cl_err err = {0};
    char *line = cl_strv_join(&run.words, " ");

    cl_free(l);
    sim_trace("at this time: %s", line);
    cl_free(line);
    if (sim_command(&run.words, run.text, &err) < 0) {
        sim_violated("Scenario", "%s", err.text);
    }
    cl_strv_deinit(&run.words);
    cl_free(run.text);
}

static int schedule(struct cl_strv *words, const char *text, struct cl_err *err)
{
    struct later *l = cl_new(struct later);
    cl_time after = 0;

    if (words->len < 3 || cl_duration_parse(words->items[1], &after) < 0) {
        cl_free(l);
        return cl_fail(err, CL_ERR_SPEC, "Scenario", "expected: at DURATION COMMAND");
    }
    for (size_t i = 2; i < words->len; i++) {
        cl_strv_add(&l->words, words->items[i]);
    }
    l->text = cl_strdup(text);
    sim_at(SIM_START + after, later_due, l);
    return 0;
}

/* "expect ... by DURATION": the end, if there is no "by". */
static int expectation(struct cl_strv *words, struct cl_err *err)
{
    cl_time at = sim->horizon - SIM_START - 1;
    struct cl_strv rest = {0};
    int rc;

    for (size_t i = 1; i < words->len; i++) {
        if (cl_streq(words->items[i], "by") && i + 1 < words->len) {
            if (cl_duration_parse(words->items[i + 1], &at) < 0) {
                break;
            }
            i++;
        } else {
            cl_strv_add(&rest, words->items[i]);
        }
    }
    rc = sim_expect(&rest, SIM_START + at);
    cl_strv_deinit(&rest);
    return rc < 0 ? cl_fail(err, CL_ERR_SPEC, "Scenario", "this expectation is not understood") : 0;
}

static int run_line(struct cl_strv *words, const char *text, struct cl_err *err)
{
    if (cl_streq(words->items[0], "at")) {
        return schedule(words, text, err);
    }
    if (cl_streq(words->items[0], "expect")) {
        return expectation(words, err);
    }
    return sim_command(words, text, err);
}

static int read_line(struct reader *r, char *line, struct cl_err *err)
{
    struct cl_strv words = {0};
    char *text = NULL;
    int rc = 0;

    line[strcspn(line, "#")] = '\0';
    cl_strv_split(&words, line, " \t");
    if (words.len > 0 && cl_streq(words.items[words.len - 1], "<<END")) {
        text = here_document(r);
        cl_free(words.items[--words.len]);
    }
    if (words.len > 0) {
        rc = run_line(&words, cl_str_or(text, ""), err);
    }
    cl_free(text);
    cl_strv_deinit(&words);
    return rc;
}

int sim_scenario_load(const char *text, struct cl_err *err)
{
    SIM_WORLD();
    struct reader r = {.at = text};
    char *line = NULL;
    int rc = 0;

    while (rc == 0 && next_line(&r, &line)) {
        rc = read_line(&r, line, err);
        cl_free(line);
    }
    if (rc < 0) {
        cl_wrap(err, "line %u", r.line);
    }
    sim->respecs = 0;
    return rc;
}
