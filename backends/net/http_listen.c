/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen: "HOST:PORT", "[V6]:PORT", ":PORT", "unix:/path" -> a listening socket. Addresses are
 * numeric (a lookup would block the loop) or "localhost". "[::]" and "" mean IPv4 as well, and
 * IPv4 alone on a machine without IPv6. */
#include "backends/net/http_listen.h"

#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511
#define UNIX_MODE 0660U

struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage any;
    } u;
    socklen_t len;
};

static int parse(const char *where, struct address *ret, struct cl_err *err);
static int open_tcp(const char *where, struct address *a, struct cl_err *err);
static int open_unix(const char *where, const struct address *a, struct cl_err *err);
static int fail_bind(const char *where, int errnum, struct cl_err *err);
static int take_over(int fd, struct cl_err *err);

int http_listen_open(const char *where, struct http_listener *ret, struct cl_err *err)
{
    struct address a;
    bool ours = false;

    if (parse(where, &a, err) < 0) {
        return -1;
    }
    int fd = sys_listen_fd(where);
    if (fd >= 0) {
        fd = take_over(fd, err);
    } else {
        ours = true;
        fd = a.u.sa.sa_family == AF_UNIX ? open_unix(where, &a, err) : open_tcp(where, &a, err);
    }
    if (fd < 0) {
        return -1;
    }
    struct address bound = {.len = sizeof bound.u};
    ret->fd = fd;
    ret->port = 0;
    ret->unix_path = ours && a.u.sa.sa_family == AF_UNIX ? cl_strdup(a.u.un.sun_path) : NULL;
    if (getsockname(fd, &bound.u.sa, &bound.len) == 0) {
        ret->port = bound.u.sa.sa_family == AF_INET    ? ntohs(bound.u.in.sin_port)
                    : bound.u.sa.sa_family == AF_INET6 ? ntohs(bound.u.in6.sin6_port)
                                                       : 0;
    }
    return 0;
}

void http_listen_close(struct http_listener *l)
{
    (void)close(l->fd);
    if (l->unix_path != NULL) {
        (void)disk_unlink(l->unix_path, NULL); /* a stale one is replaced at the next start */
        cl_free(l->unix_path);
        l->unix_path = NULL;
    }
}

/* The service manager's descriptor stays open for the next start; we work with a copy. */
static int take_over(int fd, struct cl_err *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return cl_fail_errno(err, errno, "ListenFailed",
                             "cannot use the socket of the service manager");
    }
    int flags = fcntl(copy, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(copy, F_SETFL, flags | O_NONBLOCK);
    }
    return copy;
}

/* ---- parsing ---- */

static int fail_parse(const char *where, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_LOCAL, "ListenInvalid",
                   "\"%s\" is no address to listen on: use \"192.0.2.1:80\", \"[::]:80\", \":80\" "
                   "or \"unix:/path\"",
                   where);
}

static int parse_unix(const char *where, struct address *ret, struct cl_err *err)
{
    const char *path = where + strlen("unix:");

    if (path[0] != '/' ||
        cl_format(ret->u.un.sun_path, sizeof ret->u.un.sun_path, "%s", path) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ListenInvalid",
                       "\"%s\": the path must be absolute and shorter than %zu bytes", where,
                       sizeof ret->u.un.sun_path);
    }
    ret->u.un.sun_family = AF_UNIX;
    ret->len = sizeof ret->u.un;
    return 0;
}

static void set_any(struct address *a, bool v6, in_port_t port)
{
    memset(a, 0, sizeof *a);
    if (v6) {
        a->u.in6.sin6_family = AF_INET6;
        a->u.in6.sin6_addr = in6addr_any;
        a->u.in6.sin6_port = port;
        a->len = sizeof a->u.in6;
    } else {
        a->u.in.sin_family = AF_INET;
        a->u.in.sin_addr.s_addr = htonl(INADDR_ANY);
        a->u.in.sin_port = port;
        a->len = sizeof a->u.in;
    }
}

