/* SPDX-License-Identifier: Apache-2.0 */
/* acme_fixture: cmocka in the order of includes that it needs; first in the test files of acme. */
#ifndef ACME_FIXTURE_H
#define ACME_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
