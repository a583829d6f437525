#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random schedules in which the power goes.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --seeds "$(seeds 101 50)" --certs 12 --horizon 6d --kills
