#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The five ways in which a described provider writes, each with a value of somebody else at the name
# that is written to: presenting and clean-up, an answer that is lost after the write was done, and
# kill -9 while the values are out. The provider itself watches after each write that the foreign
# values are there and that nothing is there twice.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"
# shellcheck source=tests/lib/dns_api.sh
. "$(dirname "$0")/../lib/dns_api.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop dns_api_stop)

MODELS=(records rrset delta zonefile slot)
dns_api_start "$SCRATCH/api" "${MODELS[@]/%/.example.org}"
export PEBBLE_RESOLVER=$DNS_API_SERVER
pebble_start "$SCRATCH/pebble"
dns_api_descriptions "$SCRATCH/providers"
{
    echo 'apiVersion: certloop/v1'
    echo 'kind: Configuration'
    echo 'spec:'
    echo "  providerDirectories: [\"$SCRATCH/providers\"]"
    echo '  dns:'
    echo "    resolvers: [\"$DNS_API_SERVER\"]"
    echo '    zones:'
    printf "    - {zone: %s.example.org, servers: [\"$DNS_API_SERVER\"]}\n" "${MODELS[@]}"
} >"$CONFIG"
for m in "${MODELS[@]}"; do
    mkdir -m 0700 "$SECRETS/test-$m"
    (umask 077 && echo "$DNS_API_TOKEN" >"$SECRETS/test-$m/token")
done
acme_issuer pebble

wanted() { # KIND MODEL [PROPAGATION]: KIND.MODEL.example.org and its wildcard
    put "$1-$2.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1-$2}
spec:
  dnsNames: [$1.$2.example.org, "*.$1.$2.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {provider: test-$2, propagation: ${3:-"{}"}}}]
YAML
}
all() { printf "$1-%s " "${MODELS[@]}"; } # KIND: names of the certificates
foreign() { # KIND: a value of somebody else at the names of all of them
    local m
    for m in "${MODELS[@]}"; do
        dns_api_control "{\"foreign\": [\"_acme-challenge.$1.$m.example.org\", \"foreign at $m\"]}"
    done
}
ours() { # KIND MODEL: how many values of ours are out
    txt "$DNS_API_SERVER" "_acme-challenge.$1.$2.example.org" | grep -cE '^[A-Za-z0-9_-]{43}$' || true
}
unharmed() {
    [ "$(dns_api_seen .lost_values)" = "[]" ] || fail "lost: $(dns_api_seen .lost_values)"
    [ "$(dns_api_seen .duplicates)" = "[]" ] || fail "twice: $(dns_api_seen .duplicates)"
}
clean() { # KIND: nothing of ours is left, all of others
    local m
    unharmed
    for m in "${MODELS[@]}"; do
        [ "$(txt "$DNS_API_SERVER" "_acme-challenge.$1.$m.example.org")" = "foreign at $m" ] ||
            fail "$1, $m: $(txt "$DNS_API_SERVER" "_acme-challenge.$1.$m.example.org")"
    done
    [ -z "$(find "$STATE/dns" -name '*.jsonl')" ] || fail "$1: left $(ls "$STATE/dns")"
}

# ---- presenting and clean-up
foreign plain
for m in "${MODELS[@]}"; do wanted plain "$m"; done
certloop_start
# shellcheck disable=SC2046 # words
wait_ready $(all plain)
unharmed
certloop_stop # flushes
clean plain
for m in "${MODELS[@]}"; do
    openssl x509 -in "$STATE/live/plain-$m/cert.pem" -noout -ext subjectAltName |
        grep -qF "DNS:*.plain.$m.example.org" || fail "$m: no wildcard in the certificate"
done

# ---- the write is done, but its answer is lost: done once, and not given up
foreign lost
dns_api_control '{"lose": ["POST /records", "PUT /rrset", "POST /delta", "PUT /zonefile", "PUT /slot"]}'
for m in "${MODELS[@]}"; do wanted lost "$m"; done
certloop_start
# shellcheck disable=SC2046 # words
wait_ready $(all lost)
unharmed
[ "$(dns_api_seen .lose)" = "[]" ] || fail "answers that were not lost: $(dns_api_seen .lose)"
certloop_stop
clean lost

# ---- kill -9 while the values are out
foreign killed
for m in "${MODELS[@]}"; do wanted killed "$m" '{check: wait, wait: 10m}'; done
certloop_start
for m in "${MODELS[@]}"; do
    if [ "$m" = slot ]; then n=1; else n=2; fi
    wait_until 20 "[ \$(ours killed $m) = $n ]"
done
certloop_kill
unharmed
[ "$(find "$STATE/dns" -name '*.jsonl' | wc -l)" = ${#MODELS[@]} ] || fail "journals: $(ls "$STATE/dns")"
for m in records rrset; do wanted killed "$m"; done # these are still wanted,
for m in delta zonefile slot; do rm "$SPECS/killed-$m.yaml"; done # those are not
certloop_start
wait_ready killed-records killed-rrset
unharmed
certloop_stop
clean killed
if grep -rqF "$DNS_API_TOKEN" "$STATE/status" "$STATE/dns" "$DAEMON_LOG"; then fail "the token is in status or log"; fi
