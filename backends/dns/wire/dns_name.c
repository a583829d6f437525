/* SPDX-License-Identifier: Apache-2.0 */
/* dns_name: names of the DNS as text and on the wire (RFC 1035 3.1, 4.1.4). A pointer must lead to
 * before the place where it stands and before all pointers of the same name: that ends every walk,
 * and no sender needs more. */
#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define LABEL_MAX 63U

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && strchr(".\\\"();@$", c) == NULL;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* ---- from text ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One byte of a label, plain or escaped: how many characters it took, 0 if it is none. */
static size_t read_byte(const char *s, unsigned char *ret)
{
    if (s[0] != '\\') {
        *ret = lower((unsigned char)s[0]);
        return 1;
    }
    if (is_digit(s[1]) && is_digit(s[2]) && is_digit(s[3])) {
        int v = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
        *ret = lower((unsigned char)v);
        return v <= UINT8_MAX ? 4 : 0;
    }
    *ret = lower((unsigned char)s[1]);
    return s[1] != '\0' && !is_digit(s[1]) ? 2 : 0;
}

/* Reads a label; *text stands behind it afterwards. Its length, or 0 if it is none. */
static size_t read_label(const char **text, unsigned char *label)
{
    const char *s = *text;
    size_t len = 0;

    while (*s != '\0' && *s != '.') {
        unsigned char c = 0;
        size_t used = read_byte(s, &c);
        if (used == 0 || len == LABEL_MAX) {
            return 0;
        }
        label[len++] = c;
        s += used;
    }
    *text = s;
    return len;
}

int dns_name_encode(const char *text, unsigned char wire[DNS_NAME_MAX])
{
    size_t pos = 0;

    if (cl_streq(text, ".")) {
        wire[0] = 0;
        return 1;
    }
    do {
        unsigned char label[LABEL_MAX];
        size_t len = read_label(&text, label);
        if (len == 0 || pos + len + 2 > DNS_NAME_MAX) {
            return -1;
        }
        wire[pos++] = (unsigned char)len;
        memcpy(wire + pos, label, len);
        pos += len;
        if (*text == '.') {
            text++;
        }
    } while (*text != '\0');
    wire[pos++] = 0;
    return (int)pos;
}

/* ---- to text ---- */

static size_t write_label(char *text, const unsigned char *label, size_t len)
{
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = lower(label[i]);
        if (is_plain(c)) {
            text[at++] = (char)c;
        } else {
            text[at++] = '\\';
            text[at++] = (char)('0' + c / 100);
            text[at++] = (char)('0' + c / 10 % 10);
            text[at++] = (char)('0' + c % 10);
        }
    }
    return at;
}

/* A walk along a name in a message. */
struct walk {
    const unsigned char *msg;
    size_t len;
    size_t at;    /* the next label */
    size_t bound; /* pointers lead to before it */
    size_t end;   /* of the name where it stands; 0 = not known yet */
};

/* Follows pointers up to a label: its length, or -1. */
static int next_label(struct walk *w)
{
    while (w->at < w->len && w->msg[w->at] >= 0xc0) {
        size_t to =
            w->at + 1 < w->len ? (size_t)(w->msg[w->at] & 0x3f) << 8 | w->msg[w->at + 1] : w->len;
        if (to >= w->bound) {
            return -1;
        }
        w->end = w->end == 0 ? w->at + 2 : w->end;
        w->bound = w->at = to;
    }
    if (w->at >= w->len || w->msg[w->at] > LABEL_MAX || w->len - w->at < 1U + w->msg[w->at]) {
        return -1;
    }
    return w->msg[w->at];
}

int dns_name_decode(const void *msg, size_t len, size_t *pos, char text[DNS_NAME_TEXT])
{
    struct walk w = {.msg = msg, .len = len, .at = *pos, .bound = *pos};
    size_t wire = 1; /* bytes of the name, with the root label */
    size_t out = 0;
    int n = 0;

    while ((n = next_label(&w)) > 0) {
        wire += (size_t)n + 1;
        if (wire > DNS_NAME_MAX) {
            return -1;
        }
        if (out > 0) {
            text[out++] = '.';
        }
        out += write_label(text + out, w.msg + w.at + 1, (size_t)n);
        w.at += (size_t)n + 1;
    }
    if (n < 0) {
        return -1;
    }
    *pos = w.end != 0 ? w.end : w.at + 1;
    if (out == 0) {
        text[out++] = '.';
    }
    text[out] = '\0';
    return 0;
}

/* ---- as text ---- */

char *dns_name_normalise(const char *text)
{
    unsigned char wire[DNS_NAME_MAX];
    char buf[DNS_NAME_TEXT];
    int len = dns_name_encode(text, wire);
    size_t pos = 0;

    if (len < 0 || dns_name_decode(wire, (size_t)len, &pos, buf) < 0) {
        return NULL;
    }
    return cl_strdup(buf);
}

bool dns_name_within(const char *name, const char *zone)
{
    size_t n = strlen(name);
    size_t z = strlen(zone);

    if (cl_streq(zone, ".")) {
        return true;
    }
    /* In normalised names a dot is never part of a label: there it is written \046. */
    return n == z ? cl_streq(name, zone)
                  : n > z && name[n - z - 1] == '.' && cl_streq(name + n - z, zone);
}

const char *dns_name_parent(const char *name)
{
    const char *dot = strchr(name, '.');

    if (cl_streq(name, ".")) {
        return NULL;
    }
    return dot != NULL ? dot + 1 : ".";
}

unsigned dns_name_labels(const char *name)
{
    unsigned labels = 0;

    for (const char *p = name; p != NULL && !cl_streq(p, "."); p = dns_name_parent(p)) {
        labels++;
    }
    return labels;
}
