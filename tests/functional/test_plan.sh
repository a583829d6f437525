#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The plan, as a person reads it, before and after each kind of change: what, why, at what cost, when.
# The limits are the Issuer's own (3 new orders, then one an hour); the ledger outlives the daemon.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
OUT=$(mktemp -d) # not below the directory of the Configuration
CLEANUP+=("rm -rf $OUT")
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  hooks: {reload-web: {exec: [/bin/true]}}
  outputRoots: ["$OUT"]
YAML
CLEANUP+=(pebble_stop)
pebble_start "$SCRATCH/pebble"

issuer() { # NAME [ARI]
    put "issuer-$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Issuer
metadata: {name: $1}
spec:
  acme:
    server: $PEBBLE_URL
    termsOfServiceAgreed: true
    caBundleFile: $PEBBLE_CA
    maxConnections: 2
    retryAfter: EagerFirst
    renewalInformationSource: ${2:-None}
    rateLimits: {newOrders: {capacity: 3, refill: 1h}, certificatesPerSet: {capacity: 5, refill: 34h}}
    solvers: [{http01: {listen: "127.0.0.1:$PEBBLE_HTTP_PORT"}}]
YAML
}
plan() { # CODE [ARGS]: certloop plan ends with CODE; what it said is in $SCRATCH/out
    local code=$1
    shift
    expect "$code" cl plan "$@"
}
says() { # REGEX
    grep -Eq "$1" "$SCRATCH/out" || {
        cat "$SCRATCH/out" >&2
        fail "the plan does not say: $1"
    }
}
silent() { # REGEX
    if grep -Eq "$1" "$SCRATCH/out"; then
        cat "$SCRATCH/out" >&2
        fail "the plan says: $1"
    fi
}
SOON='Ready about 20[0-9-]+T[0-9:]+Z\.'

# a new spec, before anything runs
issuer pebble
certificate web "web.example.org"
plan 2
says "^web +Issue +DoesNotExist +1 order"
says "^web: a new certificate from Issuer pebble, because: No certificate has been issued yet\. Costs 1 order: 1 of 3 newOrders, 1 of 5 certificatesPerSet web.example.org; $SOON"
says "^In all: 1 order; $SOON"
plan 2 -o json
jq -e '.orders == 1 and .plan[0].cost[0].bucket == "newOrders" and .plan[0].cost[0].left == 3 and (.readyBy | test("Z$"))' "$SCRATCH/out" >/dev/null ||
    fail "the plan as JSON has no cost"

# ... and after: nothing to do, at no cost
certloop_start
wait_ready web
wait_until 10 "[ \"\$(condition web Deployed)\" = True ]"
certloop_stop
plan 0
says "^web +None +Ready +none"
silent "In all|Costs"
expect 0 cl limits
says '^pebble +newOrders +\* +2 of 3 +1h '
says '^pebble +certificatesPerSet +web.example.org +4 of 5 '

# each kind of change, one at a time
cp "$SPECS/web.yaml" "$SCRATCH/web.before"
restore() { put web.yaml <"$SCRATCH/web.before"; }

certificate web "web.example.org, new.example.org"
plan 2
says "^web +Issue +RequestChanged +1 order"
says "because: .*dnsNames.*Costs 1 order: 1 of 2 newOrders, 1 of 5 certificatesPerSet new.example.org,web.example.org; $SOON"

# ... free for a CA that is told which certificate is replaced (RFC 9773)
issuer pebble ARI
plan 2
says "Costs 1 order: it replaces a certificate, so the CA does not count it; $SOON"
issuer pebble

certificate web "web.example.org" "  privateKey: {algorithm: RSA, size: 2048}"
plan 2
says "^web +Issue +SecretMismatch +1 order"
says "because: .*RSA.*Costs 1 order: 1 of 4 certificatesPerSet web.example.org; $SOON" # same names: no new order is counted

issuer other
ISSUER=other certificate web "web.example.org"
plan 2
says "^web +Issue +IncorrectIssuer +1 order"
says "a new certificate from Issuer other, because: .*pebble"

certificate web "web.example.org" "  outputs: [{directory: \"$OUT/web\"}]"
plan 2
says "^web +Project .* none "
says "$OUT/web"
silent "In all"

certificate web "web.example.org" "  hooks: [reload-web]"
plan 2
says "^web +Deploy .* none "
silent "In all"

certificate web "web.example.org, new.example.org" "  suspend: true"
plan 0
says "^web +Wait +Suspended .*spec.suspend is true"
silent "In all"

rm "$SPECS/web.yaml"
plan 0
silent "^web +(Issue|Project)"

# more than the limit allows: who comes when
restore
for n in 1 2 3 4; do
    certificate "more$n" "more$n.example.org"
done
plan 2
[ "$(grep -Ec '^more[1-4] +Issue ' "$SCRATCH/out")" = 2 ] || fail "not two go at once"
says "^more[1-4] +Wait +RateLimited +1 order .*Held by a limit of Issuer pebble: newOrders: 3 at once, then one more each 1h; its turn is at 20"
says "^In all: 4 orders; $SOON"
expect 0 cl limits pebble
says "^more[1-4] is held by newOrders until 20"
expect 0 cl limits pebble -o json
jq -e '.issuers[0].held | length == 2' "$SCRATCH/out" >/dev/null || fail "limits -o json: who is held?"
expect 1 cl limits nobody

# ... and it comes as it was said
certloop_start
wait_until 30 "[ \"\$(cl get -o json | jq '[.items[] | select(.metadata.name | startswith(\"more\")) | .status.conditions[] | select(.type == \"Ready\" and .status == \"True\")] | length')\" = 2 ]"
[ "$(cl get -o json | jq '[.items[].status.conditions[] | select(.type == "Issuing" and .reason == "RateLimited")] | length')" = 2 ] ||
    fail "the other two are not held"
[ "$(pebble_orders)" = 3 ] || fail "the CA was asked for more orders than the limit"
wait_until 30 "[ \"\$(jq '.status.rateLimits[] | select(.bucket == \"newOrders\") | .estimatedRemaining' \"$STATE/status/issuers/pebble.json\")\" = 0 ]"

# renewing everything tells what it costs, and asks
expect 1 cl renew --all </dev/null
says "web: costs 1 of 4 certificatesPerSet web.example.org"
says "Give --yes"
