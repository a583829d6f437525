/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rfc2136: one job for each op: questions and updates go to the one configured server, signed,
 * and what comes back is believed only if it is signed, too. An update names single records to add
 * (RFC 2136 2.5.1) and to delete (2.5.4); a server ignores one that is there, or gone, already. */
#include "backends/dns/dns_rfc2136.h"

#include "backends/dns/dns_rfc2136_reason.h"
#include "backends/dns/wire/dns_msg.h"
#include "backends/dns/wire/dns_tsig.h"
#include "backends/net/dns_exchange.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define TTL 60
#define TIMEOUT (5 * CL_SECOND)
#define UPDATE_MAX 32768U  /* bytes of one update; more changes are several */
#define DATAGRAM_MAX 1232U /* longer updates go by TCP */
#define MESSAGE_MAX 65535U

struct rfc2136 {
    struct dns_provider_head head; /* first */
    struct loop *loop;
    char server[DNS_SERVER_TEXT];
    struct dns_tsig_key key;
    bool has_key;
    char *zone; /* NULL: asked */
    bool tcp;
    long ttl;
    cl_time timeout;
};

struct job {
    struct rfc2136 *p;
    struct cl_op *op; /* the caller's */
    /* Looks at a good answer: 0 = the job has ended or has asked again, -1 = it fails with *err. */
    int (*answered)(struct job *j, const struct dns_msg *m, struct cl_err *err);
    struct dns_exchange_op exchange;
    struct dns_tsig_mac mac;
    char *name;     /* zone, list: asked for; apply: the zone */
    const char *at; /* zone: in name */
    char *step;     /* for messages: "update of zone example.org" */
    size_t next;    /* apply: the first change that was not sent */
};

static struct rfc2136 *self(struct dns_provider *p)
{
    return (struct rfc2136 *)(void *)p;
}

/* ---- jobs ---- */

static struct job *job_new(struct dns_provider *p, struct cl_op *op, char *take_name)
{
    struct job *j = cl_new(struct job);

    j->p = self(p);
    j->op = op;
    j->name = take_name;
    j->at = take_name;
    return j;
}

static void job_end(struct job *j, const struct cl_err *err)
{
    struct cl_err copy = {0};

    if (err != NULL) {
        copy = *err;
        cl_wrap(&copy, "%s: %s", j->p->head.name, j->step);
    }
    cl_op_done(j->op, err != NULL ? &copy : NULL);
    cl_free(j->name);
    cl_free(j->step);
    cl_free(j);
}

static int check_answer(struct job *j, struct dns_msg *m, struct cl_err *err)
{
    struct cl_buf raw;
    const char *key = j->p->has_key ? j->p->key.name : NULL;
    uint64_t now = (uint64_t)(loop_now(j->p->loop) / CL_SECOND);
    int rc = 0;

    if (dns_msg_decode(j->exchange.answer, j->exchange.answer_len, m, err) < 0) {
        return -1;
    }
    /* A refusal may come unsigned: nothing is believed by taking it for one. */
    if (j->p->has_key && (m->tsig != 0 || m->rcode == DNS_NOERROR)) {
        cl_buf_init(&raw, MESSAGE_MAX);
        (void)cl_buf_add(&raw, j->exchange.answer, j->exchange.answer_len);
        rc = dns_tsig_verify(&j->p->key, &raw, m->tsig, &j->mac, now, err);
        cl_buf_deinit(&raw);
    }
    if (rc == 0) {
        rc = dns_rfc2136_reason(m, key, err);
    }
    if (rc < 0) {
        dns_msg_deinit(m);
    }
    return rc;
}

static void on_answer(struct cl_op *op, const struct cl_err *err)
{
    struct job *j = op->user;
    struct dns_msg m = {0};
    struct cl_err failure = {0};

    if (err != NULL) {
        job_end(j, err);
        return;
    }
    if (check_answer(j, &m, &failure) < 0) {
        job_end(j, &failure);
        return;
    }
    int rc = j->answered(j, &m, &failure);
    dns_msg_deinit(&m);
    if (rc < 0) {
        job_end(j, &failure);
    }
}

static void on_cancel(struct cl_op *op)
{
    struct job *j = op->impl;

    cl_op_cancel(&j->exchange.op);
}

