/* SPDX-License-Identifier: Apache-2.0 */
/* cl_assert: says where the program contradicts itself, then aborts. A core dump or a restart by
 * the supervisor is better than acting on a state that cannot exist. */
#include "spec/base/cl_assert.h"

#include <stdio.h>
#include <stdlib.h>

void cl_assert_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "certloop: internal error at %s:%d: %s\n", file, line, what);
    abort();
}
