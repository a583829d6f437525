/* SPDX-License-Identifier: Apache-2.0 */
/* dns_xml: one mapping between XML and JSON, both ways: elements are members (repeated ones a list),
 * attributes are "@name", text is the value, or "#" beside others. Namespaces are left out when
 * reading. The root element's content is the value. No DTD, no entities but the five of XML, no
 * network. */
#ifndef DNS_XML_H
#define DNS_XML_H

#include "spec/base/cl_err.h"

#include <jansson.h>

/** Reads a document. NULL and BAD_RESULT "AnswerNotXML". New reference. */
json_t *dns_xml_parse(const char *text, size_t len, struct cl_err *err);
/** Writes a document of an object with exactly one member, the root. Owned; NULL and @err
 *  CL_ERR_LOCAL "XMLInvalid" if it is no such object or a name is no XML name. */
char *dns_xml_print(const json_t *object, struct cl_err *err);

#endif
