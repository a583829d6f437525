#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One small scenario, over and over: the power goes at durable writes in turn, file operations,
# requests and allocations fail. Every one of them in tests/soak.sh; here so many, with sanitizers or
# coverage fewer.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CERTLOOP_BUILD:=build/dev}"
simulate() { "$CERTLOOP_BUILD/certloop-simulate" "$@" tests/sim/scenarios/swept.scn; }
step=5
[ "$(basename "$CERTLOOP_BUILD")" != dev ] || step=1
simulate --kill-at "every:$step"
simulate --fail-request "every:$step"
simulate --fail-disk "every:$((11 * step))"
simulate --fail-alloc "every:$((997 * step))"
