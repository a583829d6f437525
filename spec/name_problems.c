/* SPDX-License-Identifier: Apache-2.0 */
/* name_problems: a short list, kept in the order in which the CA told it. */
#include "spec/name_problems.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/jfield.h"

#include <string.h>

#define URN "urn:ietf:params:acme:error:"

static const struct jfield ROWS[] = {
    JFIELD(JF_WORD, name_problem, identifier, "identifier"),
    JFIELD(JF_WORD, name_problem, type, "type"),
    JFIELD(JF_WORD, name_problem, detail, "detail"),
};
static const struct jtable TABLE = JTABLE(ROWS, name_problem);

void name_problems_deinit(struct name_problems *p)
{
    jtable_free_list(&TABLE, p->items, p->len);
    *p = (struct name_problems){0};
}

static char *full_type(const char *type)
{
    char clean[CL_CLEAN_TEXT];

    cl_clean(clean, sizeof clean, cl_str_or(type, ""), strlen(cl_str_or(type, "")));
    bool bare = clean[0] != '\0' && strchr(clean, ':') == NULL;
    return cl_printf("%s%s", bare ? URN : "", clean);
}

void name_problems_add(struct name_problems *p, const char *identifier, const char *type,
                       const char *detail)
{
    const char *text = cl_str_or(detail, "");
    char *name = cl_str_lower(cl_clean_dup(identifier, strlen(identifier)));

    for (size_t i = 0; i < p->len; i++) {
        if (strcmp(p->items[i].identifier, name) == 0) {
            cl_free(name);
            return;
        }
    }
    if (p->len == NAME_PROBLEMS_MAX) {
        cl_free(name);
        return;
    }
    p->items = cl_reallocarray(p->items, p->len + 1, sizeof *p->items);
    p->items[p->len++] = (struct name_problem){
        .identifier = name, .type = full_type(type), .detail = cl_clean_dup(text, strlen(text))};
}

void name_problems_copy(struct name_problems *dst, const struct name_problems *src)
{
    *dst = (struct name_problems){.items = cl_calloc(src->len + 1, sizeof *dst->items),
                                  .len = src->len};
    for (size_t i = 0; i < src->len; i++) {
        jtable_copy(&TABLE, &dst->items[i], &src->items[i]);
    }
}

json_t *name_problems_write(const struct name_problems *p)
{
    return jtable_write_list(&TABLE, p->items, p->len);
}

int name_problems_read(const json_t *array, struct name_problems *ret, struct cl_err *err)
{
    void *items = NULL;
    int rc = jtable_read_list(&TABLE, array, &items, &ret->len, err);

    ret->items = items;
    return rc;
}
