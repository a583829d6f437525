/* SPDX-License-Identifier: Apache-2.0 */
/* http_server: libmicrohttpd without threads. Its epoll descriptor is one descriptor of our loop;
 * it runs until it has nothing to do, and a timer brings it back if it asks for one.
 *
 * A peer has 10 s from connecting, or from its last answer, to be answered completely, however busy
 * it is meanwhile: libmicrohttpd's own timeout only sees silence, and a request that comes byte by
 * byte would hold a connection for ever. */
#include "backends/net/http_server.h"

#include "backends/net/http_listen.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 100U
/* Holds the request line and headers, and the head of the answer. */
#define CONNECTION_MEMORY (20U * 1024U)
#define EXCHANGE_TIME (10 * CL_SECOND)
#define BODY_MAX (4U * 1024U * 1024U)
/* Rounds of libmicrohttpd before the rest of the program gets its turn. */
#define ROUNDS_MAX 64

struct http_server {
    struct loop *loop;
    struct http_server_handler handler;
    struct http_listener listener;
    struct MHD_Daemon *daemon;
    struct loop_fd *watch;
    struct loop_timer timer;  /* libmicrohttpd's */
    struct loop_timer reaper; /* ours: the first of peers is due */
    struct loop_task again;
    struct cl_list peers; /* struct peer.link, first due first */
    bool running;         /* inside libmicrohttpd: callbacks must not stop the server */
    bool made_room;       /* a connection has ended since libmicrohttpd last looked for new ones */
};

struct peer {
    struct cl_list link;
    int fd;
    cl_time deadline;
};

/* One request and its answer. */
struct exchange {
    void *tag;
    bool answered;
};

static void run(struct http_server *s);
static void on_ready(void *user, int fd, unsigned ready);
static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **exchange);
static void on_completed(void *user, struct MHD_Connection *c, void **exchange,
                         enum MHD_RequestTerminationCode how);
static void on_connection(void *user, struct MHD_Connection *c, void **peer,
                          enum MHD_ConnectionNotificationCode what);

int http_server_start(struct loop *l, const char *listen, const struct http_server_handler *handler,
                      struct http_server **ret, struct cl_err *err)
{
    struct http_server *s = cl_new(struct http_server);

    s->loop = l;
    s->handler = *handler;
    cl_list_init(&s->peers);
    if (http_listen_open(listen, &s->listener, err) < 0) {
        cl_free(s);
        return -1;
    }
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listener.fd,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon != NULL ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (info == NULL) {
        http_server_stop(s);
        return cl_fail(err, CL_ERR_LOCAL, "ListenFailed",
                       "%s: libmicrohttpd cannot be started (too many open files?)", listen);
    }
    s->watch = loop_fd_watch(l, info->epoll_fd, LOOP_READ, on_ready, s);
    *ret = s;
    return 0;
}

void http_server_stop(struct http_server *s)
{
    if (s == NULL) {
        return;
    }
    cl_assert(!s->running);
    loop_fd_unwatch(s->watch);
    loop_timer_stop(s->loop, &s->timer);
    loop_task_cancel(&s->again);
    if (s->daemon != NULL) {
        /* Takes the socket back first: libmicrohttpd would shut it down, also for others who have
         * it, as the service manager does. */
        (void)MHD_quiesce_daemon(s->daemon);
        MHD_stop_daemon(s->daemon); /* ends the exchanges: on_completed and on_connection run */
    }
    loop_timer_stop(s->loop, &s->reaper);
    http_listen_close(&s->listener);
    cl_free(s);
}

unsigned http_server_port(const struct http_server *s)
{
    return s->listener.port;
}

/* ---- libmicrohttpd on the loop ---- */

static void on_ready(void *user, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    run(user);
}

static void on_timer(struct loop_timer *t)
{
    run(t->user);
}

static void on_again(struct loop_task *t)
{
    run(t->user);
}

static void run(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    bool timed = false;

    s->running = true;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        s->made_room = false;
        (void)MHD_run(s->daemon);
        timed = MHD_get_timeout(s->daemon, &wait) == MHD_YES;
        if (!s->made_room && (!timed || wait > 0)) {
            break;
        }
    }
    s->running = false;
    loop_timer_stop(s->loop, &s->timer);
    if (s->made_room || (timed && wait == 0)) {
        loop_defer(s->loop, &s->again, on_again, s);
    } else if (timed) {
        cl_time delay = wait < (MHD_UNSIGNED_LONG_LONG)CL_HOUR ? (cl_time)wait : CL_HOUR;
        loop_at(s->loop, &s->timer, cl_time_add(loop_now(s->loop), delay), on_timer, s);
    }
}

/* ---- peers ---- */

static void reap(struct loop_timer *t);

static void arm_reaper(struct http_server *s)
{
    if (cl_list_empty(&s->peers)) {
        loop_timer_stop(s->loop, &s->reaper);
        return;
    }
    const struct peer *first = cl_container(s->peers.next, struct peer, link);
    if (s->reaper.node.index == 0 || s->reaper.node.when != first->deadline) {
        loop_at(s->loop, &s->reaper, first->deadline, reap, s);
    }
}

