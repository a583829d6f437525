/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_purge: certloop dns purge: values that were left at a provider. Without a name those that the
 * journals list, which are certloop's own beyond doubt; at a name that was given, also others that
 * look like the answer to a challenge. Lists first, removes with --yes only. */
#include "backends/dns/dns_journal.h"
#include "backends/dns/dns_registry.h"
#include "backends/rt/disk.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DIRECTORY "dns"
#define SUFFIX ".jsonl"
#define YOUNG CL_HOUR       /* what is younger belongs to an order, unless --older-than says else */
#define CHALLENGE_LENGTH 43 /* SHA-256 in base64url (RFC 8555 8.4) */

struct left_journal {
    char *path;
    struct dns_journal journal;
    cl_time changed; /* its values are at least that old */
};
struct purge {
    struct dns_session s;
    cl_time older_than;
    bool yes;
    struct left_journal *journals;
    size_t n;
    struct disk_lock *lock;
};

/* ---- journals ---- */

static int add_journal(struct purge *p, const char *directory, const char *name)
{
    struct left_journal j = {.path = cl_printf("%s/%s", directory, name)};
    struct cl_buf text = {0};
    struct disk_stat st;
    struct cl_err err = {0};
    int rc = disk_read(j.path, DNS_JOURNAL_MAX, &text, &st, &err);

    if (rc == 0) {
        rc = dns_journal_parse(cl_buf_str(&text), j.path, &j.journal, &err);
        j.changed = st.mtime_ns / 1000000;
    }
    cl_buf_deinit(&text);
    if (rc < 0) {
        dns_journal_deinit(&j.journal);
        cl_free(j.path);
        return cl_streq(err.reason, "NotFound") ? 0 : cli_error(p->s.c, 1, "%s", err.text);
    }
    p->journals = cl_reallocarray(p->journals, p->n + 1, sizeof *p->journals);
    p->journals[p->n++] = j;
    return 0;
}

/* All that can be read; 1 after messages about those that cannot. */
static int read_journals(struct purge *p)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    char *directory = paths_state(&p->s.c->paths, DIRECTORY);
    int code = 0;

    if (disk_list(directory, &names, &err) < 0 && !cl_streq(err.reason, "NotFound")) {
        code = cli_error(p->s.c, 1, "%s", err.text);
    }
    cl_strv_for_each(name, &names) {
        if (name[0] != '.' && cl_str_ends(name, SUFFIX)) {
            code = add_journal(p, directory, name) != 0 ? 1 : code;
        }
    }
    cl_strv_deinit(&names);
    cl_free(directory);
    return code;
}

static bool is_old(const struct purge *p, cl_time changed)
{
    return loop_now(p->s.loop) - changed >= p->older_than;
}

static const char *age(const struct purge *p, cl_time since, char buf[CL_DURATION_TEXT])
{
    cl_time passed = cl_time_max(0, loop_now(p->s.loop) - since);

    return cl_duration_format(passed - passed % CL_MINUTE, buf);
}

static void add_rows(const struct purge *p, const struct left_journal *j, struct cli_table *table)
{
    char text[CL_DURATION_TEXT];
    struct dns01_spec spec = {0};
    char *label =
        dns01_from_json(j->journal.solver, &spec, NULL) == 0 ? dns01_label(&spec) : cl_strdup("?");

    for (size_t i = 0; i < j->journal.n; i++) {
        cli_table_row(table, j->journal.zone, label, j->journal.entries[i].fqdn,
                      j->journal.entries[i].value, age(p, j->changed, text), NULL);
    }
    dns01_spec_deinit(&spec);
    cl_free(label);
}

/* The values of a journal as changes of its zone; names are distinct. */
static struct dns_change *changes_of(const struct dns_journal *j, size_t *ret_n)
{
    struct dns_change *changes = cl_calloc(j->n + 1, sizeof *changes);
    size_t n = 0;

    for (size_t i = 0; i < j->n; i++) {
        size_t at = 0;
        while (at < n && strcmp(changes[at].fqdn, j->entries[i].fqdn) != 0) {
            at++;
        }
        changes[at].fqdn = j->entries[i].fqdn;
        n += at == n ? 1 : 0;
        cl_strv_add(&changes[at].remove, j->entries[i].value);
    }
    *ret_n = n;
    return changes;
}

