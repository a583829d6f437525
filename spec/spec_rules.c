/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules: finding positions by path, and the parts that several kinds share: solvers, secret
 * references, keys. */
#include "spec/spec_rules.h"

#include "spec/base/cl_alloc.h"
#include "spec/spec_values.h"

#include <string.h>

#define DEFAULT_LISTEN "[::]:80"
#define DEFAULT_TLS_LISTEN "[::]:443"
#define DEFAULT_WEBROOTS "/var/www, /srv, /usr/share/nginx, /var/lib/certloop/webroot"
#define PATH_SIZE 600

/* ---- positions ---- */

static const struct yaml_node *child(const struct yaml_node *n, const char *step, size_t len)
{
    for (size_t i = 0; n->kind == YAML_MAP && i < n->len; i++) {
        if (strlen(n->keys[i]->text) == len && strncmp(n->keys[i]->text, step, len) == 0) {
            return n->items[i];
        }
    }
    return NULL;
}

/* "[N]" of a list; a value that stands for a list of one is its own entry 0. */
static const struct yaml_node *entry(const struct yaml_node *n, const char *step)
{
    size_t index = 0;

    for (; *step >= '0' && *step <= '9'; step++) {
        index = index * 10 + (size_t)(*step - '0');
    }
    if (n->kind != YAML_LIST) {
        return n;
    }
    return index < n->len ? n->items[index] : NULL;
}

/* The node at @path, or the deepest one on the way; *ret_whole says which. */
static const struct yaml_node *walk(const struct rules *r, const char *path, bool *ret_whole)
{
    const struct yaml_node *n = r->spec;

    path += strcspn(path, ".[");
    while (*path != '\0') {
        const struct yaml_node *next;

        if (path[0] == '[' && path[1] == '"') {
            next = child(n, path + 2, strcspn(path + 2, "\""));
            path += 2 + strcspn(path + 2, "\"") + 2;
        } else if (path[0] == '[') {
            next = entry(n, path + 1);
            path += strcspn(path, "]") + 1;
        } else {
            size_t len = strcspn(path + 1, ".[");
            next = child(n, path + 1, len);
            path += 1 + len;
        }
        if (next == NULL || yaml_is_null(next)) {
            *ret_whole = false;
            return n;
        }
        n = next;
    }
    *ret_whole = true;
    return n;
}

/* A value that could not be read is zero here: one complaint about it is enough. */
static bool complained_about(const struct rules *r, const char *path, const struct yaml_node *at)
{
    for (size_t i = 0; i < r->c.problems->len; i++) {
        const struct spec_problem *p = &r->c.problems->items[i];

        if (p->line == at->line && p->column == at->column && cl_str_starts(p->text, path) &&
            p->text[strlen(path)] == ':') {
            return true;
        }
    }
    return false;
}

void rules_problem(const struct rules *r, bool warning, const char *path, const char *fmt, ...)
{
    bool whole = false;
    const struct yaml_node *at = walk(r, path, &whole);
    char text[500];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!complained_about(r, path, at)) {
        spec_problems_add(r->c.problems, warning, at->line, at->column, "%s: %s", path, text);
    }
}

bool rules_given(const struct rules *r, const char *path)
{
    bool whole = false;

    (void)walk(r, path, &whole);
    return whole;
}

const char *rules_http01_listen(const struct rules *r)
{
    return r->config != NULL ? cl_str_or(r->config->http01_listen, DEFAULT_LISTEN) : DEFAULT_LISTEN;
}

const char *rules_tlsalpn01_listen(const struct rules *r)
{
    return r->config != NULL ? cl_str_or(r->config->tlsalpn01_listen, DEFAULT_TLS_LISTEN)
                             : DEFAULT_TLS_LISTEN;
}

/* ---- solvers ---- */

static bool below_any(const char *path, const struct cl_strv *roots, const char *builtin)
{
    struct cl_strv defaults = {0};
    bool found = false;

    if (roots == NULL) {
        cl_strv_split(&defaults, builtin, ", ");
        roots = &defaults;
    }
    cl_strv_for_each(root, roots) {
        found |= path_below(path, root);
    }
    cl_strv_deinit(&defaults);
    return found;
}

