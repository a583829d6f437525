#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CA does not see a record that all name servers have, since its resolver remembers that there was
# nothing: the same issuance waits a minute, makes a second order, and only then counts a failure.
# shellcheck disable=SC2016 # conditions of wait_until
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop nameservers_stop blind_stop)
blind_stop() { [ -z "${BLIND_PID:-}" ] || stop_process "$BLIND_PID"; }

bind_start "$SCRATCH/bind" example.org
BLIND=$SCRATCH/blind
printf '%s\n' late.example.org never.example.org >"$BLIND"
PORT=$(free_ports 1)
python3 "$TEST_ROOT/tests/lib/dns_blind.py" 127.0.0.1 "$PORT" "$BIND_PORT" "$BLIND" &
BLIND_PID=$!
wait_until 10 '[ "$(dig +short +tcp @127.0.0.1 -p "$PORT" ns.example.org)" = 127.0.0.1 ]'
export PEBBLE_RESOLVER=127.0.0.1:$PORT PEBBLE_AUTHZREUSE=0
pebble_start "$SCRATCH/pebble"
mkdir -p "$SECRETS/bind"
(umask 077 && echo "$TSIG_SECRET" >"$SECRETS/bind/secret")
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  dns:
    resolvers: ["$BIND_SERVER"]
    zones: [{zone: example.org, servers: ["$BIND_SERVER"]}]
YAML
acme_issuer pebble
wanted() { # NAME DNSNAMES
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$2]
  issuerRef: {name: pebble}
  solvers:
  - dns01:
      rfc2136: {nameserver: "$BIND_SERVER", tsigKeyName: acme, tsigSecretSecretRef: {name: bind}}
      propagation: {settle: 1s}
YAML
}
status() { jq -r "$2" "$STATE/status/$1.json"; }

# ---- the first order is missed: no failure, but a wait of a minute that the status tells of
wanted late 'late.example.org, "*.late.example.org"'
wanted never never.example.org
certloop_start
wait_until 30 '[ "$(status late .status.issuance.order.missed)" = 1 ] && [ "$(status never .status.issuance.order.missed)" = 1 ]' ||
    fail "no miss in the status: $(status late .status.issuance)"
missed=$(date +%s)
again=$(date -d "$(status late .status.issuance.order.againAt)" +%s)
if [ $((again - missed)) -lt 50 ] || [ $((again - missed)) -gt 61 ]; then fail "tried again in $((again - missed)) s"; fi
status late .status.issuance.order.missedBecause | grep -q "late.example.org: " || fail "it does not say why"
[ "$(status late ".status.failedIssuanceAttempts // 0")" = 0 ] || fail "a miss is counted as a failure"
jq -e --arg at "$BIND_SERVER" '.status.issuance.authorizations
    | length == 2 and all(.propagation == [{nameServer: "", address: $at, seen: true, state: "Good", rounds: 2}])' \
    "$STATE/status/late.json" >/dev/null || fail "the table: $(status late .status.issuance.authorizations)"
cl describe late >"$SCRATCH/describe"
grep -qE "$BIND_SERVER +2 +has it" "$SCRATCH/describe" || fail "describe: $(cat "$SCRATCH/describe")"
grep -q "the next order is made at" "$SCRATCH/describe" || fail "describe: $(cat "$SCRATCH/describe")"

# ---- the CA's resolver forgets: the second order of the same issuance succeeds
echo never.example.org >"$BLIND"
READY_TIMEOUT=90s wait_ready late
[ "$(status late ".status.failedIssuanceAttempts // 0")" = 0 ] || fail "failed attempts: $(status late .status.failedIssuanceAttempts)"

# ---- and where it does not, the second miss is the failure: one, not two, and it keeps the table
wait_until 30 '[ "$(status never .status.failedIssuanceAttempts)" = 1 ]' || fail "status: $(status never .status)"
jq -e '.status.lastError.class == "Validation" and
    (.status.lastError.authorizations | length == 1 and .[0].identifier == "never.example.org" and .[0].state == "invalid"
     and .[0].propagation[0].seen)' "$STATE/status/never.json" >/dev/null ||
    fail "lastError: $(status never .status.lastError)"
cl describe never | grep -qE "$BIND_SERVER +2 +has it" || fail "the table is gone"
[ "$(pebble_orders)" = 4 ] || fail "$(pebble_orders) orders instead of 2 each"
certloop_stop
[ -z "$(txt "$BIND_SERVER" _acme-challenge.late.example.org)$(txt "$BIND_SERVER" _acme-challenge.never.example.org)" ] ||
    fail "records were left"
