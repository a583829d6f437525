/* SPDX-License-Identifier: Apache-2.0 */
/* dns_msg: DNS messages (RFC 1035, EDNS: RFC 6891) from and to bytes. Pure.
 *
 * Names are text without the final dot ("." is the root), lower-case, bytes that are no printable
 * ASCII or would be taken for syntax as \DDD (RFC 1035 5.1). Reading bounds everything: pointers
 * only go backwards, a name has at most 255 bytes on the wire, a message DNS_RRS_MAX records. */
#ifndef DNS_MSG_H
#define DNS_MSG_H

#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_OPT = 41,
    DNS_TSIG = 250,
    DNS_ANY = 255,
    DNS_CAA = 257
};
enum { DNS_IN = 1, DNS_CLASS_NONE = 254, DNS_CLASS_ANY = 255 };
enum { DNS_OP_QUERY = 0, DNS_OP_UPDATE = 5 };
enum { /* RFC 1035, 2136, 6891, 8945 */
       DNS_NOERROR = 0,
       DNS_FORMERR = 1,
       DNS_SERVFAIL = 2,
       DNS_NXDOMAIN = 3,
       DNS_NOTIMP = 4,
       DNS_REFUSED = 5,
       DNS_NOTAUTH = 9,
       DNS_NOTZONE = 10,
       DNS_BADVERS = 16,
       DNS_BADKEY = 17,
       DNS_BADTIME = 18
};
/** "NOERROR", "NXDOMAIN", ...; "RCODE 99" in @buf for others. */
const char *dns_rcode_name(unsigned rcode, char buf[16]);
const char *dns_type_name(unsigned type, char buf[16]);

#define DNS_NAME_MAX 255U   /* on the wire */
#define DNS_NAME_TEXT 1025U /* as text with its NUL, everything escaped */
#define DNS_EDNS_SIZE 1232U /* what we offer: fits every path */
#define DNS_RRS_MAX 512U

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_soa {
    char *mname, *rname;
    uint32_t serial, refresh, retry, expire, minimum;
};
struct dns_rr {
    char *name;
    unsigned type, class;
    uint32_t ttl;
    enum dns_section section;
    size_t at;           /* offset of the record in the message */
    size_t rdata, rdlen; /* offset and length of its data */
    /* Decoded, by type; unset for others. */
    char *target;        /* NS, CNAME */
    char address[64];    /* A, AAAA: canonical text */
    char *text;          /* TXT: the strings joined, NUL-terminated; CAA: the value */
    size_t text_len;     /* may contain NULs */
    struct dns_soa *soa; /* SOA */
    char caa_tag[16];    /* CAA: lower-case; "" if it is longer */
    unsigned caa_flags;
};
struct dns_msg {
    unsigned id, opcode, rcode; /* rcode with the upper bits of EDNS */
    bool qr, aa, tc, rd, ra;
    bool has_question; /* at most one is accepted */
    char *qname;
    unsigned qtype, qclass;
    struct dns_rr *rrs; /* without OPT and TSIG */
    size_t n;
    bool edns, edns_do;
    unsigned edns_version;
    size_t edns_size; /* of the peer's UDP buffer; 512 without EDNS */
    size_t tsig;      /* offset of a TSIG record at the end, 0 if none */
};
/** Decodes a whole message; trailing bytes are an error. -1: BAD_RESULT "DNSMessageInvalid". */
int dns_msg_decode(const void *data, size_t len, struct dns_msg *ret, struct cl_err *err);
void dns_msg_deinit(struct dns_msg *m); /* accepts a zeroed one */
/** First record of @name and @type in @section, or NULL. @name NULL: of any name. */
const struct dns_rr *dns_msg_find(const struct dns_msg *m, enum dns_section section,
                                  const char *name, unsigned type);

/* ---- names ---- */
/** Text to wire format (lower-cased): its length, or -1 if it is no name of the DNS. */
int dns_name_encode(const char *text, unsigned char wire[DNS_NAME_MAX]);
/** Reads the name at *@pos, advances *@pos behind it: 0 or -1. */
int dns_name_decode(const void *msg, size_t len, size_t *pos, char text[DNS_NAME_TEXT]);
/** Lower-case without the final dot: owned, or NULL if @text is no name of the DNS. */
char *dns_name_normalise(const char *text);
/** Is @name equal to @zone or below it? Both normalised. */
bool dns_name_within(const char *name, const char *zone);
/** "a.example.org" -> "example.org"; "org" -> "."; NULL for the root. Points into @name. */
const char *dns_name_parent(const char *name);
unsigned dns_name_labels(const char *name);

/* ---- writing ---- */
struct dns_writer {
    unsigned char *data; /* the caller's */
    size_t len, size;
    size_t names_len;
    uint16_t names[64]; /* where names start, for compression */
    bool failed;        /* something did not fit or was no name; dns_write_end tells */
};
/** Starts a message in @data of @size (at least 12) bytes. */
void dns_write_begin(struct dns_writer *w, void *data, size_t size, unsigned id);
/** Flags and rcode (its lower 4 bits); @m: qr, aa, tc, rd, ra, opcode, rcode are used. */
void dns_write_flags(struct dns_writer *w, const struct dns_msg *m);
void dns_write_question(struct dns_writer *w, const char *name, unsigned type, unsigned class);

struct dns_owner { /* what all records have */
    enum dns_section section;
    const char *name;
    unsigned type, class;
    uint32_t ttl;
};
/** Any record, from the data as it is on the wire. */
void dns_write_rr(struct dns_writer *w, const struct dns_owner *o, const void *rdata, size_t len);
/** TXT: @value is cut into strings of 255 bytes. */
void dns_write_txt(struct dns_writer *w, const struct dns_owner *o, const char *value, size_t len);
/** NS, CNAME. */
void dns_write_target(struct dns_writer *w, const struct dns_owner *o, const char *target);
void dns_write_soa(struct dns_writer *w, const struct dns_owner *o, const struct dns_soa *soa);
/** The OPT record; @rcode: the extended code of an answer, 0 in a query. */
void dns_write_edns(struct dns_writer *w, size_t udp_size, unsigned rcode);
/** Length of the message, or 0 if something did not fit or was no name. */
size_t dns_write_end(const struct dns_writer *w);
/** To drop what did not fit: remembers where the writer stands, and goes back there. */
struct dns_mark {
    size_t len, names_len;
    unsigned char counts[8];
};
struct dns_mark dns_write_mark(const struct dns_writer *w);
void dns_write_rewind(struct dns_writer *w, const struct dns_mark *mark);

/** A query of one question with EDNS: its length, or 0 if @name is no name. @rd: recursion. */
size_t dns_msg_query(unsigned char buf[512], const char *name, unsigned type, bool rd);
/** The same without EDNS, for servers that answer FORMERR to it. */
size_t dns_msg_query_plain(unsigned char buf[512], const char *name, unsigned type, bool rd);

#endif
