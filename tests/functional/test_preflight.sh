#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Preflight: what the CA would look at is looked at before it is asked. Each certain failure costs no
# order, stands in the status with name, address and remedy, and goes away by itself when it is
# mended. Pebble's DNS server is the resolver.
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
mkdir "$SCRATCH/www"
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec: {webroots: [$SCRATCH/www], dns: {resolvers: ["$PEBBLE_DNS"]}}
YAML

# issuer SOLVERS [MODE]
issuer() {
    acme_issuer pebble "$1"
    sed -i "s/^    retryAfter:.*/&\n    preflight: ${2:-Always}\n    httpPort: $PEBBLE_HTTP_PORT\n    tlsPort: $PEBBLE_TLS_PORT/" \
        "$SPECS/issuer-pebble.yaml"
}
failed() { [ "$(status "$1" .status.lastError.reason)" = PreflightFailed ]; }
detail() { status "$1" .status.lastError.detail; }
expect_detail() { # NAME PATTERN
    wait_until 20 "failed $1" || { tail -n 20 "$DAEMON_LOG" >&2; fail "$1: no preflight failure"; }
    detail "$1" | grep -q -- "$2" || fail "$1: $(detail "$1")"
    [ "$(status "$1" .status.lastError.class)" = Local ] || fail "$1: class $(status "$1" .status.lastError.class)"
    status "$1" '.status.conditions[] | select(.type == "Issuing") | .reason' | grep -q PreflightFailed ||
        fail "$1: $(status "$1" .status.conditions)"
}

# what is fine is issued; our own token came back over the address
issuer "{http01: {listen: \"127.0.0.1:$PEBBLE_HTTP_PORT\"}}"
certloop_start
certificate fine "fine.example.org, www.fine.example.org"
wait_ready fine
orders=$(pebble_orders)

# an address that nobody answers at: named, no order; mended by DNS alone
pebble_dns closed.example.org 127.0.0.9
certificate closed "closed.example.org"
expect_detail closed "NotReached: closed.example.org over 127.0.0.9"
# an AAAA record that leads nowhere, beside a good A record
curl -fsS -o /dev/null -d '{"host":"six.example.org.","addresses":["::1"]}' "$PEBBLE_CHALLTEST/add-aaaa"
if [ -s /proc/net/if_inet6 ]; then
    certificate six "six.example.org"
    expect_detail six "six.example.org over ::1.*correct the AAAA record"
fi
[ "$(pebble_orders)" = "$orders" ] || fail "a preflight failure cost an order"
expect 1 cl plan --preflight closed
grep -q 'preflight failure NotReached: closed.example.org' "$SCRATCH/out" || fail "$(cat "$SCRATCH/out")"
expect 1 cl plan --preflight -o json closed
jq -e '.preflight[0] | .certain and .name == "closed.example.org"' "$SCRATCH/out" >/dev/null ||
    fail "$(cat "$SCRATCH/out")"
curl -fsS -o /dev/null -d '{"host":"closed.example.org."}' "$PEBBLE_CHALLTEST/clear-a"
cl renew closed >/dev/null
wait_ready closed

# CAA records of a CA that cannot be ours, or a property that no CA knows
curl -fsS -o /dev/null -d '{"host":"caa.example.org.","policies":[{"tag":"issue","value":"other-ca.example"}]}' \
    "$PEBBLE_CHALLTEST/add-caa"
certificate caa "www.caa.example.org"
expect_detail caa "CAAForbids: the CAA records at caa.example.org forbid it: they name other CAs only; publish: caa.example.org. CAA 0 issue .pebble.example"
account=$(jq -r .status.acme.uri "$STATE/status/issuers/pebble.json")
curl -fsS -o /dev/null -d '{"host":"acct.example.org.","policies":[{"tag":"issue","value":"pebble.example; accounturi=https://localhost/other"}]}' \
    "$PEBBLE_CHALLTEST/add-caa"
certificate account "acct.example.org"
expect_detail account "accounturi is that of another account; publish: .*accounturi=$account"
certloop_stop

# a webroot that is not the one which is served
rm "$SPECS"/*.yaml
mkdir "$SCRATCH/www/right" "$SCRATCH/www/wrong"
python3 -m http.server --bind 127.0.0.1 --directory "$SCRATCH/www/right" "$PEBBLE_HTTP_PORT" \
    >"$SCRATCH/www.log" 2>&1 &
www=$!
# shellcheck disable=SC2317 # called at the end
stop_www() { stop_process "$www"; }
CLEANUP+=(stop_www)
wait_until 15 "curl -sS -o /dev/null http://127.0.0.1:$PEBBLE_HTTP_PORT/"
orders=$(pebble_orders)
issuer "{http01: {webroot: $SCRATCH/www/wrong}}"
certloop_start
certificate web "web.example.org"
expect_detail web "WrongAnswer: web.example.org over 127.0.0.1 answers HTTP 404 instead of the token: is the webroot"
[ "$(pebble_orders)" = "$orders" ] || fail "a wrong webroot cost an order"
[ -z "$(find "$SCRATCH/www/wrong" -type f)" ] || fail "a token of the preflight was left"
issuer "{http01: {webroot: $SCRATCH/www/right}}"
wait_ready web

# Never asks the CA at once; Auto looks only after the CA has said no
issuer "{http01: {webroot: $SCRATCH/www/wrong}}" Auto
certificate auto "auto.example.org"
wait_until 60 "[ \"\$(status auto .status.lastError.class)\" = Validation ]"
cl renew auto >/dev/null
wait_until 30 "failed auto" || fail "no preflight after a failed validation: $(detail auto)"
certloop_stop
exit 0
