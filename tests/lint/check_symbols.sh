#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The simulated machine is whole: it defines every function of the headers of backends/rt, net and
# crypto that anyone above the seam includes. One missing symbol would pull the real one in.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${CERTLOOP_BUILD:-build/dev}
if [ ! -e backends/sim/sim_main.c ]; then
    echo "symbols: skipped, there is no backends/sim/sim_main.c"
    exit 77
fi
[ -e "$build/libcl_sim.a" ] || {
    echo "symbols: $build/libcl_sim.a is not built" >&2
    exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

above=(spec backends/store backends/dns backends/solvers backends/acme backends/ca
    backends/selfsigned hooks reconciler)
for header in backends/rt/*.h backends/net/*.h backends/crypto/*.h; do
    grep -rqsF "#include \"$header\"" "${above[@]}" backends/*.h || continue
    # -aux-info lists each prototype with where it stands: /* FILE:LINE:NC */ extern int f (...);
    gcc -std=c17 -D_GNU_SOURCE -I. -aux-info "$tmp/info" -c -o /dev/null -x c "$header"
    sed -nE "s|^/\* \.?/?${header//./\\.}:[0-9]+:[A-Z]+ \*/ extern [^(]*[ *]([a-z_0-9]+) \(.*|\1|p" \
        "$tmp/info"
done | sort -u >"$tmp/declared"
nm --defined-only --extern-only "$build/libcl_sim.a" 2>/dev/null |
    awk 'NF == 3 { print $3 }' | sort -u >"$tmp/defined"

missing=$(comm -23 "$tmp/declared" "$tmp/defined")
if [ -n "$missing" ]; then
    echo "symbols: backends/sim does not define:" >&2
    echo "$missing" >&2
    exit 1
fi
count=$(wc -l <"$tmp/declared")
[ "$count" -gt 0 ] || { echo "symbols: no declaration found, the check is broken" >&2; exit 1; }
echo "symbols: all $count of the machine are simulated"
