/* SPDX-License-Identifier: Apache-2.0 */
/* log_sink: where log lines go: standard error, as text or JSON, with <N> under journald. */
#ifndef LOG_SINK_H
#define LOG_SINK_H

#include "spec/base/cl_log.h"

#include <stdbool.h>

/** Installs the sink. Text: "2026-11-24T10:42:28Z info web/www Issued: text".
 *  Under journald: "<6>text object=web/www reason=Issued". JSON: time, level, object, reason and
 *  message, in one line. */
void log_sink_open(bool json, enum cl_log_level most_verbose);

#endif
