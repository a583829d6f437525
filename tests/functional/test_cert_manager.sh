#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Documents written for cert-manager become Ready as they are: the ACME pair (server and its root
# replaced), the long Certificate example from a ca issuer, and the self-signed way to a CA.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir

# expect TEXT FILE WHAT...: FILE, printed by openssl x509 with WHAT, contains TEXT.
expect() {
    local text=$1 file=$2
    shift 2
    openssl x509 -in "$file" -noout "$@" | grep -qF -- "$text" ||
        fail "$file: no '$text' in $(openssl x509 -in "$file" -noout "$@")"
}
# names FILE: the subject alternative names, one a line, sorted
names() {
    openssl x509 -in "$1" -noout -ext subjectAltName | sed 1d | tr ',' '\n' | sed 's/^ *//' | sort
}
expect_names() { # FILE NAME...: exactly these
    local file=$1
    shift
    diff <(printf '%s\n' "$@" | sort) <(names "$file") || fail "$file: other names"
}
match() { # CERT KEY: they belong together
    cmp <(openssl x509 -in "$1" -noout -pubkey) <(openssl pkey -in "$2" -pubout) ||
        fail "$2 is not the key of $1"
}
rsa_pkcs1() { # KEY: RSA 2048 in the form of PKCS #1
    head -n 1 "$1" | grep -qx -e '-----BEGIN RSA PRIVATE KEY-----' || fail "$1 is not PKCS #1"
    openssl rsa -in "$1" -noout -text | grep -qF '(2048 bit' || fail "$1 is not RSA 2048"
}
private() { # FILE: for its owner only
    [ "$(stat -Lc %a "$1")" = 600 ] || fail "$1 has mode $(stat -Lc %a "$1")"
}

# ---- the ACME pair, against Pebble ----
SCRATCH=$SCRATCH/acme certloop_dirs
CLEANUP+=(pebble_stop)
pebble_start "$SCRATCH/pebble"
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  http01: {listen: "127.0.0.1:$PEBBLE_HTTP_PORT"}
YAML
put acme.yaml <<YAML
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata:
  name: letsencrypt-staging
spec:
  acme:
    email: user@example.com
    server: $PEBBLE_URL
    caBundle: $(base64 -w0 "$PEBBLE_CA")
    privateKeySecretRef:
      name: example-issuer-account-key
    solvers:
    - http01:
        ingress:
          ingressClassName: nginx
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: example-com
  namespace: sandbox
spec:
  secretName: example-com-tls
  dnsNames:
  - example.com
  - www.example.com
  issuerRef:
    name: letsencrypt-staging
    kind: ClusterIssuer
    group: cert-manager.io
YAML
certloop_start
wait_ready sandbox/example-com
live=$STATE/live/sandbox_example-com-tls
pebble_root "$SCRATCH/root.pem"
expect_names "$live/tls.crt" DNS:example.com DNS:www.example.com
match "$live/tls.crt" "$live/tls.key"
rsa_pkcs1 "$live/tls.key"
private "$live/tls.key"
openssl verify -CAfile "$SCRATCH/root.pem" -untrusted "$live/tls.crt" -verify_hostname www.example.com \
    "$live/tls.crt" >/dev/null || fail "the chain does not verify"
[ ! -e "$live/ca.crt" ] || fail "ca.crt, although an ACME server's root is not known"
find "$SECRETS" -type f | grep . && fail "something was written into the secrets directory"
jq -e '.status.conditions[] | select(.type == "Ready") | .status == "True"' \
    "$STATE/status/issuers/letsencrypt-staging.json" >/dev/null || fail "the ClusterIssuer is not Ready"
certloop_stop
pebble_stop

# ---- the long Certificate example, from a CA made on first use ----
SCRATCH=$SCRATCH/long certloop_dirs
put ca-issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: ca-issuer}
spec: {ca: {generate: {commonName: Sandbox CA}}}
YAML
put example-com.yaml <<'YAML'
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: example-com
  namespace: sandbox
spec:
  secretName: example-com-tls
  secretTemplate:
    annotations:
      my-secret-annotation-1: "foo"
      my-secret-annotation-2: "bar"
    labels:
      my-secret-label: foo
  privateKey:
    algorithm: RSA
    encoding: PKCS1
    size: 2048
  duration: 2160h # 90d
  renewBefore: 360h # 15d
  isCA: false
  usages:
    - server auth
    - client auth
  subject:
    organizations:
      - jetstack
  commonName: example.com
  dnsNames:
    - example.com
    - www.example.com
  uris:
    - spiffe://cluster.local/ns/sandbox/sa/example
  emailAddresses:
    - john.doe@cert-manager.io
  ipAddresses:
    - 192.168.0.5
  issuerRef:
    name: ca-issuer
    kind: Issuer
    group: cert-manager.io
