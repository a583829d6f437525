/* SPDX-License-Identifier: Apache-2.0 */
/* dns_credentials: the inputs of a provider, read from where the user keeps them: a directory with one
 * file an input (SECRETS/DIR), a YAML file, or the environment (commands only). */
#ifndef DNS_CREDENTIALS_H
#define DNS_CREDENTIALS_H

#include "backends/dns/dns_description.h"

struct dns_credentials; /* values by the names of the description; wiped when freed */

/* A place that knows values by name. */
struct dns_credential_source {
    /** Puts the value of @name into @ret (initialised by the caller, secret): 1, 0 = not there, or
     *  -1 and @err. */
    int (*get)(void *user, const char *name, struct cl_buf *ret, struct cl_err *err);
    void *user;
    const char *where; /* for messages: "/etc/certloop/secrets/cloudflare" */
};
/**
 * Reads every input of @d: by its own name first, then by its environment names in order. Secret
 * values are registered for masking in the log. Returns NULL with PERMANENT "CredentialMissing",
 * which names the input and where it was looked for, or "CredentialInvalid".
 */
struct dns_credentials *dns_credentials_read(const struct dns_description *d,
                                             const struct dns_credential_source *source,
                                             struct cl_err *err);
void dns_credentials_destroy(struct dns_credentials *c); /* NULL is fine */

/** From a directory: DIR/NAME, a trailing newline trimmed. */
struct dns_credentials *dns_credentials_from_dir(const struct dns_description *d, const char *dir,
                                                 struct cl_err *err);
/** From a file: a YAML mapping NAME: VALUE (nested for maps and JSON); or a directory, as above. */
struct dns_credentials *dns_credentials_from_path(const struct dns_description *d, const char *path,
                                                  struct cl_err *err);
/** From the environment, by the env names alone. Only commands may do this. */
struct dns_credentials *dns_credentials_from_env(const struct dns_description *d,
                                                 struct cl_err *err);
/** From pairs "NAME=VALUE" (tests, embedders). */
struct dns_credentials *dns_credentials_from_pairs(const struct dns_description *d,
                                                   const struct cl_strv *pairs, struct cl_err *err);

#endif
