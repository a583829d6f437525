#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DNS-01 by programs and servers of others: each exec protocol with a hook that is strict about how
# it is called, httpreq in both modes, acme-dns with registration. All write to one BIND zone, which
# is clean afterwards.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop nameservers_stop)

bind_start "$SCRATCH/bind" example.org
export PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$SCRATCH/pebble"
KEY=hmac-sha256:acme:$TSIG_SECRET
PORT=$(free_ports 1)
: >"$SCRATCH/servers.log"
: >"$SCRATCH/hooks.log"
python3 "$TEST_ROOT/tests/lib/dns_servers.py" "$PORT" "$BIND_SERVER" "$KEY" "$SCRATCH/servers.log" &
servers=$!
# shellcheck disable=SC2317 # called at the end
stop_servers() { stop_process "$servers"; }
CLEANUP+=(stop_servers)
wait_until 15 "curl -sS -o /dev/null -X POST http://127.0.0.1:$PORT/"

# a provider that its user describes, with room for one value at a name
mkdir -m 0755 "$SCRATCH/providers" "$SECRETS/testslot"
cat >"$SCRATCH/providers/testslot.yaml" <<YAML
provider: testslot
credentials: {token: {secret: true, env: TESTSLOT_TOKEN}}
request: {base: "http://127.0.0.1:$PORT"}
slot:
  values: 1
  set: {GET: /slot, query: {name: "\${name.fqdn}", txt: "\${value}", token: "\${cred.token}"}}
  clear: {GET: /slot, query: {name: "\${name.fqdn}", txt: "", token: "\${cred.token}"}}
YAML
(umask 077 && echo secret-of-slot >"$SECRETS/testslot/TESTSLOT_TOKEN")

cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  allowInlineHooks: true
  providerDirectories: ["$SCRATCH/providers", "$TEST_ROOT/backends/dns/providers"]
  dns:
    resolvers: ["$BIND_SERVER"]
    zones: [{zone: example.org, servers: ["$BIND_SERVER"]}]
YAML
(
    umask 077
    printf '# of the hook\nexport HOOK_KEY="%s"\n' "$KEY" >"$SECRETS/hook.env"
    mkdir "$SECRETS/httpreq"
    echo bob >"$SECRETS/httpreq/username"
    echo secret-of-bob >"$SECRETS/httpreq/password"
    echo "http://127.0.0.1:$PORT/" >"$SECRETS/httpreq/url"
)
chmod 0755 "$TEST_ROOT/backends/dns/providers"

by() { # NAME SOLVER: a certificate for NAME.example.org and its wildcard
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$1.example.org, "*.$1.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {$2}}]
YAML
}
ENVIRONMENT="envFile: $SECRETS/hook.env, env: {HOOK_SERVER: \"127.0.0.1\", HOOK_PORT: \"$BIND_PORT\", HOOK_LOG: \"$SCRATCH/hooks.log\"}"
acme_issuer pebble
PROTOCOLS=(lego lego-raw certbot dehydrated mod_md uacme acmetool certloop)
names=()
for p in "${PROTOCOLS[@]}"; do
    n=${p/_/-}
    by "$n" "exec: {command: [\"$TEST_ROOT/tests/lib/dns_hook.sh\", $p], protocol: $p, $ENVIRONMENT}"
    names+=("$n")
done
cp "$TEST_ROOT/tests/lib/dns_nsupdate.sh" "$SCRATCH/dns_testnsupdate.sh"
by acme-sh "exec: {protocol: acme.sh, script: \"$SCRATCH/dns_testnsupdate.sh\", $ENVIRONMENT}"
by httpreq "httpreq: {credentialsRef: httpreq}"
by httpreq-raw "httpreq: {credentialsRef: httpreq, mode: RAW}"
by slot "provider: testslot"
names+=(acme-sh httpreq httpreq-raw slot)
certloop_start
wait_ready "${names[@]}"

# ---- acme-dns: the account is registered, and the status says which record to publish
by delegated "acmeDNS: {host: \"http://127.0.0.1:$PORT\"}"
wait_until 20 "jq -e '.status.lastError.detail | test(\"CNAME [0-9a-f-]*.acme-dns.example.org\")' $STATE/status/delegated.json"
[ "$(grep -c '^/register' "$SCRATCH/servers.log")" = 1 ] || fail "more than one account"
target=$(status delegated .status.lastError.detail | grep -o '[0-9a-f-]*\.acme-dns\.example\.org' | head -n 1)
nameserver_update "$BIND_SERVER" example.org "update add _acme-challenge.delegated.example.org 60 CNAME $target."
echo '  revisionHistoryLimit: 2' >>"$SPECS/delegated.yaml" # another spec is tried at once
wait_ready delegated
certloop_stop
[ "$(grep -c '^/register' "$SCRATCH/servers.log")" = 1 ] || fail "an account that exists was registered again"
[ "$(txt "$BIND_SERVER" "$target" | wc -l)" = 2 ] || fail "the server of acme-dns lost a value"

# ---- one value at a time: the wildcard's when the apex is proved, or the other way round
[ "$(grep -cE '^/slot .{43}$' "$SCRATCH/servers.log")" = 2 ] || fail "slot: $(grep '^/slot' "$SCRATCH/servers.log")"

# ---- nothing is left but what acme-dns keeps
for n in "${names[@]}"; do
    left=$(txt "$BIND_SERVER" "_acme-challenge.$n.example.org")
    [ -z "$left" ] || fail "$n left: $left"
done
for p in "${PROTOCOLS[@]}" acme.sh; do
    [ "$(grep -c "^$p .*add" "$SCRATCH/hooks.log")" = 2 ] || fail "$p: $(grep "^$p" "$SCRATCH/hooks.log")"
    [ "$(grep -c "^$p .*delete" "$SCRATCH/hooks.log")" = 2 ] || fail "$p: $(grep "^$p" "$SCRATCH/hooks.log")"
done
if grep -rqF "$TSIG_SECRET" "$STATE/status" "$DAEMON_LOG"; then fail "a secret is in status or log"; fi
if grep -rqF secret-of-bob "$STATE/status" "$DAEMON_LOG"; then fail "a password is in status or log"; fi
