#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ACME against Pebble at its worst: half of the nonces rejected, authorizations reused, every way to
# answer HTTP-01, both kinds of account key, accounts that survive restarts.
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
export PEBBLE_WFE_NONCEREJECT=50 PEBBLE_AUTHZREUSE=100 PEBBLE_IPV6=::1
pebble_start "$SCRATCH/pebble"

# by the listener, on IPv6 and IPv4 at once
acme_issuer pebble "{http01: {listen: \"[::]:$PEBBLE_HTTP_PORT\"}}"
certloop_start
names=()
for i in $(seq 20); do
    certificate "n$i" "n$i.example.org, shared.example.org"
    names+=("n$i")
done
wait_ready "${names[@]}"
grep -q 'badNonce' "$PEBBLE_LOG" || grep -qi 'nonce' "$PEBBLE_LOG" || fail "no nonce was rejected"
[ "$(pebble_requests 'GET /nonce-plz\|HEAD /nonce-plz')" -le 4 ] ||
    fail "newNonce was asked $(pebble_requests 'HEAD /nonce-plz') times"

# an authorization that is valid already is not answered again: no request of a challenge
before=$(pebble_requests 'POST /chalZ')
certificate again "n1.example.org, n2.example.org"
wait_ready again
[ "$(pebble_requests 'POST /chalZ')" = "$before" ] || fail "a valid authorization was answered again"

# a restart registers nothing
accounts=$(pebble_requests 'POST /sign-me-up')
certloop_stop
certloop_start
certificate later "later.example.org"
wait_ready later
[ "$(pebble_requests 'POST /sign-me-up')" = "$accounts" ] || fail "a restart asked for an account"
jq -e '.status.acme.uri | startswith("https://")' "$STATE/status/issuers/pebble.json" >/dev/null ||
    fail "no account URI in the Issuer's status"
certloop_stop
pebble_stop

# by a webroot that another server serves; an RSA account key
export PEBBLE_WFE_NONCEREJECT=5 PEBBLE_AUTHZREUSE=0 PEBBLE_IPV6=
pebble_start "$SCRATCH/pebble2"
mkdir "$SCRATCH/www"
python3 -m http.server --bind 127.0.0.1 --directory "$SCRATCH/www" "$PEBBLE_HTTP_PORT" \
    >"$SCRATCH/www.log" 2>&1 &
www=$!
# shellcheck disable=SC2317 # called at the end
stop_www() { stop_process "$www"; }
CLEANUP+=(stop_www)
wait_until 15 "curl -sS -o /dev/null http://127.0.0.1:$PEBBLE_HTTP_PORT/"
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec: {webroots: [$SCRATCH/www]}
YAML
put issuer-webroot.yaml <<YAML
apiVersion: certloop/v1
kind: Issuer
metadata: {name: webroot}
spec:
  acme:
    server: $PEBBLE_URL
    email: ops@example.org
    termsOfServiceAgreed: true
    accountKeyAlgorithm: RSA
    caBundle: $(base64 -w0 "$PEBBLE_CA")
    maxConnections: 2
    solvers: [{http01: {webroot: $SCRATCH/www}}]
YAML
rm "$SPECS"/n*.yaml "$SPECS/again.yaml" "$SPECS/later.yaml" "$SPECS/issuer-pebble.yaml"
certloop_start
ISSUER=webroot certificate w "w.example.org, www.w.example.org"
wait_ready w
openssl pkey -in "$STATE/accounts/webroot/key.pem" -noout -text | grep -q 'RSA\|2048 bit' ||
    fail "the account key is not RSA"
wait_until 20 "[ -z \"\$(ls $SCRATCH/www/.well-known/acme-challenge 2>/dev/null)\" ]" ||
    fail "a token was left in the webroot"

# a name that the CA refuses is told and not asked again and again
ISSUER=webroot certificate refused "blocked-domain.example"
wait_until 30 "[ \"\$(condition refused Stalled)\" = True ]"
status refused .status.lastError.type | grep -q rejectedIdentifier || fail "no problem type"
orders=$(pebble_orders)

# a name that cannot be validated counts as an attempt and is tried again later
curl -fsS -o /dev/null -d '{"host":"broken.example.org.","addresses":["127.0.0.9"]}' \
    "$PEBBLE_CHALLTEST/add-a"
ISSUER=webroot certificate broken "broken.example.org"
wait_until 60 "[ \"\$(status broken .status.failedIssuanceAttempts)\" = 1 ]"
[ "$(status broken .status.lastError.class)" = Validation ] || fail "class $(status broken .status.lastError.class)"
[ "$(status broken .status.lastError.identifier)" = broken.example.org ] || fail "no identifier"
status broken .status.lastError.orderURL | grep -q '^https://' || fail "the failure does not name its order"
[ "$(pebble_orders)" = $((orders + 1)) ] || fail "orders after failures"
certloop_stop

# by a unix socket behind another server
rm "$SPECS/broken.yaml" "$SPECS/refused.yaml"
stop_process "$www"
printf 'apiVersion: certloop/v1\nkind: Configuration\nspec: {outputRoots: [%s]}\n' "$SCRATCH" >"$CONFIG"
sed -i "s|solvers:.*|solvers: [{http01: {unixSocket: $SCRATCH/challenges.sock}}]|" "$SPECS/issuer-webroot.yaml"
certloop_start
python3 - "$SCRATCH/challenges.sock" "$PEBBLE_HTTP_PORT" <<'PY' &
import socket, sys, threading
path, port = sys.argv[1], int(sys.argv[2])
s = socket.create_server(("127.0.0.1", port))
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    try:
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass
while True:
    c, _ = s.accept()
    u = socket.socket(socket.AF_UNIX)
    try:
        u.connect(path)
    except OSError: # nothing is presented yet
        c.close()
        continue
    threading.Thread(target=pump, args=(c, u), daemon=True).start()
    threading.Thread(target=pump, args=(u, c), daemon=True).start()
PY
proxy=$!
# shellcheck disable=SC2317 # called at the end
stop_proxy() { stop_process "$proxy"; }
CLEANUP+=(stop_proxy)
wait_until 15 "curl -sS http://127.0.0.1:$PEBBLE_HTTP_PORT/; [ \$? -ne 7 ]"
ISSUER=webroot certificate u "u.example.org"
wait_ready u
exit 0