static void check_webroot(const struct rules *r, const char *webroot, const char *path)
{
    const struct cl_strv *roots = r->config != NULL ? &r->config->webroots : NULL;

    if (!below_any(webroot, roots, DEFAULT_WEBROOTS)) {
        char *list = roots != NULL ? cl_strv_join(roots, ", ") : cl_strdup(DEFAULT_WEBROOTS);

        rules_problem(r, false, path,
                      "%s is not below a webroot that the Configuration allows (%s)", webroot,
                      *list != '\0' ? list : "none");
        cl_free(list);
    }
}

/* A spec may not create a socket wherever it likes: the rule of outputs holds. */
static void check_socket(const struct rules *r, const char *socket_path, const char *path)
{
    const struct cl_strv *roots = r->config != NULL ? &r->config->output_roots : NULL;

    if (!below_any(socket_path, roots, "/etc, /var, /srv, /opt, /run")) {
        rules_problem(r, false, path, "%s is not below one of the Configuration's outputRoots",
                      socket_path);
    }
}

static void check_http01(const struct rules *r, struct http01_spec *h, const char *path)
{
    bool bounded = r->c.kind != SPEC_CONFIGURATION && !r->c.trusted;
    int given = (h->listen != NULL) + (h->webroot != NULL) + (h->unix_socket != NULL);
    char sub[PATH_SIZE];

    if (given > 1) {
        rules_problem(r, false, path, "give one of listen, webroot and unixSocket");
    }
    if (given == 0) {
        h->listen = cl_strdup(rules_http01_listen(r));
    }
    if (bounded && h->webroot != NULL) {
        (void)cl_format(sub, sizeof(sub), "%s.webroot", path);
        check_webroot(r, h->webroot, sub);
    }
    if (bounded && h->unix_socket != NULL) {
        (void)cl_format(sub, sizeof(sub), "%s.unixSocket", path);
        check_socket(r, h->unix_socket, sub);
    }
}

static void check_tlsalpn01(const struct rules *r, struct tlsalpn01_spec *t, const char *path)
{
    char sub[PATH_SIZE];

    if (t->listen != NULL && t->unix_socket != NULL) {
        rules_problem(r, false, path, "give one of listen and unixSocket");
    }
    if (t->listen == NULL && t->unix_socket == NULL) {
        t->listen = cl_strdup(rules_tlsalpn01_listen(r));
        t->proxy_protocol |= r->config != NULL && r->config->tlsalpn01_proxy_protocol;
    }
    if (r->c.kind != SPEC_CONFIGURATION && !r->c.trusted && t->unix_socket != NULL) {
        (void)cl_format(sub, sizeof(sub), "%s.unixSocket", path);
        check_socket(r, t->unix_socket, sub);
    }
}

/* What is tried before the CA is told: records only, so far. */
static void check_self_check(const struct rules *r, const struct solver_spec *s, const char *path)
{
    const struct propagation_spec *p = &s->self_check;

    if (s->has_dns01) {
        rules_propagation(r, p, path);
    } else if ((p->check != DNS_CHECK_DEFAULT && p->check != DNS_CHECK_NONE) ||
               p->servers.len > 0 || p->timeout != 0 || p->settle != 0) {
        rules_problem(r, false, path, "with %s there is mode: None only",
                      s->has_tlsalpn01 ? "tlsalpn01" : "http01");
    }
}

