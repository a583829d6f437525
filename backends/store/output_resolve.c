/* SPDX-License-Identifier: Apache-2.0 */
/* output_resolve: from a spec and a revision to bytes, modes and owners: what each output directory
 * should hold. The hash over all of it says, without looking at the disk, whether that changed. */
#include "backends/rt/disk.h"
#include "backends/store/output_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define MODE_KEY_SHARED 0640u
#define MODE_KEY 0600u
#define MODE_CERT 0644u
#define MODE_ALLOWED 0666u /* no set-id, sticky or execute bits, whatever a spec says */
#define MODE_OTHERS 0007u

/* The parts of a revision in the form in which outputs want them. */
struct material {
    char *leaf, *rest;
    const char *fullchain, *ca; /* borrowed; ca may be NULL */
    struct cl_buf key;          /* secret; in the encoding of the spec */
};

static void material_deinit(struct material *m)
{
    cl_free(m->leaf);
    cl_free(m->rest);
    cl_buf_deinit(&m->key);
}

static int material_init(struct material *m, const struct cert_spec *spec,
                         const struct revision *rev, struct cl_err *err)
{
    struct key *k = NULL;

    *m = (struct material){.fullchain = rev->fullchain_pem, .ca = rev->ca_pem};
    cl_buf_init_secret(&m->key, OUTPUT_FILE_MAX);
    if (cert_split_chain(rev->fullchain_pem, &m->leaf, &m->rest, err) < 0) {
        return -1;
    }
    if (spec->private_key.encoding != KEY_PKCS1) {
        return cl_buf_adds(&m->key, cl_buf_str(&rev->key_pem)); /* archived as PKCS8 */
    }
    if (key_from_pem(cl_buf_str(&rev->key_pem), &k, err) < 0) {
        return -1;
    }
    int rc = key_to_pem(k, KEY_PKCS1, &m->key, err);
    key_destroy(k);
    return rc;
}

static const char *part_text(const struct material *m, enum output_part part)
{
    switch (part) {
    case PART_CERT:
        return m->leaf;
    case PART_CHAIN:
        return m->rest;
    case PART_FULLCHAIN:
        return m->fullchain;
    case PART_KEY:
        return cl_buf_str(&m->key);
    case PART_CA:
        return m->ca;
    case PARTS:
        break; /* a count, not a part */
    }
    return NULL;
}

/* ---- modes and owners ---- */

/* Octal text; @otherwise if there is none. The parser has refused what is not octal. */
static unsigned octal(const char *text, unsigned otherwise)
{
    unsigned mode = 0;

    if (text == NULL || *text == '\0') {
        return otherwise;
    }
    for (; *text >= '0' && *text <= '7'; text++) {
        mode = (mode << 3 | (unsigned)(*text - '0')) & 07777u;
    }
    return *text == '\0' ? mode & MODE_ALLOWED : otherwise;
}

static bool group_exists(const char *group)
{
    unsigned uid;
    unsigned gid;

    return !cl_str_empty(group) && disk_lookup_owner("", group, &uid, &gid, NULL) == 0;
}

static void set_owner(struct output_plan *plan, const struct output_target *t,
                      const struct config_defaults *d)
{
    const char *owner = t->spec != NULL ? t->spec->owner : NULL;
    const char *group = t->spec != NULL ? t->spec->group : NULL;

    if (!t->live && d != NULL) {
        owner = cl_str_or(owner, d->output_owner);
        group = cl_str_or(group, d->output_group);
    }
    if (cl_str_empty(group) && d != NULL && group_exists(d->key_group)) {
        group = d->key_group;
    }
    plan->owner = cl_str_empty(owner) ? NULL : cl_strdup(owner);
    plan->group = cl_str_empty(group) ? NULL : cl_strdup(group);
}

static unsigned file_mode(const struct output_plan *plan, const struct output_target *t,
                          const struct output_rule *rule, const struct config_defaults *d)
{
    if (!output_rule_has(rule, PART_KEY)) {
        return octal(rule->mode, octal(t->spec != NULL ? t->spec->cert_mode : NULL, MODE_CERT));
    }
    unsigned mode = plan->group != NULL ? MODE_KEY_SHARED : MODE_KEY;
    if (!t->live && d != NULL) {
        mode = octal(d->output_mode, mode);
    }
    if (t->spec != NULL) {
        mode = octal(t->spec->mode, mode);
    }
    mode = octal(rule->mode, mode);
    bool for_all = t->spec != NULL && t->spec->allow_world_readable_key;
    return for_all ? mode : mode & ~MODE_OTHERS;
}

/* ---- plans ---- */

