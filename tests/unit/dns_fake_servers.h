/* SPDX-License-Identifier: Apache-2.0 */
/* dns_fake_servers: name servers of a few records on loopback, inside the loop of the test. They are
 * authoritative for what their SOA records say, know delegations, CNAMEs and wildcards, and are lame
 * or silent on demand. Only for tests/unit/test_dns_locate.c and test_dns_propagation.c. */
#ifndef DNS_FAKE_SERVERS_H
#define DNS_FAKE_SERVERS_H

#include "backends/dns/wire/dns_msg.h"
#include "backends/dns/wire/dns_resolve.h"
#include "backends/net/dns_listen.h"
#include "spec/spec_ip.h"
#include "tests/unit/net_fixture.h"

struct fake_rr {
    const char *name; /* "*.example.org" is a wildcard */
    unsigned type;
    const char *data; /* name, address or text; SOA: not used */
};
enum fake_mood { FAKE_WELL, FAKE_REFUSES, FAKE_SILENT, FAKE_NO_AUTHORITY, FAKE_NO_EDNS };
struct fake {
    struct dns_listener *listener;
    char server[32];
    const struct fake_rr *rrs;
    size_t rrs_len;
    enum fake_mood mood;
    unsigned txt_after; /* TXT records are there from that TXT question on */
    unsigned txt_asked;
    struct cl_strv log; /* names asked for */
};

static inline const struct fake_rr *fake_find(const struct fake *f, const char *name, unsigned type)
{
    for (size_t i = 0; i < f->rrs_len; i++) {
        if (f->rrs[i].type == type && cl_streq(f->rrs[i].name, name)) {
            return &f->rrs[i];
        }
    }
    return NULL;
}

static inline bool fake_exists(const struct fake *f, const char *name)
{
    for (size_t i = 0; i < f->rrs_len; i++) {
        if (dns_name_within(f->rrs[i].name, name)) {
            return true;
        }
    }
    return false;
}

static inline const char *fake_zone(const struct fake *f, const char *name)
{
    for (const char *at = name; at != NULL; at = dns_name_parent(at)) {
        if (fake_find(f, at, DNS_SOA) != NULL) {
            return at;
        }
    }
    return NULL;
}

static inline void fake_put(struct dns_writer *w, enum dns_section section, const char *owner,
                            const struct fake_rr *rr)
{
    struct dns_owner o = {
        .section = section, .name = owner, .type = rr->type, .class = DNS_IN, .ttl = 60};
    struct dns_soa soa = {.mname = (char *)(uintptr_t) "ns",
                          .rname = (char *)(uintptr_t) "hostmaster",
                          .minimum = 30};
    struct ip_address ip;

    if (rr->type == DNS_SOA) {
        dns_write_soa(w, &o, &soa);
    } else if (rr->type == DNS_TXT) {
        dns_write_txt(w, &o, rr->data, strlen(rr->data));
    } else if (rr->type == DNS_NS || rr->type == DNS_CNAME) {
        dns_write_target(w, &o, rr->data);
    } else if (ip_parse(rr->data, &ip) == 0) {
        dns_write_rr(w, &o, ip.bytes, ip.len);
    }
}

/* Records of @name and @type, or a CNAME; how many. @owner: whose they are shown to be. */
static inline unsigned fake_records(struct fake *f, struct dns_writer *w, const char *name,
                                    const char *owner, unsigned type)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->rrs_len; i++) {
        const struct fake_rr *rr = &f->rrs[i];
        bool hidden = rr->type == DNS_TXT && f->txt_asked <= f->txt_after;
        if (cl_streq(rr->name, name) && !hidden && (rr->type == type || rr->type == DNS_CNAME)) {
            fake_put(w, DNS_ANSWER, owner, rr);
            n++;
        }
    }
    return n;
}

/* A delegation between the zone and the name. */
static inline const char *fake_cut(const struct fake *f, const char *zone, const char *name)
{
    for (const char *at = name; at != NULL && !cl_streq(at, zone); at = dns_name_parent(at)) {
        if (fake_find(f, at, DNS_NS) != NULL) {
            return at;
        }
    }
    return NULL;
}

static inline void fake_body(struct fake *f, struct dns_writer *w, const struct dns_msg *q,
                             struct dns_msg *flags)
{
    const char *zone = fake_zone(f, q->qname);
    const char *cut = zone != NULL ? fake_cut(f, zone, q->qname) : NULL;
    char wildcard[DNS_NAME_TEXT + 2];

