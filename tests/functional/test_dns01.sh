#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DNS-01 end to end against Pebble: wildcard and apex in one certificate, by RFC 2136 with BIND, by
# the embedded responder, and what is left in the zone afterwards, also after kill -9: nothing of
# ours, everything of others.
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

ZONE_RECORDS=('_acme-challenge.www TXT "a value of somebody else"'
    '_acme-challenge.alias CNAME alias.acme')
bind_start "$SCRATCH/bind" example.org
export PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$SCRATCH/pebble"
mkdir -p "$SECRETS/bind"
(umask 077 && echo "$TSIG_SECRET" >"$SECRETS/bind/secret")

configuration() { # MORE LINES
    cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  providerDirectories: ["$TEST_ROOT/backends/dns/providers"]
  dns:
    resolvers: ["$BIND_SERVER"]
    zones:
    - {zone: example.org, servers: ["$BIND_SERVER"]}
${1:-}
YAML
}
configuration
RFC2136="rfc2136: {nameserver: \"$BIND_SERVER\", tsigKeyName: acme, tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {name: bind}}"
acme_issuer pebble "{dns01: {$RFC2136}}"

ours() { # NAME: values at NAME that have the form of ours
    txt "$BIND_SERVER" "$1" | grep -cE '^[A-Za-z0-9_-]{43}$' || true
}
clean() { # NAME
    [ "$(ours "$1")" = 0 ]
}

# ---- wildcard and apex: two values at one name; a foreign value survives
certloop_start
certificate wild 'www.example.org, "*.www.example.org"'
wait_ready wild
openssl x509 -in "$STATE/live/wild/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:\*.www.example.org' ||
    fail "no wildcard in the certificate"
certloop_stop # flushes
clean _acme-challenge.www.example.org || fail "records were left: $(txt "$BIND_SERVER" _acme-challenge.www.example.org)"
[ "$(txt "$BIND_SERVER" _acme-challenge.www.example.org)" = "a value of somebody else" ] ||
    fail "a foreign value was touched"
[ -z "$(find "$STATE/dns" -name '*.jsonl')" ] || fail "a journal was left"

# ---- an explicit CNAME is followed, and nothing is written at its name
certloop_start
certificate alias 'alias.example.org'
wait_ready alias
certloop_stop
clean alias.acme.example.org || fail "records were left at the target of the CNAME"

# ---- kill -9 while records are out: the next start removes them, and nothing else

