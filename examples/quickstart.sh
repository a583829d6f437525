#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a certificate that a TLS client accepts, on a fresh Debian 12: installs what is
# missing (it says what; with sudo only if not root), builds certloop, starts it on a temporary
# directory, drops a spec, waits until it is Ready, and serves the certificate.
# Usage: examples/quickstart.sh         with the embedded CA: no network, nothing left behind
#        examples/quickstart.sh acme    the same against a real ACME server, Pebble, on loopback
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-ca}
case "$mode" in
ca | acme) ;;
*)
    sed -n '3,7p' "$0"
    exit 64
    ;;
esac

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() {
    printf '\033[1m$ %s\033[0m\n' "$*"
    "$@"
}

step "Packages and build"
tests/tools/install-packages.sh demo
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)"
PATH=$PWD/build/release:$PATH

# shellcheck source=tests/lib/common.sh
. tests/lib/common.sh
scratch_dir
export CERTLOOP_SPECS=$SCRATCH/acme.d CERTLOOP_STATE=$SCRATCH/state
export CERTLOOP_SECRETS=$SCRATCH/secrets CERTLOOP_CONFIG=$SCRATCH/config.yaml
mkdir -m 0755 "$CERTLOOP_SPECS"

if [ "$mode" = acme ]; then
    step "An ACME server: Pebble, unpacked below build/peers, on loopback"
    tests/tools/get-peers.sh
    # shellcheck source=tests/lib/pebble.sh
    . tests/lib/pebble.sh
    CLEANUP+=(pebble_stop)
    pebble_start "$SCRATCH/pebble"
    cat >"$CERTLOOP_SPECS/issuer.yaml" <<YAML
apiVersion: certloop/v1
kind: Issuer
metadata: {name: hello-ca}
spec:
  acme:
    server: $PEBBLE_URL
    termsOfServiceAgreed: true
    caBundleFile: $PEBBLE_CA
    solvers: [{http01: {listen: "127.0.0.1:$PEBBLE_HTTP_PORT"}}]
YAML
else
    cat >"$CERTLOOP_SPECS/issuer.yaml" <<YAML
apiVersion: certloop/v1
kind: Issuer
metadata: {name: hello-ca}
spec: {ca: {generate: true}}
YAML
fi

step "The daemon, on $CERTLOOP_SPECS"
cat "$CERTLOOP_SPECS/issuer.yaml"
certloop run 2>"$SCRATCH/daemon.log" &
daemon=$!
stop_daemon() { stop_process "$daemon"; }
CLEANUP+=(stop_daemon)
if ! wait_until 10 "certloop status >/dev/null || ! kill -0 $daemon" || ! kill -0 "$daemon"; then
    cat "$SCRATCH/daemon.log" >&2
    fail "the daemon did not start"
fi

step "Drop a spec into the directory"
cat >"$SCRATCH/hello.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: hello}
spec:
  dnsNames: [hello.example.internal, www.hello.example.internal]
  issuerRef: {name: hello-ca}
YAML
cat "$SCRATCH/hello.yaml"
show certloop validate "$SCRATCH/hello.yaml"
mv "$SCRATCH/hello.yaml" "$CERTLOOP_SPECS/hello.yaml"

step "Wait until it is Ready"
show certloop wait hello --for condition=Ready --timeout 60s || {
    cat "$SCRATCH/daemon.log" >&2
    fail "the certificate did not become Ready"
}
show certloop get
show certloop describe hello
show ls -l "$CERTLOOP_STATE/live/hello/"

step "Serve it, and let a TLS client check it"
live=$CERTLOOP_STATE/live/hello
if [ "$mode" = acme ]; then
    pebble_root "$SCRATCH/root.pem"
else
    cp "$CERTLOOP_STATE/live/_issuers/hello-ca/ca.crt" "$SCRATCH/root.pem"
fi
port=$(free_ports 1)
chain=() # a root that signs by itself has no intermediates
[ ! -s "$live/chain.pem" ] || chain=(-cert_chain "$live/chain.pem")
openssl s_server -accept "127.0.0.1:$port" -cert "$live/cert.pem" "${chain[@]}" \
    -key "$live/privkey.pem" -www >"$SCRATCH/server.log" 2>&1 &
server=$!
stop_server() { stop_process "$server"; }
CLEANUP+=(stop_server)
url=https://hello.example.internal:$port/
client=(curl -sS --cacert "$SCRATCH/root.pem" --resolve "hello.example.internal:$port:127.0.0.1"
    -o /dev/null -w 'TLS verified: %{ssl_verify_result} (0 = ok), HTTP %{http_code}\n' "$url")
wait_until 10 "${client[*]@Q} >/dev/null"
show "${client[@]}"

step "Done: hello is Ready, from two files in $CERTLOOP_SPECS"
