/* SPDX-License-Identifier: Apache-2.0 */
/* dns_exec: a program publishes the records, called as one of eight other clients calls its hooks, or
 * by a small JSON protocol of our own. No shell, and no environment but PATH, HOME, LANG and what the
 * solver says. How each protocol calls: dns_exec_calls.c. */
#ifndef DNS_EXEC_H
#define DNS_EXEC_H

#include "backends/dns/dns_provider.h"
#include "spec/spec_dns01.h"

struct dns_exec_params {
    struct loop *loop;
    const struct cl_strv *command;
    const struct cl_strv *cleanup_command; /* empty: command */
    enum dns_exec_protocol protocol;
    const char *script;        /* acme.sh: name or path of a dnsapi script */
    const char *runner;        /* acme.sh: our file that sources it, if command is empty */
    const struct cl_strv *env; /* NAME=VALUE */
    cl_time timeout;           /* of one call */
    bool sequential;
};
struct dns_provider *dns_exec_create(const struct dns_exec_params *params);

/* ---- pure: what is called ---- */
struct dns_exec_call {
    struct cl_strv argv, env; /* env: in addition */
    char *input;              /* for stdin, or NULL */
};
struct dns_exec_subject {
    bool present; /* else clean up */
    const char *fqdn, *zone, *value;
    const struct dns_detail *detail; /* may be NULL: then the domain is that of the name */
    const char
        *auth_output; /* certbot: what the call that presented it printed; NULL = not known */
    long ttl;
};
/** Fails with PERMANENT "DetailsMissing" if the protocol needs what is not known any more. */
int dns_exec_call_of(const struct dns_exec_params *p, const struct dns_exec_subject *s,
                     struct dns_exec_call *ret, struct cl_err *err);
void dns_exec_call_deinit(struct dns_exec_call *c);
/** What an end means: 0, or -1 with "HookFailed" (LOCAL), "HookUnsupported" (PERMANENT), "HookRetry"
 *  (TRANSIENT). @output: what it printed. @now: for retryAfter. */
int dns_exec_judge(enum dns_exec_protocol protocol, int exit_code, const char *output, cl_time now,
                   struct cl_err *err);
/** NAME=VALUE lines of an environment file; quotes around a value go, comments and `export` too. */
int dns_exec_env_parse(const char *text, struct cl_strv *ret, struct cl_err *err);

#endif
