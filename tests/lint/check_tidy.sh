#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over all own sources. A clean result is remembered under the hash of the preprocessed
# file, the configuration and the tool, so that a second run looks only at what changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || {
    echo "tidy: skipped, clang-tidy is not installed"
    exit 77
}
build=${CERTLOOP_BUILD:-build/dev}
cache="$build/tidy"
mkdir -p "$cache"
salt=$({ "$tidy" --version; cat .clang-tidy; } | sha256sum)

check_one() { # FILE: quiet and 0 if clean
    local file=$1 key
    local -a flags=(-std=c17 -D_GNU_SOURCE -I. "-I$build/generated")
    if ! key=$(clang -E "${flags[@]}" "$file" 2>/dev/null | cat - <(echo "$salt") | sha256sum); then
        echo "$file: does not preprocess"
        return 1
    fi
    key="$cache/${key%% *}"
    [ -e "$key" ] && return 0
    if "$tidy" --quiet "$file" -- "${flags[@]}" >"$key.log.$$" 2>&1; then
        rm -f "$key.log.$$"
        touch "$key"
        return 0
    fi
    grep -vE "^[0-9]+ warnings? (treated|generated)|^Suppressed|^Use -header" "$key.log.$$" || true
    rm -f "$key.log.$$"
    return 1
}
export -f check_one
export tidy build cache salt

count=$(find spec backends hooks reconciler -name '*.c' | wc -l)
find spec backends hooks reconciler -name '*.c' -print0 | sort -z |
    xargs -0 -r -n 1 -P "$(nproc)" bash -c 'set -o pipefail; check_one "$1"' _
echo "tidy: $count files clean"
