/* SPDX-License-Identifier: Apache-2.0 */
/* ari: renewal information of a CA (RFC 9773): when to ask, and which instant of the suggested window
 * it is to be. The instant is picked once and kept; it is picked again only when the window moves
 * away from it, so that asking often does not make renewals early. Pure. */
#ifndef ARI_H
#define ARI_H

#include "spec/ari_state.h"
#include "spec/manifest.h"

enum ari_news {
    ARI_SAME,   /* nothing that matters */
    ARI_PICKED, /* the first instant for this certificate */
    ARI_MOVED   /* another instant: the CA moved the window */
};
/** Takes an answer about @cert. @key: file-system key of the object; it spreads polls of many. */
enum ari_news ari_answered(struct ari_state *s, const struct cert_facts *cert, const char *key,
                           const struct ari_answer *a, cl_time now);
/** The question about @cert failed: the window that is known stays; asked again after 1 h to 6 h, or
 *  at @retry_at (0 = not said) if that is later. @refused: by the CA (4xx), so 6 h at once. */
void ari_failed(struct ari_state *s, const struct cert_facts *cert, const char *key,
                const char *why, bool refused, cl_time retry_at, cl_time now);
/** When the CA is to be asked about @cert, which was issued at @issued_at; CL_NEVER after its end. */
cl_time ari_poll_at(const struct ari_state *s, const struct cert_facts *cert, cl_time issued_at);
/** Is @s about @cert, and is there an instant? */
bool ari_known(const struct ari_state *s, const struct cert_facts *cert);
void ari_state_deinit(struct ari_state *s);

#endif
