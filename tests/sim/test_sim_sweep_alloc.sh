#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Allocations of a scenario fail in turn: the process ends there and starts again.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --fail-alloc "$(stride 1009)" tests/sim/scenarios/swept.scn
