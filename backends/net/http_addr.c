/* SPDX-License-Identifier: Apache-2.0 */
/* http_addr: which addresses are private. Two tables of prefixes (IANA's special-purpose address
 * registries, RFC 6890) and the ways in which IPv6 wraps an IPv4 address. */
#include "backends/net/http_addr.h"

#include "backends/rt/sys.h"
#include "spec/base/cl_str.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_private4(uint32_t addr);
static bool is_private6(const unsigned char addr[16]);

static const struct prefix4 {
    uint32_t net;
    unsigned bits;
} PREFIXES4[] = {
    {0x00000000, 8},  /* 0.0.0.0: this network */
    {0x0a000000, 8},  /* 10.0.0.0: private (RFC 1918) */
    {0x64400000, 10}, /* 100.64.0.0: carrier-grade NAT (RFC 6598) */
    {0x7f000000, 8},  /* 127.0.0.0: loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0: link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16.0.0: private */
    {0xc0000000, 24}, /* 192.0.0.0: protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0: documentation */
    {0xc0a80000, 16}, /* 192.168.0.0: private */
    {0xc6120000, 15}, /* 198.18.0.0: benchmarks */
    {0xc6336400, 24}, /* 198.51.100.0: documentation */
    {0xcb007100, 24}, /* 203.0.113.0: documentation */
    {0xe0000000, 4},  /* 224.0.0.0: multicast */
    {0xf0000000, 4},  /* 240.0.0.0: reserved, broadcast */
};

/* What is not within 2000::/3 is never global unicast, save the translation prefix 64:ff9b::/96. */
static const struct prefix6 {
    unsigned char net[4];
    unsigned bits; /* at most 32 */
} PREFIXES6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 32}, /* 2001::/32: Teredo tunnels */
    {{0x20, 0x01, 0x00, 0x10}, 28}, /* 2001:10::/28: ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32: documentation */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* 3fff::/20: documentation */
};

bool http_addr_is_private(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        return is_private4(ntohl(in.sin_addr.s_addr));
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        return is_private6(in6.sin6_addr.s6_addr);
    }
    return true;
}

bool http_addr_text_is_private(const char *text)
{
    struct in_addr in;
    struct in6_addr in6;

    if (inet_pton(AF_INET, text, &in) == 1) {
        return is_private4(ntohl(in.s_addr));
    }
    if (inet_pton(AF_INET6, text, &in6) == 1) {
        return is_private6(in6.s6_addr);
    }
    return false;
}

static bool is_private4(uint32_t addr)
{
    for (size_t i = 0; i < sizeof PREFIXES4 / sizeof PREFIXES4[0]; i++) {
        if (((addr ^ PREFIXES4[i].net) >> (32 - PREFIXES4[i].bits)) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t word(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static bool is_private6(const unsigned char addr[16])
{
    static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */
    static const unsigned char NAT64[12] = {0x00, 0x64, 0xff, 0x9b};    /* 64:ff9b::/96 */

    if (memcmp(addr, MAPPED, sizeof MAPPED) == 0 || memcmp(addr, NAT64, sizeof NAT64) == 0) {
        return is_private4(word(addr + 12));
    }
    if ((addr[0] & 0xe0) != 0x20) {
        return true;
    }
    if (addr[0] == 0x20 && addr[1] == 0x02) { /* 2002::/16: 6to4 */
        return is_private4(word(addr + 2));
    }
    for (size_t i = 0; i < sizeof PREFIXES6 / sizeof PREFIXES6[0]; i++) {
        if (((word(addr) ^ word(PREFIXES6[i].net)) >> (32 - PREFIXES6[i].bits)) == 0) {
            return true;
        }
    }
    return false;
}

unsigned short http_proxy_port(const char *proxy)
{
    uint64_t number = 1080; /* what libcurl takes when a proxy names no port */
    char *port = NULL;
    CURLU *u = curl_url();

    if (u != NULL &&
        curl_url_set(u, CURLUPART_URL, proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) ==
            CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK) {
        (void)cl_parse_u64(port, UINT16_MAX, &number);
    }
    curl_free(port);
    curl_url_cleanup(u);
    return (unsigned short)number;
}

/* The variables that libcurl itself looks at for http: and https: URLs. */
void http_proxies_read(struct http_proxies *ret)
{
    static const char *const NAMES[HTTP_PROXIES_MAX] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                                        "all_proxy",  "ALL_PROXY",   NULL};

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; NAMES[i] != NULL; i++) {
        const char *value = sys_getenv(NAMES[i]);
        if (cl_str_empty(value)) {
            continue;
        }
        ret->ports[ret->len++] = http_proxy_port(value);
    }
}

bool http_proxies_have_port(const struct http_proxies *p, unsigned port)
{
    for (unsigned i = 0; i < p->len; i++) {
        if (p->ports[i] == port) {
            return true;
        }
    }
    return false;
}
