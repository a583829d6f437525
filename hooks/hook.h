/* SPDX-License-Identifier: Apache-2.0 */
/* hook: run what makes a service use a new certificate: exec, signal, systemd. Named hooks come
 * from the Configuration or from a root-owned file in a hook directory. */
#ifndef HOOK_H
#define HOOK_H

#include "backends/net/http.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "backends/rt/proc.h"
#include "spec/spec.h"

/* What happened; borrowed during hook_start. A coalesced run has several certificates. */
struct hook_cert {
    const char *name, *namespace_; /* metadata */
    const char *lineage;           /* directory with cert, chain, fullchain, privkey .pem */
    const struct cl_strv *dns_names;
    const char *cert_path, *key_path, *chain_path, *fullchain_path; /* NULL if not written */
    const char *serial, *issuer_name;
    long revision;
    cl_time not_after;
};
struct hook_event {
    const char *reason; /* "Issued" | "OutputChanged" | "Failed" */
    const struct hook_cert *certs;
    size_t n_certs;
    const char *error; /* for Failed; "" otherwise */
};

/** The environment of an exec hook: PATH, RENEWED_LINEAGE (first), RENEWED_DOMAINS (all, space
 *  separated), FAILED_DOMAINS (Failed), CERTLOOP_* as documented in README. Pure. */
void hook_env(const struct hook_event *e, struct cl_strv *ret);

/**
 * Turns an entry of a spec into what will run: by name from config->hooks, else an executable file
 * NAME or NAME.* in config->hook_directories (owned by root or the daemon, not writable by others),
 * else inline if config->allow_inline_hooks. *ret is owned (hook_spec_deinit).
 * Reasons: "HookNotFound" (text lists where it was looked for), "HookForbidden", "HookUnsafe".
 */
int hook_resolve(const struct config *config, const struct hook_spec *spec, struct hook_spec *ret,
                 struct cl_err *err);
void hook_spec_deinit(struct hook_spec *h);
/** Two hooks with the same identity do the same thing: they run once for both. Owned hex. */
char *hook_identity(const struct hook_spec *resolved);
/** For people: "nginx-reload" or "systemctl reload nginx". Owned. */
char *hook_label(const struct hook_spec *resolved);

struct hook_op {
    struct cl_op op; /* err only if it could not be run; a failing program is exit_code != 0 */
    int exit_code;   /* 0 = success; signals and systemd: 0 or 1 */
    bool timed_out;
    cl_time duration;
    char output[PROC_OUTPUT_MAX + 1]; /* raw tail: for the log and archive only, redacted first */
    void *impl;
};
/** Runs one resolved hook. Deadline: resolved->timeout. Cancel kills it. */
void hook_start(struct loop *l, const struct hook_spec *resolved, const struct hook_event *e,
                struct hook_op *op);

/* Probe: which leaf does the endpoint serve? */
struct probe_op {
    struct cl_op op;
    bool matches;    /* served leaf == expected */
    char serial[80]; /* served; "" if none */
    char message[200];
    void *impl;
};
/** Connects to @spec->connect with SNI (spec->server_name or @default_name) and compares the
 *  SHA-256 of the served leaf with @leaf_sha256. */
void probe_start(struct http *h, struct loop *l, const struct probe_spec *spec,
                 const char *default_name, const char *leaf_sha256, struct probe_op *op);
/** The SNI used when none is given: the first name; "*." becomes "certloop-probe.". Owned. */
char *probe_default_name(const struct cert_spec *spec);

#endif
