/* SPDX-License-Identifier: Apache-2.0 */
/* net_fixture: a loop with a deadline, requests whose results are kept, and a raw TCP peer that
 * answers with whatever bytes a test wants. Only for tests/unit/test_net_*.c. */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

#include "backends/net/http.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- time: a test can let the wall clock jump; timers of the loop follow it ---- */

static cl_time clock_shift;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && id == CLOCK_REALTIME) {
        ts->tv_sec += (time_t)(clock_shift / CL_SECOND);
    }
    return rc;
}

/* ---- the loop ---- */

struct net {
    struct loop *loop;
    struct http *http;
    struct loop_timer guard;
    bool late;
};

static inline void net_guard(struct loop_timer *t)
{
    struct net *n = t->user;
    n->late = true;
    loop_stop(n->loop);
}

static inline void net_setup(struct net *n)
{
    static const struct http_params PARAMS = {.user_agent = "certloop-test/1"};
    struct cl_err err = {0};

    memset(n, 0, sizeof *n);
    clock_shift = 0;
    n->loop = loop_create();
    n->http = http_create(n->loop, &PARAMS, &err);
    assert_non_null(n->http);
}

static inline void net_teardown(struct net *n)
{
    http_destroy(n->http);
    loop_timer_stop(n->loop, &n->guard);
    loop_destroy(n->loop);
}

/** Runs the loop until @holds(user), looked at after each loop_stop; fails after 20 s. Whoever
 *  changes what is waited for calls loop_stop. */
static inline void net_wait(struct net *n, bool (*holds)(void *user), void *user)
{
    n->late = false;
    loop_at(n->loop, &n->guard, loop_now(n->loop) + 20 * CL_SECOND, net_guard, n);
    while (!holds(user) && !n->late) {
        loop_run(n->loop);
    }
    loop_timer_stop(n->loop, &n->guard);
    if (n->late) {
        fail_msg("what the test waits for did not come within 20 s");
    }
}

static inline void net_turn_fn(struct loop_task *t)
{
    loop_stop(t->user);
}

/** A few turns of the loop, so that what is due now happens. */
static inline void net_turns(struct net *n, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct loop_task task = {0};
        loop_defer(n->loop, &task, net_turn_fn, n->loop);
        loop_run(n->loop);
    }
}

/* ---- requests ---- */

struct asked {
    struct http_op op;
    struct net *net;
    unsigned done;
    bool failed;
    struct cl_err err;
    long status;
    char *body, *final_url;
    struct cl_strv headers;
    void (*then)(struct asked *a); /* runs inside done */
};

static inline void asked_done(struct cl_op *op, const struct cl_err *err)
{
    struct asked *a = op->user;

    a->done++;
    a->failed = err != NULL;
    if (err != NULL) {
        a->err = *err;
    }
    a->status = a->op.status;
    cl_free(a->body);
    a->body = cl_strdup(cl_buf_str(&a->op.body));
    cl_free(a->final_url);
    a->final_url = cl_strdup(a->op.final_url);
    cl_strv_deinit(&a->headers);
    cl_strv_copy(&a->headers, &a->op.headers);
    loop_stop(a->net->loop);
    if (a->then != NULL) {
        a->then(a);
    }
}

static inline bool asked_is_done(void *user)
{
    return ((struct asked *)user)->done > 0;
}

static inline void ask_start(struct net *n, struct asked *a, const struct http_request *req)
{
    void (*then)(struct asked *) = a->then;
    cl_free(a->body);
    cl_free(a->final_url);
    cl_strv_deinit(&a->headers);
    memset(a, 0, sizeof *a);
    memset(&a->op, 0xa5, sizeof a->op); /* results need no preparation by the caller */
    memset(&a->op.op, 0, sizeof a->op.op);
    a->then = then;
    a->net = n;
    a->op.op.done = asked_done;
    a->op.op.user = a;
    http_start(n->http, req, &a->op);
    assert_int_equal(a->done, 0);
}

/** One request from start to end; free the results with asked_free. */
static inline void ask(struct net *n, struct asked *a, const struct http_request *req)
{
    ask_start(n, a, req);
    net_wait(n, asked_is_done, a);
    assert_int_equal(a->done, 1);
}

static inline void asked_free(struct asked *a)
{
    cl_free(a->body);
    cl_free(a->final_url);
    cl_strv_deinit(&a->headers);
    memset(a, 0, sizeof *a);
}

#define assert_failed(a, kind_, reason_)               \
    do {                                               \
        assert_true((a)->failed);                      \
        assert_string_equal((a)->err.reason, reason_); \
        assert_int_equal((a)->err.kind, kind_);        \
    } while (0)
#define assert_answered(a, status_)                             \
    do {                                                        \
        if ((a)->failed) {                                      \
            fail_msg("%s: %s", (a)->err.reason, (a)->err.text); \
        }                                                       \
        assert_int_equal((a)->status, status_);                 \
    } while (0)

