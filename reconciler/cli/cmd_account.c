/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_account: the ACME account of an Issuer: show it, and ask the daemon to change it. */
#include "reconciler/cli/cli_objects.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <unistd.h>

#define PATIENCE (60 * CL_SECOND)

/* [NS/]NAME as people write it -> the file-system key. */
static char *issuer_key(struct cli *c, const char *name)
{
    char *full = cli_full_name(c, name);

    for (char *p = full; *p != '\0'; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    return full;
}

static const char *text_of(const json_t *o, const char *name)
{
    return cl_str_or(json_string_value(json_object_get(o, name)), "");
}

static void row(struct cli *c, const char *label, const char *value)
{
    char clean[CL_CLEAN_TEXT];

    if (!cl_str_empty(value)) {
        (void)fprintf(c->out, "%-18s%s\n", label,
                      cl_clean(clean, sizeof(clean), value, strlen(value)));
    }
}

static void print_conditions(struct cli *c, const json_t *status)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(status, "conditions"), i, v)
    {
        bool ready = strcmp(text_of(v, "type"), "Ready") == 0;
        if (ready != (strcmp(text_of(v, "status"), "True") == 0)) {
            char *text = cl_printf("%s: %s", text_of(v, "reason"), text_of(v, "message"));
            row(c, text_of(v, "type"), text);
            cl_free(text);
        }
    }
}

static void print_account(struct cli *c, const char *key, const json_t *root)
{
    const json_t *status = json_object_get(root, "status");
    const json_t *acme = json_object_get(status, "acme");
    const json_t *directory = json_object_get(acme, "directory");
    char *contact = NULL;
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(acme, "contact"), i, v)
    {
        char *more = cl_printf("%s%s%s", cl_str_or(contact, ""), contact != NULL ? ", " : "",
                               cl_str_or(json_string_value(v), ""));
        cl_free(contact);
        contact = more;
    }
    row(c, "Issuer", key);
    row(c, "Account", text_of(acme, "uri")[0] != '\0' ? text_of(acme, "uri") : "none yet");
    row(c, "State", text_of(acme, "accountState"));
    row(c, "Contact", cl_str_or(contact, "none"));
    row(c, "Key (SHA-256)", text_of(acme, "lastPrivateKeyHash"));
    row(c, "Bound to", text_of(acme, "externalAccount"));
    row(c, "Terms", text_of(directory, "termsOfService"));
    print_conditions(c, status);
    if (text_of(acme, "uri")[0] != '\0') {
        (void)fprintf(c->out, "\nA CAA record may name it: accounturi=%s\n", text_of(acme, "uri"));
    }
    cl_free(contact);
}

static int show(struct cli *c, const char *key)
{
    char *path = cl_printf("status/issuers/%s.json", key);
    json_t *root = cli_state_json(c, path);
    json_t *acme = json_object_get(json_object_get(root, "status"), "acme");
    int rc = 0;

    if (root == NULL) {
        rc = cli_error(c, 1, "there is no Issuer %s, or no daemon has run on this state", key);
    } else if (acme == NULL) {
        rc = cli_error(c, 1, "Issuer %s is no ACME Issuer, or has not been looked at yet", key);
    } else if (c->output == CLI_JSON) {
        cli_print_json(c, json_incref(acme));
    } else {
        print_account(c, key, root);
    }
    json_decref(root);
    cl_free(path);
    return rc;
}

static bool confirmed(struct cli *c, const char *key)
{
    char answer[8] = "";

    if (cli_flag_given(c, "--yes")) {
        return true;
    }
    (void)fprintf(stderr,
                  "This ends the account of Issuer %s at the CA. Nothing undoes it; certificates "
                  "stay valid, but none is renewed. ",
                  key);
    if (isatty(STDIN_FILENO) != 1) {
        (void)fprintf(stderr, "Give --yes to do it.\n");
        return false;
    }
    (void)fprintf(stderr, "Continue? [y/N] ");
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

int cmd_account(struct cli *c)
{
    static const char *const ACTIONS[] = {"update", "rollover", "deactivate"};
    const char *action = c->args.len == 2 ? c->args.items[1] : "show";
    bool known = strcmp(action, "show") == 0;
    int rc;

    for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(ACTIONS[0]); i++) {
        known = known || strcmp(ACTIONS[i], action) == 0;
    }
    if (c->args.len < 1 || c->args.len > 2 || !known) {
        return cli_usage(c, "name an Issuer and what to do: show, update, rollover or deactivate");
    }
    char *key = issuer_key(c, c->args.items[0]);
    if (strcmp(action, "show") == 0) {
        rc = show(c, key);
    } else if (strcmp(action, "deactivate") == 0 && !confirmed(c, key)) {
        rc = 1;
    } else {
        rc = cli_ask(c,
                     json_pack("{s:s,s:s,s:s}", "verb", "account", "issuer", key, "action", action),
                     PATIENCE);
    }
    cl_free(key);
    return rc;
}
