#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cppcheck over all own sources; its build directory makes a second run fast.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v cppcheck >/dev/null || {
    echo "cppcheck: skipped, it is not installed"
    exit 77
}
build=${CERTLOOP_BUILD:-build/dev}
mkdir -p "$build/cppcheck"
# varFuncNullUB: NULL is a pointer in C with every libc this runs on.
# Library headers are not given to it: it takes what it needs from the calls.
cppcheck --quiet --enable=warning,portability,performance --inline-suppr --std=c11 \
    --error-exitcode=1 --suppress=varFuncNullUB \
    --suppress=missingInclude --suppress=missingIncludeSystem \
    --cppcheck-build-dir="$build/cppcheck" -j "$(nproc)" -D_GNU_SOURCE -I. \
    spec backends hooks reconciler
echo "cppcheck: clean"
