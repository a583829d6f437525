/* SPDX-License-Identifier: Apache-2.0 */
/* alpn_proxy (private to backends/net): takes the PROXY header, version 1 or 2, from the start of a
 * connection and nothing behind it. What it says is not used: whoever asks gets the same answer. */
#ifndef ALPN_PROXY_H
#define ALPN_PROXY_H

#include <stddef.h>

#define ALPN_PROXY_MAX 1024U /* of a whole header; version 1 has 107 bytes at most */

struct alpn_proxy { /* zeroed = at the start */
    unsigned char data[ALPN_PROXY_MAX];
    size_t len;
};
/** Reads what is there from a non-blocking descriptor: 1 the header is complete, 0 more is to come,
 *  -1 that is no such header, it is too long, or the connection has ended. */
int alpn_proxy_read(struct alpn_proxy *p, int fd);

#endif
