#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The specs that somebody writes on the first day: a web site with its own webroot, a CA of one's
# own, a sidecar become Ready as they stand; what is not built yet is refused by name. And every
# example passes validate.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir

# spec KIND: standard input with the two lines that every document starts with
spec() {
    printf 'apiVersion: certloop/v1\nkind: %s\n' "$1"
    cat
}
# refused FILE TEXT: validate names the field of FILE in an error
refused() {
    local out
    out=$(cl validate "$1") && fail "$1 is accepted: $out"
    grep -Eq "^$1:[0-9]+:[0-9]+: error: .*$2" <<<"$out" || fail "$1 is refused without '$2': $out"
}

# ---- 0 and 1: Let's Encrypt and a web site; only server and places are this test's ----
SCRATCH=$SCRATCH/web certloop_dirs
CLEANUP+=(pebble_stop stop_web_server)
pebble_start "$SCRATCH/pebble"
WWW=$SCRATCH/web
mkdir -p "$WWW/var/www/acme" "$WWW/srv/www/example"
# A web server as it would be: example.com has a root of its own, all else goes to the default one.
cat >"$SCRATCH/server.py" <<'PY'
import http.server, os, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        own = self.headers.get("Host", "").split(":")[0].endswith("example.com")
        self.directory = sys.argv[2] + ("/srv/www/example" if own else "/var/www/acme")
        return super().translate_path(path)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
python3 "$SCRATCH/server.py" "$PEBBLE_HTTP_PORT" "$WWW" 2>"$SCRATCH/server.log" &
WEB_SERVER=$!
# shellcheck disable=SC2317 # called by name when the test ends
stop_web_server() { stop_process "$WEB_SERVER"; }
wait_until 10 "curl -sS -o /dev/null http://127.0.0.1:$PEBBLE_HTTP_PORT/"

cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  webroots: [$WWW/var/www, $WWW/srv]
  hooks:
    reload-nginx: {exec: [touch, $SCRATCH/reloaded]}
YAML
here() { # what is not the same on every machine
    sed -e "s|https://acme-v02.api.letsencrypt.org/directory|$PEBBLE_URL|" \
        -e "s|termsOfServiceAgreed|caBundleFile: $PEBBLE_CA, &|" \
        -e "s|/var/www/acme|$WWW&|; s|/srv/www/example|$WWW&|"
}
certloop_start
spec Issuer <<'YAML' | here | put issuers.yaml
metadata: {name: letsencrypt}
spec: {acme: {server: "https://acme-v02.api.letsencrypt.org/directory", email: ops@example.com, termsOfServiceAgreed: true, solvers: [{http01: {webroot: /var/www/acme}}]}}
YAML
spec Certificate <<'YAML' | here | put www.yaml
metadata: {name: www}
spec: {dnsNames: [example.com, www.example.com], solvers: [{http01: {webroot: /srv/www/example}}], hooks: [reload-nginx], probe: {connect: ":443"}}
YAML
spec Certificate <<'YAML' | put plain.yaml
metadata: {name: plain}
spec: {dnsNames: [plain.example.org]}
YAML
wait_ready www plain
wait_until 10 "[ -e $SCRATCH/reloaded ]" || fail "the hook did not run"
condition www Deployed | grep -qx True && fail "Deployed, although nothing of this test is on port 443"
pebble_root "$SCRATCH/root.pem"
live=$STATE/live/www
for f in cert.pem chain.pem fullchain.pem privkey.pem; do
    [ -s "$live/$f" ] || fail "live/www/$f is missing"
done
openssl verify -CAfile "$SCRATCH/root.pem" -untrusted "$live/chain.pem" -verify_hostname www.example.com \
    "$live/cert.pem" >/dev/null || fail "the chain of www does not verify"
openssl pkey -in "$live/privkey.pem" -noout -text | grep -q prime256v1 || fail "the key is not P-256"
for root in "$WWW/srv/www/example" "$WWW/var/www/acme"; do
    [ -d "$root/.well-known/acme-challenge" ] || fail "$root was not used"
    wait_until 10 "! find $root -type f | grep ." || fail "tokens stay in $root"
done
find "$STATE/accounts" -type f -perm /077 | grep . && fail "an account file can be read by others"
certloop_stop

