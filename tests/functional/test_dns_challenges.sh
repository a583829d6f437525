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
export PEBBLE_RESOLVER=$BIND_SERVER PEBBLE_AUTHZREUSE=0
pebble_start "$SCRATCH/pebble"
mkdir -p "$SECRETS/bind"
(umask 077 && echo "$TSIG_SECRET" >"$SECRETS/bind/secret")
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  metrics: {textfile: "$SCRATCH/metrics"}
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
label=$(printf %s "$(account)" | openssl dgst -sha256 -binary | head -c 10 | base32 | tr '[:upper:]' '[:lower:]')
wait_until 20 '[ "$(txt "$BIND_SERVER" "_$label._acme-challenge.own.example.org" | wc -l)" = 2 ]'
[ -z "$(txt "$BIND_SERVER" _acme-challenge.own.example.org)" ] || fail "dns-account-01 wrote to the name of dns-01"
certloop_stop
wanted own 'own.example.org, "*.own.example.org"' "challenge: dns-account-01, $RFC2136"
certloop_start
READY_TIMEOUT=30s wait_ready own
certloop_stop
[ -z "$(txt "$BIND_SERVER" "_$label._acme-challenge.own.example.org")" ] || fail "dns-account-01 left records"

# ---- dns-persist-01, published by a person: the condition says which line
RECORD=_validation-persist.person.example.org
required() { # CERTIFICATE: the line that is to be published
    jq -r '.status.conditions[] | .message' "$STATE/status/$1.json" |
        sed -n 's/.*\(_validation-persist[^ ]*\. IN TXT "[^"]*"\).*/\1/p' | head -1
}
publish() { # LINE
    nameserver_update "$BIND_SERVER" example.org "update add ${1/ IN TXT / 60 IN TXT }"
}
certloop_start
wanted person '"*.person.example.org"' "challenge: dns-persist-01"
wait_until 20 '[ -n "$(required person)" ]' || fail "status: $(jq -c .status "$STATE/status/person.json")"
line=$(required person)
grep -q "^$RECORD\. IN TXT \"[^;]*; accounturi=$(account); policy=wildcard\"$" <<<"$line" || fail "the line: $line"
jq -e '.status.lastError.reason == "DNSRecordRequired"' "$STATE/status/person.json" >/dev/null ||
    fail "lastError: $(jq -c .status.lastError "$STATE/status/person.json")"
publish "$line"
READY_TIMEOUT=60s wait_ready person
[ "$(txt "$BIND_SERVER" "$RECORD" | wc -l)" = 1 ] || fail "the record of a person was touched"
certloop_stop

# ---- and by a provider: once, and it stays; what ends is not enough when it has ended
RECORD=_validation-persist.machine.example.org
certloop_start
wanted machine 'machine.example.org' "challenge: dns-persist-01, persistFor: 90d, $RFC2136"
wait_ready machine
txt "$BIND_SERVER" "$RECORD" | grep -qE "; accounturi=$(account); persistUntil=[0-9]+$" ||
    fail "published: $(txt "$BIND_SERVER" "$RECORD")"
certloop_stop
[ "$(txt "$BIND_SERVER" "$RECORD" | wc -l)" = 1 ] || fail "the record did not stay"
[ -z "$(find "$STATE/dns" -name '*.jsonl')" ] || fail "a record that stays is in a journal: $(cat "$STATE"/dns/*)"
certloop_start # recovery takes nothing away
"$CERTLOOP" renew machine --yes
wait_until 30 '[ "$(jq .status.revision "$STATE/status/machine.json")" = 2 ]'
certloop_stop
[ "$(txt "$BIND_SERVER" "$RECORD" | wc -l)" = 1 ] || fail "it was published again: $(txt "$BIND_SERVER" "$RECORD")"

# ---- persistUntil is an expiry: a record that ends soon is followed by another one
old=$(txt "$BIND_SERVER" "$RECORD")
soon=$(($(date +%s) + 86400))
nameserver_update "$BIND_SERVER" example.org "update delete $RECORD TXT" \
    "update add $RECORD 60 TXT \"${old%persistUntil=*}persistUntil=$soon\""
certloop_start
"$CERTLOOP" renew machine --yes
wait_until 30 '[ "$(jq .status.revision "$STATE/status/machine.json")" = 3 ]'
certloop_stop
[ "$(txt "$BIND_SERVER" "$RECORD" | wc -l)" = 2 ] || fail "no later record: $(txt "$BIND_SERVER" "$RECORD")"

# ---- ... and it is so without an issuance: certloop renews what it has published when its time comes
MEMORY=$STATE/memory/machine.json
proof() { jq -r ".status.persistRecords[0].$2" "$STATE/status/$1.json"; }
[ "$(proof machine managed)" = true ] || fail "remembered: $(jq -c .status.persistRecords "$STATE/status/machine.json")"
nameserver_update "$BIND_SERVER" example.org "update delete $RECORD TXT" \
    "update add $RECORD 60 TXT \"${old%persistUntil=*}persistUntil=$soon\""