YAML
certloop_start
wait_ready sandbox/example-com
live=$STATE/live/sandbox_example-com-tls
expect_names "$live/tls.crt" DNS:example.com DNS:www.example.com "IP Address:192.168.0.5" \
    URI:spiffe://cluster.local/ns/sandbox/sa/example email:john.doe@cert-manager.io
expect "O = jetstack" "$live/tls.crt" -subject
expect "CN = example.com" "$live/tls.crt" -subject
expect "TLS Web Server Authentication, TLS Web Client Authentication" "$live/tls.crt" -ext extendedKeyUsage
expect "CA:FALSE" "$live/tls.crt" -ext basicConstraints
openssl x509 -in "$live/tls.crt" -noout -checkend $((89 * 86400)) >/dev/null || fail "less than 90 days"
openssl x509 -in "$live/tls.crt" -noout -checkend $((91 * 86400)) >/dev/null && fail "more than 90 days"
match "$live/tls.crt" "$live/tls.key"
rsa_pkcs1 "$live/tls.key"
private "$live/tls.key"
expect "CN = Sandbox CA" "$live/ca.crt" -subject
cmp "$live/ca.crt" "$STATE/live/_issuers/ca-issuer/ca.crt" || fail "the root is published differently"
openssl verify -CAfile "$live/ca.crt" -verify_hostname example.com -purpose sslserver "$live/tls.crt" >/dev/null ||
    fail "the chain does not verify for a server"
openssl verify -CAfile "$live/ca.crt" -verify_ip 192.168.0.5 -purpose sslclient "$live/tls.crt" >/dev/null ||
    fail "the chain does not verify for a client"
s=$STATE/status/sandbox/example-com.json
jq -e '.status.warnings | map(select(test("secretTemplate"))) | length == 1' "$s" >/dev/null ||
    fail "secretTemplate is dropped in silence"
# up to a day earlier, so that what was issued together is not renewed together
jq -e '((.status.notAfter | fromdate) - (.status.renewalTime | fromdate)) / 86400 | . >= 15 and . <= 16' "$s" >/dev/null ||
    fail "renewBefore is not kept: $(jq -c '.status | {notAfter, renewalTime}' "$s")"
cl validate "$SPECS" >/dev/null || fail "validate refuses what run takes"
# keystores are refused by name, not dropped
sed 's/^  duration/  keystores: {pkcs12: {create: true, passwordSecretRef: {key: password-key, name: jks}}}\n&/' \
    "$SPECS/example-com.yaml" >"$SCRATCH/keystores.yaml"
out=$(cl validate "$SCRATCH/keystores.yaml") && fail "keystores are accepted"
grep -q 'keystores.yaml:[0-9]*:[0-9]*: error: .*keystores\.pkcs12' <<<"$out" || fail "keystores: $out"
certloop_stop

# ---- selfSigned, then a Certificate with isCA, then ca: all in one file ----
SCRATCH=$SCRATCH/bootstrap certloop_dirs
cp "$TEST_ROOT/examples/specs/09-cert-manager-bootstrap.yaml" "$SPECS/"
certloop_start
wait_ready sandbox/my-selfsigned-ca sandbox/service
root=$STATE/live/sandbox_root-secret service=$STATE/live/sandbox_service-tls
expect "CN = my-selfsigned-ca" "$root/tls.crt" -subject
expect "CA:TRUE" "$root/tls.crt" -ext basicConstraints
expect "Certificate Sign" "$root/tls.crt" -ext keyUsage
openssl pkey -in "$root/tls.key" -noout -text | grep -q 'prime256v1' || fail "the CA's key is not P-256"
private "$root/tls.key"
openssl verify -CAfile "$root/tls.crt" "$root/tls.crt" >/dev/null || fail "the root is not self-signed"
cmp "$root/ca.crt" "$root/tls.crt" || fail "ca.crt of a self-signed certificate is not itself"
expect_names "$service/tls.crt" DNS:service.sandbox.internal
expect "O = Example" "$service/tls.crt" -subject
expect "CN = my-selfsigned-ca" "$service/tls.crt" -issuer
cmp "$service/ca.crt" "$root/tls.crt" || fail "ca.crt of the service is not the root"
openssl verify -CAfile "$service/ca.crt" -verify_hostname service.sandbox.internal "$service/tls.crt" >/dev/null ||
    fail "the service does not verify against the bootstrapped root"
match "$service/tls.crt" "$service/tls.key"
rsa_pkcs1 "$service/tls.key"
cl get -A | grep -Eq 'service +True' || fail "get does not show it: $(cl get -A)"
[ "$(cl get certificates -A -o name | wc -l)" = 2 ] || fail "more or fewer than two Certificates"
# over a restart the CA is still the archived pair of that Certificate
serial=$(openssl x509 -in "$service/tls.crt" -noout -serial)
certloop_stop
certloop_start
wait_ready sandbox/my-selfsigned-ca sandbox/service
[ "$(openssl x509 -in "$service/tls.crt" -noout -serial)" = "$serial" ] || fail "a restart issued again"
exit 0
