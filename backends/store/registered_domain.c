/* SPDX-License-Identifier: Apache-2.0 */
/* registered_domain: the only place that knows libpsl. Its list is part of the library: no file is
 * read, so that the answer is the same for the life of the process. */
#include "backends/store/registered_domain.h"

#include "spec/base/cl_str.h"
#include "spec/spec_ip.h"

#include <libpsl.h>
#include <string.h>

const char *registered_domain(const char *name, char ret[REGISTERED_DOMAIN])
{
    const char *base = cl_str_starts(name, "*.") ? name + 2 : name;
    const char *found = psl_registrable_domain(psl_builtin(), base);

    (void)cl_format(ret, REGISTERED_DOMAIN, "%s", cl_str_or(found, base));
    return ret;
}

const char *registered_network(const char *address, char ret[REGISTERED_DOMAIN])
{
    struct ip_address ip;
    char text[IP_TEXT];

    if (ip_parse(address, &ip) < 0 || ip.len == 4) {
        (void)cl_format(ret, REGISTERED_DOMAIN, "%s", address);
        return ret;
    }
    memset(ip.bytes + 8, 0, 8);
    (void)cl_format(ret, REGISTERED_DOMAIN, "%s/64", ip_format(&ip, text));
    return ret;
}
