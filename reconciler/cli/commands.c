/* SPDX-License-Identifier: Apache-2.0 */
/* commands: the table of commands: what help, completion and documentation are made from. */
#include "reconciler/cli/cli.h"

static const struct cli_flag RUN_FLAGS[] = {
    {"--once", NULL, "reconcile everything, then leave: for cron, init containers, CI"},
    {"--timeout", "DURATION", "with --once: leave at the latest after this time (15m)"},
    {NULL, NULL, NULL},
};
static const struct cli_flag PLAN_FLAGS[] = {
    {"--preflight", NULL,
     "look at what the CA would look at (CAA, addresses, ports, DNSSEC); the CA is not asked"},
    {"--as-of", "DATE", "which specs break under the lifetimes announced for that day"},
    {"--lifetime", "DURATION", "with --as-of: as if certificates lived so long"},
    {"--reuse", "DURATION", "with --as-of: as if validations were reused for so long"},
    {NULL, NULL, NULL},
};
static const struct cli_flag GET_FLAGS[] = {
    {"-w", NULL, "go on and print what changes"},
    {"--hash", "DIR", "with files: print the set hash of a checkout, to compare with the daemon's"},
    {NULL, NULL, NULL},
};
static const struct cli_flag EVENTS_FLAGS[] = {
    {"--follow", NULL, "go on and print new events"},
    {NULL, NULL, NULL},
};
static const struct cli_flag WAIT_FLAGS[] = {
    {"--for", "CONDITION", "condition=Ready (default), condition=Deployed, condition=TYPE=False"},
    {"--timeout", "DURATION", "give up after this time (5m)"},
    {"--keep-waiting", NULL, "wait on, even if the spec is invalid or stalled"},
    {NULL, NULL, NULL},
};
static const struct cli_flag RENEW_FLAGS[] = {
    {"--all", NULL, "every Certificate"},
    {"--issuer", "NAME", "every Certificate of this Issuer"},
    {"--yes", NULL, "do not ask"},
    {NULL, NULL, NULL},
};
static const struct cli_flag REVOKE_FLAGS[] = {
    {"--reason", "REASON", "a name or number of RFC 5280: keyCompromise, superseded, 5 ..."},
    {"--with-key", NULL, "sign with the certificate's own key, which the CA then blocks"},
    {"--revision", "N", "that one instead of the current one"},
    {"--no-reissue", NULL, "obtain no other certificate until certloop renew"},
    {NULL, NULL, NULL},
};
static const struct cli_flag ACCOUNT_FLAGS[] = {
    {"--yes", NULL, "do not ask"},
    {NULL, NULL, NULL},
};
static const struct cli_flag CHECK_FLAGS[] = {
    {"-w", "SHARE", "warn when less is left: 25% of the lifetime, or 14d (25%)"},
    {"-c", "SHARE", "critical when less is left (12%)"},
    {"--grace", "DURATION", "a first issuance is a warning this long, then critical (15m)"},
    {"--file", "FILE", "only what this spec file declares, and only for its present bytes"},
    {NULL, NULL, NULL},
};
static const struct cli_flag SIMULATE_FLAGS[] = {
    {"--horizon", "DURATION", "how far (1y)"},
    {"--fault", "TEXT", "what goes wrong, repeatable: see above"},
    {"--seed", "N", "other latencies"},
    {NULL, NULL, NULL},
};
static const struct cli_flag PRUNE_FLAGS[] = {
    {"--yes", NULL, "let held deletions go ahead"},
    {NULL, NULL, NULL},
};
static const struct cli_flag PROVIDERS_FLAGS[] = {
    {"--providers", "DIR", "look for descriptions here; repeatable, the first that has one counts"},
    {NULL, NULL, NULL},
};
static const struct cli_flag DNS_FLAGS[] = {
    {"--credentials", "PATH",
     "inputs: a YAML file, or a directory with a file for each; else the "
     "environment, by the names that lego and acme.sh use, or SECRETS/PROVIDER"},
    {"--zone", "ZONE", "the zone; found by its SOA record if not given"},
    {"--name", "FQDN",
     "with show: the name (_acme-challenge.www.example.com); with test: instead of "
     "a random one"},
    {"--timeout", "DURATION", "with test: how long a change may take to be visible (3m)"},
    {"--no-name-servers", NULL, "with test: ask the provider alone"},
    {"--older-than", "DURATION", "with purge: only what is at least that old (1h)"},
    {"--yes", NULL, "with purge: remove, do not only list"},
    {"--resolver", "ADDRESS[:PORT]", "ask this name server where zones are; repeatable"},
    {"--origin", "FROM=TO", "send what is meant for FROM to the loopback address TO; repeatable"},
    {"--now", "EPOCH", "the time that signatures see, seconds since 1970"},
    {"--providers", "DIR", "look for descriptions here; repeatable, the first that has one counts"},
    {"-v", NULL, "print requests and answers, secrets masked"},
    {NULL, NULL, NULL},
};
static const struct cli_flag MANUAL_FLAGS[] = {
    {"--dir", "DIR", "write all pages into this directory, as DIR/manN/PAGE"},
    {NULL, NULL, NULL},
};