cat >"$SCRATCH/slow.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: killed}
spec:
  dnsNames: [killed.example.org, "*.killed.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {$RFC2136, propagation: {check: wait, wait: 10m}}}]
YAML
certloop_start
put killed.yaml <"$SCRATCH/slow.yaml"
wait_until 20 '[ "$(ours _acme-challenge.killed.example.org)" = 2 ]'
nameserver_update "$BIND_SERVER" example.org 'update add _acme-challenge.killed.example.org 60 TXT "foreign"'
certloop_kill
[ "$(ours _acme-challenge.killed.example.org)" = 2 ] || fail "the records are gone by themselves"
[ -n "$(find "$STATE/dns" -name 'example.org.*.jsonl')" ] || fail "no journal of what is out there"
rm "$SPECS/killed.yaml"
# shellcheck disable=SC2034 # in the condition
started=$(grep -c ' ACMEAccountRegistered: ' "$DAEMON_LOG")
certloop_start
wait_until 15 '[ "$(grep -c " ACMEAccountRegistered: " "$DAEMON_LOG")" -gt "$started" ]' # it is at work
certloop_stop # what the journal lists is removed before the process ends
clean _acme-challenge.killed.example.org || fail "the next start left records"
[ "$(txt "$BIND_SERVER" _acme-challenge.killed.example.org)" = foreign ] || fail "a foreign value is gone"
[ -z "$(find "$STATE/dns" -name '*.jsonl')" ] || fail "the journal was left"

# ---- a stop while a record is waited for ends soon and leaves nothing
sed 's/killed/stopped/g' "$SCRATCH/slow.yaml" >"$SCRATCH/stopped.yaml"
certloop_start
put stopped.yaml <"$SCRATCH/stopped.yaml"
wait_until 20 '[ "$(ours _acme-challenge.stopped.example.org)" = 2 ]'
before=$(now_ms)
certloop_stop
[ $(($(now_ms) - before)) -lt 10000 ] || fail "the stop took $(($(now_ms) - before)) ms"
clean _acme-challenge.stopped.example.org || fail "a stopped daemon left records"
rm "$SPECS/stopped.yaml"

# ---- secrets and the endpoint that they go to come from the same place
pdns_start "$SCRATCH/pdns" pdns.example.org
mkdir -m 0700 "$SECRETS/pdns"
(umask 077 && echo "$PDNS_API_KEY" >"$SECRETS/pdns/key")
put elsewhere.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: elsewhere}
spec:
  dnsNames: ["*.pdns.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {provider: pdns, config: {url: "$PDNS_API"}}}]
YAML
certloop_start
wait_until 20 "jq -e '.status.lastError | .reason == \"OriginRefused\" and (.detail | test(\"$SECRETS/pdns/allowed-origins\"))' $STATE/status/elsewhere.json"
rm "$SPECS/elsewhere.yaml"
certloop_stop

# ---- a key that the server refuses is said so, with what to do next
put refused.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: refused}
spec:
  dnsNames: ["*.refused.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {rfc2136: {nameserver: "$BIND_SERVER", tsigKeyName: stranger, tsigSecretSecretRef: {name: bind}}}}]
YAML
certloop_start
wait_until 20 "jq -e '.status.lastError.detail | test(\"_acme-challenge.refused.example.org.*stranger\")' $STATE/status/refused.json"
rm "$SPECS/refused.yaml"

# ---- a missing secret names the file
put nosecret.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: nosecret}
spec:
  dnsNames: ["*.nosecret.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {rfc2136: {nameserver: "$BIND_SERVER", tsigKeyName: acme, tsigSecretSecretRef: {name: nowhere}}}}]
YAML
wait_until 20 "jq -e '.status.lastError.detail | test(\"$SECRETS/nowhere/secret\")' $STATE/status/nosecret.json"
rm "$SPECS/nosecret.yaml"
certloop_stop
pebble_stop

# ---- a described provider: PowerDNS by its HTTP API
PEBBLE_RESOLVER=$PDNS_SERVER
pebble_start "$SCRATCH/pebble-pdns"
configuration "    - {zone: pdns.example.org, servers: [\"$PDNS_SERVER\"]}"
sed -i "s/resolvers: .*/resolvers: [\"$PDNS_SERVER\"]/" "$CONFIG"
echo "$PDNS_API" >"$SECRETS/pdns/PDNS_API_URL"
nameserver_update "$PDNS_SERVER" pdns.example.org 'update add _acme-challenge.pdns.example.org 60 TXT "foreign"'
acme_issuer pdns "{dns01: {provider: pdns}}"
certloop_start
ISSUER=pdns certificate by-pdns 'pdns.example.org, "*.pdns.example.org"'
wait_ready by-pdns
certloop_stop
[ "$(txt "$PDNS_SERVER" _acme-challenge.pdns.example.org)" = foreign ] ||
    fail "PowerDNS has $(txt "$PDNS_SERVER" _acme-challenge.pdns.example.org)"
pebble_stop

# ---- the embedded responder: no account anywhere, by NS and by CNAME delegation. Pebble asks it
# directly for what is delegated to it.
RESPONDER=127.0.0.1:$(free_ports 1)
PEBBLE_RESOLVER=$RESPONDER
pebble_start "$SCRATCH/pebble2"
configuration "    - {zone: _acme-challenge.own.example.org, servers: [\"$RESPONDER\"]}
    responder: {listen: \"$RESPONDER\", zones: [_acme-challenge.own.example.org]}"
rm -f "$SPECS"/*.yaml
acme_issuer responder "{dns01: {responder: {}}}"
certloop_start
ISSUER=responder certificate own 'own.example.org, "*.own.example.org"'
wait_ready own
certloop_stop
