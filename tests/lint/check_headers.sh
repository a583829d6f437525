#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone: whoever includes it needs to know nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."

failed=0 count=0
while IFS= read -r header; do
    count=$((count + 1))
    gcc -std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c "$header" ||
        failed=1
    grep -qE '^#ifndef [A-Z0-9_]+_H$' "$header" || {
        echo "$header: no include guard NAME_H" >&2
        failed=1
    }
done < <(find spec backends hooks reconciler -name '*.h' | sort)
[ "$failed" = 0 ] && echo "headers: $count compile alone"
exit "$failed"
