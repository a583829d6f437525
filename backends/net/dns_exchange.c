/* SPDX-License-Identifier: Apache-2.0 */
/* dns_exchange: UDP tries one after the other, each with a socket (so a port) and an id of its own,
 * then TCP if that may help. What does not fit the question is dropped, and the waiting goes on:
 * it is a late answer, or someone guesses (RFC 5452). */
#include "backends/net/dns_exchange.h"

#include "backends/net/net_addr.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 12U
#define DATAGRAM_MAX 4096U /* more than we offer by EDNS */
#define DATAGRAMS_MAX 16   /* wrong ones taken in one turn */
#define TCP_MAX (2U + 65535U)
#define ROOM_PAUSE (100 * CL_MS) /* no descriptor is free: others end soon */
#define ROOM_PAUSES 50U

struct exchange {
    struct loop *loop;
    struct dns_exchange_op *op;
    struct net_addr server;
    char server_text[DNS_SERVER_TEXT];
    struct cl_buf query; /* with its two bytes of length in front, as TCP wants it */
    bool keep_id;
    enum dns_transport transport;
    cl_time timeout;
    unsigned tries; /* UDP tries left */
    bool tcp, silent;
    unsigned pauses; /* made for want of a descriptor */
    int fd;
    struct loop_fd *watch;
    struct loop_timer timer;
    struct loop_task failed; /* to fail out of x_start */
    size_t sent;             /* TCP: of query */
    struct cl_buf in;        /* TCP */
    struct cl_err err;
};

static void try_udp(struct exchange *x);
static void try_tcp(struct exchange *x);
static void on_timeout(struct loop_timer *t);
static void on_udp(void *user, int fd, unsigned ready);
static void on_tcp(void *user, int fd, unsigned ready);
static void on_failed(struct loop_task *t);
static void on_cancel(struct cl_op *op);

int dns_server_format(const char *text, char buf[DNS_SERVER_TEXT], struct cl_err *err)
{
    struct net_addr a;
    char clean[CL_CLEAN_TEXT];

    if (net_addr_parse(text, 53, &a) < 0 || net_addr_port(&a) == 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ServerInvalid",
                       "\"%s\" is no name server: use an address like \"192.0.2.1:53\" or "
                       "\"[2001:db8::1]:53\"",
                       cl_clean(clean, sizeof clean, text, strlen(text)));
    }
    (void)net_addr_format(&a, buf);
    return 0;
}

void dns_exchange_start(struct loop *l, const struct dns_exchange_request *req,
                        struct dns_exchange_op *op)
{
    struct cl_err err = {0};
    char text[DNS_SERVER_TEXT];

    op->answer = NULL;
    op->answer_len = 0;
    op->tcp = false;
    if (dns_server_format(req->server, text, &err) < 0) {
        op_later(l, &op->op, &err);
        return;
    }
    if (req->query_len < HEADER || req->query_len > UINT16_MAX) {
        (void)cl_fail(&err, CL_ERR_INTERNAL, "QueryInvalid", "a query of %zu bytes",
                      req->query_len);
        op_later(l, &op->op, &err);
        return;
    }
    struct exchange *x = cl_new(struct exchange);
    unsigned char prefix[2] = {(unsigned char)(req->query_len >> 8),
                               (unsigned char)(req->query_len & 0xff)};
    x->loop = l;
    x->op = op;
    x->fd = -1;
    (void)net_addr_parse(text, 53, &x->server);
    (void)cl_format(x->server_text, sizeof x->server_text, "%s", text);
    cl_buf_init_secret(&x->query, TCP_MAX);
    cl_buf_init_secret(&x->in, TCP_MAX);
    (void)cl_buf_add(&x->query, prefix, sizeof prefix);
    (void)cl_buf_add(&x->query, req->query, req->query_len);
    x->keep_id = req->keep_id;
    x->transport = req->transport;
    x->timeout = req->timeout > 0 ? req->timeout : 2 * CL_SECOND;
    x->tries = req->tries > 0 ? req->tries : 2;
    op->op.impl = x;
    op->op.cancel = on_cancel;
    if (x->transport == DNS_TCP) {
        try_tcp(x);
    } else {
        try_udp(x);
    }
}

/* ---- the end ---- */

static void hang_up(struct exchange *x)
{
    loop_timer_stop(x->loop, &x->timer);
    loop_fd_unwatch(x->watch);
    x->watch = NULL;
    if (x->fd >= 0) {
        (void)close(x->fd);
        x->fd = -1;
    }
}

