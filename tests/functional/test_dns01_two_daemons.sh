#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two daemons with two state directories write to one BIND zone at the same time: 20 certificates
# each, ten of them for names that the other asks for, too, so that both write at one name. All become
# Ready, and afterwards the zone is as it was.
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
ROOT=$SCRATCH
declare -A PIDS

as() { # WHO: the other functions mean this daemon from now on
    [ -z "${WHO:-}" ] || PIDS[$WHO]=${DAEMON:-}
    WHO=$1 SCRATCH=$ROOT/$1 DAEMON=${PIDS[$1]:-}
    mkdir -p "$SCRATCH"
    certloop_dirs
}
stop_both() {
    as two
    certloop_stop
    as one
    certloop_stop
}
CLEANUP+=(pebble_stop nameservers_stop)

ZONE_RECORDS=('_acme-challenge.both3 TXT "a value of somebody else"' 'www TXT "a bystander"')
bind_start "$ROOT/bind" example.org
zone() { # all of it, but for the serial
    python3 - "$BIND_PORT" <<'PY'
import subprocess, sys
names = ["www", "_acme-challenge"]
names += ["_acme-challenge.%s%d" % (who, i) for who in ("both", "one", "two") for i in range(10)]
for name in names:
    out = subprocess.run(["dig", "+short", "+norec", "@127.0.0.1", "-p", sys.argv[1],
                          name + ".example.org", "TXT"], capture_output=True, text=True, check=True)
    print(name, *sorted(out.stdout.splitlines()))
PY
}
zone >"$ROOT/before"
export PEBBLE_RESOLVER=$BIND_SERVER
pebble_start "$ROOT/pebble"

for who in one two; do
    as "$who"
    mkdir "$SECRETS/bind"
    (umask 077 && echo "$TSIG_SECRET" >"$SECRETS/bind/secret")
    cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  dns:
    resolvers: ["$BIND_SERVER"]
    zones: [{zone: example.org, servers: ["$BIND_SERVER"]}]
YAML
    acme_issuer pebble "{dns01: {rfc2136: {nameserver: \"$BIND_SERVER\", tsigKeyName: acme, tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {name: bind}}}}"
    for i in {0..9}; do
        certificate "both$i" "both$i.example.org, \"*.both$i.example.org\""
        certificate "$who$i" "\"*.$who$i.example.org\""
    done
done
CLEANUP+=(stop_both)
for who in one two; do
    as "$who"
    certloop_start
done
for who in one two; do
    as "$who"
    # shellcheck disable=SC2046 # words
    wait_ready $(printf '%s ' "$who"{0..9} both{0..9}) >/dev/null
done
# Each is an order of its own; none had to be made twice because of the other.
[ "$(pebble_orders)" = 40 ] || fail "$(pebble_orders) orders instead of 40"
stop_both
zone >"$ROOT/after"
diff "$ROOT/before" "$ROOT/after" || fail "the zone is not as it was"
for who in one two; do
    [ -z "$(find "$ROOT/$who/state/dns" -name '*.jsonl')" ] || fail "$who left a journal"
done
