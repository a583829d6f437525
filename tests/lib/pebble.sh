#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real ACME server for tests: Pebble and pebble-challtestsrv on free loopback ports, with a TLS
# certificate of their own. Sourced by test scripts, or run as a command by anything else:
#   tests/lib/pebble.sh start DIR   starts both; prints what to export, as lines NAME=VALUE
#   tests/lib/pebble.sh stop DIR    stops them
#
# pebble_start sets and exports:
#   PEBBLE_URL        the directory, for spec.acme.server       PEBBLE_CA     PEM file that vouches for it
#   PEBBLE_HTTP_PORT  where Pebble fetches http-01 challenges   PEBBLE_TLS_PORT  the same for tls-alpn-01
#   PEBBLE_MGMT       management URL (/roots/0, ...)            PEBBLE_DNS    HOST:PORT of its DNS server
#   PEBBLE_CHALLTEST  challtestsrv's management URL             PEBBLE_LOG    Pebble's output
# and is steered by: PEBBLE_RETRY_AFTER (seconds, 1), PEBBLE_VALIDITY (seconds, 90 days),
#   PEBBLE_IPV6 (what AAAA answers, none), PEBBLE_RESOLVER (HOST:PORT that Pebble asks instead), and Pebble's own PEBBLE_WFE_NONCEREJECT,
#   PEBBLE_EAB ("KID": "MACKEY", ... = external accounts alone), PEBBLE_AUTHZREUSE, PEBBLE_VA_NOSLEEP (1 unless set), PEBBLE_VA_ALWAYS_VALID.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

pebble_available() {
    [ -x "$PEERS/pebble/usr/bin/pebble" ] && [ -x "$PEERS/pebble/usr/bin/pebble-challtestsrv" ]
}

# pebble_start DIR: both servers, ready to be used. Their files are in DIR.
pebble_start() {
    PEBBLE_DIR=$1
    pebble_available || skip "no Pebble in $PEERS: tests/tools/get-peers.sh unpacks it"
    mkdir -p "$PEBBLE_DIR"
    _pebble_certificate
    local attempt
    for attempt in 1 2 3; do # another process may take a port between the look and the start
        _pebble_ports
        _challtestsrv_run && pebble_run && return 0
        pebble_stop
        echo "pebble: start $attempt failed, trying other ports" >&2
    done
    cat "$PEBBLE_LOG" "$PEBBLE_DIR/challtestsrv.log" >&2
    return 1
}

# pebble_run: start Pebble itself (again), at the same ports. It forgets everything at each start.
pebble_run() {
    PEBBLE_VA_NOSLEEP=${PEBBLE_VA_NOSLEEP-1} "$PEERS/pebble/usr/bin/pebble" \
        -config "$PEBBLE_DIR/config.json" -dnsserver "${PEBBLE_RESOLVER:-$PEBBLE_DNS}" >>"$PEBBLE_LOG" 2>&1 &
    PEBBLE_PID=$!
    echo "$PEBBLE_PID" >"$PEBBLE_DIR/pebble.pid"
    wait_until 15 "! kill -0 $PEBBLE_PID || curl -fsS --cacert $PEBBLE_CA -o /dev/null $PEBBLE_URL" &&
        kill -0 "$PEBBLE_PID" 2>/dev/null
}

# pebble_halt: stop Pebble alone, as a CA that is down; pebble_run brings it back.
pebble_halt() {
    [ -s "$PEBBLE_DIR/pebble.pid" ] || return 0
    stop_process "$(cat "$PEBBLE_DIR/pebble.pid")"
    rm -f "$PEBBLE_DIR/pebble.pid"
}

pebble_stop() {
    [ -n "${PEBBLE_DIR:-}" ] || return 0
    pebble_halt
    [ -s "$PEBBLE_DIR/challtestsrv.pid" ] || return 0
    stop_process "$(cat "$PEBBLE_DIR/challtestsrv.pid")"
    rm -f "$PEBBLE_DIR/challtestsrv.pid"
}

# pebble_orders, pebble_accounts: how many it has made since its log began. (A request count would be
# more: it refuses some with badNonce, and those are sent again.)
pebble_orders() { pebble_requests 'Added order '; }
pebble_accounts() { pebble_requests 'There are now [0-9]* accounts in memory'; }

# pebble_root FILE: the root certificate of what Pebble issues (new at each start).
pebble_root() {
    curl -fsS --cacert "$PEBBLE_CA" -o "$1" "$PEBBLE_MGMT/roots/0"
}

