/* SPDX-License-Identifier: Apache-2.0 */
/* dns_xml: expat reads, own code writes. A document with a DTD is refused as a whole: no API needs one,
 * and nothing of entities, external subsets or defaults can then come in. (expat, since libxml2 brings
 * ICU along, which would make each idle daemon larger by megabytes.) */
#include "backends/dns/lang/dns_xml.h"

#include "backends/dns/lang/dns_value.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#define XML_DEPTH 64u /* of elements; answers have less than ten */
#define XML_PRINT_MAX ((size_t)16 << 20)

static int print_element(struct cl_buf *b, const char *name, const json_t *value, unsigned depth);

/* ---- reading ---- */

/* An element that is open. Namespaces are left out: its name is what follows the prefix. */
struct element {
    char *name;
    json_t *members; /* attributes and children so far */
    struct cl_buf text;
};
struct reading {
    XML_Parser parser;
    struct element open[XML_DEPTH];
    size_t depth;
    json_t *root;        /* the value, once the root element is closed */
    const char *refused; /* what this mapping does not take; NULL = nothing so far */
};

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static json_t *text_of(const char *text)
{
    const char *end = text + strlen(text);

    while (text < end && strchr(" \t\r\n", *text) != NULL) {
        text++;
    }
    while (end > text && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    json_t *s = json_stringn(text, (size_t)(end - text));
    return s != NULL ? s : json_string("");
}

static void refuse(struct reading *r, const char *what)
{
    r->refused = what;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void doctype(void *user, const XML_Char *name, const XML_Char *system,
                    const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(user, "XML with a DTD, which is refused");
}

static void element_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = user;

    if (r->depth == XML_DEPTH) {
        refuse(r, "XML nested too deep");
        return;
    }
    struct element *e = &r->open[r->depth++];
    e->name = cl_strdup(local_name(name));
    e->members = json_object();
    cl_buf_init(&e->text, SIZE_MAX / 2);
    for (; *attributes != NULL; attributes += 2) {
        if (strncmp(attributes[0], "xmlns", strlen("xmlns")) != 0) {
            char *key = cl_printf("@%s", local_name(attributes[0]));
            (void)json_object_set_new(e->members, key, text_of(attributes[1]));
            cl_free(key);
        }
    }
}

static void characters(void *user, const XML_Char *text, int len)
{
    struct reading *r = user;

    if (r->depth > 0) {
        (void)cl_buf_add(&r->open[r->depth - 1].text, text, (size_t)len);
    }
}

static void put_member(json_t *object, const char *name, json_t *take_value)
{
    json_t *there = json_object_get(object, name);

    if (there == NULL) {
        (void)json_object_set_new(object, name, take_value);
    } else if (json_is_array(there)) {
        (void)json_array_append_new(there, take_value);
    } else {
        json_t *list = json_array();
        (void)json_array_append(list, there);
        (void)json_array_append_new(list, take_value);
        (void)json_object_set_new(object, name, list);
    }
}

/* Its text, or an object of attributes, children and text. */
static json_t *value_of(struct element *e)
{
    json_t *text = text_of(cl_buf_str(&e->text));

    if (json_object_size(e->members) == 0) {
        return text;
    }
    if (json_string_length(text) > 0) {
        (void)json_object_set(e->members, "#", text);
    }
    json_decref(text);
    return json_incref(e->members);
}

static void element_drop(struct element *e)
{
    cl_free(e->name);
    json_decref(e->members);
    cl_buf_deinit(&e->text);
}

static void element_end(void *user, const XML_Char *name)
{
    struct reading *r = user;
    struct element *e = &r->open[--r->depth];
    json_t *value = value_of(e);

    (void)name;
    if (r->depth > 0) {
        put_member(r->open[r->depth - 1].members, e->name, value);
    } else {
        r->root = value;
    }
    element_drop(e);
}

json_t *dns_xml_parse(const char *text, size_t len, struct cl_err *err)
{
    struct reading *r = cl_new(struct reading);
    json_t *value = NULL;

    r->parser = XML_ParserCreate(NULL);
    if (r->parser != NULL && len <= INT_MAX) {
        XML_SetUserData(r->parser, r);
        XML_SetElementHandler(r->parser, element_start, element_end);
        XML_SetCharacterDataHandler(r->parser, characters);
        XML_SetStartDoctypeDeclHandler(r->parser, doctype);
        if (XML_Parse(r->parser, text, (int)len, XML_TRUE) == XML_STATUS_OK) {
            value = r->root;
            r->root = NULL;
        }
    }
    if (value == NULL) {
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "AnswerNotXML", "the answer is %s",
                      r->refused != NULL ? r->refused : "no XML");
    }
    while (r->depth > 0) {
        element_drop(&r->open[--r->depth]);
    }
    json_decref(r->root);
    XML_ParserFree(r->parser);
    cl_free(r);
    return value;
}

