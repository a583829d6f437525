/* SPDX-License-Identifier: Apache-2.0 */
/* output_find: an existing pair in an output, left by an earlier client or by a state that was lost:
 * taking it over costs no order. It must be a key, its certificate, and exactly the wanted names;
 * validity in time is the caller's question. */
#include "backends/rt/disk.h"
#include "backends/store/output_internal.h"
#include "backends/store/pem_blocks.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* Names under which the usual clients leave a pair. */
static const struct {
    const char *chain, *key;
} TWINS[] = {{"fullchain.pem", "privkey.pem"}, {"tls.crt", "tls.key"}};

/* The best pair so far. */
struct found {
    char *chain;
    struct cl_buf key;
    cl_time not_before;
};

static bool read_text(const char *directory, const char *name, struct cl_buf *ret)
{
    char *path = cl_printf("%s/%s", directory, name);
    /* Links are followed: the own layout is made of them. What is not PEM is not taken. */
    bool ok = disk_read(path, OUTPUT_FILE_MAX, ret, NULL, NULL) == 0;

    ret->secret = true;
    cl_free(path);
    return ok;
}

static void wanted_names(const struct cert_spec *spec, struct cert_facts *ret)
{
    *ret = (struct cert_facts){0};
    cl_strv_copy(&ret->dns_names, &spec->dns_names);
    cl_strv_copy(&ret->ip_addresses, &spec->ip_addresses);
    cl_strv_copy(&ret->uris, &spec->uris);
    cl_strv_copy(&ret->email_addresses, &spec->email_addresses);
}

/* Is it for the names of @spec? A common name may be among the alternative names or not. */
static bool fits(const struct cert_spec *spec, const struct cert_facts *f)
{
    struct cert_facts wanted;

    wanted_names(spec, &wanted);
    bool same = output_same_names(f, &wanted);
    if (!same && spec->common_name != NULL && !cl_strv_has(&wanted.dns_names, spec->common_name)) {
        cl_strv_add(&wanted.dns_names, spec->common_name);
        same = output_same_names(f, &wanted);
    }
    cert_facts_deinit(&wanted);
    return same;
}

static void consider(struct found *best, const struct cert_spec *spec, const struct cl_buf *chain,
                     const struct cl_buf *key)
{
    struct cert_facts f = {0};
    struct key *k = NULL;

    if (key_from_pem(cl_buf_str(key), &k, NULL) < 0) {
        return;
    }
    if (cert_parse_chain(cl_buf_str(chain), &f, NULL) == 0) {
        if (fits(spec, &f) && f.not_before > best->not_before &&
            cert_matches_key(cl_buf_str(chain), k, NULL) == 0) {
            cl_free(best->chain);
            best->chain = cl_strdup(cl_buf_str(chain));
            cl_buf_deinit(&best->key);
            cl_buf_init_secret(&best->key, OUTPUT_FILE_MAX);
            (void)cl_buf_add(&best->key, key->data, key->len);
            best->not_before = f.not_before;
        }
        cert_facts_deinit(&f);
    }
    key_destroy(k);
}

static void try_files(struct found *best, const struct cert_spec *spec, const char *directory,
                      const char *chain_name, const char *key_name)
{
    struct cl_buf chain_text = {0};
    struct cl_buf key_text = {0};
    struct cl_buf chain;
    struct cl_buf key;

    cl_buf_init(&chain, OUTPUT_FILE_MAX);
    cl_buf_init_secret(&key, OUTPUT_FILE_MAX);
    if (read_text(directory, chain_name, &chain_text) &&
        read_text(directory, key_name, &key_text) &&
        pem_certificates(cl_buf_str(&chain_text), &chain) &&
        pem_private_key(cl_buf_str(&key_text), &key)) {
        consider(best, spec, &chain, &key);
    }
    cl_buf_deinit(&chain_text);
    cl_buf_deinit(&key_text);
    cl_buf_deinit(&chain);
    cl_buf_deinit(&key);
}

static void try_twins(struct found *best, const struct cert_spec *spec, const char *directory)
{
    struct disk_stat st;

    if (disk_stat(directory, &st, NULL) == 0 && st.type == DISK_NONE) {
        return; /* the usual case for what is new */
    }
    for (size_t i = 0; i < sizeof(TWINS) / sizeof(TWINS[0]); i++) {
        try_files(best, spec, directory, TWINS[i].chain, TWINS[i].key);
    }
}

/* A leaf without its intermediates is no chain. */
static bool has_chain(const struct output_rule *rule)
{
    return output_rule_has(rule, PART_FULLCHAIN) ||
           (output_rule_has(rule, PART_CERT) && output_rule_has(rule, PART_CHAIN));
}

/* The files that the spec itself names. */
static void try_target(struct found *best, const struct cert_spec *spec,
                       const struct output_target *t)
{
    for (size_t i = 0; i < t->n_rules; i++) {
        if (!has_chain(&t->rules[i])) {
            continue;
        }
        for (size_t k = 0; k < t->n_rules; k++) {
            if (output_rule_has(&t->rules[k], PART_KEY)) {
                try_files(best, spec, t->directory, t->rules[i].name, t->rules[k].name);
            }
        }
    }
}

/* LIVE/KEY when the spec says LIVE/SECRETNAME: secretName was added or removed. */
static void try_live_twins(struct found *best, const struct paths *p, const struct object *o)
{
    char *live = paths_live(p, o->key);

    try_twins(best, o->cert, live);
    cl_free(live);
    if (!cl_str_empty(o->cert->secret_name)) {
        char *name = output_scoped_name(o, o->cert->secret_name);
        live = paths_live(p, name);
        try_twins(best, o->cert, live);
        cl_free(live);
        cl_free(name);
    }
}

int output_find_pair(const struct paths *p, const struct object *o, char **ret_chain_pem,
                     struct cl_buf *ret_key_pem, struct cl_err *err)
{
    struct output_targets targets;
    struct found best = {0};

    (void)err; /* what cannot be read cannot be adopted: that is no failure */
    output_targets(p, o, &targets);
    for (size_t i = 0; i < targets.len; i++) {
        try_target(&best, o->cert, &targets.items[i]);
        if (!targets.items[i].live) {
            try_twins(&best, o->cert, targets.items[i].directory);
        }
    }
    try_live_twins(&best, p, o);
    output_targets_deinit(&targets);
    if (best.chain == NULL) {
        return 1;
    }
    *ret_chain_pem = best.chain;
    *ret_key_pem = best.key;
    return 0;
}
