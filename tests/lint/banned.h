/* SPDX-License-Identifier: Apache-2.0 */
/* Forced into all own code with -include: a banned call is a compile error that names what to use.
 *
 * The functions are declared a second time as deprecated, and -Werror=deprecated-declarations makes
 * a use an error. Only calls in own code count: headers of the system and of libraries may use them.
 * spec/base is where the replacements live; it alone may allocate and parse numbers with libc. */
#ifndef CERTLOOP_BANNED_H
#define CERTLOOP_BANNED_H

#pragma GCC system_header /* no -Wredundant-decls for the declarations below */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CL_BANNED(instead) __attribute__((deprecated("banned; " instead)))

extern char *strcpy(char *dst, const char *src) CL_BANNED("use cl_buf or cl_format");
extern char *strcat(char *dst, const char *src) CL_BANNED("use cl_buf");
extern char *strncpy(char *dst, const char *src, size_t n) CL_BANNED("use cl_format or cl_strndup");
extern char *strncat(char *dst, const char *src, size_t n) CL_BANNED("use cl_buf");
extern char *stpcpy(char *dst, const char *src) CL_BANNED("use cl_buf");
extern char *strtok(char *s, const char *sep) CL_BANNED("use cl_strv_split");
extern char *strerror(int code) CL_BANNED("use strerror_r or uv_strerror_r");
/* clang makes fortified forms macros; without them the declarations below are what is called. */
#undef sprintf
#undef vsprintf
#undef asprintf
#undef vasprintf
#undef strdup
#undef strndup
extern int sprintf(char *s, const char *fmt, ...) CL_BANNED("use cl_format or cl_printf");
extern int vsprintf(char *s, const char *fmt, va_list ap) CL_BANNED("use vsnprintf");

extern struct tm *gmtime(const time_t *t) CL_BANNED("use cl_time_format");
extern struct tm *localtime(const time_t *t) CL_BANNED("use cl_time_format; times are UTC");
extern char *ctime(const time_t *t) CL_BANNED("use cl_time_format");
extern char *asctime(const struct tm *tm) CL_BANNED("use cl_time_format");

extern int rand(void) CL_BANNED("use cl_rng, which a seed reproduces");
extern long random(void) CL_BANNED("use cl_rng, which a seed reproduces");
extern unsigned sleep(unsigned seconds) CL_BANNED("use a timer of the loop");
extern int usleep(useconds_t us) CL_BANNED("use a timer of the loop");
extern int system(const char *command) CL_BANNED("use backends/rt/proc.h: argv, never a shell");
extern FILE *popen(const char *command, const char *mode) CL_BANNED("use backends/rt/proc.h");
extern char *tmpnam(char *s) CL_BANNED("use backends/rt/disk.h");
extern char *mktemp(char *template_name) CL_BANNED("use backends/rt/disk.h");

#ifndef CL_IN_CL_BASE
extern int atoi(const char *s) CL_BANNED("use cl_parse_u64");
extern long atol(const char *s) CL_BANNED("use cl_parse_u64");
extern long strtol(const char *s, char **end, int base) CL_BANNED("use cl_parse_u64");
extern unsigned long strtoul(const char *s, char **end, int base) CL_BANNED("use cl_parse_u64");
extern long long strtoll(const char *s, char **end, int base) CL_BANNED("use cl_parse_u64");
extern unsigned long long strtoull(const char *s, char **end, int base)
    CL_BANNED("use cl_parse_u64");
extern double strtod(const char *s, char **end) CL_BANNED("use cl_parse_u64");

extern void *malloc(size_t size) CL_BANNED("use cl_malloc, which never returns NULL");
extern void *calloc(size_t n, size_t size) CL_BANNED("use cl_new or cl_calloc");
extern void *realloc(void *p, size_t size) CL_BANNED("use cl_realloc");
extern char *strdup(const char *s) CL_BANNED("use cl_strdup");
extern char *strndup(const char *s, size_t n) CL_BANNED("use cl_strndup");
extern int asprintf(char **ret, const char *fmt, ...) CL_BANNED("use cl_printf");
extern int vasprintf(char **ret, const char *fmt, va_list ap) CL_BANNED("use cl_buf");
#endif

#undef CL_BANNED
#endif
