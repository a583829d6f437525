#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long run of the simulator: 20,000 seeds, for a night. A failing seed prints the one command
# that reproduces it; make it a scenario in tests/sim.
# Usage: tests/soak.sh [SEEDS [FIRST]]
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${1:-20000}
first=${2:-1}
cmake --preset dev >/dev/null
cmake --build --preset dev --target certloop-simulate
jobs=$(nproc)
share=$(((seeds + jobs - 1) / jobs))
echo "soak: seeds $first to $((first + seeds - 1)) in $jobs processes"
# shellcheck disable=SC2016 # the inner shell expands it
seq 0 $((jobs - 1)) | xargs -P "$jobs" -I{} bash -c '
    from=$(($2 + $1 * $3))
    count=$(($2 + $4 - from < $3 ? $2 + $4 - from : $3))
    [ "$count" -le 0 ] ||
        build/dev/certloop-simulate --kills --faults --seeds "$from..$((from + count - 1))"' \
    _ {} "$first" "$share" "$seeds"
echo "soak: every durable write, request, file operation, and each tenth allocation"
for sweep in --kill-at=every --fail-request=every --fail-disk=every --fail-alloc=every:10; do
    build/dev/certloop-simulate "${sweep%%=*}" "${sweep#*=}" tests/sim/scenarios/swept.scn
done
echo "soak: no property violated"
