#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run --once and check: the exit codes that cron, init containers and monitoring rely on; and every
# command with --help, -o json and the wrong arguments.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
internal_issuer
expect 64 cl run --bogus
expect 64 cl bogus
expect 64 cl certonly
expect 64 cl
expect 3 cl status
expect 3 cl check

certificate one "one.example.internal"
expect 0 cl run --once --timeout 60s
[ "$(condition one Ready)" = True ] || fail "not Ready after run --once"
check_ok
grep -Eq '^(OK|WARNING): 1 of 1 certificates are fine' "$SCRATCH/out" || fail "check: $(cat "$SCRATCH/out")"
check_ok one
expect 2 cl check nobody
expect 1 cl check -w 100d
expect 2 cl check -c 100d
check_ok -w 10% -c 5d
expect 3 cl check -w bogus
expect 0 cl plan
expect 0 cl run --once --timeout 60s # nothing to do
[ "$(status one .status.revision)" = 1 ] || fail "run --once renewed without need"

# due, but held: 2
certificate two "two.example.internal" "  suspend: true"
expect 2 cl run --once --timeout 60s
grep -q 'two: Suspended' "$SCRATCH/out" || fail "run --once does not say what waits"
expect 1 cl check # a first issuance is a warning for a while
expect 2 cl check --grace 0s
# something to do: 2
sed -i '/suspend/d' "$SPECS/two.yaml"
expect 2 cl plan
grep -q '^two .*Issue.*DoesNotExist' "$SCRATCH/out" || fail "plan: $(cat "$SCRATCH/out")"
expect 0 cl run --once --timeout 60s
# invalid: 1
echo 'kind: Certificate' | put three.yaml
expect 1 cl run --once --timeout 60s
expect 1 cl check
expect 1 cl plan
expect 1 cl validate "$SPECS"
rm "$SPECS/three.yaml"
# an issuer that is not there: 1, at the latest when the time is over
ISSUER=nobody certificate four "four.example.internal"
expect 1 cl run --once --timeout 2s
grep -q 'four: IssuerNotFound' "$SCRATCH/out" || fail "four: $(cat "$SCRATCH/out")"
rm "$SPECS/four.yaml"
# a configuration that cannot be read: 78
echo 'kind: Configuration' >"$CONFIG"
expect 78 cl run --once
grep -q "config.yaml:[0-9]*:[0-9]*: " "$SCRATCH/out" || fail "no position: $(cat "$SCRATCH/out")"
rm "$CONFIG"

# a second daemon on the same state: 75; a dead daemon does not stop check
certloop_start
expect 75 cl run
expect 0 cl status
expect 0 cl get
expect 0 cl get -o wide
expect 0 cl get issuers
expect 0 cl get files
expect 1 cl get nobody
expect 0 cl describe one
expect 0 cl describe internal
expect 1 cl describe nobody
expect 0 cl events
expect 0 cl wait
expect 1 cl wait nobody --timeout 1s
expect 64 cl wait one --for condition=Bogus
expect 64 cl renew
expect 1 cl renew --all </dev/null
expect 0 cl renew --all --yes
wait_until 30 "[ \"\$(status one .status.revision)\" = 2 ]"
expect 0 cl prune
for command in 'get' 'get issuers' 'get files' 'status' 'describe one' 'events' 'plan' 'prune' \
    'version' "validate $SPECS" 'check'; do
    # shellcheck disable=SC2086 # words
    if [ "$command" = check ]; then
        cl check -o json >"$SCRATCH/out" || true # its exit code is looked at above
    else
        expect 0 cl $command -o json
    fi
    jq -e . "$SCRATCH/out" >/dev/null || fail "$command -o json is not JSON: $(cat "$SCRATCH/out")"
done
mkdir "$SCRATCH/nothing"
cl --state "$SCRATCH/nothing" check -o json >"$SCRATCH/out" 2>/dev/null && fail "a check without a status is fine"
jq -e '.status == "UNKNOWN" and .exitCode == 3 and (.messages[0] | startswith("no status in "))' "$SCRATCH/out" >/dev/null ||
    fail "check without a status: $(cat "$SCRATCH/out")"
for command in run validate plan get status describe events wait renew check prune version; do
    expect 0 cl $command --help
    grep -q "^Usage: certloop $command" "$SCRATCH/out" || fail "$command --help"
done
expect 0 cl --version
expect 0 cl --help
expect 0 cl get -o yaml
expect 0 cl get -o name
grep -qx certificate/one "$SCRATCH/out" || fail "get -o name"
# a spec set can be proved from a checkout
[ "$(cl get files --hash "$SPECS")" = "$(jq -r .specSetSha256 "$STATE/status/_summary.json")" ] ||
    fail "the set hash of the checkout differs"
certloop_kill
check_ok
# ---- a DNS provider that does not exist, and one whose secret is missing, are told before they count
mkdir "$SCRATCH/dns"
cat >"$SCRATCH/dns/config.yaml" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec: {providerDirectories: ["$TEST_ROOT/backends/dns/providers"]}
YAML
dns_spec() { # PROVIDER
    cat >"$SCRATCH/dns/wild.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: wild}
spec: {dnsNames: ["*.example.com"], solvers: [{dns01: {provider: $1}}]}
YAML
}
dns_spec cloudfare
expect 1 cl validate --config "$SCRATCH/dns/config.yaml" "$SCRATCH/dns/wild.yaml"
grep -q 'wild.yaml:1:1: error: .*did you mean cloudflare?' "$SCRATCH/out" || fail "$(cat "$SCRATCH/out")"
dns_spec cloudflare
expect 0 cl validate --config "$SCRATCH/dns/config.yaml" "$SCRATCH/dns/wild.yaml"
grep -q "warning: .*CF_DNS_API_TOKEN.* in $SECRETS/cloudflare" "$SCRATCH/out" || fail "$(cat "$SCRATCH/out")"
exit 0
