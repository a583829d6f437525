/* SPDX-License-Identifier: Apache-2.0 */
/* sim_http_server: listeners of the daemon, and the world's way to fetch from them. */
#include "backends/net/http_server.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_fs.h"
#include "backends/sim/sim_http.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct http_server {
    struct cl_list link; /* in sim->servers */
    char *listen;
    struct http_server_handler handler;
};

void sim_servers_reset(void)
{
    cl_list_init(&sim->servers); /* the nodes went with the daemon's memory */
    cl_list_init(&sim->dns_listeners);
    cl_list_init(&sim->alpn_servers);
}

int http_server_start(struct loop *l, const char *listen, const struct http_server_handler *handler,
                      struct http_server **ret, struct cl_err *err)
{
    (void)l;
    cl_list_for_each(n, &sim->servers) {
        if (cl_streq(cl_container(n, struct http_server, link)->listen, listen)) {
            return cl_fail(err, CL_ERR_LOCAL, "AddressInUse", "%s is in use", listen);
        }
    }
    struct http_server *s = cl_new(struct http_server);
    s->listen = cl_strdup(listen);
    s->handler = *handler;
    cl_list_add_tail(&sim->servers, &s->link);
    *ret = s;
    return 0;
}

void http_server_stop(struct http_server *s)
{
    if (s != NULL) {
        cl_list_remove(&s->link);
        cl_free(s->listen);
        cl_free(s);
    }
}

unsigned http_server_port(const struct http_server *s)
{
    const char *colon = strrchr(s->listen, ':');
    uint64_t port = 0;

    if (colon != NULL) {
        (void)cl_parse_u64(colon + 1, 65535, &port);
    }
    return (unsigned)port;
}

static long ask(struct http_server *s, const char *host, const char *path, bool tell, char **ret)
{
    SIM_LIFE();
    struct http_server_request req = {
        .method = tell ? "GET" : "HEAD", .path = path, .host = host, .remote = "192.0.2.1"};
    struct http_server_response res = {0};

    cl_buf_init(&res.body, (size_t)4 << 20);
    s->handler.handle(s->handler.user, &req, &res);
    *ret = cl_buf_take(&res.body);
    if (tell && res.tag != NULL && s->handler.completed != NULL) {
        s->handler.completed(s->handler.user, res.tag);
    }
    return (long)res.status;
}

static long from_webroot(const char *path, char **ret)
{
    cl_strv_for_each(root, &sim->webroots) {
        char *file = cl_printf("%s%s", root, path);
        const struct sim_blob *b = sim_fs_get(file);
        cl_free(file);
        if (b != NULL) {
            *ret = cl_strndup(b->data, b->len);
            return 200;
        }
    }
    return 0;
}

long sim_fetch(const char *host, const char *path, bool tell, char **ret)
{
    *ret = NULL;
    long status = from_webroot(path, ret);
    if (status != 0 || sim->life == 0) {
        return status;
    }
    cl_list_for_each(n, &sim->servers) {
        struct http_server *s = cl_container(n, struct http_server, link);
        if (http_server_port(s) == 80) {
            return ask(s, host, path, tell, ret);
        }
    }
    return 0;
}