# ---- 5 and 6: a CA of one's own, and a sidecar that shares only --live ----
SCRATCH=$SCRATCH/sidecar certloop_dirs
SIDECAR=${SPECS%/*}
export CERTLOOP_STATE=$SIDECAR/state CERTLOOP_SPECS=$SIDECAR/acme.d
tls=$SIDECAR/tls
spec Issuer <<'YAML' | put internal.yaml
metadata: {name: internal}
spec: {ca: {generate: {commonName: Example Internal CA, nameConstraints: {permitted: {dnsDomains: [internal]}}}}}
YAML
spec Certificate <<'YAML' | put app.yaml
metadata: {name: app}
spec: {dnsNames: [app.internal], issuerRef: {name: internal}}
YAML
certloop_start --specs "$SPECS" --state "$STATE" --live "$tls"
wait_ready app
root=$tls/_issuers/internal/ca.crt
openssl x509 -in "$root" -noout -subject | grep -q 'CN = Example Internal CA' || fail "another root"
openssl x509 -in "$root" -noout -ext nameConstraints | grep -q 'DNS:internal' || fail "no constraints"
openssl verify -CAfile "$root" -verify_hostname app.internal "$tls/app/fullchain.pem" >/dev/null ||
    fail "app does not verify"
[ ! -e "$STATE/live/app" ] || fail "--live does not move live/"
find "$tls" -name '*.json' | grep . && fail "more than certificates in the shared directory"
# the constraints hold for what is asked: other names never become a certificate
spec Certificate <<'YAML' | put outside.yaml
metadata: {name: outside}
spec: {dnsNames: [www.example.com], issuerRef: {name: internal}}
YAML
wait_until 20 "[ \"\$(condition outside Ready)\" = False ] && status outside .status | grep -qi constraint" ||
    fail "no word on the name constraints: $(status outside .status.conditions)"
certloop_stop

# ---- 2a, 2b, 3, 4: what is not there yet is told by name ----
unset CERTLOOP_CONFIG # as installed
cat >"$SIDECAR/config.yaml" <<'YAML'
apiVersion: certloop/v1
kind: Configuration
spec:
  hooks:
    reload-nginx: {systemd: {unit: nginx.service}}
    reload-haproxy: {systemd: {unit: haproxy.service}}
    reload-postfix: {systemd: {unit: postfix.service}}
    reload-dovecot: {systemd: {unit: dovecot.service}}
YAML
export CERTLOOP_CONFIG=$SIDECAR/config.yaml
spec Certificate >"$SIDECAR/wild.yaml" <<'YAML'
metadata: {name: wild}
spec: {dnsNames: [example.com, "*.example.com"], solvers: [{dns01: {provider: cloudflare}}], hooks: [reload-nginx]}
YAML
spec Certificate >"$SIDECAR/wild-bind.yaml" <<'YAML'
metadata: {name: wild-bind}
spec:
  dnsNames: [example.org, "*.example.org"]
  solvers: [{dns01: {rfc2136: {nameserver: "10.0.0.53:53", tsigKeyName: acme, tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {name: bind, key: secret}}}}]
YAML
spec Certificate >"$SIDECAR/shop.yaml" <<'YAML'
metadata: {name: shop}
spec:
  dnsNames: [shop.example.com]
  outputs: [{directory: /etc/haproxy/certs, group: haproxy, files: {shop.pem: [fullchain, key]}}]
  hooks: [reload-haproxy]
  probe: {connect: ":443"}
YAML
spec Certificate >"$SIDECAR/mail.yaml" <<'YAML'
metadata: {name: mail}
spec:
  dnsNames: [mail.example.com]
  hooks: [reload-postfix, reload-dovecot]
  probes: [{connect: ":25", starttls: smtp}, {connect: ":993"}]
YAML
cl validate "$SIDECAR/wild.yaml" >/dev/null || fail "a wildcard by Cloudflare is refused"
cl validate "$SIDECAR/wild-bind.yaml" >/dev/null || fail "a wildcard by BIND is refused"
refused "$SIDECAR/mail.yaml" starttls
cl validate "$SIDECAR/shop.yaml" >/dev/null || fail "HAProxy's combined file is refused"
sed -i 's/, starttls: smtp//' "$SIDECAR/mail.yaml"
cl validate "$SIDECAR/mail.yaml" >/dev/null || fail "two hooks and two probes are refused"

# ---- the examples ----
export CERTLOOP_CONFIG=$TEST_ROOT/examples/config.yaml
for f in "$TEST_ROOT"/examples/specs/*.yaml; do
    out=$(cl validate "$f") || fail "$f: $out"
    [ "$(grep -c ': error: ' <<<"$out")" = 0 ] || fail "$f: $out"
done
cl validate "$CERTLOOP_CONFIG" >/dev/null || fail "examples/config.yaml is refused"
out=$(cl validate "$TEST_ROOT/examples/specs") || fail "the examples do not go together: $out"
exit 0
