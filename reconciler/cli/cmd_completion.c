/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion: scripts for shells, made from the table of commands. Names of objects come from
 * the status files, by certloop get -o name, when they are wanted. */
#include "reconciler/cli/cli.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* What stands for an argument or a value of a flag. */
enum completes { COMPLETES_NOTHING, COMPLETES_NAMES, COMPLETES_FILES, COMPLETES_DIRS };

static enum completes kind_of(const char *placeholder)
{
    if (strstr(placeholder, "DIR") != NULL) {
        return COMPLETES_DIRS;
    }
    if (strstr(placeholder, "FILE") != NULL || strstr(placeholder, "PATH") != NULL) {
        return COMPLETES_FILES;
    }
    return strstr(placeholder, "NAME") != NULL ? COMPLETES_NAMES : COMPLETES_NOTHING;
}

/* Words between "|" of "bash|zsh|fish" or "[certificates|issuers|files] [NAME...]". */
static void fixed_words(const char *arguments, struct cl_strv *ret)
{
    char *first = cl_strdup(arguments);
    first[strcspn(first, " ")] = '\0';
    if (strchr(first, '|') != NULL) {
        struct cl_strv words = {0};
        cl_strv_split(&words, first, "|[]");
        for (size_t i = 0; i < words.len; i++) {
            if (words.items[i][0] >= 'a' && words.items[i][0] <= 'z') {
                cl_strv_add(ret, words.items[i]);
            }
        }
        cl_strv_deinit(&words);
    }
    cl_free(first);
}

/* In single quotes of a shell. */
static void quoted(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'\\''" : (const char[]){*text, '\0'}, out);
    }
    (void)fputc('\'', out);
}

static void flag_words(FILE *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        (void)fprintf(out, " %s", flags->name);
    }
}

/* ---- bash ---- */

static void bash_values(FILE *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        enum completes kind = flags->value != NULL ? kind_of(flags->value) : COMPLETES_NOTHING;
        if (flags->value != NULL) {
            (void)fprintf(out, "        %s) COMPREPLY=($(compgen %s -- \"$cur\")); return ;;\n",
                          flags->name,
                          kind == COMPLETES_DIRS        ? "-d"
                          : kind == COMPLETES_FILES     ? "-f"
                          : cl_streq(flags->name, "-o") ? "-W 'json yaml wide name'"
                                                        : "-W ''");
        }
    }
}

static void bash_command(FILE *out, const struct cli_command *k)
{
    struct cl_strv fixed = {0};
    enum completes kind = kind_of(k->arguments);
    fixed_words(k->arguments, &fixed);
    (void)fprintf(out, "    %s)\n        words='", k->name);
    flag_words(out, k->flags);
    for (size_t i = 0; i < fixed.len; i++) {
        (void)fprintf(out, " %s", fixed.items[i]);
    }
    (void)fputs("'\n", out);
    if (kind == COMPLETES_NAMES) {
        (void)fputs("        words+=\" $(_certloop_names)\"\n", out);
    }
    if (kind == COMPLETES_FILES || kind == COMPLETES_DIRS) {
        (void)fprintf(out, "        COMPREPLY=($(compgen %s -- \"$cur\"))\n",
                      kind == COMPLETES_DIRS ? "-d" : "-f");
    }
    (void)fputs("        ;;\n", out);
    cl_strv_deinit(&fixed);
}

static void print_bash(FILE *out)
{
    (void)fputs(
        "# certloop: completion for bash\n"
        "_certloop_names() {\n"
        "    certloop get -A -o name 2>/dev/null | sed 's,^[a-z]*/,,'\n"
        "}\n"
        "_certloop() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i command= "
        "words=\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n",
        out);
    for (const struct cli_flag *f = CLI_GLOBAL_FLAGS; f->name != NULL; f++) {
        if (f->value != NULL) {
            (void)fprintf(out, "        %s) i=$((i + 1)) ;;\n", f->name);
        }
    }
    (void)fputs("        -*) ;;\n"
                "        *) command=${COMP_WORDS[i]}; break ;;\n"
                "        esac\n"
                "    done\n"
                "    COMPREPLY=()\n"
                "    case $prev in\n",
                out);
    bash_values(out, CLI_GLOBAL_FLAGS);
    (void)fputs("    esac\n"
                "    case $command in\n"
                "    '') words='",
                out);
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        (void)fprintf(out, " %s", k->name);
    }
    (void)fputs("' ;;\n", out);
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        bash_command(out, k);
    }
    (void)fputs("    esac\n    words+='", out);
    flag_words(out, CLI_GLOBAL_FLAGS);
    (void)fputs(" --help'\n"
                "    COMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "}\n"
                "complete -F _certloop certloop\n",
                out);
}

/* ---- zsh ---- */

