/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns: what the dns commands share: where descriptions are, and a session with a provider and the
 * name servers, in which one thing is done after the other. */
#ifndef CMD_DNS_H
#define CMD_DNS_H

#include "backends/dns/dns_description.h"
#include "backends/dns/dns_provider.h"
#include "backends/dns/wire/dns_propagation.h"
#include "reconciler/cli/cli.h"

/** The directories of descriptions: --providers (repeatable), else CERTLOOP_PROVIDERS, else those of
 *  the Configuration and the one that this program was installed with. */
void dns_cmd_dirs(struct cli *c, struct cl_strv *ret);
/** Opens a description by its name, or by the path of a file (has a slash). NULL: said why. */
struct dns_description *dns_cmd_open(struct cli *c, const char *name, int *ret_code);
/** @name as the engine has names: lower case, no final dot. Owned. */
char *dns_cmd_name(const char *name);

/* ---- cmd_dns_session.c ---- */
struct dns_session {
    struct cli *c;
    struct config *config;
    struct loop *loop;
    struct http *http;
    struct dns_resolver *resolver;
    struct dns_provider *provider; /* NULL until opened */
    struct dns_traits traits;
    /* What runs, and how it ended. */
    struct cl_op *running;
    struct cl_err err;
    /* What is known of values, for hooks; as in dns_apply_op. NULL = nothing. */
    const struct dns_detail *(*detail)(void *user, const char *fqdn, const char *value);
    void *detail_user;
    bool interrupted; /* SIGINT or SIGTERM came */
    bool ending;      /* what runs now is clean-up: not to be interrupted */
};
/** Loop, HTTP client and resolver, as the Configuration and the flags --resolver say. 0 or an exit code
 *  after a message; dns_session_close in any case. */
int dns_session_open(struct dns_session *s, struct cli *c);
/** The provider @name with the credentials of the flags. 0 or an exit code after a message. */
int dns_session_provider(struct dns_session *s, const char *name);
/** Logs out where the provider has sessions, and frees everything. */
void dns_session_close(struct dns_session *s);

/* Each of these starts one thing and returns when it has ended: 0, or -1 and s->err. */
/** The provider's zone of @fqdn; @zone (may be NULL) is asked for instead of what the DNS says. */
int dns_session_zone(struct dns_session *s, const char *fqdn, const char *zone, char **ret);
int dns_session_apply(struct dns_session *s, const char *zone, const struct dns_change *changes,
                      size_t n);
/** Appends to @ret. For providers with traits.lists. */
int dns_session_list(struct dns_session *s, const char *zone, const char *fqdn,
                     struct cl_strv *ret);
/** Where the record of @fqdn lives; @fn gets the result. */
int dns_session_locate(struct dns_session *s, const char *fqdn,
                       void (*fn)(void *user, const struct dns_locate_op *found), void *user);
/** Asks each name server of @fqdn once; @fn gets the table. */
int dns_session_look(struct dns_session *s, const char *fqdn, const struct cl_strv *values,
                     void (*fn)(void *user, const struct dns_table *table), void *user);
void dns_session_pause(struct dns_session *s, cl_time delay);
/** "certloop dns: TEXT (Reason)" and, if known, when to try again; returns 1. */
int dns_session_failed(struct dns_session *s);

/* One function for each verb; the exit code. */
int dns_cmd_change(struct cli *c, const char *verb); /* add, remove, list */
int dns_cmd_test(struct cli *c);
int dns_cmd_check(struct cli *c);
int dns_cmd_purge(struct cli *c);

#endif
