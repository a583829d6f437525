/* SPDX-License-Identifier: Apache-2.0 */
/* cert_facts: what a certificate says, as plain data. The table is the only list of the members;
 * its first rows are in the order in which status files show them. */
#include "spec/cert_facts_json.h"
#include "spec/jfield.h"
#include "spec/manifest.h"

#include <string.h>

static const struct jfield ROWS[] = {
    JFIELD(JF_WORD, cert_facts, serial, "serialNumber"),
    JFIELD(JF_WORD, cert_facts, sha256, "sha256"),
    JFIELD(JF_WORD, cert_facts, issuer, "issuer"),
    JFIELD(JF_WORD, cert_facts, subject, "subject"),
    JFIELD_OPT(JF_WORD, cert_facts, common_name, "commonName"),
    JFIELD(JF_STRV, cert_facts, dns_names, "dnsNames"),
    JFIELD(JF_STRV, cert_facts, ip_addresses, "ipAddresses"),
    JFIELD_OPT(JF_STRV, cert_facts, uris, "uris"),
    JFIELD_OPT(JF_STRV, cert_facts, email_addresses, "emailAddresses"),
    JFIELD(JF_WORD, cert_facts, key_algorithm, "keyAlgorithm"),
    JFIELD(JF_LONG, cert_facts, key_size, "keySize"),
    JFIELD(JF_WORD, cert_facts, spki_sha256, "spkiSHA256"),
    JFIELD(JF_LONG, cert_facts, chain_length, "chainLength"),
    JFIELD_OPT(JF_TIME, cert_facts, not_before, "notBefore"),
    JFIELD_OPT(JF_TIME, cert_facts, not_after, "notAfter"),
    JFIELD_OPT(JF_TIME, cert_facts, chain_not_after, "chainNotAfter"),
    JFIELD_OPT(JF_BOOL, cert_facts, is_ca, "isCA"),
    JFIELD_OPT(JF_WORD, cert_facts, ari_cert_id, "ariCertID"),
};
static const struct jtable FACTS = JTABLE(ROWS, cert_facts);

void cert_facts_deinit(struct cert_facts *f)
{
    jtable_free(&FACTS, f);
    memset(f, 0, sizeof(*f));
}

void cert_facts_copy(struct cert_facts *dst, const struct cert_facts *src)
{
    memset(dst, 0, sizeof(*dst));
    jtable_copy(&FACTS, dst, src);
}

void cert_facts_write(json_t *o, const struct cert_facts *f)
{
    jtable_write(&FACTS, o, f);
}

int cert_facts_read(const json_t *o, struct cert_facts *ret, struct cl_err *err)
{
    return jtable_read(&FACTS, o, ret, err);
}
