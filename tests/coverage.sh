#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The coverage gate: at least 95 % of the lines of what decides and what parses are run by the unit
# tests. Uses the cov preset; prints a table of files, and the lines nobody ran.
# Usage: tests/coverage.sh [--no-build]
set -euo pipefail
cd "$(dirname "$0")/.."

gate=95
# Pure code only: folders whole, and those files of backends/acme that do no IO.
filters=('reconciler/core/.*' 'spec/.*'
    'backends/acme/acme_(msg|problem|jws|order|account|ari_msg|nonces|url|window|fetches)[a-z_]*\.c')

if [ "${1:-}" != --no-build ]; then
    cmake --preset cov >/dev/null
    cmake --build --preset cov
fi
find build/cov -name '*.gcda' -delete
ctest --test-dir build/cov -L 'unit|fuzz' -j "$(nproc)" --output-on-failure --no-tests=error

options=()
for filter in "${filters[@]}"; do
    options+=(--filter "$filter")
done
gcovr --root . --object-directory build/cov "${options[@]}" -j "$(nproc)" \
    --exclude-unreachable-branches --txt - --json-summary build/cov/coverage.json build/cov
python3 - build/cov/coverage.json "$gate" <<'EOF_PY'
import json, sys
data, gate = json.load(open(sys.argv[1])), float(sys.argv[2])
groups = {}
for file in data["files"]:
    folder = file["filename"].rsplit("/", 1)[0]
    total, covered = groups.get(folder, (0, 0))
    groups[folder] = (total + file["line_total"], covered + file["line_covered"])
failed = False
for folder, (total, covered) in sorted(groups.items()):
    percent = 100.0 * covered / total if total else 100.0
    failed |= percent < gate
    print(f"coverage: {folder:20} {percent:6.2f} % of {total} lines"
          f"{'' if percent >= gate else f'   BELOW {gate:g} %'}")
sys.exit(1 if failed or not groups else 0)
EOF_PY
