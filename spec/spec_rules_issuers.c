/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_issuers: a spec that names more than one Issuer: fallbacks, standby, rehearsal. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_rules.h"

#define PATH_SIZE 600
#define FALLBACKS_MAX 8

/* Both groups that are accepted mean the same: an object is not another one for it. */
static void drop_group(struct issuer_ref *ref)
{
    cl_free(ref->group);
    ref->group = NULL;
}

static void check_fallback(const struct rules *r, const struct cert_spec *s, size_t i)
{
    const struct issuer_ref_list *l = &s->fallback_issuers;
    char path[PATH_SIZE];

    (void)cl_format(path, sizeof(path), "spec.fallbackIssuerRefs[%zu]", i);
    if (issuer_ref_same(&l->items[i], &s->issuer_ref)) {
        rules_problem(r, false, path,
                      "Issuer %s is spec.issuerRef already; a fallback is another CA",
                      s->issuer_ref.name);
        return;
    }
    for (size_t k = 0; k < i; k++) {
        if (issuer_ref_same(&l->items[i], &l->items[k])) {
            rules_problem(r, false, path, "Issuer %s is fallbackIssuerRefs[%zu] already",
                          l->items[i].name, k);
            return;
        }
    }
}

void rules_issuers(const struct rules *r, struct cert_spec *s)
{
    for (size_t i = 0; i < s->fallback_issuers.len; i++) {
        drop_group(&s->fallback_issuers.items[i]);
        check_fallback(r, s, i);
    }
    if (s->fallback_issuers.len > FALLBACKS_MAX) {
        rules_problem(r, false, "spec.fallbackIssuerRefs", "at most %d Issuers", FALLBACKS_MAX);
    }
    drop_group(&s->standby);
    if (issuer_ref_same(&s->standby, &s->issuer_ref)) {
        rules_problem(r, false, "spec.standby.issuerRef",
                      "Issuer %s is spec.issuerRef already; what it revokes, or fails to renew, it "
                      "would revoke twice: name another CA",
                      s->issuer_ref.name);
    }
}

void rules_rehearsal(const struct rules *r, struct issuer_ref *ref, const char *own_name)
{
    drop_group(ref);
    if (ref->name != NULL && cl_streq(ref->name, own_name) &&
        !cl_streq(ref->kind, "ClusterIssuer")) {
        rules_problem(r, false, "spec.acme.rehearseWith",
                      "names this Issuer itself; name one of a staging CA");
    }
}

/* Those of the Configuration, except the Issuer that the Certificate asks first. */
void rules_merge_fallbacks(const struct rules *r, struct cert_spec *s)
{
    const struct issuer_ref_list *defaults = &r->config->defaults.fallback_issuers;

    if (rules_given(r, "spec.fallbackIssuerRefs") || defaults->len == 0) {
        return;
    }
    struct issuer_ref_list *own = &s->fallback_issuers;
    own->items = cl_calloc(defaults->len, sizeof(own->items[0]));
    for (size_t i = 0; i < defaults->len; i++) {
        if (!issuer_ref_same(&defaults->items[i], &s->issuer_ref)) {
            own->items[own->len++] = (struct issuer_ref){
                .name = cl_strdup(defaults->items[i].name),
                .kind = cl_strdup(defaults->items[i].kind),
            };
        }
    }
    if (own->len == 0) {
        cl_free(own->items);
        own->items = NULL;
    }
}
