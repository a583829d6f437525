/* SPDX-License-Identifier: Apache-2.0 */
/* sys: environment, identity, and the two small protocols of service managers: sd_notify(3) and
 * sd_listen_fds(3). Both are a few lines, which saves linking libsystemd. */
#include "backends/rt/sys.h"

#include "spec/base/cl_alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_PASSED_FD = 3, PASSED_FDS_MAX = 64 };

const char *sys_getenv(const char *name)
{
    return getenv(name);
}

void sys_hostname(char *buf, unsigned size)
{
    if (size == 0) {
        return;
    }
    if (gethostname(buf, size) < 0 || buf[0] == '\0') {
        (void)cl_format(buf, size, "localhost");
    }
    buf[size - 1] = '\0'; /* POSIX leaves a cut name open */
}

unsigned sys_uid(void)
{
    return (unsigned)geteuid();
}

long sys_pid(void)
{
    return (long)getpid();
}

char *sys_program_dir(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    return cl_strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
}

int sys_exec(const char *program, const struct cl_strv *argv, struct cl_err *err)
{
    char **words = cl_calloc(argv->len + 1, sizeof(char *));

    for (size_t i = 0; i < argv->len; i++) {
        words[i] = argv->items[i];
    }
    (void)execv(program, words);
    int code = errno;
    cl_free(words);
    return cl_fail_errno(err, code, "ExecFailed", "cannot run %s", program);
}

void sys_trim(void)
{
    (void)malloc_trim(0);
}

/* ---- identity ---- */

int sys_become(unsigned uid, unsigned gid, struct cl_err *err)
{
    const struct passwd *pw = getpwuid((uid_t)uid);
    int rc = pw != NULL ? initgroups(pw->pw_name, (gid_t)gid) : setgroups(0, NULL);

    if (rc < 0) {
        return cl_fail_errno(err, errno, "PermissionDenied", "cannot set the groups of user %u",
                             uid);
    }
    if (setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) < 0) {
        return cl_fail_errno(err, errno, "PermissionDenied", "cannot become group %u", gid);
    }
    if (setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0) {
        return cl_fail_errno(err, errno, "PermissionDenied", "cannot become user %u", uid);
    }
    if (uid != 0 && setuid(0) == 0) {
        return cl_fail(err, CL_ERR_INTERNAL, "PermissionDenied",
                       "still able to become root again after changing to user %u", uid);
    }
    return 0;
}

/* ---- sd_notify ---- */

/* "@name" is the abstract socket "\0name". */
static int fill_unix(const char *path, struct sockaddr_un *sa, socklen_t *ret_len)
{
    size_t len = strlen(path);

    if (len < 2 || len >= sizeof sa->sun_path || (path[0] != '/' && path[0] != '@')) {
        return -1;
    }
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sa->sun_path, path, len + 1);
    if (path[0] == '@') {
        sa->sun_path[0] = '\0';
    }
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
    return 0;
}

void sys_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa;
    socklen_t len = 0;

    if (path == NULL || fill_unix(path, &sa, &len) < 0) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    /* Only a hint to the service manager: nothing to do if it does not listen. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa,
                 len);
    (void)close(fd);
}

/* ---- sd_listen_fds ---- */

/* What "HOST:PORT", "[::]:80", ":80" or "unix:/path" asks for. */
struct wanted {
    const char *unix_path; /* borrowed; NULL = TCP */
    char host[INET6_ADDRSTRLEN];
    uint64_t port;
};

static int parse_listen(const char *listen, struct wanted *ret)
{
    *ret = (struct wanted){0};
    if (cl_str_starts(listen, "unix:")) {
        ret->unix_path = listen + strlen("unix:");
        return 0;
    }
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || cl_parse_u64(colon + 1, 65535, &ret->port) < 0) {
        return -1;
    }
    const char *host = listen;
    size_t len = (size_t)(colon - listen);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    return cl_format(ret->host, sizeof ret->host, "%.*s", (int)len, host);
}

static bool same_unix(const struct wanted *w, const struct sockaddr_un *sa, socklen_t len)
{
    struct sockaddr_un want;
    socklen_t want_len = 0;

    if (w->unix_path == NULL || fill_unix(w->unix_path, &want, &want_len) < 0) {
        return false;
    }
    if (w->unix_path[0] == '/') {
        return sa->sun_path[0] == '/' &&
               strncmp(sa->sun_path, want.sun_path, sizeof sa->sun_path) == 0;
    }
    return len == want_len &&
           memcmp(sa->sun_path, want.sun_path, len - offsetof(struct sockaddr_un, sun_path)) == 0;
}

static bool same_inet(const struct wanted *w, int family, const void *addr, in_port_t port)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char want[sizeof(struct in6_addr)];
    size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

    if (w->unix_path != NULL || ntohs(port) != w->port) {
        return false;
    }
    if (w->host[0] == '\0') { /* ":80": any address, of either family */
        return inet_ntop(family, addr, text, sizeof text) != NULL &&
               (cl_streq(text, "::") || cl_streq(text, "0.0.0.0"));
    }
    const char *host = w->host;
    if (cl_streq(host, "localhost")) {
        host = family == AF_INET ? "127.0.0.1" : "::1";
    }
    return inet_pton(family, host, want) == 1 && memcmp(want, addr, size) == 0;
}

static bool is_bound_to(int fd, const struct wanted *w)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } sa = {0};
    socklen_t len = sizeof sa;

    if (getsockname(fd, &sa.any, &len) < 0) {
        return false;
    }
    switch (sa.any.sa_family) {
    case AF_UNIX:
        return same_unix(w, &sa.un, len);
    case AF_INET:
        return same_inet(w, AF_INET, &sa.in.sin_addr, sa.in.sin_port);
    case AF_INET6:
        return same_inet(w, AF_INET6, &sa.in6.sin6_addr, sa.in6.sin6_port);
    default:
        return false;
    }
}

int sys_listen_fd(const char *listen)
{
    const char *pid_text = getenv("LISTEN_PID");
    const char *fds_text = getenv("LISTEN_FDS");
    uint64_t pid = 0;
    uint64_t count = 0;
    struct wanted w;

    if (pid_text == NULL || fds_text == NULL || cl_parse_u64(pid_text, INT32_MAX, &pid) < 0 ||
        (long)pid != (long)getpid() || cl_parse_u64(fds_text, PASSED_FDS_MAX, &count) < 0 ||
        parse_listen(listen, &w) < 0) {
        return -1;
    }
    for (int fd = FIRST_PASSED_FD; fd < FIRST_PASSED_FD + (int)count; fd++) {
        if (is_bound_to(fd, &w)) {
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* hooks must not inherit it */
            return fd;
        }
    }
    return -1;
}
