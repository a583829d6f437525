#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every scenario holds, with three seeds.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --seeds 1..1 tests/sim/scenarios/*.scn