static int add_file(struct output_plan *plan, const struct output_rule *rule,
                    const struct material *m, unsigned mode)
{
    struct cl_buf content;
    int rc = 0;

    cl_buf_init_secret(&content, OUTPUT_FILE_MAX);
    for (size_t i = 0; i < rule->n_parts && rc == 0; i++) {
        const char *text = part_text(m, rule->parts[i]);
        if (cl_str_empty(text)) {
            continue;
        }
        rc = cl_buf_adds(&content, text);
        if (rc == 0 && !cl_str_ends(text, "\n")) {
            rc = cl_buf_adds(&content, "\n");
        }
    }
    bool only_root = rule->n_parts == 1 && rule->parts[0] == PART_CA;
    if (rc < 0 || (only_root && content.len == 0)) { /* the issuer does not know its root */
        cl_buf_deinit(&content);
        return rc;
    }
    plan->files[plan->n_files++] =
        (struct output_plan_file){.name = cl_strdup(rule->name), .content = content, .mode = mode};
    return 0;
}

static void hash_plan(struct output_plan *plan)
{
    struct cl_buf b;
    char hex[CL_SHA256_TEXT];

    cl_buf_init(&b, OUTPUT_FILE_MAX);
    (void)cl_buf_addf(&b, "%d %s:%s\n", plan->symlink_layout ? 1 : 0, cl_str_or(plan->owner, ""),
                      cl_str_or(plan->group, ""));
    for (size_t i = 0; i < plan->n_files; i++) {
        const struct output_plan_file *f = &plan->files[i];
        cl_sha256_hex(cl_buf_str(&f->content), f->content.len, hex);
        (void)cl_buf_addf(&b, "%04o %s %s\n", f->mode, hex, f->name);
    }
    cl_sha256_hex(cl_buf_str(&b), b.len, plan->content_hash);
    cl_buf_deinit(&b);
}

/* A set that is swapped, unless the directory is shared: with chosen file names in a directory that
 * was there before, the files are likely one of many . */
static bool wants_symlinks(const struct output_plan *plan, const struct output_target *t)
{
    struct disk_stat st;

    if (t->live || t->spec == NULL) {
        return true;
    }
    switch (t->spec->layout) {
    case LAYOUT_SYMLINK:
        return true;
    case LAYOUT_RENAME:
        return false;
    case LAYOUT_DEFAULT:
        break;
    }
    if (t->spec->n_files == 0) {
        return true;
    }
    if (disk_stat(plan->directory, &st, NULL) < 0 || st.type == DISK_NONE) {
        return true;
    }
    char *data = cl_printf("%s/" OUTPUT_DATA, plan->directory);
    bool ours =
        disk_lstat(data, &st, NULL) == 0 && st.type == DISK_LINK && !output_data_is_foreign(plan);
    cl_free(data);
    return ours;
}

static int resolve_one(const struct config *config, const struct output_target *t,
                       const struct material *m, struct output_plan *plan, struct cl_err *err)
{
    const struct config_defaults *d = config != NULL ? &config->defaults : NULL;

    plan->directory = cl_strdup(t->directory);
    plan->live = t->live;
    plan->leaf_pem = cl_strdup(m->leaf);
    plan->files = cl_calloc(t->n_rules + 1, sizeof(*plan->files));
    plan->take_over =
        t->spec != NULL && t->spec->take_over && config != NULL && config->allow_take_over;
    set_owner(plan, t, d);
    for (size_t i = 0; i < t->n_rules; i++) {
        if (add_file(plan, &t->rules[i], m, file_mode(plan, t, &t->rules[i], d)) < 0) {
            return cl_fail(err, CL_ERR_INTERNAL, "OutputTooLarge", "%s/%s would be too large",
                           t->directory, t->rules[i].name);
        }
    }
    plan->symlink_layout = wants_symlinks(plan, t);
    hash_plan(plan);
    return 0;
}

void output_plans_deinit(struct output_plans *p)
{
    for (size_t i = 0; i < p->len; i++) {
        struct output_plan *plan = &p->items[i];
        for (size_t k = 0; k < plan->n_files; k++) {
            cl_free(plan->files[k].name);
            cl_buf_deinit(&plan->files[k].content);
        }
        cl_free(plan->files);
        cl_free(plan->directory);
        cl_free(plan->leaf_pem);
        cl_free(plan->owner);
        cl_free(plan->group);
    }
    cl_free(p->items);
    *p = (struct output_plans){0};
}

int output_resolve(const struct paths *p, const struct config *config, const struct object *o,
                   const struct revision *rev, struct output_plans *ret, struct cl_err *err)
{
    struct output_targets targets;
    struct output_plans plans = {0};
    struct material m;
    int rc = material_init(&m, o->cert, rev, err);

    output_targets(p, o, &targets);
    plans.items = cl_calloc(targets.len + 1, sizeof(*plans.items));
    for (size_t i = 0; i < targets.len && rc == 0; i++) {
        rc = output_directory_allowed(p, config, &targets.items[i], err);
        if (rc == 0) {
            rc = resolve_one(config, &targets.items[i], &m, &plans.items[plans.len++], err);
        }
    }
    output_targets_deinit(&targets);
    material_deinit(&m);
    if (rc < 0) {
        output_plans_deinit(&plans);
        return -1;
    }
    *ret = plans;
    return 0;
}
