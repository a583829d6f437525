/* SPDX-License-Identifier: Apache-2.0 */
/* http01: one table of tokens, served by every listener for any Host. A listener starts with the
 * first challenge that needs it and is kept: the next renewal comes. */
#include "backends/net/http_server.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct http01_listener {
    struct http_server *server;
    char *address;
    bool by_name; /* some solver names this address itself */
};
struct http01_token {
    uint64_t id; /* a fetch is reported by number: the token may be gone when it completes */
    char *token;
    char *key_authorization; /* NULL: only watched so far */
    struct cl_list fetches;  /* struct solver_fetch.link */
};

const char *http01_address(const struct http01_spec *spec, const char *default_listen)
{
    if (spec->webroot != NULL) {
        return NULL;
    }
    /* the spec's schema stores an absolute path; the server wants its scheme */
    return spec->unix_socket != NULL ? spec->unix_socket : cl_str_or(spec->listen, default_listen);
}

/* ---- tokens ---- */

static struct http01_token *token_get(struct solvers *s, const char *token)
{
    struct http01_token *t = cl_map_get(&s->tokens, token);
    if (t == NULL) {
        t = cl_new(struct http01_token);
        t->id = ++s->next_token;
        t->token = cl_strdup(token);
        cl_list_init(&t->fetches);
        (void)cl_map_set(&s->tokens, token, t);
    }
    return t;
}

void http01_forget(struct solvers *s, const char *token)
{
    struct http01_token *t = cl_map_remove(&s->tokens, token);
    if (t == NULL) {
        return;
    }
    cl_list_for_each(n, &t->fetches) {
        cl_list_remove(n); /* so that solver_fetch_stop stays harmless */
    }
    cl_free(t->token);
    cl_free(t->key_authorization);
    cl_free(t);
}

void solvers_on_fetch(struct solvers *s, const char *token, struct solver_fetch *f)
{
    cl_list_remove(&f->link);
    cl_list_add_tail(&token_get(s, token)->fetches, &f->link);
}

void solver_fetch_stop(struct solver_fetch *f)
{
    cl_list_remove(&f->link);
}

/* ---- serving ---- */

static void handle(void *user, const struct http_server_request *req,
                   struct http_server_response *res)
{
    struct solvers *s = user;
    struct http01_token *t = NULL;

    if (cl_str_starts(req->path, HTTP01_PREFIX)) {
        t = cl_map_get(&s->tokens, req->path + strlen(HTTP01_PREFIX));
    }
    if (t == NULL || t->key_authorization == NULL) {
        res->status = 404;
        res->content_type = "text/plain";
        (void)cl_buf_adds(&res->body, "no such challenge\n");
        return;
    }
    res->status = 200;
    res->content_type = "application/octet-stream";
    (void)cl_buf_adds(&res->body, t->key_authorization);
    if (cl_streq(req->method, "GET")) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number, never followed */
        res->tag = (void *)(uintptr_t)t->id;
    }
}

static struct http01_token *token_by_id(const struct solvers *s, uint64_t id)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&s->tokens, &pos, NULL, &value)) {
        struct http01_token *t = value;
        if (t->id == id) {
            return t;
        }
    }
    return NULL;
}

/* The answer is out. A watcher may stop itself, or clean up the token, from its call. */
static void fetched(struct solvers *s, uint64_t id)
{
    struct http01_token *t = token_by_id(s, id);
    struct cl_list to_tell;

    cl_list_init(&to_tell);
    while (t != NULL && !cl_list_empty(&t->fetches)) {
        struct cl_list *n = t->fetches.next;
        cl_list_remove(n);
        cl_list_add_tail(&to_tell, n);
    }
    while (!cl_list_empty(&to_tell)) {
        struct cl_list *n = to_tell.next;
        cl_list_remove(n);
        t = token_by_id(s, id);
        if (t != NULL) {
            cl_list_add_tail(&t->fetches, n); /* it stays registered */
            struct solver_fetch *f = cl_container(n, struct solver_fetch, link);
            f->fetched(f);
        }
    }
}

static void completed(void *user, void *tag)
{
    fetched(user, (uintptr_t)tag);
}

void http01_fetched(struct solvers *s, const char *token)
{
    const struct http01_token *t = cl_map_get(&s->tokens, token);

    if (t != NULL) {
        fetched(s, t->id);
    }
}

static void listener_stop(struct solvers *s, struct http01_listener *l)
{
    (void)cl_map_remove(&s->listeners, l->address);
    http_server_stop(l->server);
    cl_free(l->address);
    cl_free(l);
}

static struct http01_listener *listener_start(struct solvers *s, const char *address,
                                              struct cl_err *err)
{
    const struct http_server_handler handler = {
        .handle = handle, .completed = completed, .user = s};
    struct http01_listener *l = cl_map_get(&s->listeners, address);
    if (l != NULL) {
        return l;
    }
    struct http_server *server = NULL;
    char *listen = address[0] == '/' ? cl_printf("unix:%s", address) : cl_strdup(address);
    int rc = http_server_start(s->loop, listen, &handler, &server, err);
    cl_free(listen);
    if (rc < 0) {
        cl_wrap(err, "http-01 listener");
        return NULL;
    }
    l = cl_new(struct http01_listener);
    l->server = server;
    l->address = cl_strdup(address);
    (void)cl_map_set(&s->listeners, address, l);
    return l;
}

int http01_serve(struct solvers *s, const struct solver_challenge *c, struct cl_err *err)
{
    const struct http01_spec *spec = &c->solver->http01;
    struct http01_listener *l = listener_start(s, http01_address(spec, s->default_listen), err);
    if (l == NULL) {
        return -1;
    }
    l->by_name |= spec->listen != NULL || spec->unix_socket != NULL;
    struct http01_token *t = token_get(s, c->token);
    cl_free(t->key_authorization);
    t->key_authorization = cl_strdup(c->key_authorization);
    return 0;
}

void http01_configure(struct solvers *s, const char *default_listen)
{
    if (cl_streq(s->default_listen, default_listen)) {
        return;
    }
    struct http01_listener *old = cl_map_get(&s->listeners, s->default_listen);
    cl_free(s->default_listen);
    s->default_listen = cl_strdup(default_listen);
    if (old != NULL && !old->by_name) {
        struct cl_err ignored = {0}; /* the next challenge tries again and reports it */
        listener_stop(s, old);
        (void)listener_start(s, default_listen, &ignored);
    }
}

void http01_deinit(struct solvers *s)
{
    size_t pos = 0;
    const char *key;
    void *value;

    while (cl_map_next(&s->listeners, &pos, &key, &value)) {
        listener_stop(s, value);
    }
    pos = 0;
    while (cl_map_next(&s->tokens, &pos, &key, &value)) {
        http01_forget(s, key);
    }
    cl_map_deinit(&s->listeners);
    cl_map_deinit(&s->tokens);
}
