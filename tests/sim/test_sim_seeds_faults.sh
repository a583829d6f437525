#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random schedules in which disks, CAs, hooks and the network fail.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
"$simulate" --seeds "$(seeds 201 50)" --certs 12 --horizon 6d --faults
