/* SPDX-License-Identifier: Apache-2.0 */
/* log_sink: where log lines go: standard error, as text or JSON, with <N> under journald. */
#ifndef LOG_SINK_H
#define LOG_SINK_H

#include <stdbool.h>

#include "spec/base/cl_log.h"

/** Installs the sink. Text: "2026-11-24T10:42:28Z info web/www Issued: text". */
void log_sink_open(bool json, enum cl_log_level most_verbose);

#endif