/* Hooks of other clients want to be told what the value was for. */
static const struct dns_detail *find_detail(void *user, const char *fqdn, const char *value)
{
    const struct dns_journal *j = user;

    for (size_t i = 0; i < j->n; i++) {
        if (strcmp(j->entries[i].fqdn, fqdn) == 0 && strcmp(j->entries[i].value, value) == 0) {
            return j->entries[i].detail.domain != NULL ? &j->entries[i].detail : NULL;
        }
    }
    return NULL;
}

static int remove_values(struct purge *p, struct left_journal *j)
{
    size_t n = 0;
    struct dns_change *changes = changes_of(&j->journal, &n);

    p->s.detail = find_detail;
    p->s.detail_user = &j->journal;
    int rc = dns_session_apply(&p->s, j->journal.zone, changes, n);
    p->s.detail = NULL;
    for (size_t i = 0; i < n; i++) {
        cl_strv_deinit(&changes[i].remove);
    }
    cl_free(changes);
    return rc;
}

static int purge_journal(struct purge *p, struct dns_registry *registry, struct left_journal *j)
{
    struct dns01_spec spec = {0};
    struct dns_handle *handle = NULL;
    struct cl_err err = {0};
    int code = 0;

    if (dns01_from_json(j->journal.solver, &spec, &err) < 0 ||
        dns_registry_open(registry, &spec, j->journal.namespace_, &handle, &err) < 0) {
        code = cli_error(p->s.c, 1, "zone %s: %s", j->journal.zone, err.text);
    } else {
        p->s.provider = handle->provider;
        if (remove_values(p, j) < 0) {
            code = dns_session_failed(&p->s);
        } else if (disk_unlink(j->path, &err) < 0) {
            code = cli_error(p->s.c, 1, "%s", err.text);
        } else {
            (void)fprintf(p->s.c->out, "zone %s: %zu removed\n", j->journal.zone, j->journal.n);
        }
        p->s.provider = NULL; /* it is the registry's */
        dns_handle_unref(handle);
    }
    dns01_spec_deinit(&spec);
    return code;
}

/* While a daemon runs, the journals are its own. */
static int lock_state(struct purge *p)
{
    struct cl_err err = {0};
    char *path = paths_state(&p->s.c->paths, "lock");
    int rc = disk_lock(path, &p->lock, &err);

    cl_free(path);
    if (rc == 0) {
        return 0;
    }
    return cl_streq(err.reason, "Locked")
               ? cli_error(p->s.c, EXIT_LOCKED,
                           "a daemon runs: it removes by itself what its journals list, and says "
                           "in its log why if it cannot")
               : cli_error(p->s.c, 1, "%s", err.text);
}

static int purge_journals(struct purge *p)
{
    struct cli_table table = {0};
    size_t old = 0;
    int code = read_journals(p);

    cli_table_row(&table, "ZONE", "PROVIDER", "NAME", "VALUE", "AGE", NULL);
    for (size_t i = 0; i < p->n; i++) {
        if (is_old(p, p->journals[i].changed)) {
            add_rows(p, &p->journals[i], &table);
            old++;
        }
    }
    if (old == 0) {
        cl_strv_deinit(&table.cells);
        (void)fprintf(p->s.c->out, "nothing was left behind\n");
        return code;
    }
    cli_table_print(p->s.c, &table);
    if (!p->yes) {
        (void)fprintf(p->s.c->out, "\n--yes removes them\n");
        return code;
    }
    int locked = lock_state(p);
    if (locked != 0) {
        return locked;
    }
    struct dns_registry *registry =
        dns_registry_create(p->s.loop, p->s.http, &p->s.c->paths, p->s.config);
    for (size_t i = 0; i < p->n; i++) {
        if (is_old(p, p->journals[i].changed)) {
            code = purge_journal(p, registry, &p->journals[i]) != 0 ? 1 : code;
        }
    }
    dns_registry_destroy(registry);
    return code;
}

/* ---- a name ---- */

static bool looks_like_challenge(const char *value)
{
    size_t len = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return len == CHALLENGE_LENGTH && value[len] == '\0';
}

