/* SPDX-License-Identifier: Apache-2.0 */
/* pem_blocks: finds certificates and keys in files that other programs wrote, also in one file, in
 * any order and with text between them. Text only: nothing is decoded. */
#ifndef PEM_BLOCKS_H
#define PEM_BLOCKS_H

#include "spec/base/cl_buf.h"

#include <stdbool.h>

/** Appends all CERTIFICATE blocks of @text to @ret; false if there are none. */
bool pem_certificates(const char *text, struct cl_buf *ret);
/** Appends the first private key of @text to @ret, a secret buffer; false if there is none. */
bool pem_private_key(const char *text, struct cl_buf *ret);

#endif
