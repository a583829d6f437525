/* SPDX-License-Identifier: Apache-2.0 */
/* http_proxy: through which proxy a request goes. What the request says counts first, then
 * http_set_proxy, then the environment, which libcurl reads by itself. An explicit proxy is not
 * undone by a no_proxy of the environment. */
#include "backends/net/http_slot.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#define SET(e, option, value) (curl_easy_setopt(e, option, value) == CURLE_OK)

void http_set_proxy(struct http *h, const char *proxy, const char *user, const char *no_proxy)
{
    cl_free(h->proxy);
    cl_free(h->proxy_user);
    cl_free(h->no_proxy);
    h->proxy = cl_strdup(proxy);
    h->proxy_user = cl_strdup(user);
    h->no_proxy = cl_strdup(no_proxy);
}

bool http_slot_set_proxy(struct http_slot *s, const struct http_request *req)
{
    const struct http *h = s->transfer.http;
    CURL *e = s->transfer.easy;
    const char *proxy = req->proxy != NULL ? req->proxy : h->proxy;
    const char *user = req->proxy != NULL ? req->proxy_user : h->proxy_user;
    const char *past = req->proxy != NULL ? "" : h->no_proxy; /* NULL: the environment's */

    if (proxy != NULL && past == NULL) {
        past = "";
    }
    s->proxy_port = cl_str_empty(proxy) ? 0 : http_proxy_port(proxy);
    return SET(e, CURLOPT_PROXY, proxy) && SET(e, CURLOPT_PROXYUSERPWD, user) &&
           SET(e, CURLOPT_NOPROXY, past);
}

const char *http_proxy_variable(void)
{
    static const char *const NAMES[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!cl_str_empty(sys_getenv(NAMES[i]))) {
            return NAMES[i];
        }
    }
    return NULL;
}