static int parse(const char *where, struct address *ret, struct cl_err *err)
{
    char host[64];
    const char *colon = strrchr(where, ':');
    uint64_t number = 0;

    memset(ret, 0, sizeof *ret);
    if (cl_str_starts(where, "unix:")) {
        return parse_unix(where, ret, err);
    }
    if (colon == NULL || cl_parse_u64(colon + 1, UINT16_MAX, &number) < 0 ||
        cl_format(host, sizeof host, "%.*s", (int)(colon - where), where) < 0) {
        return fail_parse(where, err);
    }
    in_port_t port = htons((uint16_t)number);
    size_t len = strlen(host);
    if (len == 0 || cl_streq(host, "*")) {
        set_any(ret, true, port);
        return 0;
    }
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        set_any(ret, true, port);
        return inet_pton(AF_INET6, host + 1, &ret->u.in6.sin6_addr) == 1 ? 0
                                                                         : fail_parse(where, err);
    }
    set_any(ret, false, port);
    if (cl_streq(host, "localhost")) {
        ret->u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return 0;
    }
    return inet_pton(AF_INET, host, &ret->u.in.sin_addr) == 1 ? 0 : fail_parse(where, err);
}

/* ---- binding ---- */

static int new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Returns the descriptor, or -1 with errno. */
static int bind_tcp(const struct address *a)
{
    int on = 1;
    int off = 0;
    int fd = new_socket(a->u.sa.sa_family);

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        (a->u.sa.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) ||
        bind(fd, &a->u.sa, a->len) < 0 || listen(fd, BACKLOG) < 0) {
        int failed = errno;
        (void)close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

static int open_tcp(const char *where, struct address *a, struct cl_err *err)
{
    int fd = bind_tcp(a);

    if (fd < 0 && a->u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr) &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        set_any(a, false, a->u.in6.sin6_port); /* no IPv6 here */
        fd = bind_tcp(a);
    }
    return fd >= 0 ? fd : fail_bind(where, errno, err);
}

/* A socket that nobody listens on any more is removed; anything else is left alone. */
static int make_way(const char *where, const struct address *a, struct cl_err *err)
{
    struct disk_stat st;

    if (disk_lstat(a->u.un.sun_path, &st, err) < 0) {
        return -1;
    }
    if (st.type == DISK_NONE) {
        return 0;
    }
    int fd = new_socket(AF_UNIX);
    int failed = fd >= 0 && connect(fd, &a->u.sa, a->len) < 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (st.type != DISK_OTHER || failed == ENOTSOCK || failed == EPROTOTYPE) {
        return cl_fail(err, CL_ERR_LOCAL, "NotASocket",
                       "%s: something that is no socket has this path", where);
    }
    return failed == ECONNREFUSED ? disk_unlink(a->u.un.sun_path, err)
                                  : fail_bind(where, EADDRINUSE, err);
}

static int start(int fd, const char *where, struct cl_err *err)
{
    return listen(fd, BACKLOG) == 0 ? 0 : fail_bind(where, errno, err);
}

static int open_unix(const char *where, const struct address *a, struct cl_err *err)
{
    if (make_way(where, a, err) < 0) {
        return -1;
    }
    int fd = new_socket(AF_UNIX);
    if (fd < 0) {
        return fail_bind(where, errno, err);
    }
    if (bind(fd, &a->u.sa, a->len) < 0) {
        int failed = errno;
        (void)close(fd);
        return fail_bind(where, failed, err);
    }
    if (disk_chmod(a->u.un.sun_path, UNIX_MODE, err) < 0 || start(fd, where, err) < 0) {
        (void)close(fd);
        (void)disk_unlink(a->u.un.sun_path, NULL);
        return -1;
    }
    return fd;
}

static int fail_bind(const char *where, int errnum, struct cl_err *err)
{
    switch (errnum) {
    case EADDRINUSE:
        return cl_fail(err, CL_ERR_LOCAL, "AddressInUse",
                       "%s: another program listens there already", where);
    case EACCES:
    case EPERM:
        return cl_fail(err, CL_ERR_LOCAL, "PermissionDenied",
                       "%s: not permitted. Ports below 1024 need CAP_NET_BIND_SERVICE "
                       "(AmbientCapabilities= in the unit) or a socket passed by the service "
                       "manager; a unix socket needs a writable directory",
                       where);
    case EADDRNOTAVAIL:
        return cl_fail(err, CL_ERR_LOCAL, "AddressNotAvailable",
                       "%s: this machine does not have the address", where);
    default:
        return cl_fail_errno(err, errnum, "ListenFailed", "%s: cannot listen", where);
    }
}
