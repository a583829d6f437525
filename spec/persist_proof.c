/* SPDX-License-Identifier: Apache-2.0 */
/* persist_proof: see the header. */
#include "spec/persist_proof.h"

#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#include <string.h>

#define ATTENTION_MAX (30 * CL_DAY)

static const struct jfield ROWS[] = {
    JFIELD(JF_WORD, persist_proof, identifier, "identifier"),
    JFIELD(JF_BOOL, persist_proof, wildcard, "wildcard"),
    JFIELD(JF_WORD, persist_proof, record, "record"),
    JFIELD(JF_WORD, persist_proof, value, "value"),
    JFIELD(JF_STRV, persist_proof, issuers, "issuers"),
    JFIELD(JF_WORD, persist_proof, account_url, "accountURI"),
    JFIELD(JF_BOOL, persist_proof, managed, "managed"),
    JFIELD(JF_TIME, persist_proof, until, "until"),
    JFIELD(JF_TIME, persist_proof, attention_at, "attentionTime"),
    JFIELD(JF_TIME, persist_proof, checked_at, "checkedTime"),
    JFIELD_OPT(JF_WORD, persist_proof, problem, "problem"),
};
static const struct jtable PROOF = JTABLE(ROWS, persist_proof);

cl_time persist_attention_at(cl_time seen, cl_time until, cl_time persist_for)
{
    if (until == 0) {
        return 0;
    }
    if (persist_for > 0) {
        return until - persist_for / 3;
    }
    cl_time left = until > seen ? until - seen : 0;
    return until - cl_time_min(left / 3, ATTENTION_MAX);
}

void persist_proof_deinit(struct persist_proof *p)
{
    jtable_free(&PROOF, p);
}

void persist_proof_copy(struct persist_proof *dst, const struct persist_proof *src)
{
    jtable_copy(&PROOF, dst, src);
}

void persist_proofs_deinit(struct persist_proofs *l)
{
    for (size_t i = 0; i < l->len; i++) {
        persist_proof_deinit(&l->items[i]);
    }
    cl_free(l->items);
    *l = (struct persist_proofs){0};
}

static bool same(const struct persist_proof *a, const struct persist_proof *b)
{
    return cl_streq(a->identifier, b->identifier) && a->wildcard == b->wildcard;
}

void persist_proofs_put(struct persist_proofs *l, const struct persist_proof *p)
{
    struct persist_proof copy;

    persist_proof_copy(&copy, p);
    for (size_t i = 0; i < l->len; i++) {
        if (same(&l->items[i], p)) {
            if (l->items[i].until == p->until && l->items[i].managed == p->managed) {
                copy.attention_at = l->items[i].attention_at;
            }
            persist_proof_deinit(&l->items[i]);
            l->items[i] = copy;
            return;
        }
    }
    l->items = cl_reallocarray(l->items, l->len + 1, sizeof(l->items[0]));
    l->items[l->len++] = copy;
}

void persist_proofs_drop(struct persist_proofs *l, const struct persist_proof *p)
{
    for (size_t i = 0; i < l->len; i++) {
        if (same(&l->items[i], p)) { /* there is one at most; @p may be itself */
            persist_proof_deinit(&l->items[i]);
            l->items[i] = l->items[--l->len];
            return;
        }
    }
}

char *persist_proof_name(const struct persist_proof *p)
{
    return cl_printf("%s%s", p->wildcard ? "*." : "", cl_str_or(p->identifier, ""));
}

bool persist_proofs_keep(struct persist_proofs *l, const struct cl_strv *dns_names)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->len; i++) {
        char *name = persist_proof_name(&l->items[i]);
        if (cl_strv_has(dns_names, name)) {
            l->items[kept++] = l->items[i];
        } else {
            persist_proof_deinit(&l->items[i]);
        }
        cl_free(name);
    }
    bool dropped = kept < l->len;
    l->len = kept;
    return dropped;
}

json_t *persist_proofs_write(const struct persist_proofs *l)
{
    return jtable_write_list(&PROOF, l->items, l->len);
}

int persist_proofs_read(const json_t *array, struct persist_proofs *ret, struct cl_err *err)
{
    void *items = NULL;
    int rc = jtable_read_list(&PROOF, array, &items, &ret->len, err);

    ret->items = items;
    return rc;
}
