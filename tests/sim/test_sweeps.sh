#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One small scenario, over and over: the power goes at each durable write in turn, each file operation
# fails, each request fails, every so many allocations one fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CERTLOOP_BUILD:=build/dev}"
simulate() { "$CERTLOOP_BUILD/certloop-simulate" "$@" tests/sim/scenarios/swept.scn; }
simulate --kill-at every
simulate --fail-disk every:3
simulate --fail-request every
simulate --fail-alloc every:97