/* Signs and sends what is in @w: 0 or -1. */
static int job_send(struct job *j, const struct dns_writer *w, struct cl_err *err)
{
    struct rfc2136 *p = j->p;
    size_t len = dns_write_end(w);
    struct cl_buf msg;
    int rc = 0;

    if (len == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "NameInvalid", "no message can be made of the names");
    }
    cl_buf_init(&msg, MESSAGE_MAX);
    (void)cl_buf_add(&msg, w->data, len);
    if (p->has_key) {
        uint64_t now = (uint64_t)(loop_now(p->loop) / CL_SECOND);
        rc = dns_tsig_sign(&p->key, &msg, now, &j->mac, err);
    }
    if (rc == 0) {
        bool tcp = p->tcp || msg.len > DATAGRAM_MAX;
        struct dns_exchange_request req = {.server = p->server,
                                           .query = msg.data,
                                           .query_len = msg.len,
                                           .keep_id = true,
                                           .transport = tcp ? DNS_TCP : DNS_UDP_TCP,
                                           .timeout = p->timeout};
        j->exchange.op = (struct cl_op){.done = on_answer, .user = j};
        dns_exchange_start(p->loop, &req, &j->exchange);
    }
    cl_buf_deinit(&msg);
    return rc;
}

/* @err of a start that failed goes to the caller in the next turn. */
static void job_fail_later(struct job *j, const struct cl_err *err)
{
    struct cl_err copy = *err;

    cl_wrap(&copy, "%s: %s", j->p->head.name, j->step);
    op_later(j->p->loop, j->op, &copy);
    cl_free(j->name);
    cl_free(j->step);
    cl_free(j);
}

static void job_start(struct job *j, int (*ask)(struct job *j, struct cl_err *err))
{
    struct cl_err err = {0};

    j->op->impl = j;
    j->op->cancel = on_cancel;
    if (ask(j, &err) < 0) {
        job_fail_later(j, &err);
    }
}

static unsigned new_id(const struct job *j)
{
    return (unsigned)(loop_entropy(j->p->loop) & 0xffff);
}

static int ask_question(struct job *j, const char *name, unsigned type, struct cl_err *err)
{
    unsigned char buf[512];
    struct dns_writer w;

    dns_write_begin(&w, buf, sizeof buf, new_id(j));
    dns_write_question(&w, name, type, DNS_IN);
    dns_write_edns(&w, DNS_EDNS_SIZE, 0);
    return job_send(j, &w, err);
}

/* ---- zone: the SOA record that the server shows for the name ---- */

static int ask_soa(struct job *j, struct cl_err *err)
{
    return ask_question(j, j->at, DNS_SOA, err);
}

static int zone_answered(struct job *j, const struct dns_msg *m, struct cl_err *err)
{
    struct dns_zone_op *op = cl_container(j->op, struct dns_zone_op, op);
    const struct dns_rr *soa = dns_msg_find(m, DNS_ANSWER, j->at, DNS_SOA);
    bool alias = dns_msg_find(m, DNS_ANSWER, NULL, DNS_CNAME) != NULL;

    if (soa == NULL && !alias) {
        soa = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_SOA);
    }
    if (soa != NULL && m->aa && dns_name_within(j->at, soa->name)) {
        op->zone = cl_strdup(soa->name);
        char *zone = op->zone;
        job_end(j, NULL);
        cl_free(zone);
        return 0;
    }
    const char *parent =
        alias ? dns_name_parent(j->at) : NULL; /* a CNAME says nothing of the zone */
    if (parent != NULL && !cl_streq(parent, ".")) {
        j->at = parent;
        return ask_soa(j, err);
    }
    return cl_fail(err, CL_ERR_PERMANENT, "ZoneNotFound",
                   "the name server is authoritative for no zone that holds %s; if a zone is "
                   "missing there, add it, else name another server",
                   j->name);
}

static void rfc2136_zone(struct dns_provider *p, struct dns_zone_op *op)
{
    op->zone = self(p)->zone;
    if (op->zone != NULL && dns_name_within(op->fqdn, op->zone)) {
        op_later(self(p)->loop, &op->op, NULL);
        return;
    }
    op->zone = NULL;
    struct job *j = job_new(p, &op->op, cl_strdup(op->fqdn));
    j->step = cl_printf("looking for the zone of %s", op->fqdn);
    j->answered = zone_answered;
    job_start(j, ask_soa);
}

/* ---- apply ---- */

static void write_change(struct dns_writer *w, const struct dns_change *c, long ttl)
{
    struct dns_owner o = {.section = DNS_AUTHORITY, .name = c->fqdn, .type = DNS_TXT};

    o.class = DNS_CLASS_NONE; /* delete this record from the set */
    for (size_t i = 0; i < c->remove.len; i++) {
        dns_write_txt(w, &o, c->remove.items[i], strlen(c->remove.items[i]));
    }
    o.class = DNS_IN;
    o.ttl = (uint32_t)ttl;
    for (size_t i = 0; i < c->add.len; i++) {
        dns_write_txt(w, &o, c->add.items[i], strlen(c->add.items[i]));
    }
}

