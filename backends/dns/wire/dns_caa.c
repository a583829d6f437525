/* SPDX-License-Identifier: Apache-2.0 */
/* dns_caa: see the header. A record that cannot be read lets nobody issue (RFC 8659 4.2). */
#include "backends/dns/wire/dns_caa.h"

#include "spec/base/cl_alloc.h"

#include <string.h>
#include <strings.h>

#define CRITICAL 128U

static bool known(const char *tag)
{
    return cl_streq(tag, "issue") || cl_streq(tag, "issuewild") || cl_streq(tag, "iodef") ||
           cl_streq(tag, "issuemail") || cl_streq(tag, "contactemail") ||
           cl_streq(tag, "contactphone");
}

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t");
}

/* The text up to one of @ends, without white space around it; owned. Moves *@at there. */
static char *word(const char **at, const char *ends)
{
    const char *start = skip_space(*at);
    size_t len = strcspn(start, ends);

    *at = start + len;
    while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t')) {
        len--;
    }
    return cl_strndup(start, len);
}

static bool in_list(const char *list, const char *wanted)
{
    struct cl_strv items = {0};
    bool found = false;

    cl_strv_split(&items, list, ", \t");
    cl_strv_for_each(item, &items) {
        found |= cl_streq(item, wanted);
    }
    cl_strv_deinit(&items);
    return found;
}

/* Why a record lets nobody issue, or whom else it lets. */
enum match { MATCH, OTHER_CA, OTHER_ACCOUNT, OTHER_METHOD, UNREADABLE };

static enum match parameter(const char *name, const char *value, const struct dns_caa_question *q,
                            unsigned *accounts)
{
    if (strcasecmp(name, "accounturi") == 0) {
        *accounts += 1;
        if (*accounts > 1) { /* RFC 8657 3: then none fits */
            return OTHER_ACCOUNT;
        }
        return q->account == NULL || cl_streq(value, q->account) ? MATCH : OTHER_ACCOUNT;
    }
    if (strcasecmp(name, "validationmethods") == 0) {
        return q->method == NULL || in_list(value, q->method) ? MATCH : OTHER_METHOD;
    }
    return MATCH; /* parameters of the CA's own */
}

static enum match match_value(const char *value, const struct dns_caa_question *q)
{
    const char *at = value;
    char *domain = word(&at, ";");
    enum match result = OTHER_CA;
    unsigned accounts = 0;

    for (size_t i = 0; i < q->ca->len; i++) {
        result = strcasecmp(domain, q->ca->items[i]) == 0 ? MATCH : result;
    }
    cl_free(domain);
    while (result == MATCH && *at == ';') {
        at++;
        char *name = word(&at, ";=");
        char *content = NULL;
        if (*at == '=') {
            at++;
            content = word(&at, ";");
        }
        if (content != NULL) {
            result = parameter(name, content, q, &accounts);
        } else if (*name != '\0') {
            result = UNREADABLE;
        }
        cl_free(content);
        cl_free(name);
    }
    return result;
}

static const char *why(enum match best)
{
    switch (best) {
    case OTHER_ACCOUNT:
        return "its accounturi is that of another account";
    case OTHER_METHOD:
        return "its validationmethods leave this challenge out";
    case UNREADABLE:
        return "it cannot be read";
    case MATCH:
    case OTHER_CA:
        break;
    }
    return "they name other CAs only";
}

static void explain(const struct dns_caa_question *q, const char *tag, enum match best,
                    char text[DNS_CAA_TEXT])
{
    char account[200] = "";

    if (q->account != NULL && best == OTHER_ACCOUNT) {
        (void)cl_format(account, sizeof account, "; accounturi=%s", q->account);
    }
    (void)cl_format(text, DNS_CAA_TEXT,
                    "the CAA records at %s forbid it: %s; publish: %s. CAA 0 %s \"%s%s\"", q->owner,
                    why(best), q->owner, tag, q->ca->items[0], account);
}

/* Among the records of @tag: is there one that fits, and if not, what was nearest? */
static enum match best_of(const struct dns_msg *m, const char *tag,
                          const struct dns_caa_question *q)
{
    enum match best = OTHER_CA;

    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == DNS_CAA && cl_streq(rr->caa_tag, tag)) {
            enum match one = strlen(cl_str_or(rr->text, "")) == rr->text_len
                                 ? match_value(rr->text, q)
                                 : UNREADABLE;
            best = one == MATCH || best == OTHER_CA ? one : best;
            if (best == MATCH) {
                break;
            }
        }
    }
    return best;
}

enum dns_caa_verdict dns_caa_judge(const struct dns_msg *m, const struct dns_caa_question *q,
                                   char text[DNS_CAA_TEXT])
{
    size_t issue = 0, issuewild = 0, all = 0;

    text[0] = '\0';
    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section != DNS_ANSWER || rr->type != DNS_CAA) {
            continue;
        }
        all++;
        issue += cl_streq(rr->caa_tag, "issue");
        issuewild += cl_streq(rr->caa_tag, "issuewild");
        if ((rr->caa_flags & CRITICAL) != 0 && !known(rr->caa_tag)) {
            (void)cl_format(text, DNS_CAA_TEXT,
                            "the CAA records at %s have a critical property \"%s\" that no CA "
                            "knows, which forbids every certificate: remove it",
                            q->owner, rr->caa_tag);
            return DNS_CAA_FORBIDDEN;
        }
    }
    const char *tag = q->wildcard && issuewild > 0 ? "issuewild" : "issue";
    if (all == 0) {
        return DNS_CAA_NONE;
    }
    if (issue == 0 && (!q->wildcard || issuewild == 0)) {
        return DNS_CAA_ALLOWED;
    }
    if (q->ca == NULL || q->ca->len == 0) {
        return DNS_CAA_UNKNOWN;
    }
    enum match best = best_of(m, tag, q);
    if (best == MATCH) {
        return DNS_CAA_ALLOWED;
    }
    explain(q, tag, best, text);
    return DNS_CAA_FORBIDDEN;
}
