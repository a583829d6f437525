/* SPDX-License-Identifier: Apache-2.0 */
/* net_addr: socket addresses as text. A colon decides: one of them separates a port, more are an
 * IPv6 address, which needs brackets to have a port. */
#include "backends/net/net_addr.h"

#include "spec/base/cl_str.h"

#include <arpa/inet.h>
#include <string.h>

static int parse_host(const char *host, bool v6, unsigned short port, struct net_addr *ret)
{
    memset(ret, 0, sizeof *ret);
    if (v6) {
        ret->u.in6.sin6_family = AF_INET6;
        ret->u.in6.sin6_port = htons(port);
        ret->len = sizeof ret->u.in6;
        return inet_pton(AF_INET6, host, &ret->u.in6.sin6_addr) == 1 ? 0 : -1;
    }
    ret->u.in.sin_family = AF_INET;
    ret->u.in.sin_port = htons(port);
    ret->len = sizeof ret->u.in;
    return inet_pton(AF_INET, host, &ret->u.in.sin_addr) == 1 ? 0 : -1;
}

int net_addr_parse(const char *text, unsigned short default_port, struct net_addr *ret)
{
    char host[NET_ADDR_TEXT];
    uint64_t port = default_port;
    const char *first = strchr(text, ':');
    const char *last = strrchr(text, ':');
    const char *end = text + strlen(text);
    bool v6 = false;

    if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':') ||
            (close[1] == ':' && cl_parse_u64(close + 2, UINT16_MAX, &port) < 0)) {
            return -1;
        }
        v6 = true;
        text++;
        end = close;
    } else if (first != NULL && first == last) {
        if (cl_parse_u64(first + 1, UINT16_MAX, &port) < 0) {
            return -1;
        }
        end = first;
    } else {
        v6 = first != NULL;
    }
    if (cl_format(host, sizeof host, "%.*s", (int)(end - text), text) < 0) {
        return -1;
    }
    return parse_host(host, v6, (unsigned short)port, ret);
}

void net_addr_any(struct net_addr *ret, bool v6, unsigned short port)
{
    (void)parse_host(v6 ? "::" : "0.0.0.0", v6, port, ret);
}

unsigned short net_addr_port(const struct net_addr *a)
{
    return ntohs(a->u.sa.sa_family == AF_INET6 ? a->u.in6.sin6_port : a->u.in.sin_port);
}

void net_addr_set_port(struct net_addr *a, unsigned short port)
{
    if (a->u.sa.sa_family == AF_INET6) {
        a->u.in6.sin6_port = htons(port);
    } else {
        a->u.in.sin_port = htons(port);
    }
}

const char *net_addr_host(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
    const char *text = NULL;

    if (a->u.sa.sa_family == AF_INET) {
        text = inet_ntop(AF_INET, &a->u.in.sin_addr, buf, NET_ADDR_TEXT);
    } else if (a->u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr)) {
        text = inet_ntop(AF_INET, &a->u.in6.sin6_addr.s6_addr[12], buf, NET_ADDR_TEXT);
    } else if (a->u.sa.sa_family == AF_INET6) {
        text = inet_ntop(AF_INET6, &a->u.in6.sin6_addr, buf, NET_ADDR_TEXT);
    }
    if (text == NULL) {
        (void)cl_format(buf, NET_ADDR_TEXT, "?");
    }
    return buf;
}

const char *net_addr_format(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
    char host[NET_ADDR_TEXT];

    (void)net_addr_host(a, host);
    (void)cl_format(buf, NET_ADDR_TEXT, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
                    (unsigned)net_addr_port(a));
    return buf;
}