/* When the journal that lists the value was changed; 0: none lists it. */
static cl_time listed_since(const struct purge *p, const char *fqdn, const char *value)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct dns_journal *j = &p->journals[i].journal;
        for (size_t k = 0; k < j->n; k++) {
            if (strcmp(j->entries[k].fqdn, fqdn) == 0 && strcmp(j->entries[k].value, value) == 0) {
                return p->journals[i].changed;
            }
        }
    }
    return 0;
}

/* Sorts the values at the name; those to go are added to @ret. */
static void judge_values(const struct purge *p, const char *fqdn, const struct cl_strv *values,
                         struct cl_strv *ret)
{
    struct cli_table table = {0};
    char text[CL_DURATION_TEXT];

    cli_table_row(&table, "VALUE", "AGE", "", NULL);
    cl_strv_for_each(value, values) {
        cl_time since = listed_since(p, fqdn, value);
        char *clean = cl_clean_dup(value, strlen(value));
        const char *verdict = "to be removed";
        if (since != 0 && !is_old(p, since)) {
            verdict = "kept: may be in use";
        } else if (since == 0 && !looks_like_challenge(value)) {
            verdict = "kept: no answer to a challenge";
        } else {
            cl_strv_add(ret, value);
        }
        cli_table_row(&table, clean, since != 0 ? age(p, since, text) : "not known", verdict, NULL);
        cl_free(clean);
    }
    cli_table_print(p->s.c, &table);
}

static int purge_values(struct purge *p, const char *zone, const char *fqdn)
{
    struct cl_strv values = {0};
    struct dns_change change = {.fqdn = fqdn};
    int code = 0;

    if (dns_session_list(&p->s, zone, fqdn, &values) < 0) {
        code = dns_session_failed(&p->s);
    } else if (values.len == 0) {
        (void)fprintf(p->s.c->out, "there is no value at %s\n", fqdn);
    } else {
        judge_values(p, fqdn, &values, &change.remove);
    }
    if (change.remove.len > 0 && !p->yes) {
        (void)fprintf(p->s.c->out, "\n--yes removes %zu\n", change.remove.len);
    } else if (change.remove.len > 0) {
        if (dns_session_apply(&p->s, zone, &change, 1) < 0) {
            code = dns_session_failed(&p->s);
        } else {
            (void)fprintf(p->s.c->out, "\n%zu removed\n", change.remove.len);
        }
    }
    cl_strv_deinit(&change.remove);
    cl_strv_deinit(&values);
    return code;
}

static int purge_name(struct purge *p, const char *provider, const char *name)
{
    const char *given = NULL;
    char *fqdn = dns_cmd_name(name);
    char *zone = NULL;
    int code = dns_session_provider(&p->s, provider);

    (void)cli_flag_value(p->s.c, "--zone", &given);
    if (code == 0 && !p->s.traits.lists) {
        code = cli_error(p->s.c, 1,
                         "%s cannot tell which values are there; name them: certloop dns remove %s "
                         "%s VALUE",
                         provider, provider, fqdn);
    }
    code = code == 0 ? read_journals(p) : code;
    if (code == 0 && dns_session_zone(&p->s, fqdn, given, &zone) < 0) {
        code = dns_session_failed(&p->s);
    }
    code = code == 0 ? purge_values(p, zone, fqdn) : code;
    cl_free(zone);
    cl_free(fqdn);
    return code;
}

int dns_cmd_purge(struct cli *c)
{
    struct purge p = {.older_than = YOUNG, .yes = cli_flag_given(c, "--yes")};
    const char *text = NULL;

    if (c->args.len != 1 && c->args.len != 3) {
        return cli_usage(c, "purge needs PROVIDER and FQDN, or neither: then the journals count");
    }
    if (cli_flag_value(c, "--older-than", &text) && cl_duration_parse(text, &p.older_than) < 0) {
        return cli_usage(c, "--older-than %s: expected a duration as 24h or 7d", text);
    }
    int code = dns_session_open(&p.s, c);
    if (code == 0) {
        code = c->args.len == 1 ? purge_journals(&p)
                                : purge_name(&p, c->args.items[1], c->args.items[2]);
    }
    for (size_t i = 0; i < p.n; i++) {
        dns_journal_deinit(&p.journals[i].journal);
        cl_free(p.journals[i].path);
    }
    cl_free(p.journals);
    dns_session_close(&p.s);
    disk_unlock(p.lock);
    return code;
}
