/* SPDX-License-Identifier: Apache-2.0 */
/* sim_http (private to backends/sim): what a server of the world sees of a request, and how the
 * world fetches from the daemon's listeners. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include "backends/net/http.h"
#include "backends/sim/sim.h"

struct sim_request {
    const char *method, *url, *path; /* path with its leading slash */
    const char *body;
    size_t body_len;
    unsigned life; /* of the daemon that sent it; it may be dead by now */
};
struct sim_response {
    long status;
    struct cl_strv headers;
    struct cl_buf body;
};
void sim_response_header(struct sim_response *r, const char *name, const char *value);

/** Fetches http://@host@path from the listeners on port 80 or from the webroots; *ret (owned) is
 *  the body. Returns the status, 0 if nobody answers. @tell: the listener learns that it was
 *  fetched. */
long sim_fetch(const char *host, const char *path, bool tell, char **ret);

/** The text of the certificate that the listener on port 443 shows for @server_name, as a CA sees it;
 *  owned, NULL if nobody answers. */
char *sim_alpn_ask(const char *server_name);

/** What a service on @connect serves: the file @path as it was at its last reload. */
void sim_service(const char *connect, const char *path);
void sim_services_reload(void);

#endif
