# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts of tests/sim: where the simulator is. Sourced, never run.
# shellcheck shell=bash
simulate=${CERTLOOP_BUILD:-build/dev}/certloop-simulate
[ -x "$simulate" ] || {
    echo "simulator: skipped, $simulate is not built"
    exit 77
}
# An allocation that fails ends the process wherever it is: what libraries hold then is not a leak.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
