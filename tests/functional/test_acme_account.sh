#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The account against Pebble, refusing many nonces: show, update of contacts, a new key while
# certificates are issued, a deactivation that is asked for twice, and stays.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
says() { cl "$@" 2>&1 || true; }
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop)
export PEBBLE_WFE_NONCEREJECT=${PEBBLE_WFE_NONCEREJECT-30}
pebble_start "$SCRATCH/pebble"
certloop_start
acme_issuer
certificate web web.example.org
wait_ready web

issuer() { jq -r "$1" "$STATE/status/issuers/pebble.json"; }
export -f issuer
url=$(issuer .status.acme.uri)
key=$(issuer .status.acme.lastPrivateKeyHash)
echo "acme point 11: the account URL is $url"
cl account pebble show | grep -qF "accounturi=$url" || fail "show does not print the URL for CAA"
cl account pebble -o json | jq -e --arg u "$url" '.uri == $u and .accountState == "valid"' >/dev/null ||
    fail "show -o json"
says account nosuch show | grep -q 'no Issuer nosuch' || fail "a wrong name is not told"

echo "acme point 16: contacts are changed at the CA, and may be empty"
sed -i 's/    caBundleFile/    email: ops@example.org\n    caBundleFile/' "$SPECS/issuer-pebble.yaml"
wait_until 20 "cl account pebble show | grep -q 'mailto:ops@example.org'"
cl account pebble update
[ "$(issuer .status.acme.uri)" = "$url" ] || fail "the update made another account"

echo "acme point 15: the key is replaced while certificates are issued"
for i in 1 2 3 4 5 6; do certificate "r$i" "r$i.example.org"; done
cl account pebble rollover
wait_ready r1 r2 r3 r4 r5 r6
[ "$(issuer .status.acme.uri)" = "$url" ] || fail "the rollover changed the account"
wait_until 10 "[ \"\$(issuer .status.acme.lastPrivateKeyHash)\" != $key ]"
[ ! -e "$STATE/accounts/pebble/key.next.pem" ] || fail "the new key was not moved into place"
certloop_stop
certloop_start
certificate after after.example.org
wait_ready after
[ "$(pebble_accounts)" = 1 ] || fail "$(pebble_accounts) accounts were made"
for n in r1 r2 r3 r4 r5 r6; do
    [ "$(status $n .status.failedAttempts)" = 0 ] || [ "$(status $n .status.failedAttempts)" = null ] ||
        fail "$n failed because of the rollover"
done

echo "acme point 12: a deactivated account is a person's business, and no other one is made"
cl account pebble deactivate </dev/null >"$SCRATCH/out" 2>&1 && fail "deactivate did not ask"
grep -q -- '--yes' "$SCRATCH/out" || fail "deactivate does not say how"
cl account pebble deactivate --yes
wait_until 10 "cl get issuers pebble | grep -q False"
cl account pebble show | grep -q AccountDeactivated || fail "show does not tell"
certificate late late.example.org
wait_until 10 "cl describe late | grep -q nothing.undoes"
certloop_stop
certloop_start
wait_until 10 "cl account pebble show | grep -q 'State.*deactivated'"
[ "$(pebble_accounts)" = 1 ] || fail "an account was made after the deactivation"
exit 0
