/* SPDX-License-Identifier: Apache-2.0 */
/* config_file: see the header. Old Configurations are kept until the end, because running work may
 * still point into them; they change a few times in the life of a process. */
#include "reconciler/config_file.h"

#include "backends/net/http.h"
#include "backends/rt/disk.h"
#include "backends/store/secrets.h"
#include "reconciler/inventory.h"
#include "reconciler/ledger_book.h"
#include "reconciler/publish.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_parse.h"

#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20)

static int parse(struct daemon *d, const struct cl_buf *text, struct config **ret,
                 struct cl_err *err)
{
    struct spec_problems problems = {0};
    int rc = spec_parse_config(text != NULL ? cl_buf_str(text) : NULL, text != NULL ? text->len : 0,
                               ret, &problems);
    for (size_t i = 0; rc < 0 && i < problems.len; i++) {
        const struct spec_problem *p = &problems.items[i];
        if (!p->warning) {
            rc = cl_fail(err, CL_ERR_PERMANENT, "ConfigurationInvalid", "%s:%u:%u: %s",
                         d->paths.config, p->line, p->column, p->text);
            break;
        }
    }
    spec_problems_deinit(&problems);
    return rc;
}

static int read_config(struct daemon *d, struct config **ret, char sha256[CL_SHA256_TEXT],
                       struct cl_err *err)
{
    struct cl_buf text;
    struct disk_stat st;
    int rc;

    if (disk_stat(d->paths.config, &st, err) < 0) {
        return -1;
    }
    if (st.type == DISK_NONE) {
        cl_sha256_hex("", 0, sha256);
        rc = parse(d, NULL, ret, err);
    } else {
        if (disk_read(d->paths.config, CONFIG_MAX, &text, NULL, err) < 0) {
            return -1;
        }
        cl_sha256_hex(cl_buf_str(&text), text.len, sha256);
        rc = parse(d, &text, ret, err);
        cl_buf_deinit(&text);
    }
    return rc;
}

static void put_in_force(struct daemon *d, struct config *take_config,
                         const char sha256[CL_SHA256_TEXT])
{
    uint64_t mode = 0;
    if (d->config != NULL) {
        d->old_configs =
            cl_reallocarray(d->old_configs, d->n_old_configs + 1, sizeof(*d->old_configs));
        d->old_configs[d->n_old_configs++] = d->config;
    }
    d->config = take_config;
    d->config->zone_exists = zones_exists;
    memcpy(d->config_sha256, sha256, CL_SHA256_TEXT);
    cl_strv_for_each(root, &d->cli_output_roots) {
        cl_strv_add(&d->config->output_roots, root);
    }
    for (const char *c = cl_str_or(d->config->status_mode, "0644"); *c != '\0'; c++) {
        mode = mode * 8 + (uint64_t)(*c - '0'); /* checked by the schema: octal digits */
    }
    d->status_mode = (unsigned)mode & 0777u;
}

void config_file_apply_proxy(struct daemon *d)
{
    const struct config *c = d->config;
    const char *variable = c->proxy == NULL ? http_proxy_variable() : NULL;
    struct cl_buf user = {0};
    struct cl_err err = {0};
    char *past = c->no_proxy.len > 0 ? cl_strv_join(&c->no_proxy, ",") : NULL;

    if (secret_ref_given(&c->proxy_ref) &&
        secret_read(&d->paths, c, "", &c->proxy_ref, "userpass", &user, NULL, &err) < 0) {
        cl_log(CL_LOG_ERROR, "", err.reason, "password of the proxy (spec.proxySecretRef): %s",
               err.text);
    }
    http_set_proxy(d->http, cl_streq(c->proxy, "none") ? "" : c->proxy,
                   user.len > 0 ? cl_buf_str(&user) : NULL, past);
    if (c->proxy != NULL) {
        cl_log(CL_LOG_INFO, "", "Proxy", "requests go through spec.proxy of the Configuration: %s",
               c->proxy);
    } else if (variable != NULL) {
        cl_log(CL_LOG_NOTICE, "", "Proxy",
               "requests go through the proxy that %s of the environment names; spec.proxy of the "
               "Configuration overrides it",
               variable);
    }
    cl_free(past);
    cl_buf_deinit(&user);
}

int config_file_load(struct daemon *d, struct cl_err *err)
{
    struct config *c = NULL;
    char sha256[CL_SHA256_TEXT];
    if (read_config(d, &c, sha256, err) < 0) {
        return -1;
    }
    put_in_force(d, c, sha256);
    return 0;
}

static void note_restart(struct daemon *d, const char *what)
{
    if (!cl_strv_has(&d->restart_required, what)) {
        cl_strv_add(&d->restart_required, what);
    }
}

void config_file_changed(struct daemon *d)
{
    struct config *c = NULL;
    struct cl_err err = {0};
    char sha256[CL_SHA256_TEXT];

    if (read_config(d, &c, sha256, &err) < 0) {
        if (!cl_streq(d->config_problem, err.text)) {
            cl_log(CL_LOG_ERROR, "", "ConfigurationInvalid",
                   "%s; the last good Configuration stays in force", err.text);
            cl_free(d->config_problem);
            d->config_problem = cl_strdup(err.text);
            publish_changed(d);
        }
        return;
    }
    cl_free(d->config_problem);
    d->config_problem = NULL;
    if (strcmp(sha256, d->config_sha256) == 0) {
        config_destroy(c);
        return;
    }
    if (c->recursive != d->config->recursive) {
        note_restart(d, "recursive");
    }
    put_in_force(d, c, sha256);
    config_file_apply_proxy(d);
    cl_log(CL_LOG_NOTICE, "", "ConfigurationLoaded", "%s is in force", d->paths.config);
    d->host.config = d->config;
    ledger_book_configure(d->ledger);
    solvers_configure(d->solvers, d->config);
    publish_listen(d);
    inventory_reparse(d->inventory);
    size_t pos = 0;
    void *value;
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        daemon_wake_unit(d, value);
    }
}

char *config_file_directory(const struct daemon *d)
{
    const char *slash = strrchr(d->paths.config, '/');
    if (slash == NULL) {
        return cl_strdup(".");
    }
    return slash == d->paths.config
               ? cl_strdup("/")
               : cl_strndup(d->paths.config, (size_t)(slash - d->paths.config));
}

void config_file_free(struct daemon *d)
{
    config_destroy(d->config);
    for (size_t i = 0; i < d->n_old_configs; i++) {
        config_destroy(d->old_configs[i]);
    }
    cl_free(d->old_configs);
    cl_free(d->config_problem);
    zones_deinit(&d->zones);
}
