/* SPDX-License-Identifier: Apache-2.0 */
/* dns_msg: decoding of messages, and the names of codes. Everything comes from the network: each
 * length is checked against what is left, and data of a record is read within its bounds only. */
#include "backends/dns/wire/dns_msg.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"

#include <string.h>

#define HEADER 12U

struct reader {
    const unsigned char *data;
    size_t len, pos;
    bool failed;
};

/* ---- numbers and names; after a failure everything reads as 0 ---- */

static const unsigned char *take(struct reader *r, size_t n)
{
    if (r->failed || r->len - r->pos < n) {
        r->failed = true;
        return NULL;
    }
    r->pos += n;
    return r->data + r->pos - n;
}

static unsigned get8(struct reader *r)
{
    const unsigned char *p = take(r, 1);

    return p != NULL ? p[0] : 0;
}

static unsigned get16(struct reader *r)
{
    const unsigned char *p = take(r, 2);

    return p != NULL ? (unsigned)p[0] << 8 | p[1] : 0;
}

static uint32_t get32(struct reader *r)
{
    uint32_t high = get16(r);

    return high << 16 | get16(r);
}

static char *get_name(struct reader *r)
{
    char text[DNS_NAME_TEXT];

    if (r->failed || dns_name_decode(r->data, r->len, &r->pos, text) < 0) {
        r->failed = true;
        return NULL;
    }
    return cl_strdup(text);
}

/* ---- data of records ---- */

static void read_address(struct reader *r, struct dns_rr *rr, size_t len)
{
    struct ip_address ip = {.len = len};
    const unsigned char *p = take(r, len);

    if (p != NULL) {
        memcpy(ip.bytes, p, len);
        (void)ip_format(&ip, rr->address);
    }
}

static void read_soa(struct reader *r, struct dns_rr *rr)
{
    rr->soa = cl_new(struct dns_soa);
    rr->soa->mname = get_name(r);
    rr->soa->rname = get_name(r);
    rr->soa->serial = get32(r);
    rr->soa->refresh = get32(r);
    rr->soa->retry = get32(r);
    rr->soa->expire = get32(r);
    rr->soa->minimum = get32(r);
}

/* Strings of RFC 1035 3.3.14, joined without anything between them. */
static void read_txt(struct reader *r, struct dns_rr *rr, size_t end)
{
    char *text = cl_malloc(rr->rdlen + 1);
    size_t len = 0;

    while (!r->failed && r->pos < end) {
        size_t n = get8(r);
        const unsigned char *p = r->pos + n <= end ? take(r, n) : NULL;
        if (p == NULL) {
            r->failed = true;
            break;
        }
        memcpy(text + len, p, n);
        len += n;
    }
    text[len] = '\0';
    rr->text = text;
    rr->text_len = len;
}

/* RFC 8659 4.1 */
static void read_caa(struct reader *r, struct dns_rr *rr, size_t end)
{
    rr->caa_flags = get8(r);
    size_t n = get8(r);
    const unsigned char *tag = take(r, n);

    if (tag == NULL || r->pos > end) {
        r->failed = true;
        return;
    }
    if (n < sizeof rr->caa_tag) {
        memcpy(rr->caa_tag, tag, n);
        (void)cl_str_lower(rr->caa_tag);
    }
    rr->text_len = end - r->pos;
    rr->text = cl_strndup((const char *)r->data + r->pos, rr->text_len);
    r->pos = end;
}

static void read_rdata(struct reader *r, struct dns_rr *rr)
{
    size_t end = r->pos + rr->rdlen;

    if (rr->rdlen == 0) { /* in updates: a set or a name is meant (RFC 2136 2.4) */
        return;
    }
    switch (rr->type) {
    case DNS_A:
        read_address(r, rr, 4);
        break;
    case DNS_AAAA:
        read_address(r, rr, 16);
        break;
    case DNS_NS:
    case DNS_CNAME:
        rr->target = get_name(r);
        break;
    case DNS_SOA:
        read_soa(r, rr);
        break;
    case DNS_TXT:
        read_txt(r, rr, end);
        break;
    case DNS_CAA:
        read_caa(r, rr, end);
        break;
    default:
        r->pos = end;
        break;
    }
    if (r->pos != end) {
        r->failed = true;
    }
}

/* ---- records ---- */

static void rr_deinit(struct dns_rr *rr)
{
    cl_free(rr->name);
    cl_free(rr->target);
    cl_free(rr->text);
    if (rr->soa != NULL) {
        cl_free(rr->soa->mname);
        cl_free(rr->soa->rname);
        cl_free(rr->soa);
    }
}

/* OPT says with its class and TTL what others have for other purposes (RFC 6891 6.1.2). */
static void read_opt(struct reader *r, struct dns_msg *m, const struct dns_rr *rr)
{
    if (m->edns || rr->section != DNS_ADDITIONAL || !cl_streq(rr->name, ".")) {
        r->failed = true;
        return;
    }
    m->edns = true;
    m->edns_size = rr->class > 512 ? rr->class : 512;
    m->rcode |= rr->ttl >> 24 << 4;
    m->edns_version = rr->ttl >> 16 & 0xff;
    m->edns_do = (rr->ttl & 0x8000) != 0;
}

