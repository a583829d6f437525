#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IP identifiers (RFC 8738) against Pebble: IPv4 and IPv6, over HTTP and TLS, beside host names, and
# what a record cannot prove.
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
export PEBBLE_AUTHZREUSE=0
pebble_start "$SCRATCH/pebble"
six=
[ -s /proc/net/if_inet6 ] && six=1

# addresses NAME IPS [DNS [MORE]]
addresses() {
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [${3:-}]
  ipAddresses: [$2]
  issuerRef: {name: pebble}
${4:-}
YAML
}
sans() { openssl x509 -in "$STATE/live/$1/cert.pem" -noout -ext subjectAltName | tail -n 1 | tr -d ' '; }

acme_issuer pebble "{tlsalpn01: {listen: \"[::]:$PEBBLE_TLS_PORT\"}}"
certloop_start
addresses four 127.0.0.1
addresses mixed 127.0.0.1 "mixed.example.org" "  commonName: 127.0.0.1"
wait_ready four mixed
[ "$(sans four)" = IPAddress:127.0.0.1 ] || fail "names of four: $(sans four)"
[ "$(sans mixed)" = DNS:mixed.example.org,IPAddress:127.0.0.1 ] || fail "names of mixed: $(sans mixed)"
openssl req -inform DER -in "$STATE"/archive/mixed/1/*.csr -noout -subject 2>/dev/null | grep -q 127.0.0.1 &&
    fail "an address is in the subject of the request"
if [ -n "$six" ]; then
    addresses both "127.0.0.1, \"0:0:0:0:0:0:0:1\""
    wait_ready both
    [ "$(sans both)" = IPAddress:127.0.0.1,IPAddress:0:0:0:0:0:0:0:1 ] || fail "names of both: $(sans both)"
fi
certloop_stop

# over HTTP; a solver with a selector for names is not for addresses
rm "$SPECS"/*.yaml
acme_issuer pebble "{tlsalpn01: {listen: \"127.0.0.1:1\"}, selector: {dnsZones: [example.org]}}, {http01: {listen: \"[::]:$PEBBLE_HTTP_PORT\"}}"
certloop_start
addresses web "127.0.0.1${six:+, \"::1\"}"
wait_ready web
certloop_stop

# a record proves no address, and the message says what would
rm "$SPECS"/*.yaml
acme_issuer pebble "{dns01: {responder: {listen: \"127.0.0.1:5300\", zones: [example.org]}}}"
certloop_start
addresses hopeless 127.0.0.5
wait_until 20 "[ \"\$(condition hopeless Stalled)\" = True ]"
status hopeless '.status.conditions[] | select(.type == "Stalled") | .message' |
    grep -q '127.0.0.5: an IP address is proved by a http01 or tlsalpn01 solver' ||
    fail "$(status hopeless .status.conditions)"
certloop_stop
exit 0
