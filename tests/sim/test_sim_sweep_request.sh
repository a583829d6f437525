#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each request of a scenario fails in turn: never sent, or its answer is lost.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --fail-request "$(stride 1)" tests/sim/scenarios/swept.scn
