/* SPDX-License-Identifier: Apache-2.0 */
/* cert_request: the fields of a spec that are asked of the issuer, as canonical JSON, and how two
 * such texts differ. Members carry the names and nesting they have in a spec, and what is not given
 * is left out: so a field that a later version adds does not make old requests look different. */
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"
#include "spec/manifest.h"

#include <jansson.h>

#define DEPTH_MAX 8

/* ---- writing ---- */

static void put_text(json_t *o, const char *key, const char *s)
{
    if (!cl_str_empty(s)) {
        json_put(o, key, json_text(s));
    }
}

/* As a set: sorted, each once. */
static void put_set(json_t *o, const char *key, const struct cl_strv *v, bool lower)
{
    struct cl_strv set;

    if (v->len == 0) {
        return;
    }
    cl_strv_copy(&set, v);
    for (size_t i = 0; lower && i < set.len; i++) {
        (void)cl_str_lower(set.items[i]);
    }
    cl_strv_dedupe(&set);
    cl_strv_sort(&set);
    json_put(o, key, json_strv(&set));
    cl_strv_deinit(&set);
}

static void put_object(json_t *o, const char *key, json_t *take_member)
{
    if (json_object_size(take_member) > 0) {
        json_put(o, key, take_member);
    } else {
        json_decref(take_member);
    }
}

static json_t *subject(const struct subject_spec *s)
{
    json_t *o = json_object();

    put_set(o, "organizations", &s->organizations, false);
    put_set(o, "countries", &s->countries, false);
    put_set(o, "organizationalUnits", &s->organizational_units, false);
    put_set(o, "localities", &s->localities, false);
    put_set(o, "provinces", &s->provinces, false);
    put_set(o, "streetAddresses", &s->street_addresses, false);
    put_set(o, "postalCodes", &s->postal_codes, false);
    put_text(o, "serialNumber", s->serial_number);
    return o;
}

static json_t *constraints_set(const struct name_constraints_set *s)
{
    json_t *o = json_object();

    put_set(o, "dnsDomains", &s->dns_domains, true);
    put_set(o, "ipRanges", &s->ip_ranges, false);
    put_set(o, "emailAddresses", &s->email_addresses, false);
    put_set(o, "uriDomains", &s->uri_domains, true);
    return o;
}

static json_t *constraints(const struct name_constraints *c)
{
    json_t *o = json_object();

    put_object(o, "permitted", constraints_set(&c->permitted));
    put_object(o, "excluded", constraints_set(&c->excluded));
    if (c->critical && json_object_size(o) > 0) {
        json_put(o, "critical", json_true());
    }
    return o;
}

static json_t *private_key(const struct private_key_spec *k)
{
    json_t *o = json_object();

    put_text(o, "algorithm", key_algorithm_name(k->algorithm));
    if (k->size != 0) {
        json_put(o, "size", json_integer(k->size));
    }
    return o;
}

char *cert_request_json(const struct cert_spec *spec)
{
    json_t *o = json_object();
    char duration[CL_DURATION_TEXT];

    put_text(o, "commonName", spec->common_name);
    put_set(o, "dnsNames", &spec->dns_names, true);
    put_set(o, "ipAddresses", &spec->ip_addresses, true);
    put_set(o, "uris", &spec->uris, false);
    put_set(o, "emailAddresses", &spec->email_addresses, false);
    put_object(o, "subject", subject(&spec->subject));
    if (spec->is_ca) {
        json_put(o, "isCA", json_true());
    }
    put_object(o, "nameConstraints", constraints(&spec->name_constraints));
    put_set(o, "usages", &spec->usages, false);
    if (spec->duration != 0) {
        put_text(o, "duration", cl_duration_format(spec->duration, duration));
    }
    put_object(o, "privateKey", private_key(&spec->private_key));
    char *text = json_print(o, JSON_COMPACT | JSON_SORT_KEYS, false);
    json_decref(o);
    return text;
}

/* ---- comparing ---- */

static void diff(json_t *a, json_t *b, const char *path, unsigned depth, struct cl_strv *ret_paths);

static void diff_member(json_t *a, json_t *b, const char *path, unsigned depth,
                        struct cl_strv *ret_paths)
{
    /* A member with members of its own on either side is looked into: "spec.subject.countries". */
    bool objects = (a == NULL || json_is_object(a)) && (b == NULL || json_is_object(b));

    if (objects && depth < DEPTH_MAX) {
        diff(a, b, path, depth + 1, ret_paths);
    } else if (a == NULL || b == NULL || !json_equal(a, b)) {
        cl_strv_add(ret_paths, path);
    }
}

/* @a, @b: objects, or one of them NULL. */
static void diff(json_t *a, json_t *b, const char *path, unsigned depth, struct cl_strv *ret_paths)
{
    struct cl_strv keys = {0};
    json_t *sides[] = {a, b};

    for (size_t i = 0; i < 2; i++) {
        const char *key;
        json_t *value;

        json_object_foreach(sides[i], key, value)
        {
            cl_strv_add(&keys, key);
        }
    }
    cl_strv_sort(&keys);
    cl_strv_dedupe(&keys);
    cl_strv_for_each(key, &keys) {
        char *member = cl_printf("%s.%s", path, key);

        diff_member(json_object_get(a, key), json_object_get(b, key), member, depth, ret_paths);
        cl_free(member);
    }
    cl_strv_deinit(&keys);
}

char *cert_request_diff(const char *recorded, const char *wanted)
{
    struct cl_strv paths = {0};
    char *text = NULL;

    if (cl_streq(recorded, wanted)) {
        return NULL;
    }
    json_t *a = recorded != NULL ? json_parse_object(recorded, NULL) : NULL;
    json_t *b = wanted != NULL ? json_parse_object(wanted, NULL) : NULL;
    if (a == NULL || b == NULL) {
        text = cl_strdup("spec"); /* one of them is unreadable: nothing finer can be said */
    } else {
        diff(a, b, "spec", 0, &paths);
        text = paths.len > 0 ? cl_strv_join(&paths, ", ") : NULL;
    }
    json_decref(a);
    json_decref(b);
    cl_strv_deinit(&paths);
    return text;
}
