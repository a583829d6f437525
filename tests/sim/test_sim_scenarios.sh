#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every scenario holds. (A year of a thousand certificates takes half a minute; ten times as long with
# sanitizers, which see nothing there that they do not see in the others.)
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sim/lib.sh
. tests/sim/lib.sh
scenarios=(tests/sim/scenarios/*.scn)
if [ "$(basename "${CERTLOOP_BUILD:-build/dev}")" != dev ]; then
    scenarios=("${scenarios[@]/*year_of_a_thousand.scn/}")
    scenarios=("${scenarios[@]/*mass_revocation.scn/}")
fi
# shellcheck disable=SC2068 # the one left out is empty
"$simulate" --seeds 1..1 ${scenarios[@]}
