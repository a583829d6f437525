/* SPDX-License-Identifier: Apache-2.0 */
/* dns_tsig: signing of DNS messages with a shared key (RFC 8945): requests of ours, and the answers
 * to them. Pure: time is an argument. */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"

#include <stdint.h>

#define DNS_TSIG_FUDGE 300U /* seconds, RFC 8945 10 */
#define DNS_TSIG_MAC 64U

struct dns_tsig_key {
    char *name;           /* of the key, normalised */
    unsigned algorithm;   /* private */
    struct cl_buf secret; /* wiped */
};
/**
 * @algorithm: "hmac-sha256" and so on (md5 sha1 sha224 sha256 sha384 sha512), or cert-manager's
 * "HMACSHA256"; NULL or "": hmac-sha256. @secret: base64, as in the configuration of name servers.
 * Errors: PERMANENT "TSIGKeyInvalid". The text never holds the secret.
 */
int dns_tsig_key_init(struct dns_tsig_key *ret, const char *name, const char *algorithm,
                      const char *secret, struct cl_err *err);
void dns_tsig_key_deinit(struct dns_tsig_key *k);             /* accepts a zeroed one */
const char *dns_tsig_algorithm(const struct dns_tsig_key *k); /* "hmac-sha256" */

struct dns_tsig_mac { /* of a request: the answer's covers it */
    unsigned char mac[DNS_TSIG_MAC];
    size_t len;
};
/** Appends the TSIG record to the message in @msg. @now: seconds since the epoch.
 *  -1: INTERNAL "TSIGFailed" (no room, no such hash in this OpenSSL). */
int dns_tsig_sign(const struct dns_tsig_key *k, struct cl_buf *msg, uint64_t now,
                  struct dns_tsig_mac *ret_mac, struct cl_err *err);
/**
 * Is @msg an answer to the request that @request belongs to, signed by our key and in time?
 * -1: PERMANENT "TSIGBadKey" "TSIGBadSignature", "TSIGMissing" (BAD_RESULT),
 * LOCAL "TSIGBadTime" (the clocks differ; the text says by how much). @msg was decoded before;
 * @tsig is dns_msg.tsig.
 */
int dns_tsig_verify(const struct dns_tsig_key *k, const struct cl_buf *msg, size_t tsig,
                    const struct dns_tsig_mac *request, uint64_t now, struct cl_err *err);

#endif
