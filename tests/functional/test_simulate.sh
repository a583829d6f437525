#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# certloop simulate: the user's own directory in virtual time. Nothing of it is changed.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
[ -x "$(dirname "$CERTLOOP")/certloop-simulate" ] || skip "certloop-simulate is not built"
scratch_dir
certloop_dirs
put issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: letsencrypt}
spec:
  acme:
    server: https://acme-v02.api.letsencrypt.org/directory
    termsOfServiceAgreed: true
    privateKeySecretRef: {name: not-here}
    solvers: [{dns01: {provider: cloudflare}}]
YAML
ISSUER=letsencrypt
certificate web "example.com, \"*.example.com\""
for n in $(seq 1 51); do
    certificate "tenant$n" "t$n.crowd.net"
done
before=$(cd "$SPECS" && find . -type f -exec sha256sum {} + | sort)

expect 0 cl simulate --horizon 120d
grep -Eq '^web: issued 2026-12-01T.*, renewed [1-9] times, the last until 2027' "$SCRATCH/out" ||
    { cat "$SCRATCH/out" >&2; fail "the year of web is not told"; }
grep -Eq '^tenant.*held at first: .*certificatesPerDomain crowd.net: 50 at once, then one more each' "$SCRATCH/out" ||
    { cat "$SCRATCH/out" >&2; fail "the 51st of a domain is not held"; }
grep -Eq '^In all: 52 certificates, .* 0 requests refused because of limits, 0 late\.' "$SCRATCH/out" ||
    { cat "$SCRATCH/out" >&2; fail "the sum is not told"; }
[ "$before" = "$(cd "$SPECS" && find . -type f -exec sha256sum {} + | sort)" ] || fail "a spec was changed"
[ ! -e "$STATE/lock" ] || fail "the state was touched"

# faults: a CA that is gone when renewals are due makes them late, and it is said by the exit code
rm "$SPECS"/tenant*.yaml
expect 1 cl simulate --horizon 120d --fault "acme-v02.api.letsencrypt.org down 50d 110d" -o json
jq -e '.late == 1 and (.certificates[0].issued | length) == 2' "$SCRATCH/out" >/dev/null ||
    { cat "$SCRATCH/out" >&2; fail "the outage is not told"; }
expect 0 cl simulate --horizon 30d --fault "clock 5d +1h" --fault "kill 1d"
expect 65 cl simulate --horizon 30d --fault "elsewhere.example down 1d 2d"
grep -q 'HOST is one of acme-v02.api.letsencrypt.org' "$SCRATCH/out" || fail "the fault is not explained"
expect 64 cl simulate --horizon soon
echo "spec: [" | put broken.yaml
expect 65 cl simulate --horizon 1d
