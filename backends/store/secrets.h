/* SPDX-License-Identifier: Apache-2.0 */
/* secrets: resolves secret references to bytes. */
#ifndef SECRETS_H
#define SECRETS_H

#include "backends/store/paths.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"

/**
 * SECRETS/NAMESPACE/NAME/KEY, then SECRETS/NAME/KEY; file: below a secretRoot; env: if allowed;
 * credential: $CREDENTIALS_DIRECTORY/NAME. Trailing newline trimmed; registered for masking.
 * Reasons: "SecretNotFound" (PERMANENT, text names the path), "SecretForbidden". A mode wider than
 * 0640 is noted in @ret_note (may be NULL, owned).
 */
int secret_read(const struct paths *p, const struct config *config, const char *namespace_,
                const struct secret_ref *ref, const char *default_key, struct cl_buf *ret,
                char **ret_note, struct cl_err *err);

#endif
