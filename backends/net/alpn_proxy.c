/* SPDX-License-Identifier: Apache-2.0 */
/* alpn_proxy: see the header. Format: HAProxy's "The PROXY protocol", versions 1 and 2. */
#include "backends/net/alpn_proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define V1_MAX 107U
#define BOTH_MIN 12U /* no header of either version is shorter */
#define V2_FIXED 16U

static const unsigned char V2_SIGNATURE[BOTH_MIN] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* How many bytes are to be read before the next look; 0: it is complete; -1: it is none. */
static ssize_t missing(const struct alpn_proxy *p)
{
    if (p->len < BOTH_MIN) {
        return (ssize_t)(BOTH_MIN - p->len);
    }
    if (memcmp(p->data, V2_SIGNATURE, BOTH_MIN) == 0) {
        if (p->len < V2_FIXED) {
            return (ssize_t)(V2_FIXED - p->len);
        }
        size_t whole = V2_FIXED + ((size_t)p->data[14] << 8 | p->data[15]);
        if (p->data[12] >> 4 != 2 || whole > ALPN_PROXY_MAX) {
            return -1;
        }
        return (ssize_t)(whole - p->len);
    }
    if (memcmp(p->data, "PROXY ", 6) != 0 || p->len > V1_MAX) {
        return -1;
    }
    if (p->data[p->len - 1] != '\n') {
        return p->len < V1_MAX ? 1 : -1;
    }
    return p->data[p->len - 2] == '\r' ? 0 : -1;
}

int alpn_proxy_read(struct alpn_proxy *p, int fd)
{
    ssize_t wanted;

    while ((wanted = missing(p)) > 0) {
        ssize_t n = read(fd, p->data + p->len, (size_t)wanted);
        if (n <= 0) {
            return n < 0 && errno == EAGAIN ? 0 : -1;
        }
        p->len += (size_t)n;
    }
    return wanted == 0 ? 1 : -1;
}
