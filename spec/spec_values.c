/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values: names, paths, modes. Addresses and certificates are in spec_values_net.c. */
#include "spec/spec_values.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_utf8.h"

#include <string.h>

#define OBJECT_NAME_MAX 200
#define PATH_BYTES_MAX 1024
#define FILE_NAME_BYTES_MAX 200 /* room for what temporary names add */
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static char *refuse(char *why, size_t size, const char *text)
{
    (void)cl_format(why, size, "%s", text);
    return NULL;
}

static bool only(const char *s, const char *set)
{
    return s[strspn(s, set)] == '\0';
}

/* Labels of [a-z0-9-], not starting or ending with a hyphen (RFC 1123 2.1). */
static bool is_subdomain(const char *s)
{
    for (;;) {
        size_t len = strcspn(s, ".");

        if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-' ||
            strspn(s, LOWER DIGITS "-") < len) {
            return false;
        }
        if (s[len] == '\0') {
            return true;
        }
        s += len + 1;
    }
}

char *value_subdomain(const char *text, char *why, size_t why_size)
{
    if (strlen(text) > 253 || !is_subdomain(text)) {
        return refuse(why, why_size,
                      "must be lower-case letters, digits, '-' and '.', starting and ending with "
                      "a letter or digit");
    }
    return cl_strdup(text);
}

char *value_object_name(const char *text, char *why, size_t why_size)
{
    if (strlen(text) > OBJECT_NAME_MAX) {
        return refuse(why, why_size, "longer than 200 bytes");
    }
    return value_subdomain(text, why, why_size);
}

char *value_namespace(const char *text, char *why, size_t why_size)
{
    if (strcmp(text, "issuers") == 0) {
        return refuse(why, why_size, "\"issuers\" is taken by the status files of Issuers");
    }
    if (strlen(text) > 63 || strchr(text, '.') != NULL || !is_subdomain(text)) {
        return refuse(why, why_size,
                      "must be lower-case letters, digits and '-', at most 63, starting and ending "
                      "with a letter or digit");
    }
    return cl_strdup(text);
}

char *value_plain_name(const char *text, char *why, size_t why_size)
{
    if (text[0] == '.' || text[0] == '-' || strlen(text) > FILE_NAME_BYTES_MAX ||
        !only(text, LOWER UPPER DIGITS "._-@")) {
        return refuse(why, why_size, "must be a plain name: letters, digits, '.', '_', '-', '@'");
    }
    return cl_strdup(text);
}

char *value_file_name(const char *text, char *why, size_t why_size)
{
    if (text[0] == '\0' || text[0] == '.' || strpbrk(text, "/\n\r\t") != NULL) {
        return refuse(why, why_size,
                      "must be a file name: no slash, no leading dot (certloop's temporary files "
                      "have one)");
    }
    if (strlen(text) > FILE_NAME_BYTES_MAX) {
        return refuse(why, why_size, "longer than 200 bytes");
    }
    return cl_strdup(text);
}

char *value_environment(const char *text, char *why, size_t why_size)
{
    if (strchr(DIGITS, text[0]) != NULL || !only(text, LOWER UPPER DIGITS "_")) {
        return refuse(why, why_size, "must be the name of an environment variable");
    }
    return cl_strdup(text);
}

char *value_argument(const char *text, char *why, size_t why_size)
{
    if (strpbrk(text, "\n\r") != NULL) {
        return refuse(why, why_size, "must be one line");
    }
    return cl_strdup(text);
}

char *value_path(const char *text, char *why, size_t why_size)
{
    struct cl_strv parts = {0};
    bool dots = false;

    if (text[0] != '/') {
        return refuse(why, why_size, "must be an absolute path");
    }
    if (strlen(text) > PATH_BYTES_MAX || strpbrk(text, "\n\r\t") != NULL) {
        return refuse(why, why_size, "not a usable path");
    }
    cl_strv_split(&parts, text, "/");
    cl_strv_for_each(part, &parts) {
        dots |= strcmp(part, ".") == 0 || strcmp(part, "..") == 0;
    }
    char *joined = cl_strv_join(&parts, "/");
    char *path = cl_printf("/%s", joined);
    cl_free(joined);
    cl_strv_deinit(&parts);
    if (dots) {
        cl_free(path);
        return refuse(why, why_size, "must not have \".\" or \"..\" in it");
    }
    return path;
}

bool path_below(const char *path, const char *root)
{
    size_t len = strlen(root);

    if (strcmp(root, "/") == 0) {
        return true;
    }
    return strncmp(path, root, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

char *value_mode(const char *text, char *why, size_t why_size)
{
    const char *digits = text[0] == '0' && strlen(text) == 4 ? text + 1 : text;

    if (strlen(text) == 4 && text[0] != '0' && only(text, "01234567")) {
        return refuse(why, why_size, "set-id and sticky bits are not allowed");
    }
    if (strlen(digits) != 3 || !only(digits, "01234567")) {
        return refuse(why, why_size, "expected an octal mode such as \"0640\"");
    }
    if (strpbrk(digits, "1357") != NULL) {
        return refuse(why, why_size, "execute bits are not allowed");
    }
    if (digits[0] < '4') {
        return refuse(why, why_size, "the owner must be able to read");
    }
    return cl_printf("0%s", digits);
}

char *value_account(const char *text, char *why, size_t why_size)
{
    if (text[0] == '-' || strlen(text) > 32 || !only(text, LOWER UPPER DIGITS "._-")) {
        return refuse(why, why_size, "must be the name or number of a user or group");
    }
    return cl_strdup(text);
}

char *value_common_name(const char *text, char *why, size_t why_size)
{
    if (utf8_length(text) > 64) { /* RFC 5280, ub-common-name */
        return refuse(why, why_size, "longer than 64 characters");
    }
    return value_argument(text, why, why_size);
}

char *value_dns_name(const char *text, char *why, size_t why_size)
{
    return host_name_normalise(text, why, why_size);
}

char *value_zone(const char *text, char *why, size_t why_size)
{
    if (text[0] == '*') {
        return refuse(why, why_size, "expected a domain without wildcard");
    }
    return host_name_normalise(text, why, why_size);
}

char *value_domain(const char *text, char *why, size_t why_size)
{
    bool dot = text[0] == '.';
    char *name = value_zone(text + dot, why, why_size);
    char *whole = name != NULL ? cl_printf("%s%s", dot ? "." : "", name) : NULL;

    cl_free(name);
    return whole;
}