at=$(date -u -d "@$(($(date +%s) + 3))" +%FT%TZ)
jq --arg until "$(date -u -d "@$soon" +%FT%TZ)" --arg at "$at" \
    '.persist[0].until = $until | .persist[0].attentionTime = $at' "$MEMORY" >"$MEMORY.new"
chmod 600 "$MEMORY.new" && mv "$MEMORY.new" "$MEMORY"
certloop_start
wait_until 20 '[ "$(txt "$BIND_SERVER" "$RECORD" | wc -l)" = 2 ]' || fail "not renewed: $(tail -20 "$DAEMON_LOG")"
wait_until 20 '[ "$(date -d "$(proof machine until)" +%s)" -gt "$((soon + 86400))" ]'
[ "$(jq .status.revision "$STATE/status/machine.json")" = 3 ] || fail "a certificate was issued for it"
jq -e '.status.events | any(.reason == "PersistRecordRenewed")' "$STATE/status/machine.json" >/dev/null || fail "no event"
jq -e '.status.conditions | all(.type != "DNSRecordRequired")' "$STATE/status/machine.json" >/dev/null ||
    fail "a person is asked for what certloop has done"

# ---- a person is told in time: by condition, describe, check and metrics
RECORD=_validation-persist.brief.example.org
wanted brief brief.example.org "challenge: dns-persist-01"
wait_until 20 '[ -n "$(required brief)" ]'
until=$(($(date +%s) + 24))
condition() { jq -r '.status.conditions[] | select(.type == "DNSRecordRequired") | .reason' "$STATE/status/brief.json"; }
[ "$(condition)" = PersistRecordMissing ] || fail "condition: $(condition)"
line=$(required brief)
publish "${line%\"}; persistUntil=$until\""
READY_TIMEOUT=60s wait_ready brief
[ "$(proof brief managed)" = false ] || fail "$(jq -c .status.persistRecords "$STATE/status/brief.json")"
wait_until 30 '[ "$(condition)" = PersistRecordExpiring ]' || fail "$(jq -c .status "$STATE/status/brief.json")"
[ "$(required brief)" = "$line" ] || fail "the line is $(required brief)"
wait_until 30 '[ "$(condition)" = PersistRecordExpired ]' || fail "$(jq -c .status "$STATE/status/brief.json")"
jq -e '.status.revision == 1 and (.status.conditions | any(.type == "Ready" and .status == "True"))' \
    "$STATE/status/brief.json" >/dev/null || fail "not Ready, or issued again"
rc=0
cl check brief >"$SCRATCH/check" || rc=$?
if [ $rc != 1 ] || ! grep -q "DNSRecordRequired PersistRecordExpired: ended at " "$SCRATCH/check"; then
    fail "check: $rc $(cat "$SCRATCH/check")"
fi
cl describe brief | grep -F "$line" | grep -q "publish from" || fail "describe: $(cl describe brief)"
wait_until 20 'grep -E "^certloop_certificate_persist_record_expiration_timestamp_seconds\{name=\"brief\".*\} $until\.000$" "$SCRATCH/metrics"' ||
    fail "metrics: $(grep persist "$SCRATCH/metrics")"
publish "$line" # and it is seen that this was done
wait_until 30 '[ -z "$(condition)" ]' || fail "still required: $(condition)"
[ "$(proof brief until)" = null ] || fail "remembered: $(proof brief until)"
certloop_stop

# ---- a CA that does not see what all name servers have: the zone is given more time from then on
SETTLE=$STATE/dns/settle.json
pebble_stop
PEBBLE_RESOLVER='' # Pebble asks a server that knows of nothing
pebble_start "$SCRATCH/pebble-blind"
rm "$SPECS"/*.yaml
acme_issuer blind
put missed.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: missed}
spec: {dnsNames: [missed.example.org, "*.missed.example.org"], issuerRef: {name: blind}, solvers: [{dns01: {$RFC2136}}]}
YAML
certloop_start
wait_until 30 '[ -s "$SETTLE" ]'
[ "$(jq '."example.org".seconds' "$SETTLE")" = 60 ] || fail "learned: $(cat "$SETTLE")"
wait_until 10 'grep -q "DNSNotSettled: .*_acme-challenge.missed.example.org.* zone example.org is given 1m more" "$DAEMON_LOG"'
certloop_stop
pebble_stop

PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$SCRATCH/pebble-seeing"
jq '."example.org".seconds = 4' "$SETTLE" >"$SETTLE.new" && mv "$SETTLE.new" "$SETTLE"
rm "$SPECS"/*.yaml
acme_issuer seeing
put settled.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: settled}
spec: {dnsNames: [settled.example.org], issuerRef: {name: seeing}, solvers: [{dns01: {$RFC2136}}]}
YAML
before=$(now_ms)
certloop_start
wait_ready settled
[ $(($(now_ms) - before)) -ge 6000 ] || fail "Ready after $(($(now_ms) - before)) ms: 2 s of checking and 4 s of waiting are more"
certloop_stop
