/* SPDX-License-Identifier: Apache-2.0 */
/* output_check: does the disk hold what a plan says, and if not, may it be written over? Files that
 * certloop wrote are known from memory; others are foreign, unless they are the same bytes or a pair
 * of the same names, which an earlier client left and certloop takes over. */
#include "backends/rt/disk.h"
#include "backends/store/output_internal.h"
#include "backends/store/pem_blocks.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static char *path_of(const char *directory, const char *name)
{
    return cl_printf("%s/%s", directory, name);
}

/* ---- stamp ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    for (unsigned i = 0; i < 64; i += 8) { /* FNV-1a over the eight octets */
        hash = (hash ^ (value >> i & 0xff)) * 0x100000001b3ULL;
    }
    return hash;
}

static uint64_t mix_stat(uint64_t hash, const struct disk_stat *st)
{
    hash = mix(hash, (uint64_t)st->type);
    hash = mix(hash, st->dev);
    hash = mix(hash, st->ino);
    hash = mix(hash, st->size);
    hash = mix(hash, (uint64_t)st->mtime_ns);
    return mix(hash, (uint64_t)st->ctime_ns); /* moves with mode and owner, too */
}

uint64_t output_stamp(const struct memory_output *rec)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    struct disk_stat st;

    cl_strv_for_each(name, &rec->files) {
        char *path = path_of(rec->directory, name);
        st = (struct disk_stat){0};
        (void)disk_lstat(path, &st, NULL);
        hash = mix_stat(hash, &st);
        if (st.type == DISK_LINK) {
            st = (struct disk_stat){0};
            (void)disk_stat(path, &st, NULL);
            hash = mix_stat(hash, &st);
        }
        cl_free(path);
    }
    return hash | 1; /* 0 is "never taken" */
}

/* ---- layout ---- */

bool output_is_data_link(const char *directory, const char *name)
{
    char *path = path_of(directory, name);
    char *wanted = cl_printf(OUTPUT_DATA "/%s", name);
    char *target = NULL;
    struct disk_stat st;
    bool is = disk_lstat(path, &st, NULL) == 0 && st.type == DISK_LINK &&
              disk_readlink(path, &target, NULL) == 0 && cl_streq(target, wanted);

    cl_free(target);
    cl_free(wanted);
    cl_free(path);
    return is;
}

bool output_data_is_foreign(const struct output_plan *plan)
{
    char *data = path_of(plan->directory, OUTPUT_DATA);
    struct cl_strv names = {0};
    bool found = false;
    bool any = disk_list(data, &names, NULL) == 0 && names.len > 0;

    for (size_t i = 0; i < plan->n_files && !found; i++) {
        found = cl_strv_has(&names, plan->files[i].name);
    }
    cl_strv_deinit(&names);
    cl_free(data);
    return any && !found;
}

/* ---- a pair of the same names ---- */

bool output_same_names(const struct cert_facts *a, const struct cert_facts *b)
{
    return cl_strv_equal_set(&a->dns_names, &b->dns_names) &&
           cl_strv_equal_set(&a->ip_addresses, &b->ip_addresses) &&
           cl_strv_equal_set(&a->uris, &b->uris) &&
           cl_strv_equal_set(&a->email_addresses, &b->email_addresses);
}

/* The chain and key that files have together; the longest chain wins. */
struct pair {
    struct cl_buf chain, key;
};

static void pair_init(struct pair *pair)
{
    cl_buf_init(&pair->chain, OUTPUT_FILE_MAX);
    cl_buf_init_secret(&pair->key, OUTPUT_FILE_MAX);
}

static void pair_deinit(struct pair *pair)
{
    cl_buf_deinit(&pair->chain);
    cl_buf_deinit(&pair->key);
}

/* Takes a key if there is none yet, and a longer chain whose leaf has the names of @wanted: a file of
 * intermediates alone has not. */
static void pair_take(struct pair *pair, const char *text, const struct cert_facts *wanted)
{
    struct cl_buf chain;
    struct cert_facts f = {0};

    if (pair->key.len == 0) {
        (void)pem_private_key(text, &pair->key);
    }
    cl_buf_init(&chain, OUTPUT_FILE_MAX);
    if (pem_certificates(text, &chain) && chain.len > pair->chain.len &&
        cert_parse_chain(cl_buf_str(&chain), &f, NULL) == 0) {
        if (output_same_names(&f, wanted)) {
            cl_buf_reset(&pair->chain);
            (void)cl_buf_add(&pair->chain, chain.data, chain.len);
        }
        cert_facts_deinit(&f);
    }
    cl_buf_deinit(&chain);
}

