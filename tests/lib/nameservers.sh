# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Real name servers for tests, on free loopback ports, run by hand from a scratch folder: the
# services that the packages bring are not needed, and not touched. After common.sh:
#
#   bind_start DIR ZONE...    BIND 9; sets BIND_PORT, BIND_SERVER (ADDRESS:PORT)
#   knot_start DIR ZONE...    Knot DNS; sets KNOT_PORT, KNOT_SERVER
#   pdns_start DIR ZONE...    PowerDNS with sqlite3; sets PDNS_PORT, PDNS_SERVER, PDNS_API (URL),
#                             PDNS_API_KEY
#   bind_stop knot_stop pdns_stop nameservers_stop
#   txt SERVER NAME           the TXT values there, sorted, one a line, without quotes
#   nameserver_update SERVER ZONE LINE...   foreign changes: lines of nsupdate, with key "acme"
#
# NS_ADDRESS and NS_PORT, if they are set when a server starts, are where it listens, instead of a free
# port of 127.0.0.1. BIND_MORE is more configuration for BIND, BIND_RECURSION=yes lets it ask others.
#
# Each zone has SOA, "NS ns.ZONE" and "ns A ADDRESS", and what is in the array ZONE_RECORDS (lines
# of a zone file; relative names are relative to each zone). All zones let the keys below change
# everything; the keys have the secret TSIG_SECRET, except "stranger", which may do nothing:
#   acme (hmac-sha256) and acme-md5, -sha1, -sha224, -sha256, -sha384, -sha512.

TSIG_SECRET=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
TSIG_ALGORITHMS="md5 sha1 sha224 sha256 sha384 sha512"
PDNS_API_KEY=pdns-api-key
ZONE_RECORDS=()
export TSIG_SECRET PDNS_API_KEY

nameservers_available() {
    local p
    for p in named knotd pdns_server dig nsupdate sqlite3; do
        command -v "$p" >/dev/null || [ -x "/usr/sbin/$p" ] || return 1
    done
}

_ns_program() { command -v "$1" || echo "/usr/sbin/$1"; }

