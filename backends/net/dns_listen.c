/* SPDX-License-Identifier: Apache-2.0 */
/* dns_listen: one UDP and one TCP socket on the same address. Datagrams are answered from the
 * address they were sent to (a machine has several). A TCP peer may send query after query; it is
 * read again when its answer has gone out, so nobody makes us store what they do not fetch. */
#include "backends/net/dns_listen.h"

#include "backends/net/net_addr.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 50U
#define QUERY_TIME (10 * CL_SECOND)
#define DATAGRAMS_MAX 64 /* answered before the rest of the program gets its turn */
#define QUERY_MAX 4096U  /* datagrams; a query is far smaller */
#define BACKLOG 128
#define PORT_TRIES 16

struct dns_listener {
    struct loop *loop;
    struct dns_listen_handler handler;
    struct net_addr addr;
    int udp, tcp;
    struct loop_fd *udp_watch, *tcp_watch;
    struct cl_list conns; /* struct conn.link, silent for longest first */
    unsigned conns_len;
    unsigned char *answer; /* DNS_LISTEN_ANSWER */
};
struct conn {
    struct cl_list link;
    struct dns_listener *listener;
    int fd;
    struct loop_fd *watch;
    struct loop_timer timer;
    char remote[NET_ADDR_TEXT];
    struct cl_buf in, out;
    size_t sent; /* of out */
};
union control {
    struct cmsghdr align;
    unsigned char data[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static int open_both(struct dns_listener *d, const char *where, struct cl_err *err);
static void on_udp(void *user, int fd, unsigned ready);
static void on_accept(void *user, int fd, unsigned ready);
static void on_conn(void *user, int fd, unsigned ready);
static void conn_close(struct conn *c);

int dns_listen_start(struct loop *l, const char *listen, const struct dns_listen_handler *handler,
                     struct dns_listener **ret, struct cl_err *err)
{
    struct dns_listener *d = cl_new(struct dns_listener);
    uint64_t port = 0;

    d->loop = l;
    d->handler = *handler;
    d->udp = d->tcp = -1;
    cl_list_init(&d->conns);
    if (listen[0] == ':' && cl_parse_u64(listen + 1, UINT16_MAX, &port) == 0) {
        net_addr_any(&d->addr, true, (unsigned short)port);
    } else if (net_addr_parse(listen, 53, &d->addr) < 0) {
        char clean[CL_CLEAN_TEXT];
        cl_free(d);
        return cl_fail(err, CL_ERR_LOCAL, "ListenInvalid",
                       "\"%s\" is no address to listen on: use \"192.0.2.1:53\", \"[::]:53\" or "
                       "\":53\"",
                       cl_clean(clean, sizeof clean, listen, strlen(listen)));
    }
    if (open_both(d, listen, err) < 0) {
        cl_free(d);
        return -1;
    }
    d->answer = cl_malloc(DNS_LISTEN_ANSWER);
    d->udp_watch = loop_fd_watch(l, d->udp, LOOP_READ, on_udp, d);
    d->tcp_watch = loop_fd_watch(l, d->tcp, LOOP_READ, on_accept, d);
    *ret = d;
    return 0;
}

void dns_listen_stop(struct dns_listener *d)
{
    if (d == NULL) {
        return;
    }
    while (!cl_list_empty(&d->conns)) {
        conn_close(cl_container(d->conns.next, struct conn, link));
    }
    loop_fd_unwatch(d->udp_watch);
    loop_fd_unwatch(d->tcp_watch);
    (void)close(d->udp);
    (void)close(d->tcp);
    cl_free(d->answer);
    cl_free(d);
}

unsigned dns_listen_port(const struct dns_listener *d)
{
    return net_addr_port(&d->addr);
}

/* ---- opening ---- */

static int set_options(int fd, const struct net_addr *a, int type)
{
    int on = 1;
    int off = 0;
    bool v6 = a->u.sa.sa_family == AF_INET6;

    if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) {
        return -1;
    }
    if (type == SOCK_STREAM) {
        return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    return v6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
              : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

/* Returns a bound descriptor, or -1 with errno. */
static int open_one(const struct net_addr *a, int type)
{
    int fd = socket(a->u.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (set_options(fd, a, type) < 0 || bind(fd, &a->u.sa, a->len) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
        int failed = errno;
        (void)close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

static int fail_bind(const char *where, int errnum, struct cl_err *err)
{
    switch (errnum) {
    case EADDRINUSE:
        return cl_fail(err, CL_ERR_LOCAL, "AddressInUse",
                       "%s: another program listens there already; systemd-resolved and other name "
                       "servers take port 53 of all addresses: name one address instead",
                       where);
    case EACCES:
    case EPERM:
        return cl_fail(err, CL_ERR_LOCAL, "PermissionDenied",
                       "%s: not permitted. Ports below 1024 need CAP_NET_BIND_SERVICE "
                       "(AmbientCapabilities= in the unit)",
                       where);
    case EADDRNOTAVAIL:
        return cl_fail(err, CL_ERR_LOCAL, "AddressNotAvailable",
                       "%s: this machine does not have the address", where);
    default:
        return cl_fail_errno(err, errnum, "ListenFailed", "%s: cannot listen", where);
    }
}

/* Both with the same port. If any will do, the one that the kernel gave for TCP may be taken for
 * UDP: then once more. */
static int open_both(struct dns_listener *d, const char *where, struct cl_err *err)
{
    bool any_port = net_addr_port(&d->addr) == 0;

    for (int i = 0;; i++) {
        struct net_addr a = d->addr;
        d->tcp = open_one(&a, SOCK_STREAM);
        if (d->tcp < 0 && a.u.sa.sa_family == AF_INET6 &&
            IN6_IS_ADDR_UNSPECIFIED(&a.u.in6.sin6_addr) &&
            (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
            net_addr_any(&d->addr, false, net_addr_port(&a)); /* no IPv6 here */
            a = d->addr;
            d->tcp = open_one(&a, SOCK_STREAM);
        }
        if (d->tcp < 0 || getsockname(d->tcp, &a.u.sa, &a.len) < 0) {
            int failed = errno;
            if (d->tcp >= 0) {
                (void)close(d->tcp);
            }
            return fail_bind(where, failed, err);
        }
        d->udp = open_one(&a, SOCK_DGRAM);
        if (d->udp >= 0) {
            net_addr_set_port(&d->addr, net_addr_port(&a));
            return 0;
        }
        int failed = errno;
        (void)close(d->tcp);
        if (!any_port || failed != EADDRINUSE || i == PORT_TRIES) {
            return fail_bind(where, failed, err);
        }
    }
}

/* ---- UDP ---- */

/* The control message that came says where the datagram was sent to; the same, sent back, says from
 * where the answer goes. */
static void reply_from(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            info.ipi_spec_dst = info.ipi_addr;
            info.ipi_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        }
    }
}

static bool serve_datagram(struct dns_listener *d)
{
    unsigned char query[QUERY_MAX];
    struct net_addr peer = {.len = 0};
    union control control;
    struct iovec iov = {.iov_base = query, .iov_len = sizeof query};
    struct msghdr m = {.msg_name = &peer.u,
                       .msg_namelen = sizeof peer.u,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.data,
                       .msg_controllen = sizeof control.data};
    char remote[NET_ADDR_TEXT];

    ssize_t n = recvmsg(d->udp, &m, 0);
    if (n < 0) {
        return errno != EAGAIN && errno != EINTR; /* an error of an answer sent earlier: go on */
    }
    peer.len = m.msg_namelen;
    if ((m.msg_flags & MSG_TRUNC) != 0 || net_addr_port(&peer) == 0) {
        return true;
    }
    struct dns_listen_query q = {
        .data = query, .len = (size_t)n, .remote = net_addr_host(&peer, remote)};
    size_t len = d->handler.answer(d->handler.user, &q, d->answer);
    if (len > 0) {
        iov = (struct iovec){.iov_base = d->answer, .iov_len = len};
        reply_from(&m);
        m.msg_flags = 0;
        (void)sendmsg(d->udp, &m, MSG_NOSIGNAL); /* lost like any datagram: the peer asks again */
    }
    return true;
}

static void on_udp(void *user, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    for (int i = 0; i < DATAGRAMS_MAX && serve_datagram(user); i++) {
    }
}

/* ---- TCP ---- */

static void on_conn_timeout(struct loop_timer *t)
{
    conn_close(t->user);
}

/* From now on it has its time again, and is the last to be thrown out. */
static void conn_alive(struct conn *c)
{
    struct dns_listener *d = c->listener;

    cl_list_remove(&c->link);
    cl_list_add_tail(&d->conns, &c->link);
    loop_at(d->loop, &c->timer, cl_time_add(loop_now(d->loop), QUERY_TIME), on_conn_timeout, c);
}

static void on_accept(void *user, int fd, unsigned ready)
{
    struct dns_listener *d = user;
    struct net_addr peer = {.len = sizeof peer.u};

    (void)ready;
    int got = accept4(fd, &peer.u.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0) {
        if ((errno == EMFILE || errno == ENFILE) && !cl_list_empty(&d->conns)) {
            conn_close(cl_container(d->conns.next, struct conn, link));
        }
        return;
    }
    if (d->conns_len == CONNECTIONS_MAX) {
        conn_close(cl_container(d->conns.next, struct conn, link));
    }
    struct conn *c = cl_new(struct conn);
    c->listener = d;
    c->fd = got;
    (void)net_addr_host(&peer, c->remote);
    cl_buf_init(&c->in, 2U + UINT16_MAX);
    cl_buf_init(&c->out, 2U + (size_t)DNS_LISTEN_ANSWER);
    c->watch = loop_fd_watch(d->loop, got, LOOP_READ, on_conn, c);
    d->conns_len++;
    conn_alive(c);
}

static void conn_close(struct conn *c)
{
    struct dns_listener *d = c->listener;

    loop_timer_stop(d->loop, &c->timer);
    loop_fd_unwatch(c->watch);
    (void)close(c->fd);
    cl_list_remove(&c->link);
    d->conns_len--;
    cl_buf_deinit(&c->in);
    cl_buf_deinit(&c->out);
    cl_free(c);
}

/* A whole query is there: its answer goes to out. False: the peer is not worth keeping. */
static bool serve_message(struct conn *c, size_t len)
{
    struct dns_listener *d = c->listener;
    struct dns_listen_query q = {.data = (const unsigned char *)c->in.data + 2,
                                 .len = len,
                                 .tcp = true,
                                 .remote = c->remote};
    size_t n = d->handler.answer(d->handler.user, &q, d->answer);
    unsigned char prefix[2] = {(unsigned char)(n >> 8), (unsigned char)(n & 0xff)};

    if (n == 0) {
        return false;
    }
    cl_buf_reset(&c->out);
    c->sent = 0;
    (void)cl_buf_add(&c->out, prefix, sizeof prefix);
    (void)cl_buf_add(&c->out, d->answer, n);
    size_t used = 2U + len;
    memmove(c->in.data, c->in.data + used, c->in.len - used);
    c->in.len -= used;
    conn_alive(c);
    return true;
}

static bool conn_send(struct conn *c)
{
    ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    c->sent += (size_t)n;
    return true;
}

static bool conn_receive(struct conn *c)
{
    unsigned char buf[4096];
    size_t room = c->in.max - c->in.len;
    ssize_t n = recv(c->fd, buf, room < sizeof buf ? room : sizeof buf, 0);

    if (n <= 0) {
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return cl_buf_add(&c->in, buf, (size_t)n) == 0;
}

/* Length of the first complete message in the buffer, 0 if there is none. */
static size_t complete(const struct conn *c)
{
    const unsigned char *p = (const unsigned char *)c->in.data;
    size_t len = c->in.len >= 2 ? (size_t)p[0] << 8 | p[1] : 0;

    return len > 0 && c->in.len >= 2U + len ? len : 0;
}

static void on_conn(void *user, int fd, unsigned ready)
{
    struct conn *c = user;
    bool ok = true;

    (void)fd;
    if ((ready & LOOP_READ) != 0 && c->sent == c->out.len) {
        ok = conn_receive(c);
    }
    for (size_t len = complete(c); ok && c->sent == c->out.len && len > 0; len = complete(c)) {
        ok = serve_message(c, len) && conn_send(c);
    }
    if (ok && c->sent < c->out.len && (ready & LOOP_WRITE) != 0) {
        ok = conn_send(c);
    }
    if (!ok) {
        conn_close(c);
        return;
    }
    /* After the last byte has gone out, a further query may wait in the buffer: writing is possible
     * at once, so this comes back. */
    bool busy = c->sent < c->out.len || complete(c) > 0;
    loop_fd_change(c->watch, busy ? LOOP_WRITE : LOOP_READ);
}
