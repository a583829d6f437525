/* SPDX-License-Identifier: Apache-2.0 */
/* status: setting conditions and events, and what the struct owns. A transition time moves only
 * with the value of its condition, so that a reader can tell since when something is true. */
#include "spec/status.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/status_fields.h"

#include <stdarg.h>
#include <string.h>

#define EVENT_TEXT 512

static const struct {
    const char *name;
    bool always;
} CONDITIONS[CONDITION_COUNT] = {
#define X(symbol, name, always, doc) [CONDITION_##symbol] = {name, always},
    CONDITION_TYPES(X)
#undef X
};

static const char *const VALUES[] = {
    [STATUS_ABSENT] = "",
    [STATUS_TRUE] = "True",
    [STATUS_FALSE] = "False",
    [STATUS_UNKNOWN] = "Unknown",
};

const char *condition_type_name(enum condition_type t)
{
    return CONDITIONS[t].name;
}

const char *condition_status_name(enum condition_status s)
{
    return VALUES[s];
}

void status_init(struct status *s)
{
    memset(s, 0, sizeof(*s));
}

void status_deinit(struct status *s)
{
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        jtable_free(&STATUS_CONDITION, &s->conditions[i]);
    }
    for (size_t i = 0; i < s->n_events; i++) {
        jtable_free(&STATUS_EVENT, &s->events[i]);
    }
    jtable_free_list(&STATUS_OUTPUT, s->outputs, s->n_outputs);
    jtable_free_list(&STATUS_HOOK, s->hooks, s->n_hooks);
    jtable_free_list(&STATUS_PROBE, s->probes, s->n_probes);
    jtable_free(&STATUS_METADATA, s);
    jtable_free(&STATUS_SOURCE, &s->source);
    jtable_free(&STATUS_ISSUER_REF, s);
    jtable_free(&STATUS_SCHEDULE, s);
    jtable_free(&STATUS_ERROR, &s->last_error);
    cl_strv_deinit(&s->warnings);
    cert_facts_deinit(&s->cert);
    json_decref(s->issuance);
    json_decref(s->last_error.authorizations);
    json_decref(s->details);
    memset(s, 0, sizeof(*s));
}

/* Replaces *text if it differs; returns whether it did. */
static bool replace(char **text, const char *with)
{
    if (cl_streq(*text, with)) {
        return false;
    }
    char *copy = cl_strdup(with); /* first: @with may be part of *text */
    cl_free(*text);
    *text = copy;
    return true;
}

bool status_set(struct status *s, enum condition_type type, enum condition_status value,
                const char *reason, const char *message, cl_time now)
{
    struct condition *c = &s->conditions[type];

    if (value == STATUS_ABSENT || (value == STATUS_FALSE && !CONDITIONS[type].always)) {
        bool shown = c->status != STATUS_ABSENT; /* abnormal ones are shown only when they hold */

        status_clear(s, type);
        return shown;
    }
    bool changed = c->status != value;
    if (changed) {
        c->status = value;
        c->last_transition = now;
    }
    changed = replace(&c->reason, cl_str_or(reason, "")) || changed;
    changed = replace(&c->message, cl_str_or(message, "")) || changed;
    c->observed_generation = s->observed_generation;
    return changed;
}

void status_clear(struct status *s, enum condition_type type)
{
    struct condition *c = &s->conditions[type];

    jtable_free(&STATUS_CONDITION, c);
    *c = (struct condition){0};
}

void status_event(struct status *s, cl_time now, bool warning, const char *reason, const char *fmt,
                  ...)
{
    struct status_event *last = s->n_events > 0 ? &s->events[s->n_events - 1] : NULL;
    char message[EVENT_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(message, sizeof(message), fmt, ap);
    va_end(ap);
    if (last != NULL && last->warning == warning && cl_streq(last->reason, reason) &&
        cl_streq(last->message, message)) {
        last->time = now; /* a repetition must not push the history out */
        return;
    }
    if (s->n_events == STATUS_EVENTS) {
        jtable_free(&STATUS_EVENT, &s->events[0]);
        memmove(&s->events[0], &s->events[1], (STATUS_EVENTS - 1) * sizeof(s->events[0]));
        s->n_events--;
    }
    s->events[s->n_events++] = (struct status_event){
        .time = now,
        .warning = warning,
        .reason = cl_strdup(cl_str_or(reason, "")),
        .message = cl_strdup(message),
    };
}
