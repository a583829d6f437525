#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at ten random moments during 50 orders: all 50 become Ready, no kill costs more than one
# order, and no account is made twice.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop)
export PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0

export PEBBLE_VA_NOSLEEP=0 PEBBLE_VA_SLEEPTIME=1
pebble_start "$SCRATCH/pebble"
seed=${SEED:-$RANDOM}
echo "SEED=$seed reproduces the moments"
RANDOM=$seed
acme_issuer
names=()
for i in $(seq 50); do
    certificate "c$i" "c$i.example.org"
    names+=("c$i")
done
archived() { find "$STATE/archive" -maxdepth 2 -name current 2>/dev/null | wc -l; }
export -f archived
kills=0
for _ in $(seq 10); do
    certloop_start
    have=$(archived)
    # some progress, then a moment that nobody chose: within the life of a few orders
    goal=$((have + RANDOM % 4))
    [ "$goal" -lt 48 ] || goal=$have
    wait_until 60 "[ \$(archived) -ge $goal ]"
    python3 -c "import time; time.sleep($((RANDOM % 60)) / 1000)"
    certloop_kill
    kills=$((kills + 1))
done
certloop_start
wait_ready "${names[@]}"
orders=$(pebble_orders)
echo "50 certificates, $kills kills, $orders orders"
[ "$orders" -le $((50 + kills)) ] || fail "$orders orders for 50 certificates and $kills kills"
[ "$(pebble_accounts)" = 1 ] || fail "$(pebble_accounts) accounts were made"
for n in "${names[@]}"; do
    cmp -s <(openssl x509 -in "$STATE/live/$n/cert.pem" -noout -pubkey) \
        <(openssl pkey -in "$STATE/live/$n/privkey.pem" -pubout) || fail "$n: key and certificate differ"
done
exit 0
