#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A small Internet of its own: a recursive server that knows the zone org and follows its delegations,
# BIND, Knot DNS and PowerDNS with a zone each, all at port 53; certloop is told the recursive server
# and nothing else. A wildcard CNAME is not taken for a delegation, an explicit
# one is followed; the embedded responder is reached by NS and by CNAME; a lame and a silent name
# server are reported and hold nobody up.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"

# In a network of one's own port 53 is free, and only there may anybody add addresses.
if [ -z "${OWN_NETWORK:-}" ]; then
    command -v ip >/dev/null || skip "no ip: tests/tools/install-packages.sh installs iproute2"
    user=
    [ "$(id -u)" = 0 ] || user=--map-root-user
    unshare ${user:+"$user"} --net true 2>/dev/null || skip "no network of its own is allowed here"
    OWN_NETWORK=1 exec unshare ${user:+"$user"} --net "$0"
fi
NET=127.53.0
ip link set lo up
for host in 1 2 3 4 5 6 8; do ip address add "$NET.$host/32" dev lo; done
BIND=$NET.1 LAME=$NET.2 KNOT=$NET.3 PDNS=$NET.4 RESPONDER=$NET.5 SILENT=$NET.6 ROOT=$NET.8
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop nameservers_stop stop_more)
# shellcheck disable=SC2317 # called at the end
stop_more() {
    _ns_stop "$SCRATCH/recursive"
    _ns_stop "$SCRATCH/lame"
    [ -z "${silent:-}" ] || stop_process "$silent"
}

# ---- org, and who may be asked for everything
cat >"$SCRATCH/org" <<ZONE
\$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 5
@ NS ns
ns A $ROOT
example NS ns.example
example NS lame.example
ns.example A $BIND
lame.example A $LAME
knot NS ns.knot
ns.knot A $KNOT
pdns NS ns.pdns
ns.pdns A $PDNS
ZONE
printf '%s\n@ SOA ns.org. hostmaster.org. 1 3600 600 86400 5\n@ NS ns.org.\norg NS ns.org.\nns.org. A %s\n' \
    "\$TTL 60" "$ROOT" >"$SCRATCH/root"
export NS_PORT=53
NS_ADDRESS=$ROOT BIND_RECURSION=yes BIND_MORE="
    zone \".\" { type primary; file \"$SCRATCH/root\"; };
    zone \"org\" { type primary; file \"$SCRATCH/org\"; };" bind_start "$SCRATCH/recursive" recursive.test
RECURSIVE=$BIND_SERVER
NS_ADDRESS=$LAME bind_start "$SCRATCH/lame" something.else
python3 - "$SILENT" <<'PY' &
import signal, socket, sys
held = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
for s in held:
    s.bind((sys.argv[1], 53))
held[0].listen(100)
signal.pause() # until the test ends it
PY
silent=$!

# ---- the zones
# shellcheck disable=SC2034 # used by the library
ZONE_RECORDS=('_acme-challenge.kept TXT "a value of somebody else"')
NS_ADDRESS=$KNOT knot_start "$SCRATCH/knot" knot.org
NS_ADDRESS=$PDNS pdns_start "$SCRATCH/pdns" pdns.org
# shellcheck disable=SC2034
ZONE_RECORDS=('@ NS lame' "lame A $LAME" '@ NS silent' "silent A $SILENT"
    '* CNAME web' 'web TXT "of the web"'
    '_acme-challenge.explicit CNAME explicit.acme' 'explicit.acme TXT "a value of somebody else"'
    '_acme-challenge.byns NS ns.responder' '_acme-challenge.bycname CNAME bycname.responder'
    'responder NS ns.responder' "ns.responder A $RESPONDER")
NS_ADDRESS=$BIND bind_start "$SCRATCH/bind" example.org

export PEBBLE_RESOLVER=$RECURSIVE
pebble_start "$SCRATCH/pebble"
mkdir "$SECRETS/acme"
(umask 077 && echo "$TSIG_SECRET" >"$SECRETS/acme/secret")
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  dns:
    resolvers: ["$RECURSIVE"]
    responder: {listen: "$RESPONDER:53", zones: [_acme-challenge.byns.example.org, responder.example.org], nameServer: ns.responder.example.org, addresses: [$RESPONDER]}
YAML
acme_issuer pebble
by() { # NAME DOMAIN SOLVER
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$2, "*.$2"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {$3}}]
YAML
}
update() { echo "rfc2136: {nameserver: \"$1\", tsigKeyName: acme, tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {name: acme}}"; }
by wildcard app.example.org "$(update "$BIND_SERVER")"
by explicit explicit.example.org "$(update "$BIND_SERVER")"
by knot kept.knot.org "$(update "$KNOT_SERVER")"
by pdns kept.pdns.org "$(update "$PDNS_SERVER")"
by byns byns.example.org 'responder: {}'
by bycname bycname.example.org 'responder: {}'
certloop_start

# ---- what each name server says is in the status while it is waited for
said() { # NAME ADDRESS STATE [ERROR]
    jq -e --arg ns "$1" --arg at "$2" --arg state "$3" --arg error "${4:-}" \
        '[.status.issuance.authorizations[]?.propagation[]?] | any(.nameServer == $ns and .address == $at
         and .state == $state and .seen == false and .rounds > 0 and ($error == "" or .error == $error))' \
        "$STATE/status/wildcard.json"
}
wait_until 30 "said lame.example.org '$LAME:53' Lame REFUSED"
wait_until 30 "said silent.example.org '$SILENT:53' Silent"
"$CERTLOOP" describe wildcard | grep -E "lame.example.org +$LAME:53 +[0-9]+ +Lame: REFUSED" ||
    fail "describe does not show the table: $("$CERTLOOP" describe wildcard)"
wait_ready wildcard explicit knot pdns byns bycname
[ "$(pebble_orders)" = 6 ] || fail "$(pebble_orders) orders instead of 6"

# ---- the records were where they belong, and are gone
[ "$(txt "$BIND_SERVER" web.example.org)" = "of the web" ] || fail "a wildcard was followed: $(txt "$BIND_SERVER" web.example.org)"
certloop_stop
only() { # SERVER NAME VALUE
    [ "$(txt "$1" "$2")" = "$3" ] || fail "$2: $(txt "$1" "$2")"
}
only "$BIND_SERVER" _acme-challenge.app.example.org "of the web
web.example.org." # the wildcard's again
only "$BIND_SERVER" web.example.org "of the web"
only "$BIND_SERVER" explicit.acme.example.org "a value of somebody else"
only "$KNOT_SERVER" _acme-challenge.kept.knot.org "a value of somebody else"
only "$PDNS_SERVER" _acme-challenge.kept.pdns.org "a value of somebody else"
grep -q "adding an RR at '_acme-challenge.app.example.org' TXT" "$SCRATCH/bind/log" ||
    fail "nothing was written at the name itself"
if grep -q "adding an RR at 'web.example.org'" "$SCRATCH/bind/log"; then fail "written at the wildcard's target"; fi
grep -q "adding an RR at 'explicit.acme.example.org' TXT" "$SCRATCH/bind/log" || fail "the CNAME was not followed"