_ns_zone_file() { # FILE
    {
        echo "\$TTL 60"
        echo "@ SOA ns hostmaster 1 3600 600 86400 5"
        echo "@ NS ns"
        echo "ns A ${NS_ADDRESS:-127.0.0.1}"
        [ ${#ZONE_RECORDS[@]} -eq 0 ] || printf '%s\n' "${ZONE_RECORDS[@]}"
    } >"$1"
}

# Runs a server in the background until it answers for the first zone. Its pid goes to DIR/pid.
_ns_run() { # DIR PORT ZONE COMMAND...
    local dir=$1 port=$2 zone=$3 pid
    shift 3
    "$@" >"$dir/log" 2>&1 &
    pid=$!
    echo "$pid" >"$dir/pid"
    wait_until 15 "! kill -0 $pid || dig +tcp +norec +tries=1 +time=2 @${NS_ADDRESS:-127.0.0.1} -p $port $zone SOA | grep -q 'status: NOERROR'" &&
        kill -0 "$pid" 2>/dev/null
}

_ns_stop() { # DIR
    [ -n "$1" ] && [ -s "$1/pid" ] || return 0
    stop_process "$(cat "$1/pid")"
    rm -f "$1/pid"
}

# _ns_start NAME DIR ZONE...: tries some ports, since another process may take one meanwhile.
_ns_start() {
    local name=$1 dir=$2 attempt
    shift
    nameservers_available || skip "no name servers: tests/tools/install-packages.sh installs them"
    mkdir -p "$dir/zones"
    for attempt in 1 2 3; do
        "_${name}_once" "$@" && return 0
        _ns_stop "$dir"
        echo "$name: start $attempt failed, trying other ports" >&2
    done
    cat "$dir/log" >&2
    return 1
}

bind_start() { BIND_DIR=$1 && _ns_start bind "$@"; }
knot_start() { KNOT_DIR=$1 && _ns_start knot "$@"; }
pdns_start() { PDNS_DIR=$1 && _ns_start pdns "$@"; }
bind_stop() { _ns_stop "${BIND_DIR:-}"; }
knot_stop() { _ns_stop "${KNOT_DIR:-}"; }
pdns_stop() { _ns_stop "${PDNS_DIR:-}"; }
nameservers_stop() {
    bind_stop
    knot_stop
    pdns_stop
}

_bind_once() { # DIR ZONE...
    local dir=$1 zone a
    shift
    BIND_PORT=${NS_PORT:-$(free_ports 1)}
    BIND_SERVER=${NS_ADDRESS:-127.0.0.1}:$BIND_PORT
    {
        for a in $TSIG_ALGORITHMS; do
            echo "key \"acme-$a\" { algorithm hmac-$a; secret \"$TSIG_SECRET\"; };"
        done
        echo "key \"acme\" { algorithm hmac-sha256; secret \"$TSIG_SECRET\"; };"
        echo "key \"stranger\" { algorithm hmac-sha256; secret \"$TSIG_SECRET\"; };"
        cat <<CONF
options {
    directory "$dir"; pid-file none; session-keyfile "$dir/session.key"; lock-file none;
    listen-on port $BIND_PORT { ${NS_ADDRESS:-127.0.0.1}; }; listen-on-v6 { none; };
    recursion ${BIND_RECURSION:-no}; dnssec-validation no; notify no; allow-transfer { none; };
    empty-zones-enable no; minimal-responses yes;
};
controls { };
${BIND_MORE:-}
CONF
        for zone in "$@"; do
            _ns_zone_file "$dir/zones/$zone"
            rm -f "$dir/zones/$zone.jnl"
            echo "zone \"$zone\" { type primary; file \"$dir/zones/$zone\";"
            printf '    allow-update { key acme;'
            for a in $TSIG_ALGORITHMS; do printf ' key acme-%s;' "$a"; done
            echo ' }; };'
        done
    } >"$dir/named.conf"
    export BIND_DIR BIND_PORT BIND_SERVER
    _ns_run "$dir" "$BIND_PORT" "$1" "$(_ns_program named)" -g -n 1 -c "$dir/named.conf"
}

_knot_once() { # DIR ZONE...
    local dir=$1 zone a
    shift
    KNOT_PORT=${NS_PORT:-$(free_ports 1)}
    KNOT_SERVER=${NS_ADDRESS:-127.0.0.1}:$KNOT_PORT
    {
        cat <<CONF
server:
    rundir: "$dir"
    listen: ${NS_ADDRESS:-127.0.0.1}@$KNOT_PORT
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "$dir"
log:
  - target: stderr
    any: info
key:
CONF
        for a in acme stranger; do
            printf '  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n' "$a" "$TSIG_SECRET"
        done
        for a in $TSIG_ALGORITHMS; do
            printf '  - id: acme-%s\n    algorithm: hmac-%s\n    secret: %s\n' "$a" "$a" \
                "$TSIG_SECRET"
        done
        printf 'acl:\n  - id: acme\n    action: update\n    key: [acme'
        for a in $TSIG_ALGORITHMS; do printf ', acme-%s' "$a"; done
        printf ']\ntemplate:\n  - id: default\n    storage: "%s/zones"\n' "$dir"
        printf '    acl: acme\n    zonefile-sync: -1\nzone:\n'
        for zone in "$@"; do
            _ns_zone_file "$dir/zones/$zone"
            printf '  - domain: %s\n    file: "%s/zones/%s"\n' "$zone" "$dir" "$zone"
        done
    } >"$dir/knot.conf"
    export KNOT_DIR KNOT_PORT KNOT_SERVER
    _ns_run "$dir" "$KNOT_PORT" "$1" "$(_ns_program knotd)" -c "$dir/knot.conf"
}

_pdns_once() { # DIR ZONE...
    local dir=$1 zone a http
    shift
    read -r PDNS_PORT http <<<"$(free_ports 2)"
    PDNS_PORT=${NS_PORT:-$PDNS_PORT}
    PDNS_SERVER=${NS_ADDRESS:-127.0.0.1}:$PDNS_PORT
    PDNS_API=http://127.0.0.1:$http
    cat >"$dir/pdns.conf" <<CONF
launch=gsqlite3
gsqlite3-database=$dir/db.sqlite3
local-address=${NS_ADDRESS:-127.0.0.1}
local-port=$PDNS_PORT
socket-dir=$dir
daemon=no
guardian=no
cache-ttl=0
negquery-cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
api=yes
api-key=$PDNS_API_KEY
webserver=yes
webserver-address=127.0.0.1
webserver-port=$http
webserver-allow-from=127.0.0.1
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
CONF
    rm -f "$dir/db.sqlite3"
    sqlite3 "$dir/db.sqlite3" </usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql >/dev/null
    { # pdnsutil takes its time for each command: what can be said in SQL is said so
        for zone in "$@"; do
            _ns_zone_file "$dir/zones/$zone"
            pdnsutil --config-dir="$dir" load-zone "$zone" "$dir/zones/$zone" || return 1
        done
        for a in acme stranger $TSIG_ALGORITHMS; do
            case $a in
            acme | stranger) echo "INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('$a', 'hmac-sha256', '$TSIG_SECRET');" ;;
            *) echo "INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('acme-$a', 'hmac-$a', '$TSIG_SECRET');" ;;
            esac
        done >"$dir/keys.sql"
        cat >>"$dir/keys.sql" <<SQL
INSERT INTO domainmetadata (domain_id, kind, content) SELECT domains.id, 'TSIG-ALLOW-DNSUPDATE',
    tsigkeys.name FROM domains, tsigkeys WHERE tsigkeys.name <> 'stranger';
SQL
        sqlite3 "$dir/db.sqlite3" <"$dir/keys.sql"
    } >"$dir/pdnsutil.log" 2>&1
    export PDNS_DIR PDNS_PORT PDNS_SERVER PDNS_API
    _ns_run "$dir" "$PDNS_PORT" "$1" "$(_ns_program pdns_server)" --config-dir="$dir" &&
        wait_until 10 "curl -fsS -o /dev/null -H 'X-API-Key: $PDNS_API_KEY' $PDNS_API/api/v1/servers"
}

txt() { # SERVER NAME
    dig +short +norec +tries=2 +time=2 "@${1%:*}" -p "${1##*:}" "$2" TXT | sed 's/" "//g; s/^"//; s/"$//' |
        sort
}

nameserver_update() { # SERVER ZONE LINE...
    local server=$1 zone=$2
    shift 2
    {
        echo "server ${server%:*} ${server##*:}"
        echo "zone $zone"
        printf '%s\n' "$@"
        echo send
    } | nsupdate -t 5 -y "hmac-sha256:acme:$TSIG_SECRET"
}
