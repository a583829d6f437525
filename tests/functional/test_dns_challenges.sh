#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The younger challenges by DNS, against Pebble and BIND: dns-account-01, where each account has a name
# of its own, and dns-persist-01, where a record is published once and stays.
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
CLEANUP+=(pebble_stop nameservers_stop)

bind_start "$SCRATCH/bind" example.org
export PEBBLE_RESOLVER=$BIND_SERVER
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
RFC2136="rfc2136: {nameserver: \"$BIND_SERVER\", tsigKeyName: acme, tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {name: bind}}"
acme_issuer pebble

wanted() { # NAME DNSNAMES SOLVER
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$2]
  issuerRef: {name: pebble}
  solvers: [{dns01: {$3}}]
YAML
}
account() { jq -r '.status.acme.uri' "$STATE/status/issuers/pebble.json" 2>/dev/null; }

# ---- dns-account-01: the name says whose it is (the label is worked out here once more)
certloop_start
wanted own 'own.example.org, "*.own.example.org"' \
    "challenge: dns-account-01, $RFC2136, propagation: {check: wait, wait: 10m}"
wait_until 20 '[ "$(account)" != null ] && [ -n "$(account)" ]'
label=$(printf %s "$(account)" | openssl dgst -sha256 -binary | head -c 10 | base32 | tr A-Z a-z)
wait_until 20 '[ "$(txt "$BIND_SERVER" "_$label._acme-challenge.own.example.org" | wc -l)" = 2 ]'
[ -z "$(txt "$BIND_SERVER" _acme-challenge.own.example.org)" ] || fail "dns-account-01 wrote to the name of dns-01"
certloop_stop
wanted own 'own.example.org, "*.own.example.org"' "challenge: dns-account-01, $RFC2136"
certloop_start
READY_TIMEOUT=30s wait_ready own
certloop_stop
[ -z "$(txt "$BIND_SERVER" "_$label._acme-challenge.own.example.org")" ] || fail "dns-account-01 left records"
