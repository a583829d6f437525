/* SPDX-License-Identifier: Apache-2.0 */
/* dns_journal: print and parse. Details are kept because hooks of other clients need them to take a
 * value away again. */
#include "backends/dns/dns_journal.h"

#include "backends/store/store_json.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/jfield.h"

static const struct jfield HEAD[] = {
    JFIELD(JF_TEXT, dns_journal, zone, "zone"),
    JFIELD(JF_TEXT, dns_journal, credential, "credential"),
    JFIELD(JF_WORD, dns_journal, namespace_, "namespace"),
    JFIELD(JF_TEXT, dns_journal, solver, "solver"),
};
static const struct jfield ENTRY[] = {
    JFIELD(JF_TEXT, dns_journal_entry, fqdn, "name"),
    JFIELD(JF_TEXT, dns_journal_entry, value, "value"),
    JFIELD_OPT(JF_TEXT, dns_journal_entry, detail.domain, "domain"),
    JFIELD_OPT(JF_TEXT, dns_journal_entry, detail.token, "token"),
    JFIELD_OPT(JF_TEXT, dns_journal_entry, detail.key_authorization, "keyAuthorization"),
    JFIELD_OPT(JF_TEXT, dns_journal_entry, detail.certificate, "certificate"),
};
static const struct jtable HEAD_TABLE = JTABLE(HEAD, dns_journal);
static const struct jtable ENTRY_TABLE = JTABLE(ENTRY, dns_journal_entry);

void dns_detail_deinit(struct dns_detail *d)
{
    cl_free(d->domain);
    cl_free(d->token);
    cl_free(d->key_authorization);
    cl_free(d->certificate);
    *d = (struct dns_detail){0};
}

void dns_detail_copy(struct dns_detail *dst, const struct dns_detail *src)
{
    dst->domain = cl_strdup(src->domain);
    dst->token = cl_strdup(src->token);
    dst->key_authorization = cl_strdup(src->key_authorization);
    dst->certificate = cl_strdup(src->certificate);
}

void dns_journal_deinit(struct dns_journal *j)
{
    for (size_t i = 0; i < j->n; i++) {
        jtable_free(&ENTRY_TABLE, &j->entries[i]);
    }
    cl_free(j->entries);
    jtable_free(&HEAD_TABLE, j);
    *j = (struct dns_journal){0};
}

static struct dns_journal_entry *grow(struct dns_journal *j)
{
    j->entries = cl_reallocarray(j->entries, j->n + 1, sizeof(j->entries[0]));
    j->entries[j->n] = (struct dns_journal_entry){0};
    return &j->entries[j->n++];
}

void dns_journal_add(struct dns_journal *j, const char *fqdn, const char *value,
                     const struct dns_detail *detail)
{
    struct dns_journal_entry *e = grow(j);

    e->fqdn = cl_strdup(fqdn);
    e->value = cl_strdup(value);
    if (detail != NULL) {
        dns_detail_copy(&e->detail, detail);
    }
}

static void add_line(struct cl_buf *b, json_t *take_o)
{
    char *line = json_print(take_o, JSON_COMPACT, true);

    (void)cl_buf_adds(b, line); /* far below the limit: thousands of values */
    cl_free(line);
    json_decref(take_o);
}

char *dns_journal_print(const struct dns_journal *j)
{
    struct cl_buf b;
    json_t *head = json_object();

    cl_buf_init(&b, DNS_JOURNAL_MAX);
    json_put(head, "schema", json_integer(DNS_JOURNAL_SCHEMA));
    jtable_write(&HEAD_TABLE, head, j);
    add_line(&b, head);
    for (size_t i = 0; i < j->n; i++) {
        json_t *o = json_object();
        json_put(o, "op", json_text("intend"));
        jtable_write(&ENTRY_TABLE, o, &j->entries[i]);
        add_line(&b, o);
    }
    return cl_buf_take(&b);
}

static int parse_head(const char *line, const char *what, struct dns_journal *j, struct cl_err *err)
{
    json_t *o = store_parse(line, DNS_JOURNAL_SCHEMA, what, err);

    if (o == NULL) {
        return -1;
    }
    int rc = jtable_read(&HEAD_TABLE, o, j, err);
    if (rc < 0 || j->zone == NULL || j->solver == NULL) {
        rc = cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "%s: no head of a journal", what);
    }
    json_decref(o);
    return rc;
}

static int parse_entry(const char *line, const char *what, struct dns_journal *j,
                       struct cl_err *err)
{
    json_t *o = json_parse_object(line, err);
    struct dns_journal_entry *e = grow(j);
    int rc = o != NULL ? jtable_read(&ENTRY_TABLE, o, e, err) : -1;

    json_decref(o);
    return rc < 0 || e->fqdn == NULL || e->value == NULL ? store_corrupt(err, what) : 0;
}

int dns_journal_parse(const char *text, const char *what, struct dns_journal *ret,
                      struct cl_err *err)
{
    struct cl_strv lines = {0};
    struct dns_journal j = {0};
    int rc;

    cl_strv_split(&lines, text, "\n");
    rc = parse_head(lines.len > 0 ? lines.items[0] : "", what, &j, err);
    for (size_t i = 1; rc == 0 && i < lines.len; i++) {
        rc = parse_entry(lines.items[i], what, &j, err);
    }
    cl_strv_deinit(&lines);
    if (rc < 0) {
        dns_journal_deinit(&j);
        return -1;
    }
    *ret = j;
    return 0;
}