static void read_rr(struct reader *r, struct dns_msg *m, enum dns_section section)
{
    struct dns_rr rr = {.section = section, .at = r->pos};

    rr.name = get_name(r);
    rr.type = get16(r);
    rr.class = get16(r);
    rr.ttl = get32(r);
    rr.rdlen = get16(r);
    rr.rdata = r->pos;
    if (r->failed || r->len - r->pos < rr.rdlen || m->tsig != 0) { /* TSIG is the last one */
        r->failed = true;
        rr_deinit(&rr);
        return;
    }
    if (rr.type == DNS_OPT || rr.type == DNS_TSIG) {
        r->pos += rr.rdlen;
        if (rr.type == DNS_OPT) {
            read_opt(r, m, &rr);
        } else {
            m->tsig = rr.at;
            r->failed = section != DNS_ADDITIONAL;
        }
        rr_deinit(&rr);
        return;
    }
    if (m->n == DNS_RRS_MAX) {
        r->failed = true;
        rr_deinit(&rr);
        return;
    }
    if ((m->n & (m->n - 1)) == 0) { /* a power of two: full */
        m->rrs = cl_reallocarray(m->rrs, m->n == 0 ? 1 : m->n * 2, sizeof *m->rrs);
    }
    read_rdata(r, &rr);
    m->rrs[m->n++] = rr;
}

int dns_msg_decode(const void *data, size_t len, struct dns_msg *ret, struct cl_err *err)
{
    struct reader r = {.data = data, .len = len};
    struct dns_msg m = {.edns_size = 512};
    unsigned counts[4];

    m.id = get16(&r);
    unsigned flags = get16(&r);
    m.qr = (flags & 0x8000) != 0;
    m.opcode = flags >> 11 & 0x0f;
    m.aa = (flags & 0x0400) != 0;
    m.tc = (flags & 0x0200) != 0;
    m.rd = (flags & 0x0100) != 0;
    m.ra = (flags & 0x0080) != 0;
    m.rcode = flags & 0x0f;
    for (size_t i = 0; i < 4; i++) {
        counts[i] = get16(&r);
    }
    r.failed = r.failed || counts[0] > 1;
    if (!r.failed && counts[0] == 1) {
        m.has_question = true;
        m.qname = get_name(&r);
        m.qtype = get16(&r);
        m.qclass = get16(&r);
    }
    for (unsigned section = 0; section < 3; section++) {
        for (unsigned i = 0; i < counts[section + 1] && !r.failed; i++) {
            read_rr(&r, &m, (enum dns_section)section);
        }
    }
    if (r.failed || r.pos != len) {
        dns_msg_deinit(&m);
        return cl_fail(err, CL_ERR_BAD_RESULT, "DNSMessageInvalid",
                       "a DNS message of %zu bytes is malformed near byte %zu", len, r.pos);
    }
    *ret = m;
    return 0;
}

void dns_msg_deinit(struct dns_msg *m)
{
    for (size_t i = 0; i < m->n; i++) {
        rr_deinit(&m->rrs[i]);
    }
    cl_free(m->rrs);
    cl_free(m->qname);
    memset(m, 0, sizeof *m);
}

const struct dns_rr *dns_msg_find(const struct dns_msg *m, enum dns_section section,
                                  const char *name, unsigned type)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == section && rr->type == type && rr->class == DNS_IN &&
            (name == NULL || cl_streq(rr->name, name))) {
            return rr;
        }
    }
    return NULL;
}

/* ---- names of codes ---- */

struct code {
    unsigned code;
    const char *name;
};

static const char *find_code(const struct code *codes, size_t n, unsigned code)
{
    for (size_t i = 0; i < n; i++) {
        if (codes[i].code == code) {
            return codes[i].name;
        }
    }
    return NULL;
}

const char *dns_rcode_name(unsigned rcode, char buf[16])
{
    static const struct code CODES[] = {{DNS_NOERROR, "NOERROR"},
                                        {DNS_FORMERR, "FORMERR"},
                                        {DNS_SERVFAIL, "SERVFAIL"},
                                        {DNS_NXDOMAIN, "NXDOMAIN"},
                                        {DNS_NOTIMP, "NOTIMP"},
                                        {DNS_REFUSED, "REFUSED"},
                                        {6, "YXDOMAIN"},
                                        {7, "YXRRSET"},
                                        {8, "NXRRSET"},
                                        {DNS_NOTAUTH, "NOTAUTH"},
                                        {DNS_NOTZONE, "NOTZONE"},
                                        {DNS_BADVERS, "BADVERS"},
                                        {DNS_BADKEY, "BADKEY"},
                                        {DNS_BADTIME, "BADTIME"}};
    const char *name = find_code(CODES, sizeof CODES / sizeof CODES[0], rcode);

    (void)cl_format(buf, 16, "RCODE %u", rcode);
    return name != NULL ? name : buf;
}

const char *dns_type_name(unsigned type, char buf[16])
{
    static const struct code TYPES[] = {{DNS_A, "A"},      {DNS_NS, "NS"},   {DNS_CNAME, "CNAME"},
                                        {DNS_SOA, "SOA"},  {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"},
                                        {DNS_CAA, "CAA"},  {DNS_ANY, "ANY"}, {DNS_OPT, "OPT"},
                                        {DNS_TSIG, "TSIG"}};
    const char *name = find_code(TYPES, sizeof TYPES / sizeof TYPES[0], type);

    (void)cl_format(buf, 16, "TYPE%u", type);
    return name != NULL ? name : buf;
}