# pebble_requests PATTERN: how many lines of its log so far match PATTERN, for example 'POST /order-plz'.
pebble_requests() {
    grep -c -- "$1" "$PEBBLE_LOG" || true
}

# pebble_dns NAME ADDRESS: answer A queries for NAME so (everything else is 127.0.0.1).
pebble_dns() {
    curl -fsS -o /dev/null -d "{\"host\":\"$1.\",\"addresses\":[\"$2\"]}" "$PEBBLE_CHALLTEST/add-a"
}

_pebble_certificate() {
    local d=$PEBBLE_DIR
    PEBBLE_CA=$d/ca.pem
    [ -s "$d/cert.pem" ] && return 0
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
            -subj "/CN=Test CA of a Pebble" -addext "keyUsage=critical,keyCertSign,cRLSign" \
            -keyout "$d/ca.key" -out "$d/ca.pem"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 29 \
            -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" \
            -addext "basicConstraints=critical,CA:FALSE" -CA "$d/ca.pem" -CAkey "$d/ca.key" \
            -keyout "$d/key.pem" -out "$d/cert.pem"
    } >"$d/openssl.log" 2>&1 || { cat "$d/openssl.log" >&2; return 1; }
}

_pebble_ports() {
    local acme mgmt dns challtest
    read -r acme mgmt dns challtest PEBBLE_HTTP_PORT PEBBLE_TLS_PORT <<<"$(free_ports 6)"
    PEBBLE_URL=https://localhost:$acme/dir
    PEBBLE_MGMT=https://localhost:$mgmt
    PEBBLE_DNS=127.0.0.1:$dns
    PEBBLE_CHALLTEST=http://127.0.0.1:$challtest
    PEBBLE_LOG=$PEBBLE_DIR/pebble.log
    local retry=${PEBBLE_RETRY_AFTER:-1} eab=false
    [ -z "${PEBBLE_EAB:-}" ] || eab=true
    export PEBBLE_DIR PEBBLE_URL PEBBLE_MGMT PEBBLE_DNS PEBBLE_CHALLTEST PEBBLE_HTTP_PORT \
        PEBBLE_TLS_PORT PEBBLE_CA PEBBLE_LOG
    : >"$PEBBLE_LOG"
    cat >"$PEBBLE_DIR/config.json" <<JSON
{"pebble": {
  "listenAddress": "127.0.0.1:$acme", "managementListenAddress": "127.0.0.1:$mgmt",
  "certificate": "$PEBBLE_DIR/cert.pem", "privateKey": "$PEBBLE_DIR/key.pem",
  "httpPort": $PEBBLE_HTTP_PORT, "tlsPort": $PEBBLE_TLS_PORT,
  "ocspResponderURL": "", "externalAccountBindingRequired": $eab, "externalAccountMACKeys": {${PEBBLE_EAB:-}},
  "domainBlocklist": ["blocked-domain.example"], "caaIdentities": ["pebble.example"],
  "retryAfter": {"authz": $retry, "order": $retry}, "keyAlgorithm": "ecdsa",
  "profiles": {
    "default": {"description": "as usual", "validityPeriod": ${PEBBLE_VALIDITY:-7776000}},
    "shortlived": {"description": "six days", "validityPeriod": 518400}
  }
}}
JSON
}

_challtestsrv_run() {
    "$PEERS/pebble/usr/bin/pebble-challtestsrv" -management "${PEBBLE_CHALLTEST#http://}" \
        -dnsserver "$PEBBLE_DNS" -defaultIPv4 127.0.0.1 -defaultIPv6 "${PEBBLE_IPV6:-}" \
        -http01 "" -https01 "" -tlsalpn01 "" -doh "" >"$PEBBLE_DIR/challtestsrv.log" 2>&1 &
    local pid=$!
    echo "$pid" >"$PEBBLE_DIR/challtestsrv.pid"
    wait_until 15 "! kill -0 $pid || curl -sS -o /dev/null $PEBBLE_CHALLTEST/" && # any answer will do
        kill -0 "$pid" 2>/dev/null
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -eu
    case "${1:-} ${2:-}" in
    "start "?*)
        pebble_start "$2" </dev/null
        for name in PEBBLE_DIR PEBBLE_URL PEBBLE_CA PEBBLE_MGMT PEBBLE_DNS PEBBLE_CHALLTEST \
            PEBBLE_HTTP_PORT PEBBLE_TLS_PORT PEBBLE_LOG; do
            echo "$name=${!name}"
        done
        ;;
    "stop "?*)
        PEBBLE_DIR=$2
        pebble_stop
        ;;
    *)
        sed -n '3,17p' "$0"
        exit 64
        ;;
    esac
fi