static bool pair_matches(const struct pair *pair)
{
    struct key *k = NULL;

    if (pair->chain.len == 0 || pair->key.len == 0 ||
        key_from_pem(cl_buf_str(&pair->key), &k, NULL) < 0) {
        return false;
    }
    bool matches = cert_matches_key(cl_buf_str(&pair->chain), k, NULL) == 0;
    key_destroy(k);
    return matches;
}

static bool plans_key(const struct output_plan *plan)
{
    for (size_t i = 0; i < plan->n_files; i++) {
        if (strstr(cl_buf_str(&plan->files[i].content), "PRIVATE KEY-----") != NULL) {
            return true;
        }
    }
    return false;
}

/* Is what lies in the directory under the planned names a pair for the same names? */
static bool holds_same_pair(const struct output_plan *plan)
{
    struct cert_facts wanted = {0};
    struct pair pair;

    if (cert_parse_chain(plan->leaf_pem, &wanted, NULL) < 0) {
        return false;
    }
    pair_init(&pair);
    for (size_t i = 0; i < plan->n_files; i++) {
        char *path = path_of(plan->directory, plan->files[i].name);
        struct cl_buf text = {0};
        if (disk_read(path, OUTPUT_FILE_MAX, &text, NULL, NULL) == 0) {
            text.secret = true;
            pair_take(&pair, cl_buf_str(&text), &wanted);
        }
        cl_buf_deinit(&text);
        cl_free(path);
    }
    bool same = plans_key(plan) ? pair_matches(&pair) : pair.chain.len > 0;
    pair_deinit(&pair);
    cert_facts_deinit(&wanted);
    return same;
}

static bool is_pem_or_empty(const char *text)
{
    return text[0] == '\0' || strstr(text, "-----BEGIN ") != NULL;
}

/* ---- check ---- */

struct check {
    const struct output_plan *plan;
    const struct memory_output *rec;
    unsigned uid, gid;
    bool pair_known, pair;
    char *detail;
};

static enum output_verdict say(const struct check *c, enum output_verdict v, const char *name,
                               const char *what)
{
    (void)cl_format(c->detail, 200, "%s %s", name, what);
    return v;
}

static bool may_replace(struct check *c, const char *name, const char *text)
{
    bool recorded = c->rec != NULL && cl_strv_has(&c->rec->files, name);

    if (recorded || c->plan->take_over ||
        (c->plan->live && output_is_data_link(c->plan->directory, name))) {
        return true;
    }
    if (text == NULL || !is_pem_or_empty(text)) {
        return false;
    }
    if (!c->pair_known) {
        c->pair = holds_same_pair(c->plan);
        c->pair_known = true;
    }
    return c->pair;
}

static enum output_verdict check_attributes(const struct check *c, const struct output_plan_file *f,
                                            const struct disk_stat *st)
{
    char what[64];

    if ((st->mode & 07777) != f->mode) {
        (void)cl_format(what, sizeof(what), "has mode %04o instead of %04o", st->mode & 07777,
                        f->mode);
        return say(c, OUTPUT_DIFFERS, f->name, what);
    }
    if ((c->uid != DISK_KEEP_ID && st->uid != c->uid) ||
        (c->gid != DISK_KEEP_ID && st->gid != c->gid)) {
        return say(c, OUTPUT_DIFFERS, f->name, "has another owner or group");
    }
    return OUTPUT_IN_SYNC;
}

