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
    '_acme-challenge.alias CNAME alias.delegated.example.net.')
bind_start "$SCRATCH/bind" example.org delegated.example.net
export PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$SCRATCH/pebble"
mkdir -p "$SECRETS/bind"
(umask 077 && echo "$TSIG_SECRET" >"$SECRETS/bind/secret")

configuration() { # MORE LINES
    cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  dns:
    resolvers: ["$BIND_SERVER"]
    zones:
    - {zone: example.org, servers: ["$BIND_SERVER"]}
    - {zone: delegated.example.net, servers: ["$BIND_SERVER"]}
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
