/* SPDX-License-Identifier: Apache-2.0 */
/* probe: which leaf does the endpoint serve? A handshake, then the hash of the leaf is compared. */
#include "backends/crypto/cert.h"
#include "hooks/hook.h"
#include "spec/base/cl_alloc.h"

#define DEFAULT_TIMEOUT (5 * CL_SECOND)

/* One probe under way. Frees itself. */
struct probe {
    struct probe_op *op;
    struct http_probe_op handshake;
    char *connect, *expected;
};

static void compare(struct probe *p, const char *chain_pem)
{
    struct probe_op *op = p->op;
    struct cert_facts leaf = {0};
    struct cl_err err = {0};
    char *leaf_pem = NULL, *rest = NULL;

    if (cert_split_chain(chain_pem, &leaf_pem, &rest, &err) < 0 ||
        cert_parse_chain(leaf_pem, &leaf, &err) < 0) {
        (void)cl_format(op->message, sizeof(op->message),
                        "%s serves a certificate that cannot be parsed", p->connect);
    } else {
        op->matches = cl_streq(leaf.sha256, p->expected);
        (void)cl_format(op->serial, sizeof(op->serial), "%s", leaf.serial);
        (void)cl_format(op->message, sizeof(op->message), "%s serves %sserial %s", p->connect,
                        op->matches ? "" : "another certificate, ", op->serial);
    }
    cl_free(leaf_pem);
    cl_free(rest);
    cert_facts_deinit(&leaf);
}

static void handshaken(struct cl_op *done, const struct cl_err *err)
{
    struct probe *p = done->user;
    struct probe_op *op = p->op;

    if (err == NULL) {
        compare(p, p->handshake.chain_pem);
    } else {
        (void)cl_format(op->message, sizeof(op->message), "%s: %s", p->connect, err->text);
    }
    op->impl = NULL;
    cl_op_done(&op->op, err);
    cl_free(p->connect);
    cl_free(p->expected);
    cl_free(p);
}

static void probe_cancel(struct cl_op *op)
{
    struct probe *p = op->impl;
    cl_op_cancel(&p->handshake.op);
}

void probe_start(struct http *h, struct loop *l, const struct probe_spec *spec,
                 const char *default_name, const char *leaf_sha256, struct probe_op *op)
{
    struct probe *p = cl_new(struct probe);

    (void)l;
    op->matches = false;
    op->serial[0] = '\0';
    op->message[0] = '\0';
    op->impl = NULL;
    p->op = op;
    p->expected = cl_strdup(leaf_sha256);
    p->connect = spec->connect[0] == ':' ? cl_printf("localhost%s", spec->connect)
                                         : cl_strdup(spec->connect);
    p->handshake.op = (struct cl_op){.done = handshaken, .user = p};
    op->op.impl = p;
    op->op.cancel = probe_cancel;
    http_probe_start(h, p->connect, cl_str_or(spec->server_name, default_name),
                     spec->timeout > 0 ? spec->timeout : DEFAULT_TIMEOUT, &p->handshake);
}

char *probe_default_name(const struct cert_spec *spec)
{
    if (spec->dns_names.len > 0) {
        const char *name = spec->dns_names.items[0];
        return cl_str_starts(name, "*.") ? cl_printf("certloop-probe%s", name + 1)
                                         : cl_strdup(name);
    }
    if (spec->ip_addresses.len > 0) {
        return cl_strdup(spec->ip_addresses.items[0]);
    }
    return cl_strdup(cl_str_or(spec->common_name, "localhost"));
}
