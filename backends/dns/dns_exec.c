/* SPDX-License-Identifier: Apache-2.0 */
/* dns_exec: runs one program after the other, one for each value of a batch. */
#include "backends/dns/dns_exec.h"

#include "backends/dns/dns_each.h"
#include "backends/rt/proc.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_log.h"
#include "spec/base/cl_map.h"

#include <string.h>

#define TTL 60
#define AT_ONCE 4 /* zones whose hooks run side by side */

struct dns_exec {
    struct dns_provider_head head;
    struct dns_exec_params p; /* its strings point to what follows */
    struct cl_strv command, cleanup_command, env;
    char *script, *runner;
    struct cl_map outputs; /* certbot: "FQDN\nVALUE" -> what the call that presented it printed */
};
struct run {
    struct dns_each each; /* first */
    struct dns_exec *p;
    struct proc_op proc;
};

static struct dns_exec *self(struct dns_provider *p)
{
    return (struct dns_exec *)(void *)p;
}

static void traits(struct dns_provider *p, struct dns_traits *ret)
{
    *ret = (struct dns_traits){
        .sequential = self(p)->p.sequential, .concurrency = AT_ONCE, .ttl = TTL};
}

static void zone(struct dns_provider *p, struct dns_zone_op *op)
{
    dns_zone_given(self(p)->p.loop, op, op->soa_zone != NULL ? op->soa_zone : op->fqdn);
}

/* ---- what certbot's second hook is told of the first ---- */

static char *key_of(const struct dns_item *item)
{
    return cl_printf("%s\n%s", item->fqdn, item->value);
}

static void keep_output(struct dns_exec *p, const struct dns_item *item, const char *output)
{
    char *key = key_of(item);
    char *text = item->present ? cl_strdup(output) : NULL;

    if (p->p.protocol == EXEC_CERTBOT) {
        cl_free(text != NULL ? cl_map_set(&p->outputs, key, text)
                             : cl_map_remove(&p->outputs, key));
    } else {
        cl_free(text);
    }
    cl_free(key);
}

/* ---- calls ---- */

static void log_output(const struct dns_exec *p, const struct proc_op *proc)
{
    char *clean = cl_clean_dup(proc->output, proc->output_len);

    if (proc->output_len > 0) {
        cl_log(CL_LOG_DEBUG, "", "HookOutput", "%s: %s", p->head.name, clean);
    }
    cl_free(clean);
}

static void ended(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;
    struct dns_exec *p = r->p;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
    } else if (r->proc.timed_out) {
        (void)cl_fail(&own, CL_ERR_LOCAL, "HookTimedOut", "the hook was ended after %lld s",
                      (long long)(p->p.timeout / CL_SECOND));
    } else if (r->proc.exit_code < 0) {
        (void)cl_fail(&own, CL_ERR_LOCAL, "HookFailed", "the hook was ended by signal %d",
                      r->proc.term_signal);
    } else {
        (void)dns_exec_judge(p->p.protocol, r->proc.exit_code, r->proc.output, loop_now(p->p.loop),
                             &own);
    }
    log_output(p, &r->proc);
    if (own.kind == CL_ERR_NONE) {
        keep_output(p, &r->each.item, r->proc.output);
    }
    dns_each_next(&r->each, own.kind != CL_ERR_NONE ? &own : NULL);
}

/* PATH, HOME and LANG first: what the solver says comes after, and wins. */
static void environment(const struct dns_exec *p, const struct dns_exec_call *call,
                        struct cl_strv *ret)
{
    cl_strv_add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    cl_strv_take(ret, cl_printf("HOME=%s", cl_str_or(sys_getenv("HOME"), "/")));
    cl_strv_add(ret, "LANG=C.UTF-8");
    cl_strv_for_each(own, &p->env) {
        size_t name = strcspn(own, "=") + 1;
        for (size_t i = 0; i < ret->len; i++) {
            if (strncmp(ret->items[i], own, name) == 0) {
                cl_free(ret->items[i]);
                memmove(&ret->items[i], &ret->items[i + 1],
                        (--ret->len - i) * sizeof(ret->items[0]));
            }
        }
        cl_strv_add(ret, own);
    }
    cl_strv_for_each(more, &call->env) {
        cl_strv_add(ret, more);
    }
}

static void call_hook(struct dns_each *each, const struct dns_item *item)
{
    struct run *r = (struct run *)(void *)each;
    struct dns_exec *p = r->p;
    struct dns_exec_call call = {0};
    struct cl_strv env = {0};
    struct cl_err err = {0};
    char *key = key_of(item);
    const struct dns_exec_subject s = {.present = item->present,
                                       .fqdn = item->fqdn,
                                       .zone = each->op->zone,
                                       .value = item->value,
                                       .detail = item->detail,
                                       .auth_output = cl_map_get(&p->outputs, key),
                                       .ttl = TTL};
    int rc = dns_exec_call_of(&p->p, &s, &call, &err);

    cl_free(key);
    if (rc < 0) {
        dns_each_next(each, &err);
        return;
    }
    environment(p, &call, &env);
    const struct proc_request req = {
        .argv = &call.argv, .env = &env, .input = call.input, .timeout = p->p.timeout};
    memset(&r->proc, 0, sizeof(r->proc));
    r->proc.op = (struct cl_op){.done = ended, .user = r};
    dns_each_under(each, &r->proc.op);
    proc_start(p->p.loop, &req, &r->proc);
    for (size_t i = 0; i < env.len; i++) {
        cl_wipe(env.items[i], strlen(env.items[i]));
    }
    cl_strv_deinit(&env);
    dns_exec_call_deinit(&call);
}

static void apply(struct dns_provider *p, struct dns_apply_op *op)
{
    struct run *r = cl_new(struct run);

    r->p = self(p);
    dns_each_start(&r->each, r->p->p.loop, op, call_hook);
}

/* ---- life ---- */

static void destroy(struct dns_provider *provider)
{
    struct dns_exec *p = self(provider);
    size_t pos = 0;
    void *output;

    while (cl_map_next(&p->outputs, &pos, NULL, &output)) {
        cl_free(output);
    }
    cl_map_deinit(&p->outputs);
    for (size_t i = 0; i < p->env.len; i++) {
        cl_wipe(p->env.items[i], strlen(p->env.items[i]));
    }
    cl_strv_deinit(&p->env);
    cl_strv_deinit(&p->command);
    cl_strv_deinit(&p->cleanup_command);
    cl_free(p->script);
    cl_free(p->runner);
    cl_free(p->head.name);
    cl_free(p);
}

static const struct dns_provider_ops OPS = {
    .kind = "exec", .traits = traits, .zone = zone, .apply = apply, .destroy = destroy};

struct dns_provider *dns_exec_create(const struct dns_exec_params *params)
{
    struct dns_exec *p = cl_new(struct dns_exec);

    p->head.ops = &OPS;
    p->p = *params;
    cl_strv_copy(&p->command, params->command);
    cl_strv_copy(&p->cleanup_command, params->cleanup_command);
    cl_strv_copy(&p->env, params->env);
    p->script = cl_strdup(params->script);
    p->runner = cl_strdup(params->runner);
    p->p.command = &p->command;
    p->p.cleanup_command = &p->cleanup_command;
    p->p.env = &p->env;
    p->p.script = p->script;
    p->p.runner = p->runner;
    p->p.timeout = params->timeout > 0 ? params->timeout : 2 * CL_MINUTE;
    p->head.name = cl_printf("exec %s %s", dns_exec_protocol_name(params->protocol),
                             p->command.len > 0 ? p->command.items[0] : p->script);
    return (struct dns_provider *)(void *)p;
}