/* In single quotes, and without what _arguments and _describe take for syntax. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", out);
        } else if (strchr("[]:\\", *text) != NULL) {
            (void)fprintf(out, "\\%c", *text);
        } else {
            (void)fputc(*text, out);
        }
    }
}

static void zsh_flags(FILE *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        (void)fprintf(out, " \\\n            '%s[", flags->name);
        zsh_text(out, flags->help);
        (void)fputc(']', out);
        if (flags->value != NULL) {
            enum completes kind = kind_of(flags->value);
            (void)fprintf(out, ":%s:%s", flags->value,
                          kind == COMPLETES_DIRS    ? "_files -/"
                          : kind == COMPLETES_FILES ? "_files"
                                                    : "");
        }
        (void)fputc('\'', out);
    }
}

static void zsh_command(FILE *out, const struct cli_command *k)
{
    struct cl_strv fixed = {0};
    enum completes kind = kind_of(k->arguments);
    fixed_words(k->arguments, &fixed);
    (void)fprintf(out, "        (%s) _arguments -S", k->name);
    zsh_flags(out, k->flags);
    zsh_flags(out, CLI_GLOBAL_FLAGS);
    (void)fputs(" \\\n            '*:argument:", out);
    if (fixed.len > 0) {
        char *words = cl_strv_join(&fixed, " ");
        (void)fprintf(out, "(%s)", words);
        cl_free(words);
    } else {
        (void)fputs(kind == COMPLETES_NAMES   ? "_certloop_names"
                    : kind == COMPLETES_FILES ? "_files"
                    : kind == COMPLETES_DIRS  ? "_files -/"
                                              : "",
                    out);
    }
    (void)fputs("' ;;\n", out);
    cl_strv_deinit(&fixed);
}

static void print_zsh(FILE *out)
{
    (void)fputs(
        "#compdef certloop\n"
        "# certloop: completion for zsh\n"
        "_certloop_names() {\n"
        "    local -a names\n"
        "    names=(${(f)\"$(certloop get -A -o name 2>/dev/null | sed 's,^[a-z]*/,,')\"})\n"
        "    compadd -a names\n"
        "}\n"
        "_certloop() {\n"
        "    local curcontext=$curcontext state line\n"
        "    local -a commands\n"
        "    commands=(\n",
        out);
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        (void)fprintf(out, "        '%s:", k->name);
        zsh_text(out, k->summary);
        (void)fputs("'\n", out);
    }
    (void)fputs("    )\n    _arguments -C", out);
    zsh_flags(out, CLI_GLOBAL_FLAGS);
    (void)fputs(" \\\n            '1:command:->command' '*::argument:->argument'\n"
                "    case $state in\n"
                "    (command) _describe command commands ;;\n"
                "    (argument)\n"
                "        case $words[1] in\n",
                out);
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        zsh_command(out, k);
    }
    (void)fputs("        esac ;;\n    esac\n}\n_certloop \"$@\"\n", out);
}

/* ---- fish ---- */

static void fish_flags(FILE *out, const char *condition, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        bool is_long = flags->name[1] == '-';
        (void)fprintf(out, "complete -c certloop%s %s %s", condition, is_long ? "-l" : "-s",
                      flags->name + (is_long ? 2 : 1));
        if (flags->value != NULL) {
            enum completes kind = kind_of(flags->value);
            (void)fputs(kind == COMPLETES_DIRS    ? " -x -a '(__fish_complete_directories)'"
                        : kind == COMPLETES_FILES ? " -r -F"
                                                  : " -x",
                        out);
        }
        (void)fputs(" -d ", out);
        quoted(out, flags->help);
        (void)fputc('\n', out);
    }
}

static void fish_command(FILE *out, const struct cli_command *k)
{
    struct cl_strv fixed = {0};
    char *condition = cl_printf(" -n '__fish_seen_subcommand_from %s'", k->name);
    enum completes kind = kind_of(k->arguments);
    (void)fprintf(out, "complete -c certloop -n __fish_use_subcommand -f -a %s -d ", k->name);
    quoted(out, k->summary);
    (void)fputc('\n', out);
    fixed_words(k->arguments, &fixed);
    for (size_t i = 0; i < fixed.len; i++) {
        (void)fprintf(out, "complete -c certloop%s -f -a %s\n", condition, fixed.items[i]);
    }
    if (kind == COMPLETES_NAMES) {
        (void)fprintf(out, "complete -c certloop%s -f -a '(__certloop_names)'\n", condition);
    } else if (kind == COMPLETES_NOTHING) {
        (void)fprintf(out, "complete -c certloop%s -f\n", condition);
    }
    fish_flags(out, condition, k->flags);
    cl_free(condition);
    cl_strv_deinit(&fixed);
}

static void print_fish(FILE *out)
{
    (void)fputs("# certloop: completion for fish\n"
                "function __certloop_names\n"
                "    certloop get -A -o name 2>/dev/null | string replace -r '^[a-z]*/' ''\n"
                "end\n",
                out);
    fish_flags(out, "", CLI_GLOBAL_FLAGS);
    for (const struct cli_command *k = CLI_COMMANDS; k->name != NULL; k++) {
        fish_command(out, k);
    }
}

int cmd_completion(struct cli *c)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *out);
    } SHELLS[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

    if (c->args.len != 1) {
        return cli_usage(c, "name the shell");
    }
    for (size_t i = 0; i < sizeof(SHELLS) / sizeof(SHELLS[0]); i++) {
        if (cl_streq(c->args.items[0], SHELLS[i].shell)) {
            SHELLS[i].print(c->out);
            return 0;
        }
    }
    return cli_usage(c, "no completion for '%s'; there is one for bash, zsh and fish",
                     c->args.items[0]);
}
