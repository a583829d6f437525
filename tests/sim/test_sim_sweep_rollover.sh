#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A replacement of the account key: the power goes at each durable write, each request fails, and
# operations of the disk fail. The account survives each time.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --kill-at "$(stride 1)" tests/sim/scenarios/swept_rollover.scn
"$simulate" --fail-request "$(stride 1)" tests/sim/scenarios/swept_rollover.scn
"$simulate" --fail-disk "$(stride 17)" tests/sim/scenarios/swept_rollover.scn
