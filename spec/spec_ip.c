/* SPDX-License-Identifier: Apache-2.0 */
/* spec_ip: see the header. */
#include "spec/spec_ip.h"

#include "spec/base/cl_str.h"

#include <string.h>

static int parse_v4(const char *s, unsigned char out[4])
{
    for (size_t i = 0; i < 4; i++) {
        size_t digits = strspn(s, "0123456789");
        unsigned n = 0;

        if (digits == 0 || digits > 3 || (digits > 1 && *s == '0')) {
            return -1;
        }
        for (size_t k = 0; k < digits; k++) {
            n = n * 10 + (unsigned)(s[k] - '0');
        }
        s += digits;
        if (n > 255 || *s != (i < 3 ? '.' : '\0')) {
            return -1;
        }
        out[i] = (unsigned char)n;
        s++;
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of hex digits; its length, 0 if there is none. */
static size_t parse_group(const char *s, unsigned *ret)
{
    unsigned n = 0;
    size_t len = 0;

    while (len <= 4 && hex_digit(s[len]) >= 0) {
        n = n << 4 | (unsigned)hex_digit(s[len++]);
    }
    *ret = n;
    return len <= 4 ? len : 0;
}

static int parse_v6(const char *s, unsigned char out[16])
{
    unsigned char bytes[16] = {0};
    size_t n = 0, gap = SIZE_MAX;

    if (s[0] == ':' && s[1] == ':') {
        gap = 0;
        s += 2;
    }
    while (*s != '\0' && n < 16) {
        unsigned group = 0;
        size_t len = parse_group(s, &group);

        if (n <= 12 && len > 0 && s[len] == '.' && parse_v4(s, bytes + n) == 0) {
            n += 4;
            s = "";
            break;
        }
        if (len == 0) {
            return -1;
        }
        bytes[n++] = (unsigned char)(group >> 8);
        bytes[n++] = (unsigned char)group;
        s += len;
        if (s[0] == ':' && s[1] == ':' && gap == SIZE_MAX) {
            gap = n;
            s += 2;
        } else if (s[0] == ':' && s[1] != '\0' && s[1] != ':') {
            s++;
        } else if (*s != '\0') {
            return -1;
        }
    }
    if (*s != '\0' || (gap == SIZE_MAX ? n != 16 : n > 14)) {
        return -1;
    }
    memset(out, 0, 16);
    if (gap == SIZE_MAX) {
        memcpy(out, bytes, 16);
    } else {
        memcpy(out, bytes, gap);
        memcpy(out + 16 - (n - gap), bytes + gap, n - gap);
    }
    return 0;
}

int ip_parse(const char *text, struct ip_address *ret)
{
    struct ip_address ip = {.len = 4};

    if (parse_v4(text, ip.bytes) < 0) {
        ip.len = 16;
        if (parse_v6(text, ip.bytes) < 0) {
            return -1;
        }
    }
    *ret = ip;
    return 0;
}

static unsigned group_at(const struct ip_address *ip, size_t i)
{
    return (unsigned)ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2). */
static size_t zero_run(const struct ip_address *ip, size_t *ret_start)
{
    size_t best = 1;

    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;

        while (i + n < 8 && group_at(ip, i + n) == 0) {
            n++;
        }
        if (n > best) {
            best = n;
            *ret_start = i;
        }
    }
    return best > 1 ? best : 0;
}

const char *ip_format(const struct ip_address *ip, char buf[IP_TEXT])
{
    static const unsigned char MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    const unsigned char *b = ip->bytes;
    size_t start = 0, at = 0;

    if (ip->len == 4) {
        (void)cl_format(buf, IP_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        return buf;
    }
    if (memcmp(b, MAPPED, sizeof(MAPPED)) == 0) {
        (void)cl_format(buf, IP_TEXT, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
        return buf;
    }
    size_t run = zero_run(ip, &start);
    buf[0] = '\0';
    for (size_t i = 0; i < 8; i++) {
        if (run > 0 && i == start) {
            (void)cl_format(buf + at, IP_TEXT - at, "::");
            i += run - 1;
        } else {
            bool colon = i > 0 && !(run > 0 && i == start + run);
            (void)cl_format(buf + at, IP_TEXT - at, "%s%x", colon ? ":" : "", group_at(ip, i));
        }
        at = strlen(buf);
    }
    return buf;
}

int ip_range_normalise(const char *text, char buf[IP_TEXT])
{
    const char *slash = strchr(text, '/');
    char address[IP_TEXT];
    struct ip_address ip;
    uint64_t bits = 0;

    if (slash == NULL || (size_t)(slash - text) >= sizeof(address)) {
        return -1;
    }
    (void)cl_format(address, sizeof(address), "%.*s", (int)(slash - text), text);
    if (ip_parse(address, &ip) < 0 || cl_parse_u64(slash + 1, ip.len * 8, &bits) < 0) {
        return -1;
    }
    for (size_t i = (size_t)bits; i < ip.len * 8; i++) {
        if ((ip.bytes[i / 8] & (0x80u >> (i % 8))) != 0) {
            return -1;
        }
    }
    (void)ip_format(&ip, address);
    return cl_format(buf, IP_TEXT, "%s/%u", address, (unsigned)bits);
}

bool ip_is(const char *text)
{
    struct ip_address ip;

    return text != NULL && ip_parse(text, &ip) == 0;
}

const char *ip_reverse_name(const struct ip_address *ip, char buf[IP_REVERSE_TEXT])
{
    static const char HEX[] = "0123456789abcdef";
    size_t at = 0;

    if (ip->len == 4) {
        (void)cl_format(buf, IP_REVERSE_TEXT, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3],
                        ip->bytes[2], ip->bytes[1], ip->bytes[0]);
        return buf;
    }
    for (size_t i = sizeof(ip->bytes); i-- > 0;) {
        buf[at++] = HEX[ip->bytes[i] & 15U];
        buf[at++] = '.';
        buf[at++] = HEX[ip->bytes[i] >> 4];
        buf[at++] = '.';
    }
    (void)cl_format(buf + at, IP_REVERSE_TEXT - at, "ip6.arpa");
    return buf;
}
