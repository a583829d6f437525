/* SPDX-License-Identifier: Apache-2.0 */
/* dns_env: the variables that expressions see, and what evaluating needs from outside: the time and
 * randomness, handed in so that evaluating stays pure. */
#ifndef DNS_ENV_H
#define DNS_ENV_H

#include "backends/dns/lang/dns_value.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

struct dns_var {
    char *name;
    struct dns_value value;
};
/* Zeroed (with up set) = empty. Names are looked for here, then in up. */
struct dns_env {
    const struct dns_env *up;
    struct dns_var *vars;
    size_t len, cap;
};
void dns_env_deinit(struct dns_env *e);
/** Sets or replaces a variable of this scope. */
void dns_env_set(struct dns_env *e, const char *name, struct dns_value take_value);
void dns_env_set_text(struct dns_env *e, const char *name, const char *text);
/** NULL if there is none in any scope. Borrowed. */
const struct dns_value *dns_env_get(const struct dns_env *e, const char *name);
/** The value of `cred.x` and `session.x`, which are kept one by one ("cred.x"), each with its own
 *  secrecy; NULL if @scope has no such member. */
const struct dns_value *dns_env_member(const struct dns_env *e, const char *scope,
                                       const char *member);

/* One evaluation. */
struct dns_eval {
    const struct dns_env *env;
    cl_time now; /* ms since the epoch */
    /** Fills @buf with unpredictable bytes. */
    void (*random)(void *user, unsigned char *buf, size_t len);
    void *random_user;
    /* Gets the text of each secret value that templates put anywhere: what must be masked when the
     * result is shown. May be NULL. */
    struct cl_strv *secrets;
    unsigned depth; /* of templates in templates; starts at 0 */
};

#endif
