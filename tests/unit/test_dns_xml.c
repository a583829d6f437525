/* SPDX-License-Identifier: Apache-2.0 */
/* XML and JSON, both ways, and what is refused. */
#include "backends/dns/lang/dns_xml.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

static void documents_are_read_as_objects(void **state)
{
    static const struct {
        const char *xml, *want;
    } CASES[] = {
        {"<r><a>1</a><b x=\"y\">t</b><a>2</a></r>",
         "{\"a\":[\"1\",\"2\"],\"b\":{\"@x\":\"y\",\"#\":\"t\"}}"},
        {"<n:r xmlns:n=\"urn:x\"><n:a> t </n:a></n:r>", "{\"a\":\"t\"}"},
        {"<r><a/><b></b></r>", "{\"a\":\"\",\"b\":\"\"}"},
        {"<r>&lt;&amp;&#65;<![CDATA[<raw>]]></r>", "\"<&A<raw>\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        json_t *got = dns_xml_parse(CASES[i].xml, strlen(CASES[i].xml), &err);
        char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, CASES[i].want);
        cl_free(text);
        json_decref(got);
    }
}

static void what_could_reach_outside_is_refused(void **state)
{
    static const char *const CASES[] = {
        "no xml",
        "<a><b></a>",
        "",
        "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
        "<!DOCTYPE a SYSTEM \"http://192.0.2.1/x.dtd\"><a/>",
        "<!DOCTYPE a [<!ENTITY b \"xxxxxxxx\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        assert_null(dns_xml_parse(CASES[i], strlen(CASES[i]), &err));
        assert_string_equal(err.reason, "AnswerNotXML");
    }
}

static void depth_is_limited(void **state)
{
    struct cl_buf b;
    struct cl_err err = {0};

    (void)state;
    cl_buf_init(&b, 10000);
    for (int i = 0; i < 100; i++) {
        (void)cl_buf_adds(&b, "<a>");
    }
    for (int i = 0; i < 100; i++) {
        (void)cl_buf_adds(&b, "</a>");
    }
    assert_null(dns_xml_parse(cl_buf_str(&b), b.len, &err));
    cl_buf_deinit(&b);
}

static void objects_are_written_and_escaped(void **state)
{
    struct cl_err err = {0};
    json_t *object =
        json_pack("{s:{s:s,s:[s,i],s:s}}", "r", "@x", "a\"<", "v", "1&2", 3, "#", "t>");
    char *text = dns_xml_print(object, &err);

    (void)state;
    assert_string_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                              "<r x=\"a&quot;&lt;\"><v>1&amp;2</v><v>3</v>t&gt;</r>");
    cl_free(text);
    json_decref(object);
    object = json_pack("{s:s}", "no name", "x");
    assert_null(dns_xml_print(object, &err));
    assert_string_equal(err.reason, "XMLInvalid");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_objects),
        cmocka_unit_test(what_could_reach_outside_is_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(objects_are_written_and_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
