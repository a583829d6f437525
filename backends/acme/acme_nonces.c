/* SPDX-License-Identifier: Apache-2.0 */
/* acme_nonces: a small bounded stack. */
#include "backends/acme/acme_nonces.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <stdbool.h>
#include <string.h>

#define NONCE_MAX 512u

void acme_nonces_init(struct acme_nonces *n, size_t max)
{
    *n = (struct acme_nonces){.max = max};
    n->items = cl_calloc(max, sizeof *n->items);
}

void acme_nonces_deinit(struct acme_nonces *n)
{
    for (size_t i = 0; i < n->len; i++) {
        cl_free(n->items[i].text);
    }
    cl_free(n->items);
    *n = (struct acme_nonces){0};
}

static bool nonce_ok(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= NONCE_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static void drop_oldest(struct acme_nonces *n, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cl_free(n->items[i].text);
    }
    n->len -= count;
    memmove(n->items, n->items + count, n->len * sizeof *n->items);
}

void acme_nonces_put(struct acme_nonces *n, const char *text, cl_time now)
{
    if (text == NULL || !nonce_ok(text)) {
        return;
    }
    if (n->len == n->max) {
        drop_oldest(n, 1);
    }
    n->items[n->len++] = (struct acme_nonce){.text = cl_strdup(text), .at = now};
}

size_t acme_nonces_count(struct acme_nonces *n, cl_time now)
{
    size_t old = 0;

    while (old < n->len && now - n->items[old].at >= ACME_NONCE_LIFE) {
        old++;
    }
    drop_oldest(n, old);
    return n->len;
}

char *acme_nonces_take(struct acme_nonces *n, cl_time now)
{
    return acme_nonces_count(n, now) > 0 ? n->items[--n->len].text : NULL;
}