static enum output_verdict check_content(struct check *c, const struct output_plan_file *f,
                                         const char *path)
{
    struct cl_buf text = {0};
    struct disk_stat st = {0};
    struct cl_err err = {0};
    enum output_verdict v = OUTPUT_DIFFERS;

    if (disk_read(path, OUTPUT_FILE_MAX, &text, &st, &err) < 0) {
        bool mine = may_replace(c, f->name, NULL);
        return say(c, mine ? OUTPUT_DIFFERS : OUTPUT_FOREIGN, f->name,
                   mine ? "cannot be read"
                        : "exists and cannot be read, so it is not replaced: move it away");
    }
    text.secret = true;
    if (text.len == f->content.len &&
        (text.len == 0 || cl_mem_equal(text.data, f->content.data, text.len))) {
        v = check_attributes(c, f, &st);
    } else if (may_replace(c, f->name, cl_buf_str(&text))) {
        (void)say(c, OUTPUT_DIFFERS, f->name, "has other content than the archive");
    } else {
        v = say(c, OUTPUT_FOREIGN, f->name,
                "was not written by certloop: move it away, or set takeOver: true");
    }
    cl_buf_deinit(&text);
    return v;
}

static enum output_verdict check_file(struct check *c, const struct output_plan_file *f)
{
    char *path = path_of(c->plan->directory, f->name);
    struct disk_stat link = {0};
    struct disk_stat st = {0};
    enum output_verdict v = OUTPUT_MISSING;

    if (disk_lstat(path, &link, NULL) < 0 ||
        (link.type == DISK_LINK && disk_stat(path, &st, NULL) < 0)) {
        v = say(c, OUTPUT_FOREIGN, f->name, "cannot be looked at");
    } else if (link.type == DISK_NONE) {
        (void)say(c, v, f->name, "is missing");
    } else if (link.type == DISK_DIR || link.type == DISK_OTHER) {
        v = say(c, OUTPUT_FOREIGN, f->name, "exists and is not a file: move it away");
    } else if (link.type == DISK_LINK && st.type == DISK_NONE) {
        v = may_replace(c, f->name, NULL) ? say(c, OUTPUT_MISSING, f->name, "is a link to nowhere")
                                          : say(c, OUTPUT_FOREIGN, f->name,
                                                "is a link that certloop did not make: remove it");
    } else {
        v = check_content(c, f, path);
    }
    cl_free(path);
    return v;
}

/* Files that an earlier plan had and this one has not. */
static bool has_stale(const struct check *c)
{
    if (c->rec == NULL || !c->plan->symlink_layout) {
        return false;
    }
    cl_strv_for_each(name, &c->rec->files) {
        bool planned = false;
        for (size_t i = 0; i < c->plan->n_files && !planned; i++) {
            planned = cl_streq(c->plan->files[i].name, name);
        }
        if (!planned && output_is_data_link(c->plan->directory, name)) {
            (void)say(c, OUTPUT_DIFFERS, name, "is no longer wanted");
            return true;
        }
    }
    return false;
}

/* How much a verdict weighs against those of the other files. */
static int weight(enum output_verdict v)
{
    switch (v) {
    case OUTPUT_IN_SYNC:
        return 0;
    case OUTPUT_DIFFERS:
        return 1;
    case OUTPUT_MISSING:
        return 2;
    case OUTPUT_FOREIGN:
        return 3;
    }
    return 0;
}

enum output_verdict output_check(const struct output_plan *plan, const struct memory_output *rec,
                                 char detail[200])
{
    char own[200];
    struct check c = {.plan = plan, .rec = rec, .detail = own};
    enum output_verdict worst = OUTPUT_IN_SYNC;

    detail[0] = '\0';
    own[0] = '\0';
    if (disk_lookup_owner(cl_str_or(plan->owner, ""), cl_str_or(plan->group, ""), &c.uid, &c.gid,
                          NULL) < 0) {
        c.uid = DISK_KEEP_ID; /* writing will say so */
        c.gid = DISK_KEEP_ID;
        worst = OUTPUT_DIFFERS;
        (void)cl_format(detail, 200, "owner %s:%s does not exist on this host",
                        cl_str_or(plan->owner, ""), cl_str_or(plan->group, ""));
    }
    for (size_t i = 0; i < plan->n_files; i++) {
        enum output_verdict v = check_file(&c, &plan->files[i]);
        if (weight(v) > weight(worst)) {
            worst = v;
            (void)cl_format(detail, 200, "%s", own);
        }
    }
    if (worst == OUTPUT_IN_SYNC && has_stale(&c)) {
        worst = OUTPUT_DIFFERS;
        (void)cl_format(detail, 200, "%s", own);
    }
    return worst;
}
