/* SPDX-License-Identifier: Apache-2.0 */
/* acme_eab: protected header {alg, kid, url} without a nonce, payload the JWK, HMAC over both. */
#include "backends/acme/acme_eab.h"

#include "backends/dns/lang/dns_crypto.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define MAC_KEY_MIN 16u /* bytes; less is a mistyped key, not a secret */

static const struct {
    const char *jws, *digest;
} ALGORITHMS[] = {
    [EAB_HS256] = {"HS256", "sha256"},
    [EAB_HS384] = {"HS384", "sha384"},
    [EAB_HS512] = {"HS512", "sha512"},
};

int acme_eab_sign(const struct acme_eab *in, char **ret, struct cl_err *err)
{
    unsigned char *key = NULL;
    size_t key_len = 0;
    struct dns_digest mac;

    if (cl_base64_decode(in->mac_key, strlen(in->mac_key), &key, &key_len) < 0 ||
        key_len < MAC_KEY_MIN) {
        if (key != NULL) {
            cl_wipe(key, key_len);
        }
        cl_free(key);
        return cl_fail(err, CL_ERR_PERMANENT, "BadMACKey",
                       "the MAC key of externalAccountBinding.keySecretRef is not the base64url "
                       "text that the CA shows (at least %u bytes)",
                       MAC_KEY_MIN);
    }
    char *header = cl_printf("{\"alg\":\"%s\",\"kid\":\"%s\",\"url\":\"%s\"}",
                             ALGORITHMS[in->algorithm].jws, in->key_id, in->url);
    char *protected_ = cl_base64url(header, strlen(header));
    char *payload = cl_base64url(in->jwk, strlen(in->jwk));
    char *input = cl_printf("%s.%s", protected_, payload);
    int rc =
        dns_hmac(ALGORITHMS[in->algorithm].digest, (struct dns_bytes){.data = key, .len = key_len},
                 (struct dns_bytes){.data = input, .len = strlen(input)}, &mac, err);
    if (rc == 0) {
        char *signature = cl_base64url(mac.data, mac.len);
        *ret = cl_printf("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
                         protected_, payload, signature);
        cl_free(signature);
    }
    cl_wipe(key, key_len);
    cl_free(key);
    cl_free(input);
    cl_free(payload);
    cl_free(protected_);
    cl_free(header);
    return rc;
}
