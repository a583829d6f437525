/* SPDX-License-Identifier: Apache-2.0 */
/* requests: a request is a small regular file that somebody with write access to STATE/requests
 * renamed into it; the owner of the file is who asked. The answer is ID.done, mode 0644. */
#include "reconciler/requests.h"

#include "backends/rt/disk.h"
#include "reconciler/inventory.h"
#include "reconciler/requests_internal.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define REQUEST_MAX ((size_t)64 * 1024)
#define ANSWER_KEPT (10 * CL_MINUTE)

struct requests *requests_create(struct daemon *d)
{
    struct requests *r = cl_new(struct requests);
    r->d = d;
    r->directory = paths_state(&d->paths, "requests");
    return r;
}

void requests_destroy(struct requests *r)
{
    if (r != NULL) {
        cl_free(r->directory);
        cl_free(r);
    }
}

/* ---- verbs ---- */

json_t *requests_entry(const char *object, bool accepted, const char *text)
{
    return json_pack("{s:s,s:b,s:s}", "object", object, "accepted", accepted ? 1 : 0, "message",
                     text);
}

static void renew(struct requests *r, const char *key, unsigned uid, json_t *answers)
{
    struct unit *u = unit_find(r->d, false, key);
    struct cl_err err = {0};
    char text[300];
    bool accepted = false;

    if (u == NULL || u->ending) {
        (void)cl_format(text, sizeof(text), "there is no Certificate %s", key);
    } else if (unit_wake(u, &err) < 0) {
        (void)cl_format(text, sizeof(text), "%s", err.text);
    } else {
        accepted = true;
        if (u->w->memory.renew_requested == 0) {
            u->w->memory.renew_requested = loop_now(r->d->loop);
            unit_memory_changed(u);
            unit_event(u, false, "RenewRequested", "renewal asked for by uid %u", uid);
        }
        (void)cl_format(text, sizeof(text), "renewal of %s is queued", u->display);
        daemon_wake_unit(r->d, u);
    }
    (void)json_array_append_new(answers, json_pack("{s:s,s:b,s:s}", "object", key, "accepted",
                                                   accepted ? 1 : 0, "message", text));
}

static void handle(struct requests *r, json_t *request, unsigned uid, json_t *answers)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    json_t *objects = json_object_get(request, "objects");
    size_t i;
    json_t *o;

    if (cl_streq(verb, "renew") && json_is_array(objects)) {
        json_array_foreach(objects, i, o)
        {
            if (json_is_string(o)) {
                renew(r, json_string_value(o), uid, answers);
            }
        }
    } else if (cl_streq(verb, "prune")) {
        cl_log(CL_LOG_NOTICE, "", "PruneConfirmed", "held deletions go ahead (uid %u)", uid);
        inventory_confirm_prune(r->d->inventory);
        (void)json_array_append_new(answers, json_pack("{s:s,s:b,s:s}", "object", "", "accepted", 1,
                                                       "message", "held deletions go ahead"));
    } else {
        (void)json_array_append_new(answers, json_pack("{s:s,s:b,s:s}", "object", "", "accepted", 0,
                                                       "message",
                                                       "unknown request; verbs are renew, "
                                                       "prune, revoke, account"));
    }
}

/* ---- files ---- */

void requests_answer(struct requests *r, const char *name, json_t *take_answers)
{
    char *path = cl_printf("%s/%s.done", r->directory, name);
    json_t *root = json_pack("{s:s,s:o}", "apiVersion", "certloop/v1", "answers", take_answers);
    char *text = json_dumps(root, JSON_INDENT(2));
    struct cl_err err = {0};
    if (text != NULL && disk_write(path, text, strlen(text), 0644, &err) < 0) {
        cl_log(CL_LOG_WARNING, "", err.reason, "request not answered: %s", err.text);
    }
    cl_free(text);
    json_decref(root);
    cl_free(path);
}

/* The request itself; NULL and why it is none. */
static json_t *read_request(const char *path, struct disk_stat *st, struct cl_err *err)
{
    struct cl_buf text;
    json_error_t json_err;

    if (disk_lstat(path, st, err) < 0) {
        return NULL;
    }
    if (st->type != DISK_FILE || st->nlink != 1) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "RequestRefused", "not a regular file with one link");
        return NULL;
    }
    if (disk_read_secret(path, REQUEST_MAX, &text, st, err) < 0) {
        return NULL;
    }
    json_t *request = json_loadb(cl_buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &json_err);
    cl_buf_deinit(&text);
    if (request == NULL) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "RequestRefused", "not JSON");
    }
    return request;
}

static bool is_answered(const struct requests *r, const char *name)
{
    char *path = cl_printf("%s/%s.done", r->directory, name);
    struct disk_stat st = {0};
    bool is = disk_lstat(path, &st, NULL) == 0 && st.type != DISK_NONE;
    cl_free(path);
    return is;
}

/* What cannot be removed would be taken again and again: it is refused, once. */
static void take(struct requests *r, const char *name, const char *path)
{
    struct disk_stat st = {0};
    struct cl_err err = {0};
    json_t *request = read_request(path, &st, &err);
    bool removed = disk_unlink(path, request != NULL ? &err : NULL) == 0;

    if (!removed && is_answered(r, name)) {
        json_decref(request);
        return;
    }
    json_t *answers = json_array();
    const char *verb = json_string_value(json_object_get(request, "verb"));
    if (request != NULL && removed && (cl_streq(verb, "revoke") || cl_streq(verb, "account"))) {
        if (requests_ca(r, name, request, st.uid, answers)) {
            json_decref(answers);
            json_decref(request);
            return;
        }
    } else if (request != NULL && removed) {
        handle(r, request, st.uid, answers);
    } else {
        cl_log(CL_LOG_WARNING, "", "RequestRefused", "%s: %s", name, err.text);
        (void)json_array_append_new(
            answers, json_pack("{s:s,s:b,s:s}", "object", "", "accepted", 0, "message", err.text));
    }
    json_decref(request);
    requests_answer(r, name, answers);
}

static void drop_old_answer(struct requests *r, const char *path)
{
    struct disk_stat st;
    struct cl_err err = {0};
    if (disk_lstat(path, &st, &err) == 0 &&
        loop_now(r->d->loop) - st.mtime_ns / 1000000 > ANSWER_KEPT) {
        (void)disk_unlink(path, &err);
    }
}

void requests_scan(struct requests *r)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};

    if (r->scanning || disk_list(r->directory, &names, &err) < 0) {
        return;
    }
    r->scanning = true;
    cl_strv_for_each(name, &names) {
        char *path = cl_printf("%s/%s", r->directory, name);
        if (cl_str_ends(name, ".done")) {
            drop_old_answer(r, path);
        } else if (name[0] != '.') {
            take(r, name, path);
        }
        cl_free(path);
    }
    r->scanning = false;
    cl_strv_deinit(&names);
}