static void end(struct exchange *x, const unsigned char *answer, size_t len,
                const struct cl_err *err)
{
    struct dns_exchange_op *op = x->op;

    hang_up(x);
    loop_task_cancel(&x->failed);
    op->answer = answer;
    op->answer_len = len;
    op->tcp = answer != NULL && x->tcp;
    cl_op_done(&op->op, err);
    cl_buf_deinit(&x->query);
    cl_buf_deinit(&x->in);
    cl_free(x);
}

static void on_failed(struct loop_task *t)
{
    struct exchange *x = t->user;
    struct cl_err err = x->err;

    end(x, NULL, 0, &err);
}

/* Ends in the next turn: also for use while the exchange starts. */
static void fail_soon(struct exchange *x)
{
    hang_up(x);
    loop_defer(x->loop, &x->failed, on_failed, x);
}

static void on_cancel(struct cl_op *op)
{
    struct exchange *x = op->impl;

    (void)cl_fail(&x->err, CL_ERR_CANCELLED, "Cancelled", "the query was stopped");
    fail_soon(x);
}

static void on_room(struct loop_timer *t)
{
    struct exchange *x = t->user;

    if (x->tcp) {
        try_tcp(x);
    } else {
        x->tries++; /* that one did not take place */
        try_udp(x);
    }
}

static bool wait_for_room(struct exchange *x, int errnum)
{
    bool full = errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;

    if (!full || x->pauses == ROOM_PAUSES) {
        return false;
    }
    x->pauses++;
    hang_up(x);
    loop_at(x->loop, &x->timer, cl_time_add(loop_now(x->loop), ROOM_PAUSE), on_room, x);
    return true;
}

static void fail_errno(struct exchange *x, int errnum)
{
    const char *how = x->tcp ? "TCP" : "UDP";

    if (wait_for_room(x, errnum)) {
        return;
    }
    switch (errnum) {
    case ECONNREFUSED:
        (void)cl_fail(&x->err, CL_ERR_TRANSIENT, "ConnectionRefused",
                      "nothing listens at %s (%s port)", x->server_text, how);
        break;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
        (void)cl_fail_errno(&x->err, errnum, "Unreachable", "%s cannot be reached", x->server_text);
        x->err.kind = CL_ERR_TRANSIENT;
        break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        (void)cl_fail_errno(&x->err, errnum, "SocketFailed", "cannot ask %s", x->server_text);
        break;
    default:
        (void)cl_fail_errno(&x->err, errnum, "ExchangeFailed", "asking %s by %s", x->server_text,
                            how);
        x->err.kind = CL_ERR_TRANSIENT;
        break;
    }
    if (x->tcp && x->silent) {
        cl_wrap(&x->err, "no answer by UDP, and by TCP");
    }
    fail_soon(x);
}

/* ---- questions and answers ---- */

static unsigned u16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* Length of the question section of our query, which is not compressed. */
static size_t question_len(const unsigned char *query, size_t len)
{
    size_t pos = HEADER;

    while (pos < len && query[pos] != 0) {
        pos += 1U + query[pos];
    }
    return pos + 5U <= len ? pos + 5U - HEADER : 0;
}

static bool same_question(const unsigned char *a, const unsigned char *b, size_t len)
{
    for (size_t i = 0; i + 4 < len; i++) {
        if (lower(a[i]) != lower(b[i])) { /* lengths of labels are below 64 */
            return false;
        }
    }
    return memcmp(a + len - 4, b + len - 4, 4) == 0;
}

/* Is this the answer to our query? */
static bool fits(const struct exchange *x, const unsigned char *answer, size_t len)
{
    const unsigned char *query = (const unsigned char *)x->query.data + 2;
    size_t question = question_len(query, x->query.len - 2);

    if (len < HEADER || (answer[2] & 0x80) == 0 || u16(answer) != u16(query) ||
        ((answer[2] ^ query[2]) & 0x78) != 0) {
        return false;
    }
    if (u16(answer + 4) == 0) { /* an error, or the answer to an update (RFC 2136 3.8) */
        return (answer[3] & 0x0f) != 0 || (query[2] & 0x78) != 0;
    }
    return u16(answer + 4) == 1 && question > 0 && len >= HEADER + question &&
           same_question(answer + HEADER, query + HEADER, question);
}

static void new_id(struct exchange *x)
{
    uint64_t random = x->keep_id ? 0 : loop_entropy(x->loop);

    if (!x->keep_id) {
        memcpy(x->query.data + 2, &random, 2);
    }
}