static void give_time(struct http_server *s, struct peer *p)
{
    cl_list_remove(&p->link);
    p->deadline = cl_time_add(loop_now(s->loop), EXCHANGE_TIME);
    cl_list_add_tail(&s->peers, &p->link);
    arm_reaper(s);
}

/* The connection stays libmicrohttpd's; it finds it broken and closes it. */
static void reap(struct loop_timer *t)
{
    struct http_server *s = t->user;

    cl_list_for_each(n, &s->peers) {
        struct peer *p = cl_container(n, struct peer, link);
        if (p->deadline > loop_now(s->loop)) {
            break;
        }
        (void)shutdown(p->fd, SHUT_RDWR);
        give_time(s, p);
    }
    arm_reaper(s);
}

static void on_connection(void *user, struct MHD_Connection *c, void **peer,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = user;
    struct peer *p = *peer;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        p = cl_new(struct peer);
        p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *peer = p;
        give_time(s, p);
    } else if (p != NULL) {
        cl_list_remove(&p->link);
        cl_free(p);
        *peer = NULL;
        s->made_room = true; /* at the limit it does not listen until it runs once more */
        arm_reaper(s);
    }
}

/* ---- requests ---- */

/* Takes the body. */
static enum MHD_Result answer(struct MHD_Connection *c, struct http_server_response *res,
                              bool refused)
{
    size_t len = res->body.len;
    char *text = cl_buf_take(&res->body);
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(len, text, cl_free);

    if (r == NULL) {
        cl_free(text);
        return MHD_NO;
    }
    enum MHD_Result ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
                                                 cl_str_or(res->content_type, "text/plain"));
    if (ok == MHD_YES && refused) {
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
        if (ok == MHD_YES && res->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
            ok = MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        }
    }
    if (ok == MHD_YES) {
        ok = MHD_queue_response(c, res->status, r);
    }
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
    struct http_server_response res = {.status = status};

    cl_buf_init(&res.body, BODY_MAX);
    (void)cl_buf_addf(&res.body, "%s\n", text);
    return answer(c, &res, true);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* 0, or the status with which the request is refused before anybody has seen it. */
static unsigned refusal(struct MHD_Connection *c, const char *method)
{
    const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (!cl_streq(method, MHD_HTTP_METHOD_GET) && !cl_streq(method, MHD_HTTP_METHOD_HEAD)) {
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL ||
        (length != NULL && !cl_streq(length, "0"))) {
        return MHD_HTTP_CONTENT_TOO_LARGE;
    }
    return 0;
}

/* "Example.com:80" -> "example.com", "[::1]:80" -> "::1". */
static void read_host(struct MHD_Connection *c, char *buf, size_t size)
{
    const char *value = cl_str_or(header(c, MHD_HTTP_HEADER_HOST), "");
    size_t len = strcspn(value, ":");

    if (value[0] == '[') {
        value++;
        len = strcspn(value, "]");
    }
    if (cl_format(buf, size, "%.*s", (int)len, value) < 0) {
        buf[0] = '\0'; /* no name of a host is that long */
    }
    (void)cl_str_lower(buf);
}

static void read_remote(struct MHD_Connection *c, char *buf, size_t size)
{
    static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;

    (void)cl_format(buf, size, "%s", "unix");
    if (sa != NULL && sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, buf, (socklen_t)size);
    } else if (sa != NULL && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        const unsigned char *addr = in6.sin6_addr.s6_addr;
        if (memcmp(addr, MAPPED, sizeof MAPPED) == 0) {
            (void)inet_ntop(AF_INET, addr + 12, buf, (socklen_t)size);
        } else {
            (void)inet_ntop(AF_INET6, addr, buf, (socklen_t)size);
        }
    }
}

/* Called once when the headers are there, then once more for the answer. */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's parameters */
static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **exchange)
{
    struct http_server *s = user;
    struct exchange *x = *exchange;
    char host[256];
    char remote[INET6_ADDRSTRLEN];

    (void)version;
    (void)upload;
    if (x == NULL) {
        x = cl_new(struct exchange);
        *exchange = x;
        unsigned status = refusal(c, method);
        if (status == 0) {
            return MHD_YES;
        }
        x->answered = true;
        return refuse(c, status, "Only GET and HEAD without a body are answered here.");
    }
    *upload_size = 0;
    if (x->answered) {
        return MHD_YES;
    }
    read_host(c, host, sizeof host);
    read_remote(c, remote, sizeof remote);
    struct http_server_request req = {
        .method = method,
        .path = url,
        .host = host,
        .query_name = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "name"),
        .remote = remote,
    };
    struct http_server_response res = {.status = MHD_HTTP_OK};
    cl_buf_init(&res.body, BODY_MAX);
    s->handler.handle(s->handler.user, &req, &res);
    x->tag = res.tag;
    x->answered = true;
    return answer(c, &res, false);
}

static void on_completed(void *user, struct MHD_Connection *c, void **exchange,
                         enum MHD_RequestTerminationCode how)
{
    struct http_server *s = user;
    struct exchange *x = *exchange;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (x == NULL) {
        return;
    }
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        if (info != NULL && info->socket_context != NULL) {
            give_time(s, info->socket_context);
        }
        if (x->tag != NULL && s->handler.completed != NULL) {
            s->handler.completed(s->handler.user, x->tag);
        }
    }
    cl_free(x);
    *exchange = NULL;
}
