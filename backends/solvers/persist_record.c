/* SPDX-License-Identifier: Apache-2.0 */
/* persist_record: reading and writing the records of dns-persist-01. */
#include "backends/solvers/persist_record.h"

#include "spec/base/cl_alloc.h"

#include <string.h>

#define NAME_MAX_LENGTH 253U
#define UNTIL_MAX 253402300799ULL /* the last second of the year 9999 */
#define BLANKS " \t"

struct record {
    char *issuer, *account_url;
    bool wildcard, bad;
    cl_time until;
};

static char *trimmed(const char *from, size_t len)
{
    while (len > 0 && strchr(BLANKS, *from) != NULL) {
        from++;
        len--;
    }
    while (len > 0 && strchr(BLANKS, from[len - 1]) != NULL) {
        len--;
    }
    return cl_strndup(from, len);
}

/* One "TAG=VALUE"; unknown tags are ignored, known ones may come once (RFC 8659 4.2). */
static void read_parameter(struct record *r, const char *part)
{
    const char *equals = strchr(part, '=');
    uint64_t seconds = 0;

    if (equals == NULL) {
        r->bad = true;
        return;
    }
    char *tag = cl_str_lower(trimmed(part, (size_t)(equals - part)));
    char *value = trimmed(equals + 1, strlen(equals + 1));
    if (strcmp(tag, "accounturi") == 0) {
        r->bad = r->bad || r->account_url != NULL;
        cl_free(r->account_url);
        r->account_url = cl_strdup(value);
    } else if (strcmp(tag, "policy") == 0) {
        r->bad = r->bad || r->wildcard;
        r->wildcard = strcmp(cl_str_lower(value), "wildcard") == 0;
    } else if (strcmp(tag, "persistuntil") == 0) {
        r->bad = r->bad || r->until != 0 || cl_parse_u64(value, UNTIL_MAX, &seconds) < 0;
        r->until = (cl_time)seconds * CL_SECOND;
    }
    cl_free(tag);
    cl_free(value);
}

static void read_record(const char *text, struct record *ret)
{
    const char *at = text;

    *ret = (struct record){0};
    while (at != NULL) {
        const char *end = strchr(at, ';');
        char *part = trimmed(at, end != NULL ? (size_t)(end - at) : strlen(at));
        if (ret->issuer == NULL) {
            ret->issuer = cl_str_lower(cl_strdup(part));
        } else {
            read_parameter(ret, part);
        }
        cl_free(part);
        at = end != NULL ? end + 1 : NULL;
    }
}

bool persist_record_proves(const char *text, const struct persist_want *want, cl_time now,
                           cl_time *ret_until)
{
    struct record r;

    read_record(text, &r);
    bool ok = !r.bad && cl_strv_has(want->issuers, r.issuer) &&
              cl_streq(r.account_url, want->account_url) && (r.wildcard || !want->wildcard) &&
              (r.until == 0 || r.until > now);
    if (ret_until != NULL) {
        *ret_until = r.until;
    }
    cl_free(r.issuer);
    cl_free(r.account_url);
    return ok;
}

char *persist_record_print(const struct persist_want *want, cl_time until)
{
    char seconds[64] = "";

    if (until != 0) {
        (void)cl_format(seconds, sizeof seconds, "; persistUntil=%lld",
                        (long long)(until / CL_SECOND));
    }
    return cl_printf("%s; accounturi=%s%s%s", want->issuers->items[0], want->account_url,
                     want->wildcard ? "; policy=wildcard" : "", seconds);
}

bool persist_issuer_ok(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.");

    return len > 0 && len <= NAME_MAX_LENGTH && name[len] == '\0' && name[0] != '.' &&
           name[len - 1] != '.' && strstr(name, "..") == NULL;
}