/* ---- a raw peer ---- */

struct raw_conn {
    struct cl_list link;
    struct raw_peer *peer;
    int fd;
    struct loop_fd *watch;
    struct cl_buf in;
    const char *flood; /* sent again and again as long as the other side reads */
};
struct raw_peer {
    struct net *net;
    int fd;
    unsigned port;
    struct loop_fd *watch;
    struct cl_list conns;
    unsigned accepted, closed;
    struct cl_strv requests; /* whole: head and body */
    void (*answer)(struct raw_conn *c, const char *request);
    const char *reply; /* what the default answer sends */
    unsigned count;    /* for answers */
};

static inline void raw_close(struct raw_conn *c)
{
    c->peer->closed++;
    cl_list_remove(&c->link);
    loop_fd_unwatch(c->watch);
    (void)close(c->fd);
    cl_buf_deinit(&c->in);
    loop_stop(c->peer->net->loop);
    cl_free(c);
}

static inline void raw_send(struct raw_conn *c, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);
        if (n < 0) {
            return; /* the other side may have hung up: a test of its own */
        }
        text += n;
        len -= (size_t)n;
    }
}

static inline void raw_reply(struct raw_conn *c, const char *request)
{
    (void)request;
    raw_send(c, c->peer->reply);
}
static inline void raw_reply_and_close(struct raw_conn *c, const char *request)
{
    (void)request;
    raw_send(c, c->peer->reply);
    raw_close(c);
}
static inline void raw_silence(struct raw_conn *c, const char *request)
{
    (void)c;
    (void)request;
}
static inline void raw_flood(struct raw_conn *c, const char *request)
{
    (void)request;
    raw_send(c, c->peer->reply);
    loop_fd_change(c->watch, LOOP_READ | LOOP_WRITE);
}

/* Length of the first whole request in the buffer, 0 if it is not all there. */
static inline size_t raw_request_len(const struct cl_buf *in)
{
    const char *text = cl_buf_str(in);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (end == NULL) {
        return 0;
    }
    size_t body = length != NULL && length < end
                      ? (size_t)strtoul(length + strlen("Content-Length: "), NULL, 10)
                      : 0;
    size_t all = (size_t)(end + 4 - text) + body;
    return in->len >= all ? all : 0;
}

static inline void raw_ready(void *user, int fd, unsigned ready)
{
    struct raw_conn *c = user;
    char chunk[65536];

    if ((ready & LOOP_WRITE) != 0 && c->flood != NULL &&
        send(fd, c->flood, strlen(c->flood), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) {
        raw_close(c);
        return;
    }
    if ((ready & LOOP_READ) == 0) {
        return;
    }
    ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        raw_close(c);
        return;
    }
    assert_int_equal(cl_buf_add(&c->in, chunk, (size_t)n), 0);
    size_t len = raw_request_len(&c->in);
    if (len > 0) {
        char *request = cl_strndup(cl_buf_str(&c->in), len);
        cl_strv_add(&c->peer->requests, request);
        cl_buf_reset(&c->in); /* nobody here pipelines */
        struct raw_peer *p = c->peer;
        p->answer(c, request);
        cl_free(request);
        loop_stop(p->net->loop);
    }
}

static inline void raw_accept(void *user, int fd, unsigned ready)
{
    struct raw_peer *p = user;
    int conn = accept(fd, NULL, NULL);

    (void)ready;
    if (conn < 0) {
        return;
    }
    struct raw_conn *c = cl_new(struct raw_conn);
    c->peer = p;
    c->fd = conn;
    cl_buf_init(&c->in, 1 << 20);
    cl_list_add_tail(&p->conns, &c->link);
    c->watch = loop_fd_watch(p->net->loop, conn, LOOP_READ, raw_ready, c);
    p->accepted++;
}

static inline void raw_start(struct net *n, struct raw_peer *p)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;

    memset(p, 0, sizeof *p);
    p->net = n;
    p->answer = raw_reply;
    p->reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    cl_list_init(&p->conns);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(p->fd, 128), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&in, &len), 0);
    p->port = ntohs(in.sin_port);
    p->watch = loop_fd_watch(n->loop, p->fd, LOOP_READ, raw_accept, p);
}

static inline void raw_stop(struct raw_peer *p)
{
    cl_list_for_each(link, &p->conns) {
        raw_close(cl_container(link, struct raw_conn, link));
    }
    loop_fd_unwatch(p->watch);
    (void)close(p->fd);
    cl_strv_deinit(&p->requests);
}

/** "http://127.0.0.1:PORT/PATH" in a buffer of the caller. */
#define URL_TEXT 256
static inline const char *raw_url(const struct raw_peer *p, const char *path, char buf[URL_TEXT])
{
    (void)snprintf(buf, URL_TEXT, "http://127.0.0.1:%u%s", p->port, path);
    return buf;
}

#endif
