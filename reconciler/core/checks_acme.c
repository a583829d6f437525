/* SPDX-License-Identifier: Apache-2.0 */
/* checks_acme: checks that only a CA with profiles, several chains and an opinion on names can make
 * fire. Of an adopted pair nothing of that is known. */
#include "reconciler/core/checks.h"
#include "spec/base/cl_alloc.h"

#define CHECK(name) bool name(const struct check_input *in, char *message, size_t size)
#define say(...) ((void)cl_format(message, size, __VA_ARGS__))

/* From another Issuer than the one referred to the Issuer's own wishes do not count. */
static bool comparable(const struct check_input *in)
{
    const struct manifest *m = in->f->manifest;
    const char *issuer = in->o->cert->issuer_ref.name;

    return !m->adopted && (cl_str_empty(m->issuer_name) || cl_str_empty(issuer) ||
                           cl_streq(m->issuer_name, issuer));
}

static const char *named(const char *s)
{
    return cl_str_empty(s) ? "none" : s;
}

CHECK(checks_profile_changed)
{
    const struct manifest *m = in->f->manifest;
    const char *wanted = in->f->wanted_profile;

    if (wanted == NULL || !comparable(in) || cl_streq(cl_str_or(m->profile, ""), wanted)) {
        return false;
    }
    say("The spec differs from what was issued in spec.profile: %s, but the certificate was made by "
        "profile %s",
        named(wanted), named(m->profile));
    return true;
}

CHECK(checks_chain_changed)
{
    const struct manifest *m = in->f->manifest;
    const char *wanted = in->f->wanted_chain;

    if (wanted == NULL || !comparable(in) || cl_streq(cl_str_or(m->chain, ""), wanted)) {
        return false;
    }
    say("preferredChain is %s now, and was %s when the certificate was obtained", named(wanted),
        named(m->chain));
    return true;
}

bool checks_lacks_names(const struct check_input *in)
{
    const struct manifest *m = in->f->manifest;

    return m->missing_names.len > 0 && in->o->cert->allow_subset_of_names &&
           cl_streq(m->full_request, in->f->wanted_request);
}

CHECK(checks_names_missing)
{
    if (!checks_lacks_names(in)) {
        return false;
    }
    char *names = cl_strv_join(&in->f->manifest->missing_names, ", ");
    say("The certificate lacks %.200s, which the CA refused; all names are tried again", names);
    cl_free(names);
    return true;
}
