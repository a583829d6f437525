/* SPDX-License-Identifier: Apache-2.0 */
/* unit: cmocka with the headers that it needs but does not include; in this order, which sorting
 * would break. Every test program includes this instead of cmocka.h. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