static int open_socket(struct exchange *x, int type)
{
    x->fd = socket(x->server.u.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (x->fd < 0) {
        return errno;
    }
    return connect(x->fd, &x->server.u.sa, x->server.len) < 0 ? errno : 0;
}

/* ---- UDP ---- */

static void try_udp(struct exchange *x)
{
    hang_up(x);
    x->tries--;
    new_id(x);
    int failed = open_socket(x, SOCK_DGRAM);
    if (failed == 0 && send(x->fd, x->query.data + 2, x->query.len - 2, MSG_NOSIGNAL) < 0) {
        failed = errno;
    }
    if (failed != 0) {
        fail_errno(x, failed);
        return;
    }
    x->watch = loop_fd_watch(x->loop, x->fd, LOOP_READ, on_udp, x);
    loop_at(x->loop, &x->timer, cl_time_add(loop_now(x->loop), x->timeout), on_timeout, x);
}

static void on_udp(void *user, int fd, unsigned ready)
{
    struct exchange *x = user;
    unsigned char answer[DATAGRAM_MAX];

    (void)ready;
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t n = recv(fd, answer, sizeof answer, MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n < 0 && x->transport == DNS_UDP_TCP) { /* a firewall may let TCP through */
            x->silent = true;
            try_tcp(x);
            return;
        }
        if (n < 0) {
            fail_errno(x, errno);
            return;
        }
        size_t len = (size_t)n < sizeof answer ? (size_t)n : sizeof answer;
        if (!fits(x, answer, len)) {
            continue;
        }
        if ((answer[2] & 0x02) != 0 || (size_t)n > sizeof answer) {
            try_tcp(x);
        } else {
            end(x, answer, len, NULL);
        }
        return;
    }
}

static void on_timeout(struct loop_timer *t)
{
    struct exchange *x = t->user;

    if (!x->tcp && x->tries > 0) {
        try_udp(x);
        return;
    }
    if (!x->tcp && x->transport == DNS_UDP_TCP) {
        x->silent = true;
        try_tcp(x);
        return;
    }
    char limit[CL_DURATION_TEXT];
    (void)cl_fail(&x->err, CL_ERR_TRANSIENT, "TimedOut", "%s does not answer by %s within %s",
                  x->server_text,
                  x->silent ? "UDP and TCP"
                  : x->tcp  ? "TCP"
                            : "UDP",
                  cl_duration_format(x->timeout, limit));
    fail_soon(x);
}

/* ---- TCP (RFC 1035 4.2.2): two bytes of length before each message ---- */

static void try_tcp(struct exchange *x)
{
    hang_up(x);
    x->tcp = true;
    new_id(x);
    int failed = open_socket(x, SOCK_STREAM);
    if (failed != 0 && failed != EINPROGRESS) {
        fail_errno(x, failed);
        return;
    }
    x->watch = loop_fd_watch(x->loop, x->fd, LOOP_WRITE, on_tcp, x);
    loop_at(x->loop, &x->timer, cl_time_add(loop_now(x->loop), x->timeout), on_timeout, x);
}

static void tcp_send(struct exchange *x)
{
    ssize_t n = send(x->fd, x->query.data + x->sent, x->query.len - x->sent, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n < 0) {
        fail_errno(x, errno);
        return;
    }
    x->sent += (size_t)n;
    if (x->sent == x->query.len) {
        loop_fd_change(x->watch, LOOP_READ);
    }
}

static void tcp_receive(struct exchange *x)
{
    unsigned char buf[DATAGRAM_MAX];
    size_t wanted = 2;

    if (x->in.len >= 2) {
        wanted += u16((const unsigned char *)x->in.data);
    }
    size_t rest = wanted - x->in.len;
    ssize_t n = recv(x->fd, buf, rest < sizeof buf ? rest : sizeof buf, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        fail_errno(x, n < 0 ? errno : ECONNRESET);
        return;
    }
    (void)cl_buf_add(&x->in, buf, (size_t)n);
    const unsigned char *in = (const unsigned char *)x->in.data;
    if (x->in.len < 2 || x->in.len < 2U + u16(in)) {
        return;
    }
    if (fits(x, in + 2, x->in.len - 2)) {
        end(x, in + 2, x->in.len - 2, NULL);
        return;
    }
    (void)cl_fail(&x->err, CL_ERR_TRANSIENT, "ExchangeFailed",
                  "%s sent something by TCP that is no answer to the question", x->server_text);
    fail_soon(x);
}

static void on_tcp(void *user, int fd, unsigned ready)
{
    struct exchange *x = user;

    (void)fd;
    if (x->sent < x->query.len) {
        tcp_send(x);
    } else if ((ready & LOOP_READ) != 0) {
        tcp_receive(x);
    }
}
