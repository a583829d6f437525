#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random schedules of edits.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --seeds "$(seeds 1 50)" --certs 12 --horizon 6d
