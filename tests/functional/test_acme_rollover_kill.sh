#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 during a replacement of the account key: while the CA has the request and nobody hears its
# answer, and at moments that nobody chose. Each time the account survives: it stays the only one, the
# new key takes its place by itself, and certificates are issued.
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
export PEBBLE_WFE_NONCEREJECT=${PEBBLE_WFE_NONCEREJECT-0}
pebble_start "$SCRATCH/pebble"
seed=${SEED:-$RANDOM}
echo "SEED=$seed reproduces the moments"
RANDOM=$seed
account=$STATE/accounts/pebble
certloop_start
acme_issuer
certificate c0 c0.example.org
wait_ready c0
url=$(jq -r .url "$account/account.json")
key_on_disk() { openssl pkey -in "$account/key.pem" -pubout | sha256sum; }
export -f key_on_disk
export account
ask() { # as certloop account does, without waiting for the answer
    printf '{"verb":"account","issuer":"pebble","action":"rollover"}' >"$STATE/requests/.ask"
    mv "$STATE/requests/.ask" "$STATE/requests/ask-$1"
}
survives() { # N: after the kill
    certloop_start
    certificate "c$1" "c$1.example.org"
    wait_ready "c$1"
    [ ! -e "$account/key.next.pem" ] || fail "kill $1: the new key is still in between"
    [ "$(jq -r .url "$account/account.json")" = "$url" ] || fail "kill $1: another account"
    [ "$(pebble_accounts)" = 1 ] || fail "kill $1: $(pebble_accounts) accounts were made"
}

before=$(key_on_disk)
kill -STOP "$PEBBLE_PID"
ask 0
wait_until 20 "[ -e $account/key.next.pem ]"
certloop_kill
kill -CONT "$PEBBLE_PID"
survives 1
[ "$(key_on_disk)" != "$before" ] || fail "the rollover was forgotten"
echo "acme point 15: the answer that nobody heard"

for i in 2 3 4 5 6 7 8; do
    ask "$i"
    python3 -c "import time; time.sleep($((RANDOM % 40)) / 1000)"
    certloop_kill
    survives "$i"
done
echo "acme point 15: seven kills at moments that nobody chose"
exit 0
