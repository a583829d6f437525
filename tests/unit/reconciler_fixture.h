/* SPDX-License-Identifier: Apache-2.0 */
/* reconciler_fixture: a whole daemon on a directory of its own, with the real machine and an Issuer
 * that signs at once; tests change files and wait for what follows. */
#ifndef RECONCILER_FIXTURE_H
#define RECONCILER_FIXTURE_H

#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "reconciler/act.h"
#include "reconciler/config_file.h"
#include "reconciler/daemon.h"
#include "reconciler/inventory.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEADLINE (20 * CL_SECOND)

struct world {
    char root[40], specs[64], state[64], secrets[64], config[64];
    struct loop *loop;
    struct daemon *d;
    struct loop_timer look;
    bool (*cond)(struct world *w);
    cl_time give_up;
    bool met;
};

static inline void look(struct loop_timer *t)
{
    struct world *w = t->user;
    w->met = w->cond(w);
    if (w->met || loop_now(w->loop) > w->give_up) {
        loop_stop(w->loop);
    } else {
        loop_at(w->loop, &w->look, loop_now(w->loop) + 10, look, w);
    }
}

static inline bool comes(struct world *w, bool (*cond)(struct world *w))
{
    w->cond = cond;
    w->met = false;
    w->give_up = loop_now(w->loop) + DEADLINE;
    loop_at(w->loop, &w->look, loop_now(w->loop), look, w);
    loop_run(w->loop);
    loop_timer_stop(w->loop, &w->look);
    return w->met;
}

static inline const char *in(const struct world *w, const char *relative)
{
    static char ring[4][200];
    static unsigned next;
    char *buf = ring[next++ % 4];
    (void)cl_format(buf, 200, "%s/%s", w->root, relative);
    return buf;
}

/* As an editor does: complete under another name, then renamed. */
static inline void put(struct world *w, const char *relative, const char *text)
{
    char *temporary = cl_printf("%s/.put", w->root);
    FILE *f = fopen(temporary, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(temporary, 0644), 0);
    assert_int_equal(rename(temporary, in(w, relative)), 0);
    cl_free(temporary);
}

#define CERT(name, dns, more)                                                  \
    "apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: " name "}\n" \
    "spec:\n  dnsNames: [" dns "]\n  issuerRef: {name: own}\n" more

static inline void start(struct world *w)
{
    struct daemon_options o = {.specs = w->specs,
                               .state = w->state,
                               .secrets = w->secrets,
                               .config = w->config,
                               .version = "test"};
    struct cl_err err = {0};
    w->loop = loop_create();
    if (daemon_create(w->loop, &o, &w->d, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    daemon_start(w->d);
}

static inline void stopped(void *user)
{
    struct world *w = user;
    loop_stop(w->loop);
}

static inline void stop(struct world *w)
{
    daemon_stop(w->d, stopped, w);
    loop_run(w->loop);
    daemon_destroy(w->d);
    loop_destroy(w->loop);
    w->d = NULL;
}

static inline int world_setup(void **state)
{
    struct world *w = cl_new(struct world);
    (void)cl_format(w->root, sizeof(w->root), "/tmp/certloop-rec-XXXXXX");
    assert_non_null(mkdtemp(w->root));
    (void)cl_format(w->specs, sizeof(w->specs), "%s/specs", w->root);
    (void)cl_format(w->state, sizeof(w->state), "%s/state", w->root);
    (void)cl_format(w->secrets, sizeof(w->secrets), "%s/secrets", w->root);
    (void)cl_format(w->config, sizeof(w->config), "%s/etc/config.yaml", w->root);
    assert_int_equal(mkdir(w->specs, 0755), 0);
    assert_int_equal(mkdir(w->secrets, 0700), 0);
    assert_int_equal(mkdir(in(w, "etc"), 0755), 0);
    assert_int_equal(mkdir(in(w, "out"), 0755), 0);
    char *config = cl_printf("apiVersion: certloop/v1\nkind: Configuration\n"
                             "spec: {acceptEphemeralState: true, outputRoots: [%s/out]}\n",
                             w->root);
    put(w, "etc/config.yaml", config);
    cl_free(config);
    put(w, "specs/issuer.yaml",
        "apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {ca: {generate: true}}\n");
    start(w);
    *state = w;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;
    if (w->d != NULL) {
        stop(w);
    }
    assert_int_equal(nftw(w->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    cl_free(w);
    return 0;
}

static inline struct unit *cert(const struct world *w, const char *name)
{
    return unit_find(w->d, false, name);
}

static inline bool ready(const struct world *w, const char *name)
{
    const struct unit *u = cert(w, name);
    return u != NULL && !unit_running(u) && !u->memory_dirty && !u->item.dirty &&
           u->summary.conditions[CONDITION_READY] == STATUS_TRUE;
}

static inline bool web_ready(struct world *w)
{
    return ready(w, "web");
}

/* A text in a JSON file of the state directory; owned, NULL if there is none. */
static inline char *world_json(const struct world *w, const char *relative, const char *a,
                               const char *b)
{
    json_t *o = json_load_file(in(w, relative), 0, NULL);
    json_t *v = json_object_get(o, a);
    const char *text = json_string_value(b != NULL ? json_object_get(v, b) : v);
    char *owned = cl_strdup(text);
    json_decref(o);
    return owned;
}

#endif
