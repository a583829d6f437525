/* SPDX-License-Identifier: Apache-2.0 */
/* dns_responder: the listener, its records, and the face of a provider for them. */
#include "backends/dns/dns_responder.h"

#include "backends/dns/dns_responder_answer.h"
#include "backends/dns/wire/dns_msg.h"
#include "backends/net/dns_listen.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_ip.h"

#include <string.h>

struct responder {
    struct dns_provider_head head; /* first */
    struct loop *loop;
    struct dns_listener *listener;
    struct dns_zone_data data;
};

static struct responder *self(struct dns_provider *p)
{
    return (struct responder *)(void *)p;
}

static size_t on_query(void *user, const struct dns_listen_query *q, unsigned char *ret)
{
    const struct responder *r = user;

    return dns_responder_answer(&r->data, q->data, q->len, q->tcp, ret);
}

/* ---- as a provider ---- */

static void responder_traits(struct dns_provider *p, struct dns_traits *ret)
{
    *ret = (struct dns_traits){.batches = true, .lists = true, .ttl = (long)self(p)->data.ttl};
}

static int find_zone(const struct responder *r, const char *fqdn, const char **ret,
                     struct cl_err *err)
{
    *ret = dns_zone_data_find(&r->data, fqdn);
    if (*ret == NULL) {
        char *zones = cl_strv_join(&r->data.zones, ", ");
        (void)cl_fail(err, CL_ERR_PERMANENT, "ZoneNotFound",
                      "%s: %s does not lie in its zones (%s): delegate it by NS and add it to the "
                      "zones, or point a CNAME from it to a name in one of them",
                      r->head.name, fqdn, zones);
        cl_free(zones);
    }
    return *ret != NULL ? 0 : -1;
}

static void responder_zone(struct dns_provider *p, struct dns_zone_op *op)
{
    struct cl_err err = {0};
    const char *zone = NULL;

    (void)find_zone(self(p), op->fqdn, &zone, &err);
    for (size_t i = 0; i < self(p)->data.zones.len; i++) {
        if (self(p)->data.zones.items[i] == zone) {
            op->zone = self(p)->data.zones.items[i];
        }
    }
    op_later(self(p)->loop, &op->op, &err);
}

static int check_names(const struct responder *r, const struct dns_apply_op *op, struct cl_err *err)
{
    for (size_t i = 0; i < op->n; i++) {
        const char *zone = NULL;
        if (find_zone(r, op->changes[i].fqdn, &zone, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void responder_apply(struct dns_provider *p, struct dns_apply_op *op)
{
    struct responder *r = self(p);
    struct cl_err err = {0};

    if (check_names(r, op, &err) == 0) {
        for (size_t i = 0; i < op->n; i++) {
            const struct dns_change *c = &op->changes[i];
            for (size_t k = 0; k < c->remove.len; k++) {
                dns_zone_data_remove(&r->data, c->fqdn, c->remove.items[k]);
            }
            for (size_t k = 0; k < c->add.len; k++) {
                dns_zone_data_add(&r->data, c->fqdn, c->add.items[k]);
            }
        }
        uint32_t now = (uint32_t)(loop_now(r->loop) / CL_SECOND);
        r->data.serial = now > r->data.serial ? now : r->data.serial + 1;
    }
    op_later(r->loop, &op->op, &err);
}

/* The answer is on its way through the loop: the values may change meanwhile, so they are kept. */
struct listing {
    struct loop_task task;
    struct dns_list_op *op;
    struct cl_strv values;
};

static void list_end(struct loop_task *t)
{
    struct listing *l = t->user;

    l->op->values = l->values;
    cl_op_done(&l->op->op, NULL);
    cl_strv_deinit(&l->values);
    cl_free(l);
}

static void responder_list(struct dns_provider *p, struct dns_list_op *op)
{
    const struct dns_records *records = cl_map_get(&self(p)->data.names, op->fqdn);
    struct listing *l = cl_new(struct listing);

    l->op = op;
    if (records != NULL) {
        cl_strv_copy(&l->values, &records->values);
    }
    op->op.impl = l;
    op->op.cancel = NULL; /* it ends in the next turn anyway */
    loop_defer(self(p)->loop, &l->task, list_end, l);
}

static void responder_destroy(struct dns_provider *p)
{
    struct responder *r = self(p);

    dns_listen_stop(r->listener);
    dns_zone_data_deinit(&r->data);
    cl_free(r->head.name);
    cl_free(r);
}

/* ---- settings ---- */

static char *normalise(const char *name, const char *what, struct cl_err *err)
{
    char *normal = dns_name_normalise(name);
    char clean[CL_CLEAN_TEXT];

    if (normal == NULL) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "ResponderZoneInvalid", "\"%s\" is no name of %s",
                      cl_clean(clean, sizeof clean, name, strlen(name)), what);
    }
    return normal;
}

static int set_name(char **where, const char *name, const char *what, struct cl_err *err)
{
    if (cl_str_empty(name)) {
        return 0;
    }
    *where = normalise(name, what, err);
    return *where != NULL ? 0 : -1;
}

static int set_data(struct dns_zone_data *d, const struct dns_responder_params *p,
                    struct cl_err *err)
{
    for (size_t i = 0; i < p->zones.len; i++) {
        char *zone = normalise(p->zones.items[i], "a zone", err);
        if (zone == NULL) {
            return -1;
        }
        cl_strv_take(&d->zones, zone);
    }
    if (d->zones.len == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "ResponderZoneInvalid",
                       "the responder needs a zone: a name that was delegated to this machine by "
                       "an NS record");
    }
    for (size_t i = 0; i < p->addresses.len; i++) {
        struct ip_address ip;
        if (ip_parse(p->addresses.items[i], &ip) < 0) {
            return cl_fail(err, CL_ERR_PERMANENT, "ResponderZoneInvalid",
                           "an address of the responder's name is no IPv4 or IPv6 address");
        }
        cl_strv_add(&d->addresses, p->addresses.items[i]);
    }
    d->ttl = p->ttl > 0 ? (uint32_t)p->ttl : 1;
    return set_name(&d->ns, p->ns, "a name server", err) < 0 ||
                   set_name(&d->contact, p->contact, "a contact", err) < 0
               ? -1
               : 0;
}

int dns_responder_create(struct loop *l, const struct dns_responder_params *p,
                         struct dns_provider **ret, struct cl_err *err)
{
    static const struct dns_provider_ops OPS = {.kind = "responder",
                                                .traits = responder_traits,
                                                .zone = responder_zone,
                                                .apply = responder_apply,
                                                .list = responder_list,
                                                .destroy = responder_destroy};
    struct responder *r = cl_new(struct responder);
    struct dns_listen_handler handler = {.answer = on_query, .user = r};

    r->head.ops = &OPS;
    r->loop = l;
    r->data.serial = (uint32_t)(loop_now(l) / CL_SECOND);
    if (set_data(&r->data, p, err) < 0 ||
        dns_listen_start(l, p->listen, &handler, &r->listener, err) < 0) {
        responder_destroy((struct dns_provider *)(void *)r);
        return -1;
    }
    r->head.name = cl_printf("responder %s", p->listen);
    *ret = (struct dns_provider *)(void *)r;
    return 0;
}

unsigned dns_responder_port(const struct dns_provider *p)
{
    return dns_listen_port(((const struct responder *)(const void *)p)->listener);
}