/* As many of the changes as fit; a single one always does, unless it is no name. */
static int ask_update(struct job *j, struct cl_err *err)
{
    const struct dns_apply_op *op = cl_container(j->op, struct dns_apply_op, op);
    unsigned char *buf = cl_malloc(UPDATE_MAX);
    struct dns_msg flags = {.opcode = DNS_OP_UPDATE};
    struct dns_writer w;
    size_t first = j->next;

    dns_write_begin(&w, buf, UPDATE_MAX, new_id(j));
    dns_write_flags(&w, &flags);
    dns_write_question(&w, j->name, DNS_SOA, DNS_IN);
    for (; j->next < op->n; j->next++) {
        struct dns_mark mark = dns_write_mark(&w);
        write_change(&w, &op->changes[j->next], j->p->ttl);
        if (w.failed && j->next > first) {
            dns_write_rewind(&w, &mark);
            break;
        }
    }
    int rc = job_send(j, &w, err);
    cl_free(buf);
    return rc;
}

static int apply_answered(struct job *j, const struct dns_msg *m, struct cl_err *err)
{
    const struct dns_apply_op *op = cl_container(j->op, struct dns_apply_op, op);

    (void)m;
    if (j->next < op->n) {
        return ask_update(j, err);
    }
    job_end(j, NULL);
    return 0;
}

static void rfc2136_apply(struct dns_provider *p, struct dns_apply_op *op)
{
    struct job *j = job_new(p, &op->op, cl_strdup(op->zone));

    j->step = cl_printf("update of zone %s", op->zone);
    j->answered = apply_answered;
    job_start(j, ask_update);
}

/* ---- list ---- */

static int ask_txt(struct job *j, struct cl_err *err)
{
    return ask_question(j, j->name, DNS_TXT, err);
}

static int list_answered(struct job *j, const struct dns_msg *m, struct cl_err *err)
{
    struct dns_list_op *op = cl_container(j->op, struct dns_list_op, op);
    struct cl_strv values = {0};

    (void)err;
    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == DNS_TXT && rr->text != NULL &&
            cl_streq(rr->name, j->name)) {
            cl_strv_add(&values, rr->text);
        }
    }
    op->values = values;
    job_end(j, NULL);
    cl_strv_deinit(&values);
    return 0;
}

static void rfc2136_list(struct dns_provider *p, struct dns_list_op *op)
{
    struct job *j = job_new(p, &op->op, cl_strdup(op->fqdn));

    memset(&op->values, 0, sizeof op->values);
    j->step = cl_printf("reading %s", op->fqdn);
    j->answered = list_answered;
    job_start(j, ask_txt);
}

/* ---- the provider ---- */

static void rfc2136_traits(struct dns_provider *p, struct dns_traits *ret)
{
    *ret = (struct dns_traits){.batches = true, .lists = true, .ttl = self(p)->ttl};
}

static void rfc2136_destroy(struct dns_provider *p)
{
    struct rfc2136 *r = self(p);

    dns_tsig_key_deinit(&r->key);
    cl_free(r->head.name);
    cl_free(r->zone);
    cl_free(r);
}

int dns_rfc2136_create(struct loop *l, const struct dns_rfc2136_params *p,
                       struct dns_provider **ret, struct cl_err *err)
{
    static const struct dns_provider_ops OPS = {.kind = "rfc2136",
                                                .traits = rfc2136_traits,
                                                .zone = rfc2136_zone,
                                                .apply = rfc2136_apply,
                                                .list = rfc2136_list,
                                                .destroy = rfc2136_destroy};
    struct rfc2136 *r = cl_new(struct rfc2136);
    int rc = dns_server_format(p->nameserver, r->server, err);

    r->head.ops = &OPS;
    r->loop = l;
    r->tcp = p->tcp;
    r->ttl = p->ttl > 0 ? p->ttl : TTL;
    r->timeout = p->timeout > 0 ? p->timeout : TIMEOUT;
    if (rc == 0 && !cl_str_empty(p->key_name)) {
        rc = dns_tsig_key_init(&r->key, p->key_name, p->key_algorithm, p->key_secret, err);
        r->has_key = rc == 0;
    }
    if (rc == 0 && !cl_str_empty(p->zone)) {
        r->zone = dns_name_normalise(p->zone);
        if (r->zone == NULL) {
            rc = cl_fail(err, CL_ERR_PERMANENT, "ZoneInvalid", "\"%s\" is no zone", p->zone);
        }
    }
    if (rc < 0) {
        rfc2136_destroy((struct dns_provider *)(void *)r);
        return -1;
    }
    r->head.name = cl_printf("rfc2136 %s", r->server);
    *ret = (struct dns_provider *)(void *)r;
    return 0;
}
