/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_free: gives back what a description owns. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

static void assign_deinit(struct dns_assign *a)
{
    for (size_t i = 0; i < a->len; i++) {
        cl_free(a->names[i]);
        dns_tpl_destroy(a->values[i]);
    }
    cl_free(a->names);
    cl_free(a->values);
}

static void ok_deinit(struct dns_ok *ok)
{
    dns_where_destroy(ok->where);
    dns_tpl_destroy(ok->match);
}

static void call_deinit(struct dns_call *c)
{
    dns_tpl_destroy(c->url);
    dns_tpl_destroy(c->query);
    dns_tpl_destroy(c->headers);
    dns_tpl_destroy(c->user);
    dns_tpl_destroy(c->password);
    dns_tpl_destroy(c->body);
    ok_deinit(&c->ok);
    dns_where_destroy(c->absent_if);
    dns_tpl_destroy(c->error);
    dns_tpl_destroy(c->items);
    if (c->expand != NULL) {
        call_deinit(c->expand);
        cl_free(c->expand);
    }
    dns_tpl_destroy(c->page_expr);
    assign_deinit(&c->set);
    assign_deinit(&c->let);
    dns_tpl_destroy(c->when);
    dns_tpl_destroy(c->each);
    cl_free(c->each_as);
    dns_calls_deinit(&c->each_do);
    dns_where_destroy(c->until);
    dns_where_destroy(c->fail);
}

void dns_calls_deinit(struct dns_calls *c)
{
    for (size_t i = 0; i < c->len; i++) {
        call_deinit(&c->items[i]);
    }
    cl_free(c->items);
}

static void v4_destroy(struct dns_v4 *v)
{
    if (v == NULL) {
        return;
    }
    struct dns_tpl *all[] = {v->algorithm,    v->prefix,  v->key,        v->secret,
                             v->region,       v->service, v->terminator, v->date_header,
                             v->sign_headers, v->date,    v->day};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        dns_tpl_destroy(all[i]);
    }
    cl_free(v);
}

void dns_api_destroy(struct dns_api *a)
{
    if (a == NULL) {
        return;
    }
    struct dns_tpl *tpls[] = {
        a->request.base, a->request.headers, a->request.query, a->request.user, a->request.password,
        a->request.wrap, a->request.error,   a->sign.headers,  a->sign.query,   a->zone.name,
        a->item.name,    a->item.each,       a->item.value,    a->item.id,      a->record};
    for (size_t i = 0; i < sizeof tpls / sizeof tpls[0]; i++) {
        dns_tpl_destroy(tpls[i]);
    }
    struct dns_calls *calls[] = {&a->login.calls, &a->login.logout, &a->zone.call, &a->get,
                                 &a->add,         &a->remove,       &a->create,    &a->put,
                                 &a->drop,        &a->change,       &a->set,       &a->clear,
                                 &a->batch,       &a->wait,         &a->commit};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        dns_calls_deinit(calls[i]);
    }
    ok_deinit(&a->request.ok);
    dns_where_destroy(a->request.retry);
    assign_deinit(&a->request.let);
    v4_destroy(a->sign.v4);
    assign_deinit(&a->sign.let);
    dns_where_destroy(a->zone.where);
    assign_deinit(&a->zone.set);
    dns_where_destroy(a->item.where);
    cl_free(a->apex);
    cl_free(a->urls);
    cl_free(a);
}

struct dns_description *dns_description_ref(struct dns_description *d)
{
    d->refs++;
    return d;
}

void dns_description_unref(struct dns_description *d)
{
    if (d == NULL || --d->refs > 0) {
        return;
    }
    for (size_t i = 0; i < d->n_inputs; i++) {
        cl_free(d->inputs[i].name);
        cl_free(d->inputs[i].help);
        cl_free(d->inputs[i].default_value);
        cl_strv_deinit(&d->inputs[i].env);
    }
    cl_free(d->inputs);
    cl_free(d->name);
    cl_free(d->title);
    cl_free(d->doc);
    cl_free(d->tested);
    cl_free(d->note);
    dns_api_destroy(d->api);
    cl_free(d);
}
