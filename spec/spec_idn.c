/* SPDX-License-Identifier: Apache-2.0 */
/* spec_idn: host names in the form in which they are sent to a CA and compared: lower-case A-labels.
 * The only place that knows libidn2. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"
#include "spec/spec_parse.h"

#include <idn2.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 253 /* RFC 1035 2.3.4, without the final dot */
#define LABEL_MAX_BYTES 63

bool dns_name_in_zone(const char *name, const char *zone)
{
    size_t n = strlen(name), z = strlen(zone);

    if (z == 0 || n < z || strcasecmp(name + (n - z), zone) != 0) {
        return false;
    }
    return n == z || name[n - z - 1] == '.';
}

static bool is_ascii(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s >= 0x80) {
            return false;
        }
    }
    return true;
}

/* A-labels that mean nothing are refused by every CA; say so before an order is spent. */
static bool a_label_ok(const char *label, size_t len)
{
    char copy[LABEL_MAX_BYTES + 1];
    char *unicode = NULL;

    (void)cl_format(copy, sizeof(copy), "%.*s", (int)len, label);
    bool ok =
        idn2_to_unicode_8z8z(copy, &unicode, IDN2_NONTRANSITIONAL) == IDN2_OK && !is_ascii(unicode);
    idn2_free(unicode);
    return ok;
}

static bool label_ok(const char *label, size_t len, char *why, size_t size)
{
    static const char LDH[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    int shown = (int)(len < 80 ? len : 80);

    if (len == 0) {
        (void)cl_format(why, size, "an empty label: two dots in a row, or one at an end");
    } else if (len > LABEL_MAX_BYTES) {
        (void)cl_format(why, size, "the label %.*s... is longer than 63 characters", 20, label);
    } else if (strspn(label, LDH) < len) {
        (void)cl_format(why, size, "\"%.*s\": a label has letters, digits and hyphens only", shown,
                        label);
    } else if (label[0] == '-' || label[len - 1] == '-') {
        (void)cl_format(why, size, "\"%.*s\": a label neither starts nor ends with a hyphen", shown,
                        label);
    } else if (len >= 4 && label[2] == '-' && label[3] == '-' &&
               (strncmp(label, "xn", 2) != 0 || !a_label_ok(label, len))) {
        (void)cl_format(why, size, "\"%.*s\" is not a valid internationalised label", shown, label);
    } else {
        return true;
    }
    return false;
}

static bool labels_ok(const char *host, char *why, size_t size)
{
    struct ip_address ip;

    if (ip_parse(host, &ip) == 0) {
        (void)cl_format(why, size, "an IP address; it belongs under ipAddresses");
        return false;
    }
    for (const char *label = host;; label++) {
        size_t len = strcspn(label, ".");

        if (!label_ok(label, len, why, size)) {
            return false;
        }
        label += len;
        if (*label == '\0') {
            return true;
        }
    }
}

/* Lower-case ASCII form of a host name without wildcard; owned, or NULL. */
static char *to_ascii(const char *host, char *why, size_t size)
{
    uint8_t *ascii = NULL;

    if (is_ascii(host)) {
        return cl_str_lower(cl_strdup(host));
    }
    int rc = idn2_lookup_u8((const uint8_t *)host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK) {
        (void)cl_format(why, size, "not a valid internationalised name: %s", idn2_strerror(rc));
        return NULL;
    }
    char *copy = cl_str_lower(cl_strdup((const char *)ascii));
    idn2_free(ascii);
    return copy;
}

char *host_name_normalise(const char *name, char *why, size_t why_size)
{
    bool wildcard = cl_str_starts(name, "*.");
    const char *host = wildcard ? name + 2 : name;
    size_t len = strlen(name);

    if (strchr(host, '*') != NULL) {
        (void)cl_format(why, why_size, "a wildcard is the whole leftmost label: *.example.com");
        return NULL;
    }
    if (strchr(host, '/') != NULL || strchr(host, ':') != NULL) {
        (void)cl_format(why, why_size, "expected a host name alone, without scheme, port or path");
        return NULL;
    }
    if (len > 1 && name[len - 1] == '.' && name[len - 2] != '.') {
        (void)cl_format(why, why_size, "write it without the final dot");
        return NULL;
    }
    char *ascii = to_ascii(host, why, why_size);
    if (ascii == NULL || !labels_ok(ascii, why, why_size)) {
        cl_free(ascii);
        return NULL;
    }
    char *whole = cl_printf("%s%s", wildcard ? "*." : "", ascii);
    cl_free(ascii);
    if (strlen(whole) > NAME_MAX_BYTES) {
        (void)cl_format(why, why_size, "longer than 253 characters");
        cl_free(whole);
        return NULL;
    }
    return whole;
}
