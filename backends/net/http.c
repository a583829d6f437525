/* SPDX-License-Identifier: Apache-2.0 */
/* http: the engine. One libcurl multi handle lives on the loop: libcurl says which descriptors and
 * which timeout it waits for, we say what happened, and then hand out all results. What a transfer
 * is and what becomes of its result is known to http_request.c and http_probe.c only.
 *
 * Every transfer ends exactly once: libcurl reports it (finish in drain), or it was cancelled or
 * never started (finish from a deferred task), or http_destroy ends it. */
#include "backends/net/http.h"

#include "backends/net/http_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* After this time without a request all connections and the parsed CA bundle are given back. */
#define IDLE_CLOSE (1 * CL_MINUTE)
/* Connections that are kept when they have nothing to do. */
#define KEPT_CONNECTIONS 64L

static bool open_multi(struct http *h);
static void close_multi(struct http *h);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *watch);
static int on_timeout_changed(CURLM *multi, long timeout_ms, void *user);
static void act(struct http *h, curl_socket_t fd, int events);
static void end(struct http_transfer *t, const struct cl_err *err);

struct http *http_create(struct loop *l, const struct http_params *p, struct cl_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)cl_fail(err, CL_ERR_INTERNAL, "CurlInit", "libcurl cannot be initialised");
        return NULL;
    }
    struct http *h = cl_new(struct http);
    h->loop = l;
    h->user_agent = cl_strdup(p->user_agent);
    cl_list_init(&h->transfers);
    cl_list_init(&h->slots);
    http_proxies_read(&h->proxies);
    return h;
}

void http_destroy(struct http *h)
{
    if (h == NULL) {
        return;
    }
    cl_assert(!h->reporting); /* done must not pull the floor from under its own caller */
    h->closing = true;
    while (!cl_list_empty(&h->transfers)) {
        struct http_transfer *t = cl_container(h->transfers.next, struct http_transfer, link);
        struct cl_err err = {0};
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the request was cancelled");
        end(t, &err);
    }
    loop_timer_stop(h->loop, &h->idle);
    close_multi(h);
    http_set_proxy(h, NULL, NULL, NULL);
    cl_free(h->user_agent);
    cl_free(h);
    curl_global_cleanup();
}

const char *http_version(void)
{
    return curl_version();
}

static bool open_multi(struct http *h)
{
    h->multi = curl_multi_init();
    if (h->multi == NULL) {
        return false;
    }
    bool bad = false;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout_changed) != CURLM_OK;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS) != CURLM_OK;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK;
    if (bad) {
        close_multi(h);
    }
    return !bad;
}

static void close_multi(struct http *h)
{
    http_slots_drop(h);
    if (h->multi != NULL) {
        (void)curl_multi_cleanup(h->multi);
        h->multi = NULL;
    }
    loop_timer_stop(h->loop, &h->timer);
    loop_task_cancel(&h->soon);
}

/* ---- transfers ---- */

static void on_ended(struct loop_task *task)
{
    struct http_transfer *t = task->user;
    end(t, &t->err);
}

static void end_soon(struct http_transfer *t)
{
    loop_defer(t->http->loop, &t->ended, on_ended, t);
}

static void on_idle(struct loop_timer *timer)
{
    struct http *h = timer->user;
    if (cl_list_empty(&h->transfers)) {
        close_multi(h);
    }
}

/* Takes @t out of everything and reports it. */
static void end(struct http_transfer *t, const struct cl_err *err)
{
    struct http *h = t->http;

    if (t->adopted) {
        (void)curl_multi_remove_handle(h->multi, t->easy);
        t->adopted = false;
    }
    loop_task_cancel(&t->ended);
    cl_list_remove(&t->link);
    if (cl_list_empty(&h->transfers) && !h->closing) {
        loop_at(h->loop, &h->idle, cl_time_add(loop_now(h->loop), IDLE_CLOSE), on_idle, h);
    }
    t->finish(t, err);
}

static void cancel(struct cl_op *op)
{
    struct http_transfer *t = op->impl;

    op->cancel = NULL;
    if (t->adopted) {
        (void)curl_multi_remove_handle(t->http->multi, t->easy);
        t->adopted = false;
    }
    (void)cl_fail(&t->err, CL_ERR_CANCELLED, "Cancelled", "the request was cancelled");
    end_soon(t);
}

void http_transfer_start(struct http *h, struct http_transfer *t)
{
    t->op->cancel = cancel;
    t->op->impl = t;
    memset(&t->err, 0, sizeof t->err);
    t->curl_text[0] = '\0';
    cl_list_add_tail(&h->transfers, &t->link);
    loop_timer_stop(h->loop, &h->idle);
    if (!h->closing && (h->multi != NULL || open_multi(h)) &&
        curl_multi_add_handle(h->multi, t->easy) == CURLM_OK) {
        t->adopted = true;
        return;
    }
    (void)cl_fail(&t->err, CL_ERR_INTERNAL, "CurlFailed", "libcurl takes no request");
    end_soon(t);
}

void http_transfer_fail(struct http *h, struct http_transfer *t)
{
    t->op->cancel = cancel;
    t->op->impl = t;
    cl_list_add_tail(&h->transfers, &t->link);
    end_soon(t);
}

/* Hands out all results. done may start and cancel transfers meanwhile. */
static void drain(struct http *h)
{
    int left = 0;
    CURLMsg *msg = NULL;

    h->reporting = true;
    while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode code = msg->data.result; /* @msg does not survive the removal */
        if (msg->msg != CURLMSG_DONE ||
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK) {
            continue;
        }
        struct http_transfer *t = (struct http_transfer *)(void *)private;
        struct cl_err err = {0};
        if (code != CURLE_OK) {
            t->explain(t, code, &err);
        }
        end(t, code == CURLE_OK ? NULL : &err);
    }
    h->reporting = false;
}

static void act(struct http *h, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(h->multi, fd, events, &running);
    drain(h);
}

/* ---- what libcurl waits for ---- */

static void on_ready(void *user, int fd, unsigned ready)
{
    act(user, fd,
        ((ready & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((ready & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *watch)
{
    struct http *h = user;
    struct loop_fd *w = watch;
    unsigned events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_unwatch(w);
        (void)curl_multi_assign(h->multi, fd, NULL);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
        events |= LOOP_READ;
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
        events |= LOOP_WRITE;
    }
    if (w != NULL) {
        loop_fd_change(w, events);
    } else {
        w = loop_fd_watch(h->loop, fd, events, on_ready, h);
        (void)curl_multi_assign(h->multi, fd, w);
    }
    return 0;
}

static void on_soon(struct loop_task *task)
{
    act(task->user, CURL_SOCKET_TIMEOUT, 0);
}

static void on_timer(struct loop_timer *timer)
{
    act(timer->user, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl must not be entered from here: 0 means soon, not now. */
static int on_timeout_changed(CURLM *multi, long timeout_ms, void *user)
{
    struct http *h = user;

    (void)multi;
    loop_task_cancel(&h->soon);
    if (timeout_ms > 0) {
        loop_at(h->loop, &h->timer, cl_time_add(loop_now(h->loop), timeout_ms), on_timer, h);
        return 0;
    }
    loop_timer_stop(h->loop, &h->timer);
    if (timeout_ms == 0) {
        loop_defer(h->loop, &h->soon, on_soon, h);
    }
    return 0;
}

curl_socket_t http_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)user;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
