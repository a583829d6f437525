/* SPDX-License-Identifier: Apache-2.0 */
/* dns_xml: libxml2 reads, own code writes. A document with a DTD is refused as a whole: no API needs one,
 * and nothing of entities, external subsets or defaults can then come in. */
#include "backends/dns/lang/dns_xml.h"

#include "backends/dns/lang/dns_value.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <string.h>

#define XML_DEPTH 64u /* of elements; answers have less than ten */
#define XML_PRINT_MAX ((size_t)16 << 20)

static json_t *read_element(const xmlNode *element, unsigned depth);
static int print_element(struct cl_buf *b, const char *name, const json_t *value, unsigned depth);

static void silent(void *ctx, const char *msg, ...)
{
    (void)ctx;
    (void)msg;
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

json_t *dns_xml_parse(const char *text, size_t len, struct cl_err *err)
{
    xmlParserCtxt *ctx = xmlNewParserCtxt();
    xmlDoc *doc = NULL;
    json_t *value = NULL;

    if (ctx != NULL && len <= INT_MAX) {
        ctx->sax->warning = silent;
        ctx->sax->error = silent;
        doc = xmlCtxtReadMemory(ctx, text, (int)len, "answer", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                    XML_PARSE_NOCDATA);
    }
    const xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    if (doc != NULL && xmlGetIntSubset(doc) != NULL) {
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "AnswerNotXML",
                      "the answer is XML with a DTD, which is refused");
    } else if (root != NULL) {
        value = read_element(root, 0);
        if (value == NULL) {
            (void)cl_fail(err, CL_ERR_BAD_RESULT, "AnswerNotXML",
                          "the answer is XML nested deeper than %u", XML_DEPTH);
        }
    } else {
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "AnswerNotXML", "the answer is no XML");
    }
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(ctx);
    return value;
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

static void read_attributes(const xmlNode *element, json_t *object)
{
    for (const xmlAttr *a = element->properties; a != NULL; a = a->next) {
        xmlChar *content = xmlNodeGetContent((const xmlNode *)(const void *)a);
        char *name = cl_printf("@%s", (const char *)a->name);
        (void)json_object_set_new(object, name, text_of(content != NULL ? (char *)content : ""));
        cl_free(name);
        xmlFree(content);
    }
}

/* NULL: too deep. */
static json_t *read_element(const xmlNode *element, unsigned depth)
{
    json_t *object = json_object();
    struct cl_buf text;

    if (depth > XML_DEPTH) {
        json_decref(object);
        return NULL;
    }
    cl_buf_init(&text, SIZE_MAX / 2);
    read_attributes(element, object);
    for (const xmlNode *n = element->children; n != NULL; n = n->next) {
        if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) {
            (void)cl_buf_adds(&text, (const char *)n->content);
        }
        if (n->type != XML_ELEMENT_NODE) {
            continue;
        }
        json_t *child = read_element(n, depth + 1);
        if (child == NULL) {
            cl_buf_deinit(&text);
            json_decref(object);
            return NULL;
        }
        put_member(object, (const char *)n->name, child);
    }
    json_t *content = text_of(cl_buf_str(&text));
    cl_buf_deinit(&text);
    if (json_object_size(object) == 0) {
        json_decref(object);
        return content;
    }
    if (json_string_length(content) > 0) {
        (void)json_object_set_new(object, "#", content);
    } else {
        json_decref(content);
    }
    return object;
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
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
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
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
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
    void *at = json_object_iter((json_t *)(uintptr_t)object);

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
