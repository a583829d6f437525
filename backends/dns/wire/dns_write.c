/* SPDX-License-Identifier: Apache-2.0 */
/* dns_write: messages of ours, written into memory of the caller. Owner names, and names in NS,
 * CNAME and SOA, are compressed against all names before them. */
#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define HEADER 12U
#define POINTER_MAX 0x3fffU
#define STRING_MAX 255U

static void put(struct dns_writer *w, const void *data, size_t len)
{
    if (w->failed || w->size - w->len < len) {
        w->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(w->data + w->len, data, len);
    }
    w->len += len;
}

static void put16(struct dns_writer *w, unsigned v)
{
    unsigned char b[2] = {(unsigned char)(v >> 8 & 0xff), (unsigned char)(v & 0xff)};

    put(w, b, sizeof b);
}

static void put32(struct dns_writer *w, uint32_t v)
{
    put16(w, v >> 16);
    put16(w, v & 0xffff);
}

/* Does the message have, at @at, exactly the uncompressed @name? Only our own bytes are read. */
static bool stands_at(const struct dns_writer *w, size_t at, const unsigned char *name)
{
    for (;;) {
        while (w->data[at] >= 0xc0) {
            at = (size_t)(w->data[at] & 0x3f) << 8 | w->data[at + 1];
        }
        if (w->data[at] != name[0]) {
            return false;
        }
        if (name[0] == 0) {
            return true;
        }
        if (memcmp(w->data + at + 1, name + 1, name[0]) != 0) {
            return false;
        }
        at += 1U + w->data[at];
        name += 1U + name[0];
    }
}

static size_t known(const struct dns_writer *w, const unsigned char *name)
{
    for (size_t i = 0; i < w->names_len; i++) {
        if (stands_at(w, w->names[i], name)) {
            return w->names[i];
        }
    }
    return 0;
}

static void put_name(struct dns_writer *w, const char *text)
{
    unsigned char wire[DNS_NAME_MAX];
    size_t first = w->names_len;
    uint16_t added[sizeof w->names / sizeof w->names[0]];
    size_t added_len = 0;

    if (w->failed || dns_name_encode(text, wire) < 0) {
        w->failed = true;
        return;
    }
    const unsigned char *label = wire;
    for (; label[0] != 0; label += 1U + label[0]) {
        size_t at = known(w, label);
        if (at != 0) {
            put16(w, 0xc000U | (unsigned)at);
            break;
        }
        if (w->len <= POINTER_MAX && first + added_len < sizeof added / sizeof added[0]) {
            added[added_len++] = (uint16_t)w->len;
        }
        put(w, label, 1U + label[0]);
    }
    if (label[0] == 0) {
        put(w, label, 1);
    }
    /* Known to others only when it is complete. */
    if (!w->failed) {
        memcpy(w->names + first, added, added_len * sizeof added[0]);
        w->names_len += added_len;
    }
}

void dns_write_begin(struct dns_writer *w, void *data, size_t size, unsigned id)
{
    static const unsigned char ZEROES[HEADER - 2];

    *w = (struct dns_writer){.data = data, .size = size};
    put16(w, id);
    put(w, ZEROES, sizeof ZEROES);
}

void dns_write_flags(struct dns_writer *w, const struct dns_msg *m)
{
    unsigned flags = (m->qr ? 0x8000U : 0) | (m->opcode & 0x0f) << 11 | (m->aa ? 0x0400U : 0) |
                     (m->tc ? 0x0200U : 0) | (m->rd ? 0x0100U : 0) | (m->ra ? 0x0080U : 0) |
                     (m->rcode & 0x0f);

    w->data[2] = (unsigned char)(flags >> 8);
    w->data[3] = (unsigned char)(flags & 0xff);
}

static void count(struct dns_writer *w, unsigned which)
{
    unsigned char *p = w->data + 4 + 2UL * which;
    unsigned n = ((unsigned)p[0] << 8 | p[1]) + 1;

    if (!w->failed) {
        p[0] = (unsigned char)(n >> 8);
        p[1] = (unsigned char)(n & 0xff);
    }
}

