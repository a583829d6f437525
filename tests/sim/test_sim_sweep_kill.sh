#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The power goes at each durable write of a scenario in turn.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --kill-at "$(stride 1)" tests/sim/scenarios/swept.scn
