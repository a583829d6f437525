/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_manual: the manual pages, from the tables of commands, fields and reasons. */
#include "backends/rt/disk.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/roff.h"
#include "reconciler/core/reasons.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_tables.h"

#include <string.h>

/* ---- certloop(1) ---- */

static void print_flags(struct cl_buf *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        roff_term(out, flags->name, flags->value);
        roff_text(out, flags->help);
    }
}

static void page_commands(struct cl_buf *out)
{
    roff_title(out, "certloop", "1", "declarative TLS certificates: the command line");
    roff_section(out, "SYNOPSIS");
    roff_term(out, "certloop", "[FLAGS] COMMAND [ARGUMENTS]");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "certloop keeps TLS certificates as declared in a directory of specs. The daemon, "
              "certloop run, is described in certloop(8), what a spec says in certloop-spec(5). "
              "All other commands look at the same files, and are safe beside a running daemon.");
    roff_section(out, "COMMANDS");
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        roff_heading(out, k->name, k->arguments);
        roff_text(out, k->summary);
        roff_literal(out, k->help);
        print_flags(out, k->flags);
    }
    roff_section(out, "FLAGS OF EVERY COMMAND");
    roff_text(out, "They work before and after the command. In brackets: environment variable, "
                   "default.");
    print_flags(out, CLI_GLOBAL_FLAGS);
    roff_section(out, "ENVIRONMENT");
    roff_text(out, "The variables in brackets above. NO_COLOR: no colours on a terminal, either.");
    roff_section(out, "EXIT STATUS");
    roff_text(out, "Each command says its own. Common: 64 usage, 75 the state is locked by another "
                   "daemon, 77 wrong user, 78 configuration unusable.");
    roff_section(out, "SEE ALSO");
    roff_text(out, "certloop(8), certloop-spec(5), certloop-config(5), certloop-reasons(7)");
}

/* ---- certloop(8) ---- */

static void page_daemon(struct cl_buf *out)
{
    static const struct {
        const char *path, *what;
    } FILES[] = {
        {"/etc/acme.d/*.yaml", "the specs, see certloop-spec(5); watched"},
        {"/etc/certloop/config.yaml", "the Configuration, see certloop-config(5); may be absent"},
        {"/etc/certloop/secrets/NAME/KEY", "what a spec means by {name: NAME, key: KEY}"},
        {"/etc/certloop/hooks.d", "programs that specs may name as hooks"},
        {"/var/lib/certloop/live/NAME",
         "the certificate in use: cert.pem, chain.pem, fullchain.pem, "
         "privkey.pem; changed by one rename"},
        {"/var/lib/certloop/status", "what is true and what happens next, as JSON"},
        {"/var/lib/certloop/archive, accounts, ledger, ca", "what is to be backed up"},
    };
    roff_title(out, "certloop", "8", "keeps TLS certificates as declared: the daemon");
    roff_section(out, "SYNOPSIS");
    roff_term(out, "certloop run", "[FLAGS]");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "Watches the spec directory, compares what is wanted with what is on disk and what "
              "is served, and orders, renews, writes and deploys certificates until the status "
              "file of each spec says Ready. A file that is written there is acted on at once; a "
              "file that is broken leaves the last good spec in force; a file that is removed "
              "ends its certificate after a time of grace.");
    roff_text(out, "It may be killed at any moment: what must not be lost is on disk before it is "
                   "used. Only one daemon runs on a state directory.");
    roff_section(out, "SIGNALS");
    roff_term(out, "SIGTERM, SIGINT", NULL);
    roff_text(out, "Ends what runs, cleans up challenges, writes the state and leaves.");
    roff_term(out, "SIGHUP", NULL);
    roff_text(out, "Reads Configuration and specs again. Nobody has to send it: both are watched.");
    roff_section(out, "FILES");
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        roff_term(out, FILES[i].path, NULL);
        roff_text(out, FILES[i].what);
    }
    roff_section(out, "SEE ALSO");
    roff_text(out, "certloop(1), certloop-spec(5), certloop-config(5), certloop-reasons(7)");
}

/* ---- fields ---- */

static const char *type_of(const struct schema_field *f)
{
    static const char *const NAMES[] = {[FIELD_TEXT] = "TEXT",       [FIELD_BOOL] = "true|false",
                                        [FIELD_LONG] = "NUMBER",     [FIELD_DURATION] = "DURATION",
                                        [FIELD_WORD] = NULL,         [FIELD_FLAGS] = "[WORD...]",
                                        [FIELD_STRV] = "[TEXT...]",  [FIELD_MAP] = "{KEY: TEXT}",
                                        [FIELD_WORDS] = "[WORD...]", [FIELD_STRUCT] = "{...}",
                                        [FIELD_LIST] = "[{...}...]", [FIELD_KEYED] = "{KEY: {...}}",
                                        [FIELD_ANY] = "ANY"};
    return NAMES[f->type];
}

static bool documented(const struct schema_field *f)
{
    return f->doc != NULL && (f->flags & (FIELD_UNSUPPORTED | FIELD_REFUSED | FIELD_IGNORED |
                                          FIELD_COMPAT | FIELD_CONFIG)) == 0;
}

