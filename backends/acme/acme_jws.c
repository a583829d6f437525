/* SPDX-License-Identifier: Apache-2.0 */
/* acme_jws: protected header, payload and signature. Nothing needs JSON escaping: URLs, nonces and
 * the JWK have been checked to consist of harmless characters. */
#include "backends/acme/acme_jws.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <string.h>

static char *protected_header(const struct acme_jws *in)
{
    const char *alg = key_jws_alg(in->key);
    char *text;

    if (in->nonce == NULL) { /* the inner one of keyChange (RFC 8555 7.3.5) */
        text = cl_printf("{\"alg\":\"%s\",\"jwk\":%s,\"url\":\"%s\"}", alg, in->jwk, in->url);
    } else if (in->kid != NULL) {
        text = cl_printf("{\"alg\":\"%s\",\"kid\":\"%s\",\"nonce\":\"%s\",\"url\":\"%s\"}", alg,
                         in->kid, in->nonce, in->url);
    } else {
        text = cl_printf("{\"alg\":\"%s\",\"jwk\":%s,\"nonce\":\"%s\",\"url\":\"%s\"}", alg,
                         in->jwk, in->nonce, in->url);
    }
    char *encoded = cl_base64url(text, strlen(text));
    cl_free(text);
    return encoded;
}

int acme_jws_sign(const struct acme_jws *in, char **ret, struct cl_err *err)
{
    unsigned char *signature = NULL;
    size_t signature_len;

    cl_assert((in->kid == NULL) != (in->jwk == NULL));
    cl_assert(in->nonce != NULL || in->jwk != NULL);
    char *header = protected_header(in);
    char *payload = cl_base64url(in->payload, strlen(in->payload));
    char *input = cl_printf("%s.%s", header, payload);
    int rc = key_sign(in->key, input, strlen(input), &signature, &signature_len, err);

    if (rc == 0) {
        char *encoded = cl_base64url(signature, signature_len);
        *ret = cl_printf("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", header,
                         payload, encoded);
        cl_free(encoded);
    } else {
        cl_wrap(err, "sign a request with the account key");
    }
    cl_free(signature);
    cl_free(input);
    cl_free(payload);
    cl_free(header);
    return rc;
}

char *acme_jws_key_authorization(const char *token, const char *thumbprint)
{
    return cl_printf("%s.%s", token, thumbprint);
}
