#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests, on a fresh Debian 12 too: installs what is missing (it says what), unpacks Pebble below
# build/, builds with gcc and with clang and its sanitizers, and runs every test in one ctest run:
# units, simulator, fuzz corpora, lint, real programs against Pebble, and the coverage gate.
# Usage: tests/run.sh [--quick]     --quick leaves out coverage
set -euo pipefail
cd "$(dirname "$0")/.."

quick=
case "${1:-}" in
--quick) quick=1 ;;
"") ;;
*)
    sed -n '3,6p' "$0"
    exit 64
    ;;
esac

tests/tools/install-packages.sh
tests/tools/get-peers.sh

presets=(dev asan)
[ -n "$quick" ] || presets+=(cov)
mkdir -p build
for preset in "${presets[@]}"; do
    echo "build: preset $preset (log: build/$preset.log)"
    { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(nproc)"; } \
        >"build/$preset.log" 2>&1 || {
        grep -m 3 -A 40 '^FAILED' "build/$preset.log" >&2 || tail -n 40 "build/$preset.log" >&2
        echo "build: preset $preset failed" >&2
        exit 1
    }
done

# One run over several builds: ctest reads this file and the ones of the presets from it.
mkdir -p build/ctest
{
    echo "subdirs(\"$PWD/build/dev\" \"$PWD/build/asan\")"
    if [ -z "$quick" ]; then
        echo "add_test(coverage bash \"$PWD/tests/coverage.sh\" --no-build)"
        echo "set_tests_properties(coverage PROPERTIES LABELS coverage TIMEOUT 1800" \
            "PROCESSORS $(nproc) WORKING_DIRECTORY \"$PWD\")"
    fi
} >build/ctest/CTestTestfile.cmake

exec ctest --test-dir build/ctest -j "$(nproc)" --output-on-failure --no-tests=error