const struct cli_command CLI_COMMANDS[] = {
    {"run", "[--once [--timeout 15m]]", "the daemon, in the foreground",
     "Watches the spec directory and keeps every certificate as declared. SIGTERM drains and stops,\n"
     "SIGHUP reads Configuration and specs again.\n\n"
     "Exit: 0 clean stop, 64 usage, 75 the state is locked by another daemon, 78 the configuration\n"
     "or a directory is unusable. With --once: 0 all Ready and Deployed, 2 something waits for a\n"
     "later time, 1 something failed, is stalled or invalid.",
     RUN_FLAGS, cmd_run},
    {"validate", "PATH...", "check specs without touching anything",
     "Prints FILE:LINE:COL: error: TEXT for each problem. The same code that the daemon uses.\n\n"
     "Exit: 0 valid, 1 invalid.",
     NULL, cmd_validate},
    {"plan", "[NAME...]", "what run would do now, and why",
     "Decides for each Certificate from specs, archive and outputs, without network and without\n"
     "writing anything; tells what an order costs of the CA's limits and when it would be Ready. With\n"
     "--as-of it judges the specs by the lifetimes of a later day instead. With --preflight it also\n"
     "presents a token of its own, fetches it over each address of each name as a CA would, and reads\n"
     "CAA records.\n\n"
     "Exit: 0 nothing to do, 2 something to do, 1 error, or a preflight failure that is certain.",
     PLAN_FLAGS, cmd_plan},
    {"get", "[certificates|issuers|files] [NAME...]", "a table of objects",
     "Reads the status files.\n\nExit: 0, 1 not found.", GET_FLAGS, cmd_get},
    {"status", "[NAME]", "the daemon at a glance; with NAME as describe",
     "Shows watch mode, counts, rejected files, and what happens next.\n\nExit: 0, 3 no daemon.",
     NULL, cmd_status},
    {"describe", "NAME", "one object in full",
     "Conditions, what happens next and when, events, outputs, hooks.\n\nExit: 0, 1 not found.",
     NULL, cmd_describe},
    {"events", "[NAME]", "what happened", "The last events of one or all Certificates.\n\nExit: 0.",
     EVENTS_FLAGS, cmd_events},
    {"wait", "[NAME...] --for condition=Ready [--timeout 5m]", "until a condition is true",
     "Waits until the bytes on disk now have been taken and the condition holds. No name: every\n"
     "Certificate of the spec directory. An invalid spec or a stalled object ends it at once.\n\n"
     "Exit: 0 true, 1 timed out, invalid, stalled, or there is nothing to wait for.",
     WAIT_FLAGS, cmd_wait},
    {"renew", "NAME... | --all | --issuer I", "ask for a new certificate now",
     "certloop renews by itself; this is for a key that leaked or a CA that revokes.\n\n"
     "Exit: 0 asked, 1 refused or no daemon, 64 without a name.",
     RENEW_FLAGS, cmd_renew},
    {"revoke", "NAME [--reason R] [--with-key]", "revoke a certificate at its CA",
     "Signed by the account, or by the key of the certificate. A new certificate follows at once\n"
     "(not while suspended), unless --no-reissue is given. A key that was revoked for\n"
     "keyCompromise is never used again.\n\n"
     "Exit: 0 revoked, also if it was before; 1 refused or no daemon.",
     REVOKE_FLAGS, cmd_revoke},
    {"account", "ISSUER show|update|rollover|deactivate", "the ACME account of an Issuer",
     "show        URL, contacts, key and what the CA waits for\n"
     "update      tells the CA the contacts of the spec again\n"
     "rollover    replaces the account key; the URL stays, and with it CAA and DNS records\n"
     "deactivate  ends the account for good\n\n"
     "Exit: 0 done, 1 refused, failed or no daemon.",
     ACCOUNT_FLAGS, cmd_account},
    {"check", "[-w 25%] [-c 12%] [NAME...]", "a monitoring plug-in",
     "Works from the status files alone, also with the daemon dead.\n\n"
     "Exit: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
     CHECK_FLAGS, cmd_check},
    {"limits", "[ISSUER]", "the CA's limits: what is left, what comes back when, who is held",
     "Reads the ledger that the daemon keeps, and plans as it would. Limits that all accounts of a CA\n"
     "share are lower bounds: others spend, too; a 429 of the CA corrects them.\n\n"
     "Exit: 0, 1 no such Issuer.",
     NULL, cmd_limits},
    {"simulate", "[--horizon 1y] [--fault TEXT]...",
     "the specs in virtual time, with the CA's limits",
     "Takes the specs of --specs as they are and runs the daemon's own code on them against model CAs\n"
     "with the limits and lifetimes that theirs have: when each certificate is issued and renewed, what\n"
     "waits for which limit, whether anything is ever late. Secrets are not needed, every name can be\n"
     "validated, hooks and outputs are left out; nothing is changed, nobody is asked.\n\n"
     "Faults, with times since the start: \"HOST down FROM TO\" (also silent, error, busy, limited),\n"
     "\"HOST invalid FROM TO NAME\", \"HOST revoke AT\", \"clock AT +1h\", \"kill AT\".\n\n"
     "Exit: 0 nothing late, 1 something is, 64 usage, 65 a spec or fault is not understood.",
     SIMULATE_FLAGS, cmd_simulate},
    {"prune", "[--yes]", "list orphans and held deletions, then confirm them",
     "An orphan is an archive that no Certificate uses any more; it is listed, never removed.\n\n"
     "Exit: 0, 1 error.",
     PRUNE_FLAGS, cmd_prune},
    {"providers", "[NAME]", "DNS providers: what they need, limits, how tested",
     "Lists the descriptions of DNS providers, or shows one. A description of your own in\n"
     "/etc/certloop/dns comes before a shipped one of the same name.\n\n"
     "Exit: 0, 1 a description is invalid or unknown.",
     PROVIDERS_FLAGS, cmd_providers},
    {"dns", "VERB ARGUMENTS...", "TXT records by hand; are providers and name servers fit?",
     "test PROVIDER ZONE            add two values at a random name, see them, remove one, see that\n"
     "                              the other is left, remove it: nothing may stay\n"
     "check NAME [VALUE...]         what each name server says about _acme-challenge.NAME\n"
     "purge [PROVIDER FQDN]         list values that were left behind: those in the journals, or all\n"
     "                              at FQDN that look like answers; --yes removes them\n"
     "add PROVIDER FQDN VALUE...    write values; others at the name stay as they are\n"
     "remove PROVIDER FQDN VALUE... take these values away, no others\n"
     "list PROVIDER FQDN            the values that are there\n"
     "show PROVIDER                 the requests that would be sent\n"
     "lint FILE...                  check descriptions: FILE:LINE:COLUMN: what is wrong\n\n"
     "PROVIDER is a name of certloop providers, or the path of a description (with a slash). All\n"
     "write through the engine that the daemon uses.\n\n"
     "Exit: 0 done, passed, or (check) all name servers say the same and have every VALUE; 1 not;\n"
     "64 usage; 75 (purge of journals) a daemon runs.",
     DNS_FLAGS, cmd_dns},
    {"schema", "[KIND]", "JSON Schema of the specs, for editors and pipelines",
     "Prints the schema of a Certificate, Issuer, ClusterIssuer or Configuration; without KIND that of\n"
     "any file of the spec directory. An editor with a YAML language server takes it from a first line\n"
     "  # yaml-language-server: $schema=/usr/share/certloop/certloop.schema.json\n\n"
     "Exit: 0, 64 no such kind.",
     NULL, cmd_schema},
    {"completion", "bash|zsh|fish", "shell completion",
     "Prints a script for the shell. For this session: . <(certloop completion bash)\n\n"
     "Exit: 0, 64 no such shell.",
     NULL, cmd_completion},
    {"manual", "[PAGE]", "manual pages, made from the tables that the program works by",
     "Prints a page in roff: certloop manual certloop-spec.5 | man -l -\nWithout PAGE lists them.\n\n"
     "Exit: 0, 1 cannot be written, 64 no such page.",
     MANUAL_FLAGS, cmd_manual},
    {"version", "", "version, commit and the linked libraries", "Exit: 0.", NULL, cmd_version},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
