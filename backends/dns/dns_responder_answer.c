/* SPDX-License-Identifier: Apache-2.0 */
/* dns_responder_answer: RFC 1034 4.3.2 for zones that have no delegations, aliases or wildcards:
 * TXT records, and at the top SOA and NS. What is not ours is REFUSED, without a word more, so that
 * nobody is worth fooling us about who asks. Questions are sent back in the case they came in: some
 * resolvers mix it, to recognise their answers. */
#include "backends/dns/dns_responder_answer.h"

#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_ip.h"

#include <string.h>

#define HEADER 12U
#define QR 0x80U
#define TRANSFERS_FIRST 251U /* IXFR, AXFR, MAILB, MAILA; then ANY */
#define NEGATIVE_TTL 1U      /* "no such name" is no news worth keeping: values come and go */

struct reply {
    const struct dns_zone_data *z;
    const struct dns_msg *q;
    const char *zone; /* NULL: not ours */
    struct dns_writer w;
    struct dns_msg flags;
    struct dns_mark body; /* behind the question */
};

/* ---- data ---- */

const char *dns_zone_data_find(const struct dns_zone_data *z, const char *name)
{
    const char *best = NULL;

    for (size_t i = 0; i < z->zones.len; i++) {
        const char *zone = z->zones.items[i];
        if (dns_name_within(name, zone) && (best == NULL || strlen(zone) > strlen(best))) {
            best = zone;
        }
    }
    return best;
}

void dns_zone_data_add(struct dns_zone_data *z, const char *name, const char *value)
{
    struct dns_records *r = cl_map_get(&z->names, name);

    if (r == NULL) {
        r = cl_new(struct dns_records);
        (void)cl_map_set(&z->names, name, r);
    }
    if (!cl_strv_has(&r->values, value)) {
        cl_strv_add(&r->values, value);
    }
}

static void records_free(struct dns_records *r)
{
    cl_strv_deinit(&r->values);
    cl_free(r);
}

void dns_zone_data_remove(struct dns_zone_data *z, const char *name, const char *value)
{
    struct dns_records *r = cl_map_get(&z->names, name);
    struct cl_strv rest = {0};

    if (r == NULL) {
        return;
    }
    cl_strv_for_each(v, &r->values) {
        if (!cl_streq(v, value)) {
            cl_strv_add(&rest, v);
        }
    }
    cl_strv_deinit(&r->values);
    r->values = rest;
    if (rest.len == 0) {
        (void)cl_map_remove(&z->names, name);
        records_free(r);
    }
}

void dns_zone_data_deinit(struct dns_zone_data *z)
{
    size_t pos = 0;
    void *r = NULL;

    while (cl_map_next(&z->names, &pos, NULL, &r)) {
        records_free(r);
    }
    cl_map_deinit(&z->names);
    cl_strv_deinit(&z->zones);
    cl_strv_deinit(&z->addresses);
    cl_free(z->ns);
    cl_free(z->contact);
    memset(z, 0, sizeof *z);
}

/* ---- records ---- */

/* "ns" of the zone, or what is configured. Owned by the caller. */
static char *host_of(const char *configured, const char *label, const char *zone)
{
    return configured != NULL    ? cl_strdup(configured)
           : cl_streq(zone, ".") ? cl_strdup(label)
                                 : cl_printf("%s.%s", label, zone);
}

static void put_soa(struct reply *r, enum dns_section section)
{
    char *ns = host_of(r->z->ns, "ns", r->zone);
    char *contact = host_of(r->z->contact, "hostmaster", r->zone);
    struct dns_soa soa = {.mname = ns,
                          .rname = contact,
                          .serial = r->z->serial,
                          .refresh = 3600,
                          .retry = 600,
                          .expire = 86400,
                          .minimum = NEGATIVE_TTL};
    struct dns_owner o = {
        .section = section, .name = r->zone, .type = DNS_SOA, .class = DNS_IN, .ttl = NEGATIVE_TTL};

    dns_write_soa(&r->w, &o, &soa);
    cl_free(ns);
    cl_free(contact);
}

/* How many were written. */
static size_t put_addresses(struct reply *r, enum dns_section section, const char *name,
                            unsigned type)
{
    struct dns_owner o = {
        .section = section, .name = name, .type = type, .class = DNS_IN, .ttl = 3600};
    size_t n = 0;

    for (size_t i = 0; i < r->z->addresses.len; i++) {
        struct ip_address ip;
        if (ip_parse(r->z->addresses.items[i], &ip) == 0 && ip.len == (type == DNS_A ? 4U : 16U)) {
            dns_write_rr(&r->w, &o, ip.bytes, ip.len);
            n++;
        }
    }
    return n;
}

static size_t put_ns(struct reply *r)
{
    char *ns = host_of(r->z->ns, "ns", r->zone);
    struct dns_owner o = {
        .section = DNS_ANSWER, .name = r->zone, .type = DNS_NS, .class = DNS_IN, .ttl = 3600};

    dns_write_target(&r->w, &o, ns);
    if (dns_zone_data_find(r->z, ns) != NULL) {
        (void)put_addresses(r, DNS_ADDITIONAL, ns, DNS_A);
        (void)put_addresses(r, DNS_ADDITIONAL, ns, DNS_AAAA);
    }
    cl_free(ns);
    return 1;
}

