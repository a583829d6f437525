/* SPDX-License-Identifier: Apache-2.0 */
/* sys: the few further facts asked of the machine. */
#ifndef SYS_H
#define SYS_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"

/** Environment variable or NULL; valid until the next call that changes the environment. */
const char *sys_getenv(const char *name);
/** Host name, for the default common name of a generated root; "localhost" if unknown. */
void sys_hostname(char *buf, unsigned size);
unsigned sys_uid(void);
long sys_pid(void);
/** sd_notify(3) protocol: "READY=1", "WATCHDOG=1", ...; no-op without NOTIFY_SOCKET. */
void sys_notify(const char *state);
/** Becomes user @uid/@gid for good (groups, gid, uid). */
int sys_become(unsigned uid, unsigned gid, struct cl_err *err);
/** The directory that holds the running program; owned, "" if unknown. */
char *sys_program_dir(void);
/** Becomes @program with @argv. Comes back only if that fails: -1. */
int sys_exec(const char *program, const struct cl_strv *argv, struct cl_err *err);
/** Gives freed memory back to the system after a burst. */
void sys_trim(void);
/** Sockets passed by the service manager (LISTEN_FDS): the fd bound to @listen, or -1. */
int sys_listen_fd(const char *listen);

#endif
