/* SPDX-License-Identifier: Apache-2.0 */
/* dns_settle: {"ZONE": {"seconds": 60, "learnedAt": "..."}}, read when it is needed. A file that cannot
 * be read is as good as none. */
#include "backends/solvers/dns_settle.h"

#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/jfield.h"

#include <string.h>

#define FILE_NAME "dns/settle.json"
#define FILE_MAX ((size_t)1 << 20)
#define SHORTEST CL_MINUTE
#define NEGATIVE_MAX (5 * CL_MINUTE)
#define LONGEST (10 * CL_MINUTE)
#define LIFE (90 * CL_DAY) /* providers change, too */

cl_time dns_settle_next(cl_time before, uint32_t negative_ttl)
{
    cl_time first = cl_time_min((cl_time)negative_ttl * CL_SECOND, NEGATIVE_MAX);

    return cl_time_min(cl_time_max(cl_time_max(first, SHORTEST), 2 * before), LONGEST);
}

/* A new reference; an empty object if there is no file. */
static json_t *load(const struct paths *p)
{
    struct cl_buf text = {0};
    char *path = paths_state(p, FILE_NAME);
    json_t *root = NULL;

    if (disk_read(path, FILE_MAX, &text, NULL, NULL) == 0) {
        root = json_parse_object(cl_buf_str(&text), NULL);
        cl_buf_deinit(&text);
    }
    cl_free(path);
    return root != NULL ? root : json_object();
}

static cl_time delay_of(const json_t *root, const char *zone, cl_time now)
{
    const json_t *entry = json_object_get(root, zone);
    const char *when = json_string_value(json_object_get(entry, "learnedAt"));
    json_int_t seconds = json_integer_value(json_object_get(entry, "seconds"));
    cl_time learned = 0;

    if (seconds <= 0 || when == NULL || cl_time_parse(when, &learned) < 0 || now - learned > LIFE) {
        return 0;
    }
    return seconds < LONGEST / CL_SECOND ? (cl_time)seconds * CL_SECOND : LONGEST;
}

cl_time dns_settle_get(const struct paths *p, const char *zone, cl_time now)
{
    json_t *root = load(p);
    cl_time delay = delay_of(root, zone, now);

    json_decref(root);
    return delay;
}

static void save(const struct paths *p, const json_t *root)
{
    struct cl_err err = {0};
    char *text = json_print(root, JSON_SORT_KEYS | JSON_INDENT(2), true);
    char *path = paths_state(p, FILE_NAME);
    char *directory = paths_state(p, "dns");

    if (disk_mkdirs(directory, 0700, &err) < 0 ||
        disk_write(path, text, strlen(text), 0600, &err) < 0) {
        cl_log(CL_LOG_DEBUG, "", err.reason, "%s", err.text);
    }
    cl_free(directory);
    cl_free(path);
    cl_free(text);
}

cl_time dns_settle_learn(const struct paths *p, const char *zone, cl_time waited,
                         uint32_t negative_ttl, cl_time now)
{
    char when[CL_TIME_TEXT];
    json_t *root = load(p);
    cl_time before = delay_of(root, zone, now);
    cl_time delay = before > waited ? before : dns_settle_next(before, negative_ttl);

    (void)json_object_set_new(root, zone,
                              json_pack("{s:I,s:s}", "seconds", (json_int_t)(delay / CL_SECOND),
                                        "learnedAt", cl_time_format(now, when)));
    save(p, root);
    json_decref(root);
    return delay;
}
