/* SPDX-License-Identifier: Apache-2.0 */
/* revocation: the reasons of RFC 5280 5.3.1, by number and by name. Pure. */
#ifndef REVOCATION_H
#define REVOCATION_H

#define REVOCATION_KEY_COMPROMISE 1
#define REVOCATION_REASON_MAX 10

/** "keyCompromise"; NULL if there is no reason of that number (7 was never given out). */
const char *revocation_reason_name(int reason);
/** The number of a name (any case) or of digits; -1 if it is neither. */
int revocation_reason_parse(const char *text);

#endif
