/* SPDX-License-Identifier: Apache-2.0 */
/* hook_env: the environment of a hook, complete: nothing is inherited.
 *
 *   PATH, LANG               fixed
 *   RENEWED_LINEAGE          directory of the (first) certificate, as certbot's deploy hooks get it
 *   RENEWED_DOMAINS          all names, separated by spaces; FAILED_DOMAINS when issuing failed
 *   CERTLOOP_EVENT           Issued, OutputChanged or Failed
 *   CERTLOOP_CERTIFICATES    all certificates of this run, [NAMESPACE/]NAME, separated by spaces
 *   CERTLOOP_LINEAGES        their directories, separated by ":"
 *   CERTLOOP_NAME, _NAMESPACE, _LINEAGE, _SERIAL, _REVISION, _ISSUER, _NOT_AFTER (RFC 3339),
 *   _CERT_PATH, _KEY_PATH, _CHAIN_PATH, _FULLCHAIN_PATH   of the first; only those that are known
 *   CERTLOOP_ERROR           when issuing failed: why
 */
#include "hooks/hook.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* @value may come from a CA: control characters are escaped. Paths and names are left as they are
 * by that, for they have none. */
static void set(struct cl_strv *env, const char *name, const char *value)
{
    if (cl_str_empty(value)) {
        return;
    }
    char clean[CL_CLEAN_TEXT];
    bool plain = true;
    for (const char *c = value; *c != '\0'; c++) {
        plain &= (unsigned char)*c >= ' ';
    }
    cl_strv_take(env,
                 cl_printf("%s=%s", name,
                           plain ? value : cl_clean(clean, sizeof(clean), value, strlen(value))));
}

static void set_owned(struct cl_strv *env, const char *name, char *take_value)
{
    set(env, name, take_value);
    cl_free(take_value);
}

static char *all_domains(const struct hook_event *e)
{
    struct cl_strv names = {0};
    for (size_t i = 0; i < e->n_certs; i++) {
        if (e->certs[i].dns_names != NULL) {
            cl_strv_for_each(name, e->certs[i].dns_names) {
                cl_strv_add(&names, name);
            }
        }
    }
    cl_strv_dedupe(&names);
    char *text = cl_strv_join(&names, " ");
    cl_strv_deinit(&names);
    return text;
}

static char *all_certificates(const struct hook_event *e)
{
    struct cl_strv names = {0};
    for (size_t i = 0; i < e->n_certs; i++) {
        const char *ns = cl_str_or(e->certs[i].namespace_, "");
        cl_strv_take(&names, cl_printf("%s%s%s", ns, *ns != '\0' ? "/" : "", e->certs[i].name));
    }
    char *text = cl_strv_join(&names, " ");
    cl_strv_deinit(&names);
    return text;
}

static char *all_lineages(const struct hook_event *e)
{
    struct cl_strv paths = {0};
    for (size_t i = 0; i < e->n_certs; i++) {
        if (!cl_str_empty(e->certs[i].lineage)) {
            cl_strv_add(&paths, e->certs[i].lineage);
        }
    }
    char *text = cl_strv_join(&paths, ":");
    cl_strv_deinit(&paths);
    return text;
}

static void add_first(struct cl_strv *env, const struct hook_cert *c)
{
    char when[CL_TIME_TEXT];
    set(env, "RENEWED_LINEAGE", c->lineage);
    set(env, "CERTLOOP_NAME", c->name);
    set(env, "CERTLOOP_NAMESPACE", c->namespace_);
    set(env, "CERTLOOP_LINEAGE", c->lineage);
    set(env, "CERTLOOP_SERIAL", c->serial);
    set(env, "CERTLOOP_ISSUER", c->issuer_name);
    set(env, "CERTLOOP_NOT_AFTER", cl_time_format(c->not_after, when));
    set(env, "CERTLOOP_CERT_PATH", c->cert_path);
    set(env, "CERTLOOP_KEY_PATH", c->key_path);
    set(env, "CERTLOOP_CHAIN_PATH", c->chain_path);
    set(env, "CERTLOOP_FULLCHAIN_PATH", c->fullchain_path);
    if (c->revision > 0) {
        set_owned(env, "CERTLOOP_REVISION", cl_printf("%ld", c->revision));
    }
}

void hook_env(const struct hook_event *e, struct cl_strv *ret)
{
    bool failed = cl_streq(e->reason, "Failed");

    cl_strv_add(ret, HOOK_PATH);
    cl_strv_add(ret, "LANG=C.UTF-8");
    set(ret, "CERTLOOP_EVENT", e->reason);
    if (e->n_certs > 0) {
        add_first(ret, &e->certs[0]);
    }
    set_owned(ret, failed ? "FAILED_DOMAINS" : "RENEWED_DOMAINS", all_domains(e));
    set_owned(ret, "CERTLOOP_CERTIFICATES", all_certificates(e));
    set_owned(ret, "CERTLOOP_LINEAGES", all_lineages(e));
    if (failed) {
        set(ret, "CERTLOOP_ERROR", e->error);
    }
}