static size_t put_txt(struct reply *r)
{
    const struct dns_records *records = cl_map_get(&r->z->names, r->q->qname);
    struct dns_owner o = {.section = DNS_ANSWER,
                          .name = r->q->qname,
                          .type = DNS_TXT,
                          .class = DNS_IN,
                          .ttl = r->z->ttl};

    for (size_t i = 0; records != NULL && i < records->values.len; i++) {
        dns_write_txt(&r->w, &o, records->values.items[i], strlen(records->values.items[i]));
    }
    return records != NULL ? records->values.len : 0;
}

static bool is_ns_name(const struct reply *r)
{
    char *ns = host_of(r->z->ns, "ns", r->zone);
    bool is = cl_streq(ns, r->q->qname);

    cl_free(ns);
    return is;
}

/* A name exists if it has records, or if one below it has (RFC 8020). */
static bool exists(const struct reply *r)
{
    const char *name = NULL;
    size_t pos = 0;
    void *value = NULL;
    char *ns = host_of(r->z->ns, "ns", r->zone);
    bool yes = dns_name_within(ns, r->q->qname);

    cl_free(ns);
    for (size_t i = 0; i < r->z->zones.len; i++) {
        yes = yes || dns_name_within(r->z->zones.items[i], r->q->qname);
    }
    while (!yes && cl_map_next(&r->z->names, &pos, &name, &value)) {
        yes = dns_name_within(name, r->q->qname);
    }
    return yes;
}

/* The data for a name in a zone of ours. */
static void put_data(struct reply *r)
{
    bool top = cl_streq(r->q->qname, r->zone);
    size_t n = 0;

    r->flags.aa = true;
    if (r->q->qtype == DNS_TXT) {
        n = put_txt(r);
    } else if (r->q->qtype == DNS_SOA && top) {
        put_soa(r, DNS_ANSWER);
        n = 1;
    } else if (r->q->qtype == DNS_NS && top) {
        n = put_ns(r);
    } else if ((r->q->qtype == DNS_A || r->q->qtype == DNS_AAAA) && is_ns_name(r)) {
        n = put_addresses(r, DNS_ANSWER, r->q->qname, r->q->qtype);
    }
    if (n == 0) {
        r->flags.rcode = exists(r) ? DNS_NOERROR : DNS_NXDOMAIN;
        put_soa(r, DNS_AUTHORITY);
    }
}

/* ---- messages ---- */

static unsigned refuse(const struct reply *r)
{
    if (r->q->opcode != DNS_OP_QUERY) {
        return DNS_NOTIMP;
    }
    if (!r->q->has_question) {
        return DNS_FORMERR;
    }
    if (r->q->edns && r->q->edns_version > 0) {
        return DNS_BADVERS;
    }
    bool meta = r->q->qtype >= TRANSFERS_FIRST && r->q->qtype <= DNS_ANY;
    return r->zone == NULL || r->q->qclass != DNS_IN || meta ? DNS_REFUSED : DNS_NOERROR;
}

static size_t malformed(const unsigned char *query, size_t len, unsigned char *ret)
{
    if (len < HEADER || (query[2] & QR) != 0) {
        return 0;
    }
    memset(ret, 0, HEADER);
    memcpy(ret, query, 2);
    ret[2] = (unsigned char)(QR | (query[2] & 0x79)); /* opcode and RD */
    ret[3] = DNS_FORMERR;
    return HEADER;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* The question as it was asked, letter by letter; what points to it gets the same case. */
static void restore_case(unsigned char *ret, const unsigned char *query, size_t end, size_t len)
{
    for (size_t i = HEADER; i < end; i++) {
        if (i >= len || lower(query[i]) != lower(ret[i])) {
            return; /* it was compressed */
        }
    }
    memcpy(ret + HEADER, query + HEADER, end - HEADER);
}

size_t dns_responder_answer(const struct dns_zone_data *z, const unsigned char *query, size_t len,
                            bool tcp, unsigned char *ret)
{
    struct dns_msg q;
    struct reply r = {.z = z, .q = &q};

    if (dns_msg_decode(query, len, &q, NULL) < 0) {
        return malformed(query, len, ret);
    }
    if (q.qr) {
        dns_msg_deinit(&q);
        return 0;
    }
    size_t udp = q.edns && q.edns_size < DNS_EDNS_SIZE ? q.edns_size : DNS_EDNS_SIZE;
    size_t limit = tcp ? UINT16_MAX : q.edns ? udp : 512;
    size_t edns = q.edns ? 11 : 0; /* its place is kept */

    r.zone = q.has_question ? dns_zone_data_find(z, q.qname) : NULL;
    r.flags = (struct dns_msg){.qr = true, .opcode = q.opcode, .rd = q.rd};
    r.flags.rcode = refuse(&r);
    dns_write_begin(&r.w, ret, limit - edns, q.id);
    if (q.has_question) {
        dns_write_question(&r.w, q.qname, q.qtype, q.qclass);
    }
    r.body = dns_write_mark(&r.w);
    if (r.flags.rcode == DNS_NOERROR) {
        put_data(&r);
        if (r.w.failed) { /* too much for a datagram: by TCP, then (RFC 2181 9) */
            dns_write_rewind(&r.w, &r.body);
            r.flags.tc = true;
        }
    }
    dns_write_flags(&r.w, &r.flags);
    if (q.edns) {
        r.w.size = limit;
        dns_write_edns(&r.w, DNS_EDNS_SIZE, r.flags.rcode);
    }
    size_t n = dns_write_end(&r.w);
    if (n > 0 && q.has_question) {
        restore_case(ret, query, r.body.len, len);
    }
    dns_msg_deinit(&q);
    return n;
}
