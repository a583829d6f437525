#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every scenario in virtual time, each with two seeds; the properties are checked after every step.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CERTLOOP_BUILD:=build/dev}"
for scenario in tests/sim/scenarios/*.scn; do
    "$CERTLOOP_BUILD/certloop-simulate" --seeds 1..2 "$scenario"
done
