/* SPDX-License-Identifier: Apache-2.0 */
/* acme_ari: asks for renewal information (RFC 9773 4): an unauthenticated GET, on no queue of the
 * account. Its failures hold nothing else up, and it is not tried again here: the next poll is. */
#include "backends/acme/acme_ari_msg.h"
#include "backends/acme/acme_impl.h"
#include "backends/acme/acme_problem.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define AT_ONCE 4u /* the others wait: they are never in a hurry */
#define DEADLINE (30 * CL_SECOND)
#define ANSWER_MAX ((size_t)64 << 10)

struct acme_poll {
    struct acme *a;
    struct renewal_info_op *op;
    struct cl_list link; /* in a->polls while it waits */
    struct loop_task task;
    struct http_op http;
    struct acme_renewal_msg msg;
    bool sent, cancelled;
};

static void answered(struct cl_op *op, const struct cl_err *err);

static void poll_end(struct acme_poll *p, const struct cl_err *err)
{
    struct renewal_info_op *op = p->op;

    struct acme_renewal_msg msg = p->msg; /* lent while done runs */

    cl_list_remove(&p->link);
    loop_task_cancel(&p->task);
    cl_free(p);
    cl_op_done(&op->op, err);
    acme_renewal_msg_deinit(&msg);
}

static void send(struct acme_poll *p)
{
    struct acme *a = p->a;
    const char *base = a->directory.renewal_info;
    size_t len = strlen(base);
    char *url =
        cl_printf("%s%s%s", base, len > 0 && base[len - 1] == '/' ? "" : "/", p->op->cert_id);
    struct http_request r = {
        .method = "GET",
        .url = url,
        .trust = a->trust,
        .timeout = DEADLINE,
        .max_body = ANSWER_MAX,
        .allow_http = acme_url_is_loopback_http(a->spec->server),
        .refuse_private = !acme_url_host_is_private(a->spec->server) &&
                          !acme_url_same_origin(url, a->spec->server),
    };

    p->sent = true;
    a->polls_running++;
    a->polled++;
    p->http.op.done = answered;
    p->http.op.user = p;
    http_start(a->host->http, &r, &p->http);
    cl_free(url);
}

static void refused(const struct acme_poll *p, cl_time now, struct cl_err *ret)
{
    struct acme_failure f = {
        .status = p->http.status,
        .retry_after = http_header(&p->http, "retry-after"),
        .body = cl_buf_str(&p->http.body),
        .len = p->http.body.len,
    };

    acme_problem_to_err(&f, now, ret);
}

static void answered(struct cl_op *op, const struct cl_err *failed)
{
    struct acme_poll *p = op->user;
    struct acme *a = p->a;
    struct cl_err err = {0};
    cl_time now = loop_now(a->host->loop);
    int rc = 0;

    a->polls_running--;
    if (p->cancelled) {
        rc = cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the question was cancelled");
    } else if (failed != NULL) {
        err = *failed;
        rc = -1;
    } else if (p->http.status != 200) {
        refused(p, now, &err);
        rc = -1;
    } else {
        rc = acme_msg_renewal_info(cl_buf_str(&p->http.body), p->http.body.len, &p->msg, &err);
        p->op->answer = (struct ari_answer){
            .start = p->msg.start,
            .end = p->msg.end,
            .explanation_url = p->msg.explanation_url,
            .retry_at = acme_retry_after(http_header(&p->http, "retry-after"), now)};
    }
    if (rc < 0) {
        cl_wrap(&err, "renewal information");
    }
    acme_polls_go_on(a);
    poll_end(p, rc < 0 ? &err : NULL);
}

void acme_polls_go_on(struct acme *a)
{
    while (a->polls_running < AT_ONCE && !cl_list_empty(&a->polls)) {
        struct acme_poll *p = cl_container(a->polls.next, struct acme_poll, link);
        cl_list_remove(&p->link);
        send(p);
    }
}

static void start(struct loop_task *task)
{
    struct acme_poll *p = task->user;
    struct cl_err err = {0};

    if (p->cancelled || p->a->directory.renewal_info == NULL) {
        (void)cl_fail(&err, p->cancelled ? CL_ERR_CANCELLED : CL_ERR_TRANSIENT,
                      p->cancelled ? "Cancelled" : "NoRenewalInfo",
                      p->cancelled ? "the question was cancelled"
                                   : "the CA's directory names no renewalInfo");
        poll_end(p, &err);
        return;
    }
    cl_list_add_tail(&p->a->polls, &p->link);
    acme_polls_go_on(p->a);
}

static void poll_cancel(struct cl_op *op)
{
    struct acme_poll *p = op->impl;

    p->cancelled = true;
    if (p->sent) {
        cl_op_cancel(&p->http.op);
    } else {
        cl_list_remove(&p->link);
        loop_defer(p->a->host->loop, &p->task, start, p);
    }
}

void acme_renewal_info_start(struct acme *a, struct renewal_info_op *op)
{
    struct acme_poll *p = cl_new(struct acme_poll);

    p->a = a;
    p->op = op;
    cl_list_init(&p->link);
    memset(&op->answer, 0, sizeof op->answer);
    op->op.impl = p;
    op->op.cancel = poll_cancel;
    loop_defer(a->host->loop, &p->task, start, p);
}