void rules_solvers(const struct rules *r, struct solver_list *l, const char *path)
{
    for (size_t i = 0; i < l->len; i++) {
        struct solver_spec *s = &l->items[i];
        char entry_path[PATH_SIZE], sub[PATH_SIZE + 20];

        rules_solver_path(r, l, i, path, entry_path, sizeof(entry_path));
        if (rules_named_solver(r, l, s, entry_path)) {
            continue;
        }
        (void)cl_format(sub, sizeof(sub), "%s.http01", entry_path);
        if (s->has_http01) {
            check_http01(r, &s->http01, sub);
        }
        (void)cl_format(sub, sizeof(sub), "%s.dns01", entry_path);
        if (s->has_dns01) {
            rules_dns01(r, &s->dns01, sub);
        }
        (void)cl_format(sub, sizeof(sub), "%s.tlsalpn01", entry_path);
        if (s->has_tlsalpn01) {
            check_tlsalpn01(r, &s->tlsalpn01, sub);
        }
        (void)cl_format(sub, sizeof(sub), "%s.selfCheck", entry_path);
        check_self_check(r, s, sub);
        int given = s->has_http01 + s->has_dns01 + s->has_tlsalpn01;
        if (given > 1) {
            rules_problem(r, false, entry_path,
                          s->has_tlsalpn01 ? "give one of http01, tlsalpn01 and dns01"
                                           : "give http01 or dns01, not both");
        } else if (given == 0) {
            rules_problem(r, false, entry_path,
                          "a solver needs http01, as in http01: {listen: \"%s\"}, tlsalpn01 or "
                          "dns01",
                          DEFAULT_LISTEN);
        }
    }
}

/* ---- secrets ---- */

void rules_secret_ref(const struct rules *r, struct secret_ref *ref, const char *path)
{
    int given =
        (ref->name != NULL) + (ref->file != NULL) + (ref->env != NULL) + (ref->credential != NULL);
    char sub[PATH_SIZE];

    if (given == 0 && ref->key == NULL) {
        return;
    }
    if (given != 1) {
        rules_problem(r, false, path, "give one of name, file, env and credential");
        return;
    }
    if (ref->key != NULL && ref->name == NULL) {
        rules_problem(r, false, path, "key belongs to name");
    }
    if (r->c.trusted) {
        return;
    }
    bool file_ok = r->config != NULL && ref->file != NULL &&
                   below_any(ref->file, &r->config->secret_roots, "");
    bool env_ok =
        r->config != NULL && ref->env != NULL && cl_strv_has(&r->config->secret_env, ref->env);
    if (ref->file != NULL && !file_ok) {
        (void)cl_format(sub, sizeof(sub), "%s.file", path);
        rules_problem(r, false, sub,
                      "%s is not below one of the Configuration's secretRoots; specs read secrets "
                      "from there only",
                      ref->file);
    }
    if (ref->env != NULL && !env_ok) {
        (void)cl_format(sub, sizeof(sub), "%s.env", path);
        rules_problem(r, false, sub, "%s is not listed in the Configuration's secretEnv", ref->env);
    }
}

/* ---- keys ---- */

static bool ecdsa_size_ok(long size)
{
    return size == 256 || size == 384 || size == 521;
}

void rules_private_key(const struct rules *r, struct private_key_spec *k, const char *path)
{
    char sub[PATH_SIZE];

    (void)cl_format(sub, sizeof(sub), "%s.size", path);
    switch (k->algorithm) {
    case KEY_RSA:
        k->size = k->size == 0 ? 2048 : k->size;
        if (k->size < 2048 || k->size > 8192) {
            rules_problem(r, false, sub, "%ld: an RSA key has 2048 to 8192 bits", k->size);
        } else if (k->size % 8 != 0) {
            rules_problem(r, false, sub, "%ld is not a multiple of 8", k->size);
        }
        break;
    case KEY_ECDSA:
        k->size = k->size == 0 ? 256 : k->size;
        if (!ecdsa_size_ok(k->size)) {
            rules_problem(r, false, sub, "%ld: an ECDSA key has 256, 384 or 521 bits%s", k->size,
                          k->size >= 1024 ? "; did you mean algorithm: RSA?" : "");
        }
        break;
    case KEY_ED25519:
        k->size = 256; /* the only one there is; cert-manager ignores what is given */
        (void)cl_format(sub, sizeof(sub), "%s.encoding", path);
        if (k->encoding == KEY_PKCS1 && rules_given(r, sub)) {
            rules_problem(r, false, sub, "an Ed25519 key has the form PKCS8 only");
        }
        k->encoding = KEY_PKCS8;
        break;
    case KEY_DEFAULT:
        break; /* the word was wrong, and is reported */
    }
}
