/* SPDX-License-Identifier: Apache-2.0 */
/* acme_ari_msg: reads a RenewalInfo object. */
#include "backends/acme/acme_ari_msg.h"

#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <jansson.h>
#include <string.h>

void acme_renewal_msg_deinit(struct acme_renewal_msg *m)
{
    cl_free(m->explanation_url);
    memset(m, 0, sizeof *m);
}

static int unusable(struct cl_err *err, const char *why)
{
    return cl_fail(err, CL_ERR_BAD_RESULT, "BadRenewalInfo", "%s", why);
}

static int instant(const json_t *window, const char *key, cl_time *ret)
{
    const char *text = json_string_value(json_object_get(window, key));

    return text != NULL && cl_time_parse(text, ret) == 0 && *ret > 0 ? 0 : -1;
}

int acme_msg_renewal_info(const char *text, size_t len, struct acme_renewal_msg *ret,
                          struct cl_err *err)
{
    struct acme_renewal_msg m = {0};
    json_t *root = json_loadb(text != NULL ? text : "", len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *window = json_object_get(root, "suggestedWindow");
    const char *url = json_string_value(json_object_get(root, "explanationURL"));
    int rc = 0;

    if (!json_is_object(root)) {
        rc = unusable(err, "the CA's answer is not a JSON object");
    } else if (instant(window, "start", &m.start) < 0 || instant(window, "end", &m.end) < 0) {
        rc = unusable(err, "the CA's answer has no suggestedWindow with start and end");
    } else if (m.end <= m.start) {
        rc = unusable(err, "the CA suggests a window that ends before it starts");
    } else {
        m.explanation_url = acme_url_ok(url, false) ? cl_strdup(url) : NULL;
        *ret = m;
    }
    json_decref(root);
    return rc;
}