/* ---- writing ---- */

static bool is_xml_name(const char *s)
{
    if (*s == '\0' || strchr("0123456789-.", *s) != NULL) {
        return false;
    }
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x80 &&
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:", *s) ==
                NULL) {
            return false;
        }
    }
    return true;
}

static void print_text(struct cl_buf *b, const json_t *value)
{
    char *text = dns_json_string(value, NULL);

    for (const char *s = text; *s != '\0'; s++) {
        const char *entity = *s == '&'   ? "&amp;"
                             : *s == '<' ? "&lt;"
                             : *s == '>' ? "&gt;"
                             : *s == '"' ? "&quot;"
                                         : NULL;
        if (entity != NULL) {
            (void)cl_buf_adds(b, entity);
        } else if ((unsigned char)*s >= 0x20 || strchr("\t\r\n", *s) != NULL) {
            (void)cl_buf_add(b, s, 1); /* other control characters have no form in XML 1.0 */
        }
    }
    cl_free_secret(text);
}

static int print_object(struct cl_buf *b, const char *name, const json_t *value, unsigned depth)
{
    const char *key = NULL;
    json_t *member = NULL;

    (void)cl_buf_addf(b, "<%s", name);
    json_object_foreach(dns_mut(value), key, member)
    {
        if (*key == '@') {
            if (!is_xml_name(key + 1)) {
                return -1;
            }
            (void)cl_buf_addf(b, " %s=\"", key + 1);
            print_text(b, member);
            (void)cl_buf_adds(b, "\"");
        }
    }
    (void)cl_buf_adds(b, ">");
    json_object_foreach(dns_mut(value), key, member)
    {
        if (*key != '@' && *key != '#' && print_element(b, key, member, depth + 1) < 0) {
            return -1;
        }
    }
    print_text(b, json_object_get(value, "#"));
    (void)cl_buf_addf(b, "</%s>", name);
    return 0;
}

static int print_element(struct cl_buf *b, const char *name, const json_t *value, unsigned depth)
{
    if (!is_xml_name(name) || depth > XML_DEPTH) {
        return -1;
    }
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (print_element(b, name, json_array_get(value, i), depth + 1) < 0) {
                return -1;
            }
        }
        return 0;
    }
    if (json_is_object(value)) {
        return print_object(b, name, value, depth);
    }
    (void)cl_buf_addf(b, "<%s>", name);
    print_text(b, value);
    (void)cl_buf_addf(b, "</%s>", name);
    return 0;
}

char *dns_xml_print(const json_t *object, struct cl_err *err)
{
    struct cl_buf b;
    void *at = json_object_iter(dns_mut(object));

    cl_buf_init_secret(&b, XML_PRINT_MAX);
    (void)cl_buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if (json_object_size(object) != 1 ||
        print_element(&b, json_object_iter_key(at), json_object_iter_value(at), 0) < 0) {
        cl_buf_deinit(&b);
        (void)cl_fail(err, CL_ERR_LOCAL, "XMLInvalid",
                      "an xml body has one root element, and its members have XML names");
        return NULL;
    }
    char *text = cl_buf_take(&b);
    cl_buf_deinit(&b);
    return text;
}
