#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two hundred random schedules with kills and faults; with sanitizers or coverage, twenty. A failing
# one prints the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CERTLOOP_BUILD:=build/dev}"
last=20
[ "$(basename "$CERTLOOP_BUILD")" != dev ] || last=200
"$CERTLOOP_BUILD/certloop-simulate" --kills --faults --seeds "1..$last"
