/* SPDX-License-Identifier: Apache-2.0 */
/* sim_crypto (private to backends/sim): toy keys and certificates. Text inside PEM or DER, so that a
 * failing run can be read. What a verdict depends on is there: names, key, validity, signer. */
#ifndef SIM_CRYPTO_H
#define SIM_CRYPTO_H

#include "backends/crypto/cert.h"

struct key {
    enum key_algorithm algorithm;
    long size;
    uint64_t id; /* "the secret" */
    char spki[CL_SHA256_TEXT];
};

/* One certificate. Strings owned. */
struct toy_cert {
    char *serial, *spki, *subject, *issuer, *signer_spki, *cn, *algorithm;
    struct cl_strv dns, ips, uris, emails;
    cl_time not_before, not_after;
    long size;
    bool is_ca;
};
void toy_cert_deinit(struct toy_cert *c);
/** Its identifier of RFC 9773 4.1; owned. */
char *toy_cert_ari_id(const struct toy_cert *c);
/** Appends PEM. */
int toy_cert_print(const struct toy_cert *c, struct cl_buf *ret);
/** All certificates of @pem, leaf first: their number, or -1. */
#define TOY_CHAIN_MAX 10
int toy_chain_parse(const char *pem, struct toy_cert ret[TOY_CHAIN_MAX], struct cl_err *err);
void toy_chain_deinit(struct toy_cert *c, int n);

/* A certificate request as the CA reads it. */
struct toy_csr {
    char *spki, *algorithm, *cn;
    struct cl_strv dns, ips;
    long size;
};
int toy_csr_parse(const unsigned char *der, size_t len, struct toy_csr *ret);
void toy_csr_deinit(struct toy_csr *c);

/** The signature of @data by the key with this SPKI hash: 64 bytes. */
void toy_sign(const char *spki, const void *data, size_t len, unsigned char ret[64]);

#endif
