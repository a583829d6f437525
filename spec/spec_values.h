/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values: checks of single values, as the tables name them. Each returns the normal form (owned)
 * or NULL and a reason in @why. Paths are looked at as text only. */
#ifndef SPEC_VALUES_H
#define SPEC_VALUES_H

#include "spec/spec_schema.h"

schema_value value_object_name;    /* DNS-1123 subdomain of at most 200 bytes */
schema_value value_namespace;      /* DNS-1123 label, not "issuers" */
schema_value value_subdomain;      /* DNS-1123 subdomain */
schema_value value_plain_name;     /* letters, digits, . _ - ; no leading dot: hooks, keys, units */
schema_value value_file_name;      /* one component, no leading dot */
schema_value value_environment;    /* name of a variable */
schema_value value_path;           /* absolute, no "." or "..", no doubled or final slash */
schema_value value_mode;           /* octal, four digits, no special or execute bits */
schema_value value_account;        /* name or number of a user or group */
schema_value value_listen;         /* ADDRESS:PORT of this machine */
schema_value value_listen_or_unix; /* the same, or unix:PATH */
schema_value value_connect;        /* HOST:PORT; ":443" becomes "localhost:443" */
schema_value value_server_name;    /* host name for SNI */
schema_value value_proxy;          /* URL of an HTTP proxy without user, or "none" */
schema_value value_no_proxy;       /* a host, domain, address or network */
schema_value value_eab_key_id;
schema_value value_directory_url; /* ACME directory: https, http on loopback only */
schema_value value_url;           /* http, https or ldap */
schema_value value_http_url;      /* http or https */
schema_value value_nameserver;    /* HOST or HOST:PORT; port 53 if none */
schema_value value_resolver;      /* the same by address, or an https:// URL */
schema_value value_key_name;      /* of TSIG: a domain name, lower case, without final dot */
schema_value value_script;        /* plain name, or absolute path */
schema_value value_uri;
schema_value value_email;
schema_value value_ip;
schema_value value_ip_range;
schema_value value_domain; /* of name constraints: may start with a dot */
schema_value value_email_or_domain;
schema_value value_dns_name; /* may be a wildcard */
schema_value value_zone;     /* may not */
schema_value value_common_name;
schema_value value_pem;        /* certificates, as PEM or as base64 of PEM */
schema_value value_chain_name; /* common name of a CA, at most 128 bytes */
schema_value value_profile;    /* printable, no spaces, at most 128 bytes */
schema_value value_sha256;     /* 64 hex digits, colons allowed; lower case without colons */
schema_value value_cron;       /* five fields; cl_cron.h */
schema_value value_timezone;   /* shape of a name of the tz database, or a POSIX TZ text */
schema_value value_instant;    /* RFC 3339 */
schema_value value_argument;   /* any text without line breaks */

/** Is @path below @root, or @root itself? Both are normal forms. */
bool path_below(const char *path, const char *root);

#endif