void dns_write_question(struct dns_writer *w, const char *name, unsigned type, unsigned class)
{
    put_name(w, name);
    put16(w, type);
    put16(w, class);
    count(w, 0);
}

/* Begins a record; returns where its length stands, to be filled in by rr_end. */
static size_t rr_begin(struct dns_writer *w, const struct dns_owner *o)
{
    put_name(w, o->name);
    put16(w, o->type);
    put16(w, o->class);
    put32(w, o->ttl);
    put16(w, 0);
    return w->len - 2;
}

static void rr_end(struct dns_writer *w, const struct dns_owner *o, size_t at)
{
    size_t len = w->len - at - 2;

    if (len > UINT16_MAX) {
        w->failed = true;
    }
    if (!w->failed) {
        w->data[at] = (unsigned char)(len >> 8);
        w->data[at + 1] = (unsigned char)(len & 0xff);
        count(w, 1U + (unsigned)o->section);
    }
}

void dns_write_rr(struct dns_writer *w, const struct dns_owner *o, const void *rdata, size_t len)
{
    size_t at = rr_begin(w, o);

    put(w, rdata, len);
    rr_end(w, o, at);
}

void dns_write_txt(struct dns_writer *w, const struct dns_owner *o, const char *value, size_t len)
{
    size_t at = rr_begin(w, o);

    do { /* at least one string, which may be empty */
        unsigned char n = (unsigned char)(len < STRING_MAX ? len : STRING_MAX);
        put(w, &n, 1);
        put(w, value, n);
        value += n;
        len -= n;
    } while (len > 0 && !w->failed);
    rr_end(w, o, at);
}

void dns_write_target(struct dns_writer *w, const struct dns_owner *o, const char *target)
{
    size_t at = rr_begin(w, o);

    put_name(w, target);
    rr_end(w, o, at);
}

void dns_write_soa(struct dns_writer *w, const struct dns_owner *o, const struct dns_soa *soa)
{
    size_t at = rr_begin(w, o);

    put_name(w, soa->mname);
    put_name(w, soa->rname);
    put32(w, soa->serial);
    put32(w, soa->refresh);
    put32(w, soa->retry);
    put32(w, soa->expire);
    put32(w, soa->minimum);
    rr_end(w, o, at);
}

void dns_write_edns(struct dns_writer *w, size_t udp_size, unsigned rcode)
{
    struct dns_owner o = {.section = DNS_ADDITIONAL,
                          .name = ".",
                          .type = DNS_OPT,
                          .class = (unsigned)udp_size,
                          .ttl = (uint32_t)(rcode >> 4) << 24};

    dns_write_rr(w, &o, NULL, 0);
}

size_t dns_write_end(const struct dns_writer *w)
{
    return w->failed ? 0 : w->len;
}

struct dns_mark dns_write_mark(const struct dns_writer *w)
{
    struct dns_mark m = {.len = w->len, .names_len = w->names_len};

    memcpy(m.counts, w->data + 4, sizeof m.counts);
    return m;
}

void dns_write_rewind(struct dns_writer *w, const struct dns_mark *mark)
{
    w->len = mark->len;
    w->names_len = mark->names_len;
    w->failed = false;
    memcpy(w->data + 4, mark->counts, sizeof mark->counts);
}

static void write_query(struct dns_writer *w, unsigned char buf[512], const char *name,
                        unsigned type, bool rd)
{
    struct dns_msg flags = {.rd = rd};

    dns_write_begin(w, buf, 512, 0);
    dns_write_flags(w, &flags);
    dns_write_question(w, name, type, DNS_IN);
}

size_t dns_msg_query(unsigned char buf[512], const char *name, unsigned type, bool rd)
{
    struct dns_writer w;

    write_query(&w, buf, name, type, rd);
    dns_write_edns(&w, DNS_EDNS_SIZE, 0);
    return dns_write_end(&w);
}

size_t dns_msg_query_plain(unsigned char buf[512], const char *name, unsigned type, bool rd)
{
    struct dns_writer w;

    write_query(&w, buf, name, type, rd);
    return dns_write_end(&w);
}
