/* SPDX-License-Identifier: Apache-2.0 */
/* pending: the record of an issuance under way, in one file: first a document with key and request, and
 * after it, once the CA has answered, a line with the URL of the order. Between the answer and the
 * moment when that line is durable no other order is sent, so it is written by the cheapest sync. */
#include "backends/store/archive.h"
#include "backends/store/archive_internal.h"
#include "backends/store/store_json.h"
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#include <string.h>

#define PENDING_SCHEMA 1u
#define PENDING_MAX ((size_t)1 << 20)
#define KEY_MAX ((size_t)64 << 10)

static const struct jfield ROWS[] = {
    JFIELD(JF_WORD, pending, issuer_name, "issuerName"),
    JFIELD(JF_WORD, pending, issuer_identity, "issuerIdentity"),
    JFIELD(JF_WORD, pending, spec_hash, "specHash"),
    JFIELD(JF_WORD, pending, request, "request"),
    JFIELD(JF_WORD, pending, trigger, "trigger"),
    JFIELD(JF_LONG, pending, attempt, "attempt"),
    JFIELD_OPT(JF_TEXT, pending, profile, "profile"),
    JFIELD_OPT(JF_STRV, pending, missing, "missingNames"),
    JFIELD(JF_TEXT, pending, order_url, "orderURL"),
    JFIELD(JF_TEXT, pending, account_url, "accountURL"),
};
static const struct jtable PENDING = JTABLE(ROWS, pending);
static const struct store_time TIMES[] = {{"startedAt", offsetof(struct pending, started_at)}};

static char *pending_path(const struct paths *p, const char *key)
{
    char *dir = paths_archive(p, key);
    char *path = cl_printf("%s/" ARCHIVE_PENDING, dir);

    cl_free(dir);
    return path;
}

void pending_deinit(struct pending *p)
{
    jtable_free(&PENDING, p);
    cl_buf_deinit(&p->key_pem);
    cl_free(p->csr);
    *p = (struct pending){0};
}

/* ---- write ---- */

void pending_put(const struct paths *p, const char *key, const struct pending *pending,
                 struct disk_batch *b)
{
    json_t *o = json_object();
    json_t *key_pem = json_text(cl_buf_str(&pending->key_pem));
    struct cl_buf text;
    char *path = pending_path(p, key);
    char *dir = paths_archive(p, key);
    char *csr = cl_base64url(pending->csr != NULL ? pending->csr : (const unsigned char *)"",
                             pending->csr_len);

    json_put(o, "schema", json_integer(PENDING_SCHEMA));
    jtable_write(&PENDING, o, pending);
    store_times_write(TIMES, 1, o, pending);
    json_put(o, "request.der", json_text(csr));
    json_put(o, "privateKey", key_pem);
    store_print_secret(o, &text);
    store_wipe_string(key_pem);
    json_decref(o);
    disk_batch_mkdirs(b, dir, 0700);
    disk_batch_write(b, path, text.data, text.len, 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    cl_buf_deinit(&text);
    cl_free(csr);
    cl_free(dir);
    cl_free(path);
}

void pending_add_order(struct loop *l, const struct paths *p, const char *key,
                       const struct pending *pending, struct cl_op *op)
{
    struct cl_buf line;
    char *path = pending_path(p, key);

    cl_buf_init(&line, PENDING_MAX);
    (void)cl_buf_adds(&line, "\n{\"orderURL\": "); /* what a power cut has left may be before it */
    cl_buf_add_json(&line, cl_str_or(pending->order_url, ""));
    (void)cl_buf_adds(&line, ", \"accountURL\": ");
    cl_buf_add_json(&line, cl_str_or(pending->account_url, ""));
    (void)cl_buf_adds(&line, "}\n");
    disk_append(l, path, line.data, line.len, op);
    cl_buf_deinit(&line);
    cl_free(path);
}

void pending_drop(const struct paths *p, const char *key, struct disk_batch *b)
{
    char *path = pending_path(p, key);

    disk_batch_unlink(b, path);
    cl_free(path);
}

/* ---- read ---- */

static int decode(const json_t *o, struct pending *ret, struct cl_err *err)
{
    json_t *key_pem = json_object_get(o, "privateKey");
    const json_t *csr = json_object_get(o, "request.der");

    cl_buf_init_secret(&ret->key_pem, KEY_MAX);
    if (json_string_length(key_pem) == 0 || json_string_length(csr) == 0) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "the key or the request is missing");
    }
    int rc = cl_buf_adds(&ret->key_pem, json_string_value(key_pem));
    store_wipe_string(key_pem);
    if (rc < 0 || cl_base64_decode(json_string_value(csr), json_string_length(csr), &ret->csr,
                                   &ret->csr_len) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "the key or the request is not readable");
    }
    if (jtable_read(&PENDING, o, ret, err) < 0) {
        return -1;
    }
    return store_times_read(TIMES, 1, o, ret, err);
}

/* Takes the URLs from a line after the document. One that a power cut has cut off is none. */
static void take_order(const char *line, size_t len, struct pending *ret)
{
    char *text = cl_strndup(line, len);
    json_t *o = json_parse_object(text, NULL);
    const char *order = json_string_value(json_object_get(o, "orderURL"));
    const char *account = json_string_value(json_object_get(o, "accountURL"));

    if (order != NULL && account != NULL) {
        cl_free(ret->order_url);
        cl_free(ret->account_url);
        ret->order_url = cl_strdup(order);
        ret->account_url = cl_strdup(account);
    }
    json_decref(o);
    cl_free(text);
}

/* Cuts the document off the lines after it; returns where they begin. */
static char *cut_document(struct cl_buf *text)
{
    static const char END[] = "\n}\n"; /* indented: no inner object ends so */
    char *end = text->len > 0 ? strstr(text->data, END) : NULL;

    if (end == NULL) {
        return NULL;
    }
    end[strlen(END) - 1] = '\0';
    return end + strlen(END);
}

int pending_load(const struct paths *p, const char *key, struct pending *ret, struct cl_err *err)
{
    char *path = pending_path(p, key);
    struct cl_buf text = {0};
    struct cl_err own = {0};
    struct pending out = {0};
    int rc = disk_read_secret(path, PENDING_MAX, &text, NULL, &own);

    if (rc < 0) {
        rc = cl_streq(own.reason, "NotFound") ? 1 : -1;
    } else {
        const char *line = cut_document(&text);
        json_t *o = store_parse(cl_buf_str(&text), PENDING_SCHEMA, path, &own);
        rc = o == NULL ? -1 : decode(o, &out, &own);
        for (const char *nl; rc == 0 && line != NULL && (nl = strchr(line, '\n')) != NULL;) {
            take_order(line, (size_t)(nl - line), &out);
            line = nl + 1;
        }
        if (rc < 0 && o != NULL) {
            rc = store_corrupt(&own, path);
        }
        json_decref(o);
    }
    if (rc == 0) {
        *ret = out;
    } else {
        pending_deinit(&out);
    }
    if (rc < 0 && err != NULL) {
        *err = own;
    }
    cl_buf_deinit(&text);
    cl_free(path);
    return rc;
}
