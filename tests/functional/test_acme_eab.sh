#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# External accounts against a Pebble that asks for them: without a binding nothing is sent, a key
# that is wrong is told, and the right one, written into the secret, is noticed by itself.
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
export PEBBLE_WFE_NONCEREJECT=0
MAC="zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
export PEBBLE_EAB="\"kid-1\": \"$MAC\""
pebble_start "$SCRATCH/pebble"
certloop_start

binding() { # NAME SPEC: an Issuer, with a binding
    acme_issuer "$1"
    sed "s/    caBundleFile/    $2\n    caBundleFile/" "$SPECS/issuer-$1.yaml" >"$SCRATCH/with"
    put "issuer-$1.yaml" <"$SCRATCH/with"
}
told() { cl account "$1" show 2>&1 | grep -q -- "$2"; }

echo "acme point 14: without a binding the CA is not asked"
acme_issuer bare
wait_until 20 "told bare ExternalAccountRequired"
[ "$(pebble_requests 'POST /sign-me-up')" = 0 ] || fail "newAccount was sent all the same"
[ ! -e "$STATE/accounts/bare/key.pem" ] || fail "a key was made for nothing"

echo "acme point 14: a secret that is missing, wrong, then right"
binding one 'externalAccountBinding: {keyID: kid-1, keySecretRef: {name: eab, key: hmac}}'
wait_until 20 "told one SecretNotFound"
mkdir -p "$SECRETS/eab"
echo "bm90IHRoZSByaWdodCBrZXkgYXQgYWxs" >"$SECRETS/eab/hmac"
chmod 600 "$SECRETS/eab/hmac"
kill -HUP "$DAEMON"
wait_until 20 "told one ExternalAccountRefused"
echo "$MAC" >"$SECRETS/eab/hmac"
kill -HUP "$DAEMON"
wait_until 20 "told one 'State  *valid'"
told one 'Bound to  *kid-1' || fail "show does not tell the binding"
grep -q "$MAC" "$DAEMON_LOG" && fail "the MAC key is in the log"

echo "acme point 14: once there is an account the secret may go"
ISSUER=one certificate web web.example.org
wait_ready web
rm -r "$SECRETS/eab"
certloop_stop
certloop_start
ISSUER=one certificate again again.example.org
wait_ready again
exit 0
