/* SPDX-License-Identifier: Apache-2.0 */
/* archive_put: writing. A revision is complete and durable before `current` points to it, and the
 * pending record is dropped, and older revisions pruned, only when `current` is durable: a power cut
 * anywhere leaves the old revision or the new one, never neither. */
#include "backends/store/archive.h"
#include "backends/store/archive_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DIR_MODE 0700u
#define FILE_MODE 0600u

static void put_file(struct disk_batch *b, const char *dir, const char *name, const void *data,
                     size_t len)
{
    char *path = cl_printf("%s/%s", dir, name);

    disk_batch_write(b, path, data, len, FILE_MODE, DISK_KEEP_ID, DISK_KEEP_ID);
    cl_free(path);
}

static void put_text(struct disk_batch *b, const char *dir, const char *name, const char *text)
{
    put_file(b, dir, name, text, strlen(text));
}

static void drop_key(struct disk_batch *b, const char *dir, long number)
{
    char *path = cl_printf("%s/%ld/" ARCHIVE_KEY, dir, number);

    disk_batch_unlink(b, path);
    cl_free(path);
}

/* Numbers of the revision directories below @before, descending; owned. */
static size_t older_revisions(const char *dir, long before, long **ret)
{
    struct cl_strv names = {0};
    size_t n = 0;

    *ret = NULL;
    if (disk_list(dir, &names, NULL) < 0) {
        return 0; /* none, or not readable: then there is nothing to prune */
    }
    *ret = cl_calloc(names.len + 1, sizeof(**ret));
    cl_strv_for_each(name, &names) {
        long number = archive_number(name);
        if (number <= 0 || number >= before) {
            continue;
        }
        size_t at = n++;
        for (; at > 0 && (*ret)[at - 1] < number; at--) {
            (*ret)[at] = (*ret)[at - 1];
        }
        (*ret)[at] = number;
    }
    cl_strv_deinit(&names);
    return n;
}

/* Was this directory ever a whole revision? The manifest may be any of the files that a crash left
 * out, but a batch renames files in order and the manifest comes last. */
static bool whole(const char *dir, long number)
{
    char *path = cl_printf("%s/%ld/" ARCHIVE_MANIFEST, dir, number);
    struct disk_stat st = {0};
    bool is = disk_lstat(path, &st, NULL) == 0 && st.type == DISK_FILE;

    cl_free(path);
    return is;
}

/* @keep counts the new revision. The last whole one before it is the rollback and keeps its key. */
static void prune(struct disk_batch *b, const char *dir, long number, long keep)
{
    long *older = NULL;
    size_t n = older_revisions(dir, number, &older);
    long kept = 1;

    for (size_t i = 0; i < n; i++) {
        if (kept >= keep || !whole(dir, older[i])) {
            char *path = cl_printf("%s/%ld", dir, older[i]);
            disk_batch_remove_tree(b, path);
            cl_free(path);
            continue;
        }
        if (kept > 1) {
            drop_key(b, dir, older[i]);
        }
        kept++;
    }
    cl_free(older);
}

void archive_put(const struct paths *p, const struct archive_write *w, struct disk_batch *b)
{
    char *dir = paths_archive(p, w->key);
    char *rev = cl_printf("%s/%ld", dir, w->manifest->revision);
    char *current = cl_printf("%s/" ARCHIVE_CURRENT, dir);
    char *target = cl_printf("%ld", w->manifest->revision);
    char *manifest = manifest_to_json(w->manifest);

    disk_batch_mkdirs(b, dir, DIR_MODE);
    disk_batch_mkdirs(b, rev, DIR_MODE);
    put_text(b, rev, ARCHIVE_KEY, w->key_pem);
    if (w->csr != NULL) {
        put_file(b, rev, ARCHIVE_REQUEST, w->csr, w->csr_len);
    }
    put_text(b, rev, ARCHIVE_FULLCHAIN, w->fullchain_pem);
    if (!cl_str_empty(w->ca_pem)) {
        put_text(b, rev, ARCHIVE_CA, w->ca_pem);
    }
    put_text(b, rev, ARCHIVE_MANIFEST, manifest);
    disk_batch_barrier(b);
    disk_batch_symlink(b, target, current);
    disk_batch_barrier(b);
    if (!w->keep_pending) {
        pending_drop(p, w->key, b);
    }
    prune(b, dir, w->manifest->revision, w->keep_revisions);
    cl_free(manifest);
    cl_free(target);
    cl_free(current);
    cl_free(rev);
    cl_free(dir);
}

void archive_drop_old_keys(const struct paths *p, const char *key, long current,
                           struct disk_batch *b)
{
    char *dir = paths_archive(p, key);
    long *older = NULL;
    size_t n = older_revisions(dir, current, &older);

    for (size_t i = 0; i < n; i++) {
        drop_key(b, dir, older[i]);
    }
    cl_free(older);
    cl_free(dir);
}

long archive_last_revision(const struct paths *p, const char *key)
{
    char *dir = paths_archive(p, key);
    struct cl_strv names = {0};
    long current = archive_current(dir);
    long last = current > 0 ? current : 0; /* its directory may be gone */

    if (disk_list(dir, &names, NULL) == 0) {
        cl_strv_for_each(name, &names) {
            long number = archive_number(name);
            last = number > last ? number : last;
        }
    }
    cl_strv_deinit(&names);
    cl_free(dir);
    return last;
}
