#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Revocation at Pebble: by the account, by the certificate's key, with each kind of reason; what
# follows, what is recorded, and what is refused.
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
pebble_start "$SCRATCH/pebble"
certloop_start
acme_issuer
certificate web web.example.org
certificate kept kept.example.org '  privateKey: {rotationPolicy: Never}'
certificate final final.example.org
internal_issuer
certificate own own.internal
ISSUER=pebble
wait_ready web kept final own

serial() { openssl x509 -in "$STATE/archive/$1/$2/fullchain.pem" -noout -serial | cut -d= -f2; }
at_ca() { # NAME REVISION: as Pebble knows it
    curl -fsS --cacert "$PEBBLE_CA" "$PEBBLE_MGMT/cert-status-by-serial/$(serial "$1" "$2")" | jq -r '.Status + " " + (.Reason // 0 | tostring)'
}

echo "acme point 38: by the account, with a reason; a new certificate follows"
cl revoke web --reason superseded
[ "$(at_ca web 1)" = "Revoked 4" ] || fail "the CA says $(at_ca web 1)"
jq -e '.revocationReason == "superseded" and .revokedAt != null' "$STATE/archive/web/1/manifest.json" >/dev/null ||
    fail "it is not recorded"
wait_until 30 "[ \"\$(status web .status.revision)\" = 2 ]"
wait_ready web
cl describe web | grep -q Revoked || fail "describe does not tell"

echo "acme point 38: already revoked is success"
cl revoke web --revision 1 | grep -q 'as it was before' || fail "the second revocation"

echo "acme point 38: by the certificate's key, which is never used again"
cl revoke kept --with-key --reason keyCompromise
[ "$(at_ca kept 1)" = "Revoked 1" ] || fail "the CA says $(at_ca kept 1)"
wait_until 20 "[ \"\$(condition kept Stalled)\" = True ]"
cl describe kept | grep -q 'KeyCompromised' || fail "why it is stalled is not told"
[ "$(condition kept Ready)" = False ] || fail "a revoked certificate counts as Ready"
certloop_stop
certloop_start
wait_until 20 "[ \"\$(condition kept Stalled)\" = True ]"
certificate kept kept.example.org
wait_ready kept
cmp -s <(openssl pkey -in "$STATE/archive/kept/2/privkey.pem" -pubout) \
    <(openssl x509 -in "$STATE/archive/kept/1/fullchain.pem" -noout -pubkey) && fail "the key came back"

echo "acme point 38: no other one unless it is asked for"
orders=$(pebble_orders)
cl revoke final --no-reissue --reason 5
wait_until 20 "cl describe final | grep -q NotReissued"
[ "$(pebble_orders)" = "$orders" ] || fail "it was reissued"
cl renew final
wait_until 30 "[ \"\$(status final .status.revision)\" = 2 ]"
wait_ready final

echo "acme point 38: what cannot be is told"
says revoke web --reason nonsense | grep -q keyCompromise || fail "the reasons are not listed"
says revoke web --revision 77 | grep -q 'no such revision' || fail "a wrong revision"
says revoke own | grep -q 'publishes no revocations' || fail "a ca Issuer"
exit 0
