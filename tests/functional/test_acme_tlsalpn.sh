#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TLS-ALPN-01 (RFC 8737) against Pebble: by the listener itself, many names at once; behind HAProxy,
# which forwards by ALPN, with a PROXY header and over a unix socket; what else comes is refused with
# an alert; a port in use is told; the listener takes the next solver when the CA does not offer one.
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
TLS=$PEBBLE_TLS_PORT

# knock [ARGS]: what TLS a client sees on the port; its alert is in $SCRATCH/out.
knock() {
    openssl s_client -connect "127.0.0.1:$TLS" "$@" </dev/null >"$SCRATCH/out" 2>&1 || true
}

# while somebody else has the port, nothing is asked of the CA, and the status names the port
python3 -m http.server --bind 127.0.0.1 --directory "$SPECS" "$TLS" >"$SCRATCH/www.log" 2>&1 &
www=$!
# shellcheck disable=SC2317 # called at the end
stop_www() { stop_process "$www"; }
CLEANUP+=(stop_www)
wait_until 15 "curl -sS -o /dev/null http://127.0.0.1:$TLS/"
acme_issuer pebble "{tlsalpn01: {listen: \"127.0.0.1:$TLS\"}}"
certloop_start
certificate a "a.example.org"
wait_until 20 "[ \"\$(status a .status.lastError.reason)\" = AddressInUse ]"
status a .status.lastError.detail | grep -q "127.0.0.1:$TLS" || fail "the port is not named: $(status a .status.lastError.message)"
[ "$(status a .status.lastError.class)" = Local ] || fail "a port in use is $(status a .status.lastError.class)"
stop_process "$www"
cl renew a >/dev/null
wait_ready a
openssl x509 -in "$STATE/live/a/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:a.example.org'

# many names at a time; each is shown its own
names=$(seq -s ', ' -f 'n%g.example.org' 30)
certificate many "$names"
wait_ready many

# what is no challenge is refused by an alert: no ALPN, another one, both, an unknown name, none
knock -servername a.example.org
grep -q 'alert number 120' "$SCRATCH/out" || fail "no ALPN: $(cat "$SCRATCH/out")"
knock -servername a.example.org -alpn h2
grep -q 'alert number 120' "$SCRATCH/out" || fail "ALPN h2: $(cat "$SCRATCH/out")"
knock -servername a.example.org -alpn acme-tls/1
grep -q 'alert number 112' "$SCRATCH/out" || fail "a name without a challenge: $(cat "$SCRATCH/out")"
knock -noservername -alpn acme-tls/1
grep -q 'alert number 112' "$SCRATCH/out" || fail "no name: $(cat "$SCRATCH/out")"

# clients that say nothing keep nobody else out
python3 - "$TLS" "$SCRATCH/silent" <<'PY' &
import signal, socket, sys
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(300)]
open(sys.argv[2], "w").close()
signal.pause()
PY
silent=$!
# shellcheck disable=SC2317 # called at the end
stop_silent() { stop_process "$silent"; }
CLEANUP+=(stop_silent)
wait_until 15 "[ -e $SCRATCH/silent ]"
certificate patient "patient.example.org"
wait_ready patient
stop_process "$silent"
certloop_stop

command -v haproxy >/dev/null || { # the rest needs it
    echo "haproxy is not installed: forwarding was not tried"
    exit 0
}

# behind a proxy that has the port and forwards what asks for the challenge
read -r inner <<<"$(free_ports 1)"
printf 'apiVersion: certloop/v1\nkind: Configuration\nspec: {tlsalpn01: {listen: "127.0.0.1:%s", proxyProtocol: true}, outputRoots: [%s]}\n' \
    "$inner" "$SCRATCH" >"$CONFIG"
cat >"$SCRATCH/haproxy.cfg" <<CFG
defaults
    mode tcp
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend tls
    bind 127.0.0.1:$TLS
    tcp-request inspect-delay 5s
    tcp-request content accept if { req.ssl_hello_type 1 }
    use_backend socket if { req.ssl_alpn acme-tls/1 } { req.ssl_sni -m end .socket.example.org }
    use_backend certloop if { req.ssl_alpn acme-tls/1 }
    default_backend web
backend certloop
    server certloop 127.0.0.1:$inner send-proxy-v2
backend socket
    server certloop $SCRATCH/challenges.sock send-proxy
backend web
    server web 127.0.0.1:1
CFG
haproxy -f "$SCRATCH/haproxy.cfg" -db >"$SCRATCH/haproxy.log" 2>&1 &
haproxy=$!
# shellcheck disable=SC2317 # called at the end
stop_haproxy() { stop_process "$haproxy"; }
CLEANUP+=(stop_haproxy)
wait_until 15 "curl -sS http://127.0.0.1:$TLS/; [ \$? -ne 7 ]"
rm "$SPECS"/*.yaml
acme_issuer pebble "{tlsalpn01: {}}, {tlsalpn01: {unixSocket: $SCRATCH/challenges.sock, proxyProtocol: true}, selector: {dnsZones: [socket.example.org]}}"
certloop_start
certificate forwarded "f1.example.org, f2.example.org"
certificate socket "s.socket.example.org"
wait_ready forwarded socket
[ "$(stat -c %a "$SCRATCH/challenges.sock")" = 660 ] || fail "the socket is $(stat -c %a "$SCRATCH/challenges.sock")"
# without the header that was asked for nobody is served
out=$(timeout 5 openssl s_client -connect "127.0.0.1:$inner" -servername f1.example.org -alpn acme-tls/1 </dev/null 2>&1 || true)
grep -q 'Cipher is (NONE)' <<<"$out" || fail "served without a PROXY header: $out"
certloop_stop
exit 0