static void print_field(struct cl_buf *out, const char *path, const struct schema_field *f)
{
    struct cl_strv words = {0};
    for (const struct schema_word *w = f->words; w != NULL && w->name != NULL; w++) {
        if (!w->unsupported) {
            cl_strv_add(&words, w->name);
        }
    }
    char *choices = words.len > 0 ? cl_strv_join(&words, ", ") : NULL;
    roff_term(out, path, type_of(f) != NULL ? type_of(f) : "WORD");
    roff_text(out, f->doc);
    if ((f->flags & FIELD_REQUIRED) != 0) {
        roff_text(out, "Required.");
    }
    if (choices != NULL) {
        char *line = cl_printf("One of: %s.", choices);
        roff_text(out, line);
        cl_free(line);
    }
    if (!cl_str_empty(f->def)) {
        struct cl_strv parts = {0};
        cl_strv_split(&parts, f->def, ",");
        char *value = cl_strv_join(&parts, ", ");
        char *line = cl_printf("Default: %s", value);
        roff_text(out, line);
        cl_free(line);
        cl_free(value);
        cl_strv_deinit(&parts);
    }
    cl_free(choices);
    cl_strv_deinit(&words);
}

static void print_fields(struct cl_buf *out, const char *prefix, const struct schema *schema)
{
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if (!documented(f)) {
            continue;
        }
        char *path = cl_printf("%s%s%s%s", prefix, f->key, f->type == FIELD_LIST ? "[]" : "",
                               f->type == FIELD_KEYED ? ".KEY" : "");
        print_field(out, path, f);
        if (f->sub != NULL) {
            char *below = cl_printf("%s.", path);
            print_fields(out, below, f->sub);
            cl_free(below);
        }
        cl_free(path);
    }
}

static void page_spec(struct cl_buf *out)
{
    roff_title(out, "certloop-spec", "5", "Certificate and Issuer: what must be true");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "A file of the spec directory, NAME.yaml, NAME.yml or NAME.json, holds one or more "
              "documents:");
    roff_literal(out,
                 "apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: www}\nspec:\n"
                 "  dnsNames: [example.com, www.example.com]\n  issuerRef: {name: letsencrypt}\n"
                 "  hooks: [reload-nginx]");
    roff_text(out,
              "Documents of cert-manager.io/v1 mean what they mean there. An unknown field is an "
              "error with file, line and column, never ignored. Durations are written 90d, 36h, "
              "1h30m.");
    roff_section(out, "METADATA");
    print_fields(out, "metadata.", &SCHEMA_METADATA);
    roff_section(out, "CERTIFICATE");
    print_fields(out, "spec.", &SCHEMA_CERTIFICATE);
    roff_section(out, "ISSUER");
    print_fields(out, "spec.", &SCHEMA_ISSUER);
    roff_section(out, "SEE ALSO");
    roff_text(out, "certloop(1), certloop(8), certloop-config(5)");
}

static void page_config(struct cl_buf *out)
{
    roff_title(out, "certloop-config", "5", "the daemon's own settings, and what specs may do");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "One document of kind Configuration in /etc/certloop/config.yaml. Each field has a "
              "default; without the file all defaults hold. The file is watched; a broken one "
              "leaves the last good one in force.");
    roff_section(out, "FIELDS");
    print_fields(out, "spec.", &SCHEMA_CONFIGURATION);
    roff_section(out, "SEE ALSO");
    roff_text(out, "certloop(1), certloop(8), certloop-spec(5)");
}

static void page_reasons(struct cl_buf *out)
{
    roff_title(out, "certloop-reasons", "7", "reasons in conditions, plans and events");
    roff_section(out, "DESCRIPTION");
    roff_text(out, "Each condition of a status file has a reason, one word for programs. These are "
                   "the words.");
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        roff_term(out, reason_token((enum reason)r), NULL);
        roff_text(out, reason_doc((enum reason)r));
    }
    roff_section(out, "SEE ALSO");
    roff_text(out, "certloop(1), certloop(8)");
}

/* ---- the command ---- */

static const struct {
    const char *name, *section;
    void (*print)(struct cl_buf *out);
} PAGES[] = {
    {"certloop", "1", page_commands},        {"certloop", "8", page_daemon},
    {"certloop-spec", "5", page_spec},       {"certloop-config", "5", page_config},
    {"certloop-reasons", "7", page_reasons},
};
#define N_PAGES (sizeof(PAGES) / sizeof(PAGES[0]))

static int write_pages(struct cli *c, const char *dir)
{
    struct cl_err err = {0};
    for (size_t i = 0; i < N_PAGES; i++) {
        struct cl_buf text;
        cl_buf_init(&text, SIZE_MAX);
        char *folder = cl_printf("%s/man%s", dir, PAGES[i].section);
        char *path = cl_printf("%s/%s.%s", folder, PAGES[i].name, PAGES[i].section);
        PAGES[i].print(&text);
        int rc = disk_mkdirs(folder, 0755, &err) < 0 ||
                         disk_write(path, text.data, text.len, 0644, &err) < 0
                     ? -1
                     : 0;
        cl_free(path);
        cl_free(folder);
        cl_buf_deinit(&text);
        if (rc < 0) {
            rc = cli_error(c, 1, "%s", err.text);
            return rc;
        }
    }
    return 0;
}

int cmd_manual(struct cli *c)
{
    const char *dir = NULL;
    if (cli_flag_value(c, "--dir", &dir)) {
        return write_pages(c, dir);
    }
    for (size_t i = 0; i < N_PAGES; i++) {
        char *name = cl_printf("%s.%s", PAGES[i].name, PAGES[i].section);
        bool wanted = c->args.len > 0 && cl_streq(c->args.items[0], name);
        if (c->args.len == 0) {
            (void)fprintf(c->out, "%s\n", name);
        }
        cl_free(name);
        if (wanted) {
            struct cl_buf text;
            cl_buf_init(&text, SIZE_MAX);
            PAGES[i].print(&text);
            (void)fwrite(text.data, 1, text.len, c->out);
            cl_buf_deinit(&text);
            return 0;
        }
    }
    return c->args.len == 0 ? 0
                            : cli_usage(c, "there is no page '%s'; certloop manual lists them",
                                        c->args.items[0]);
}
