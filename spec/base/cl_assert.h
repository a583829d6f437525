/* SPDX-License-Identifier: Apache-2.0 */
/* Programming errors end the process, also in release builds. No side effects inside. */
#ifndef CL_ASSERT_H
#define CL_ASSERT_H

#define cl_assert(e) ((e) ? (void)0 : cl_assert_failed(#e, __FILE__, __LINE__))
#define cl_impossible(what) cl_assert_failed(what, __FILE__, __LINE__)

__attribute__((noreturn)) void cl_assert_failed(const char *what, const char *file, int line);

#endif
