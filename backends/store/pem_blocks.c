/* SPDX-License-Identifier: Apache-2.0 */
/* pem_blocks: see pem_blocks.h. A block begins and ends with lines of one label (RFC 7468 3). */
#include "backends/store/pem_blocks.h"

#include "spec/base/cl_str.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LABEL_MAX 40

struct block {
    char label[LABEL_MAX];
    const char *start;
    size_t len; /* with both lines, without the newline after them */
};

/* The next whole block from *at on, which moves past it. */
static bool next_block(const char **at, struct block *ret)
{
    for (;;) {
        const char *start = strstr(*at, BEGIN);
        if (start == NULL) {
            return false;
        }
        const char *label = start + strlen(BEGIN);
        const char *label_end = strstr(label, DASHES);
        *at = label;
        if (label_end == NULL || label_end - label >= LABEL_MAX) {
            continue;
        }
        (void)cl_format(ret->label, sizeof(ret->label), "%.*s", (int)(label_end - label), label);
        char end_line[sizeof(END) + LABEL_MAX + sizeof(DASHES)];
        (void)cl_format(end_line, sizeof(end_line), END "%s" DASHES, ret->label);
        const char *end = strstr(label_end, end_line);
        if (end == NULL) {
            continue;
        }
        *at = end + strlen(end_line);
        ret->start = start;
        ret->len = (size_t)(*at - start);
        return true;
    }
}

static bool add_block(struct cl_buf *b, const struct block *block)
{
    return cl_buf_add(b, block->start, block->len) == 0 && cl_buf_adds(b, "\n") == 0;
}

bool pem_certificates(const char *text, struct cl_buf *ret)
{
    struct block block;
    bool found = false;

    for (const char *at = text; next_block(&at, &block);) {
        if (cl_streq(block.label, "CERTIFICATE")) {
            found = add_block(ret, &block) || found;
        }
    }
    return found;
}

bool pem_private_key(const char *text, struct cl_buf *ret)
{
    struct block block;

    for (const char *at = text; next_block(&at, &block);) {
        if (cl_str_ends(block.label, "PRIVATE KEY")) {
            return add_block(ret, &block);
        }
    }
    return false;
}