    if (f->mood == FAKE_NO_EDNS && q->edns) {
        flags->rcode = DNS_FORMERR;
        return;
    }
    if (zone == NULL || f->mood == FAKE_REFUSES) {
        flags->rcode = DNS_REFUSED;
        return;
    }
    if (cut != NULL) {
        for (size_t i = 0; i < f->rrs_len; i++) {
            if (f->rrs[i].type == DNS_NS && cl_streq(f->rrs[i].name, cut)) {
                fake_put(w, DNS_AUTHORITY, cut, &f->rrs[i]);
            }
        }
        return;
    }
    flags->aa = f->mood != FAKE_NO_AUTHORITY;
    unsigned n = fake_records(f, w, q->qname, q->qname, q->qtype);
    (void)cl_format(wildcard, sizeof wildcard, "*.%s", dns_name_parent(q->qname));
    if (n == 0 && !fake_exists(f, q->qname)) {
        n = fake_records(f, w, wildcard, q->qname, q->qtype);
        flags->rcode = n == 0 && !fake_exists(f, wildcard) ? DNS_NXDOMAIN : DNS_NOERROR;
    }
    if (n == 0) {
        fake_put(w, DNS_AUTHORITY, zone, fake_find(f, zone, DNS_SOA));
    }
}

static inline size_t fake_answer(void *user, const struct dns_listen_query *query,
                                 unsigned char *ret)
{
    struct fake *f = user;
    struct dns_msg q;
    struct dns_writer w;

    if (dns_msg_decode(query->data, query->len, &q, NULL) < 0) {
        return 0;
    }
    struct dns_msg flags = {.qr = true, .rd = q.rd, .ra = q.rd};
    f->txt_asked += q.qtype == DNS_TXT ? 1 : 0;
    cl_strv_add(&f->log, q.qname);
    dns_write_begin(&w, ret, DNS_LISTEN_ANSWER, q.id);
    dns_write_question(&w, q.qname, q.qtype, q.qclass);
    fake_body(f, &w, &q, &flags);
    dns_write_flags(&w, &flags);
    dns_msg_deinit(&q);
    return f->mood == FAKE_SILENT ? 0 : dns_write_end(&w);
}

static inline void fake_start(struct net *n, struct fake *f, const struct fake_rr *rrs, size_t len)
{
    struct dns_listen_handler handler = {.answer = fake_answer, .user = f};
    struct cl_err err = {0};

    memset(f, 0, sizeof *f);
    f->rrs = rrs;
    f->rrs_len = len;
    assert_int_equal(dns_listen_start(n->loop, "127.0.0.1:0", &handler, &f->listener, &err), 0);
    (void)snprintf(f->server, sizeof f->server, "127.0.0.1:%u", dns_listen_port(f->listener));
}

static inline void fake_stop(struct fake *f)
{
    dns_listen_stop(f->listener);
    cl_strv_deinit(&f->log);
}

/* A resolver that knows one recursive server, and the servers of some zones. */
struct fake_zone {
    const char *zone;
    struct fake *servers[4]; /* up to the first NULL */
};
static inline struct dns_resolver *fake_resolver(struct net *n, const struct fake *recursive,
                                                 const struct fake_zone *zones, size_t len)
{
    struct dns_zone_servers overrides[8];
    struct dns_resolver_params p = {.zones = overrides, .zones_len = len, .timeout = 100};
    struct dns_resolver *r = NULL;
    struct cl_err err = {0};

    memset(overrides, 0, sizeof overrides);
    cl_strv_add(&p.recursive, recursive->server);
    for (size_t i = 0; i < len; i++) {
        overrides[i].zone = zones[i].zone;
        for (size_t k = 0; k < COUNT(zones[i].servers) && zones[i].servers[k] != NULL; k++) {
            cl_strv_add(&overrides[i].servers, zones[i].servers[k]->server);
        }
    }
    assert_int_equal(dns_resolver_create(n->loop, n->http, &p, &r, &err), 0);
    for (size_t i = 0; i < len; i++) {
        cl_strv_deinit(&overrides[i].servers);
    }
    cl_strv_deinit(&p.recursive);
    return r;
}

#endif
