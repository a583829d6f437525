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

# seeds FIRST COUNT: a range of seeds; a tenth of it where sanitizers make each run slow.
seeds() {
    local count=$2
    [ "$(basename "${CERTLOOP_BUILD:-build/dev}")" = dev ] || count=$((count / 10))
    echo "$1..$(($1 + count - 1))"
}

# stride N: of a sweep; ten times as wide there.
stride() {
    if [ "$(basename "${CERTLOOP_BUILD:-build/dev}")" = dev ]; then echo "every:$1"; else echo "every:$((10 * $1))"; fi
}
