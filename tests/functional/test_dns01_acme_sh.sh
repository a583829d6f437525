#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DNS-01 by acme.sh's own scripts, as Debian ships them and unchanged: by certloop's runner, which stands in
# for the functions that they call, and by acme.sh itself. Specs may not run programs here: they name
# solvers of the Configuration, and follow it when it changes.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"
ACME_SH=$PEERS/acme.sh/usr/share/acme.sh
[ -f "$ACME_SH/dnsapi/dns_nsupdate.sh" ] || skip "no acme.sh in $PEERS: tests/tools/get-peers.sh unpacks it"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop nameservers_stop)

# both zones are on one address each; Pebble asks BIND, which passes questions for pdns.org on
pdns_start "$SCRATCH/pdns" pdns.org
BIND_RECURSION=yes BIND_MORE="zone \"pdns.org\" { type forward; forward only; forwarders { ${PDNS_SERVER%:*} port ${PDNS_SERVER##*:}; }; };" \
    bind_start "$SCRATCH/bind" example.org
export PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$SCRATCH/pebble"
KEY=hmac-sha256:acme:$TSIG_SECRET
PORT=$(free_ports 1)
: >"$SCRATCH/servers.log"
python3 "$TEST_ROOT/tests/lib/dns_servers.py" "$PORT" "$BIND_SERVER" "$KEY" "$SCRATCH/servers.log" &
servers=$!
# shellcheck disable=SC2317 # called at the end
stop_servers() { stop_process "$servers"; }
CLEANUP+=(stop_servers)
wait_until 15 "curl -sS -o /dev/null -X POST http://127.0.0.1:$PORT/"
account=$(curl -sS -X POST -d '{}' "http://127.0.0.1:$PORT/register")
member() { jq -r ".$1" <<<"$account"; }
nameserver_update "$BIND_SERVER" example.org \
    "update add _acme-challenge.acmedns.example.org 60 CNAME $(member fulldomain)."
mkdir -m 0700 "$SCRATCH/acme.sh"
(
    umask 077
    printf 'key "acme" { algorithm hmac-sha256; secret "%s"; };\n' "$TSIG_SECRET" >"$SECRETS/nsupdate.key"
    printf 'PDNS_Token=%s\n' "$PDNS_API_KEY" >"$SECRETS/pdns.env"
    printf 'ACMEDNS_USERNAME=%s\nACMEDNS_PASSWORD=%s\nACMEDNS_SUBDOMAIN=%s\n' \
        "$(member username)" "$(member password)" "$(member subdomain)" >"$SECRETS/acmedns.env"
    printf 'ACMEPROXY_PASSWORD=secret-of-bob\n' >"$SECRETS/acmeproxy.env"
)
NSUPDATE="NSUPDATE_SERVER: \"127.0.0.1\", NSUPDATE_SERVER_PORT: \"$BIND_PORT\", NSUPDATE_KEY: $SECRETS/nsupdate.key, NSUPDATE_ZONE: example.org"
PDNS="PDNS_Url: \"$PDNS_API\", PDNS_ServerId: localhost"
configure() { # KEY-FILE-OF-NSUPDATE
    cat >"$CONFIG.new" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  providerDirectories: ["$TEST_ROOT/backends/dns/providers"] # where the runner is
  solvers:
    nsupdate: {dns01: {exec: {protocol: acme.sh, script: $ACME_SH/dnsapi/dns_nsupdate.sh, env: {$NSUPDATE}}}}
    acmedns:
      dns01: {exec: {protocol: acme.sh, script: $ACME_SH/dnsapi/dns_acmedns.sh, envFile: $SECRETS/acmedns.env, env: {ACMEDNS_BASE_URL: "http://127.0.0.1:$PORT"}}}
    acmeproxy:
      dns01: {exec: {protocol: acme.sh, script: $ACME_SH/dnsapi/dns_acmeproxy.sh, envFile: $SECRETS/acmeproxy.env, env: {ACMEPROXY_ENDPOINT: "http://127.0.0.1:$PORT", ACMEPROXY_USERNAME: bob}}}
    pdns: {dns01: {exec: {protocol: acme.sh, script: $ACME_SH/dnsapi/dns_pdns.sh, envFile: $SECRETS/pdns.env, env: {$PDNS}}}}
    by-itself: # acme.sh finds its scripts and keeps its accounts
      dns01: {exec: {protocol: acme.sh, command: [$ACME_SH/acme.sh], script: dns_nsupdate, env: {$1, LE_WORKING_DIR: $ACME_SH, LE_CONFIG_HOME: $SCRATCH/acme.sh, HOME: $SCRATCH}}}
  dns:
    resolvers: ["$BIND_SERVER"]
    zones:
    - {zone: example.org, servers: ["$BIND_SERVER"]}
    - {zone: pdns.org, servers: ["$PDNS_SERVER"]}
YAML
    mv "$CONFIG.new" "$CONFIG"
}
configure "${NSUPDATE/nsupdate.key/no-such.key}"
chmod 0755 "$TEST_ROOT/backends/dns/providers"

