#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formatting: clang-format 14 and no other, since the output differs between major versions.
set -euo pipefail
cd "$(dirname "$0")/../.."

if command -v clang-format-14 >/dev/null; then
    format=clang-format-14
elif clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    format=clang-format
else
    echo "format: skipped, clang-format 14 is not installed"
    exit 77
fi
find spec backends hooks reconciler tests -name '*.[ch]' -print0 |
    xargs -0 "$format" --dry-run -Werror
echo "format: clean"
