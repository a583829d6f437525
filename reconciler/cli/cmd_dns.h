/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns: what the dns commands share. */
#ifndef CMD_DNS_H
#define CMD_DNS_H

#include "backends/dns/dns_description.h"
#include "reconciler/cli/cli.h"

/** The directories of descriptions: --providers (repeatable), else the user's and the shipped one. */
void dns_cmd_dirs(struct cli *c, struct cl_strv *ret);
/** Opens a description by its name, or by the path of a file (has a slash). NULL: said why. */
struct dns_description *dns_cmd_open(struct cli *c, const char *name, int *ret_code);

/* cmd_dns_change.c: certloop dns add|remove|list, by hand. */
int dns_cmd_change(struct cli *c, const char *verb);

#endif
