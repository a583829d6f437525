/* SPDX-License-Identifier: Apache-2.0 */
/* cl_log: one line an event: level, object, reason, text. The sink is set once by the program
 * (backends/rt/log_sink.h); without one nothing is written. Only reconciler/ logs above DEBUG. */
#ifndef CL_LOG_H
#define CL_LOG_H

#include <stdbool.h>

enum cl_log_level { CL_LOG_ERROR, CL_LOG_WARNING, CL_LOG_NOTICE, CL_LOG_INFO, CL_LOG_DEBUG };

/** @object: "NS/NAME", "issuer/NAME" or "" for the daemon; @text is one line, already formatted. */
typedef void (*cl_log_sink)(void *user, enum cl_log_level level, const char *object,
                            const char *reason, const char *text);
void cl_log_set_sink(cl_log_sink sink, void *user, enum cl_log_level most_verbose);
bool cl_log_enabled(enum cl_log_level level);
/** @object and @reason may be NULL. Registered secrets are masked, control characters escaped. */
void cl_log(enum cl_log_level level, const char *object, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** From now on @secret (8 bytes or more) is masked in every line. Copied. */
void cl_log_mask(const char *secret);
/** Forgets them all: the simulator starts another process in the same memory. */
void cl_log_forget(void);
/** Replaces registered secrets in @text by "***" in place. */
void cl_log_redact(char *text);
int cl_log_level_parse(const char *name, enum cl_log_level *ret); /* 0 or -1 */

#endif
