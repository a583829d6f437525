#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# File operations of a scenario fail in turn, with EIO and with ENOSPC.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --fail-disk "$(stride 23)" tests/sim/scenarios/swept.scn
"$simulate" --enospc --fail-disk "$(stride 29)" tests/sim/scenarios/swept.scn