by() { # NAME DOMAIN: a certificate for it and its wildcard by the solver NAME
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$2, "*.$2"]
  issuerRef: {name: pebble}
  solvers: [{name: $1}]
YAML
}
acme_issuer pebble
by nsupdate nsupdate.example.org
by acmedns acmedns.example.org
by acmeproxy acmeproxy.example.org
by pdns www.pdns.org
by by-itself by-itself.example.org
certloop_start
wait_ready nsupdate acmedns acmeproxy pdns

# ---- a solver that the Configuration has wrong holds its certificates, and they follow when it is mended
wait_until 30 "jq -e '.status.lastError.detail | test(\"the hook ended with 1\")' $STATE/status/by-itself.json" ||
    fail "lastError: $(jq -c .status.lastError "$STATE/status/by-itself.json")"
generation=$(jq .metadata.generation "$STATE/status/by-itself.json")
configure "$NSUPDATE"
wait_ready by-itself
[ "$(jq .metadata.generation "$STATE/status/by-itself.json")" -gt "$generation" ] || fail "the change was not seen as one of the spec"
[ "$(jq .metadata.generation "$STATE/status/nsupdate.json")" = 1 ] || fail "an unchanged solver changed its specs"

# ---- what a spec may not do, with the place
put inline.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: inline}
spec:
  dnsNames: [inline.example.org]
  solvers: [{dns01: {exec: {protocol: acme.sh, script: $ACME_SH/dnsapi/dns_nsupdate.sh}}}]
YAML
put misspelt.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: misspelt}
spec:
  dnsNames: [misspelt.example.org]
  solvers: [{name: nsupdat}]
YAML
cl validate "$SPECS" >"$SCRATCH/validate" 2>&1 && fail "both specs are accepted"
grep -q "inline.yaml:6:28: .*allowInlineHooks: true" "$SCRATCH/validate" || fail "$(cat "$SCRATCH/validate")"
grep -q "misspelt.yaml:6:20: .*the Configuration has no solver nsupdat; did you mean nsupdate?" "$SCRATCH/validate" ||
    fail "$(cat "$SCRATCH/validate")"
certloop_stop

# ---- all records are gone, but for acme-dns, which keeps two
for n in nsupdate acmeproxy by-itself; do
    [ -z "$(txt "$BIND_SERVER" "_acme-challenge.$n.example.org")" ] || fail "$n left records"
done
[ -z "$(txt "$PDNS_SERVER" _acme-challenge.www.pdns.org)" ] || fail "pdns left records"
[ "$(txt "$BIND_SERVER" "$(member fulldomain)" | wc -l)" = 2 ] || fail "the server of acme-dns lost a value"
for path in present cleanup; do
    [ "$(grep -c "^/$path" "$SCRATCH/servers.log")" = 2 ] || fail "acmeproxy: $(cat "$SCRATCH/servers.log")"
done
if grep -rqF -e "$TSIG_SECRET" -e secret-of-bob -e "$(member password)" "$STATE/status" "$DAEMON_LOG"; then
    fail "a secret is in status or log"
fi
