#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Through a forward proxy (tinyproxy) that wants a password: named by the Issuer, by the Configuration,
# by the environment; what is said when the password is wrong; and past it.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
command -v tinyproxy >/dev/null || skip "no tinyproxy: tests/tools/install-packages.sh test"
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop proxy_stop)
export PEBBLE_WFE_NONCEREJECT=0
pebble_start "$SCRATCH/pebble"

PROXY_PORT=$(free_ports 1)
cat >"$SCRATCH/tinyproxy.conf" <<CONF
Port $PROXY_PORT
Listen 127.0.0.1
Timeout 60
MaxClients 20
LogFile "$SCRATCH/proxy.log"
LogLevel Connect
BasicAuth someone verysecretword
CONF
proxy_stop() { stop_process "${PROXY:-}"; }
proxy_run() {
    tinyproxy -d -c "$SCRATCH/tinyproxy.conf" >>"$SCRATCH/proxy.out" 2>&1 &
    PROXY=$!
    wait_until 10 "curl -s -o /dev/null http://127.0.0.1:$PROXY_PORT/"
}
proxy_run
connects() { grep -c 'Request.*CONNECT localhost' "$SCRATCH/proxy.log" || true; }
export -f connects
told() { cl account "$1" show 2>&1 | grep -qi -- "$2"; }
export -f told cl

with() { # NAME LINES: an Issuer with more lines below acme
    acme_issuer "$1"
    sed "s|    caBundleFile|    $2\n    caBundleFile|" "$SPECS/issuer-$1.yaml" >"$SCRATCH/with"
    put "issuer-$1.yaml" <"$SCRATCH/with"
}
mkdir -p "$SECRETS/proxy"
echo "someone:verysecretword" >"$SECRETS/proxy/userpass"
echo "someone:wrong" >"$SECRETS/proxy/other"
chmod 600 "$SECRETS/proxy/"*
certloop_start

echo "the Issuer's own proxy"
with wrong "proxy: \"http://127.0.0.1:$PROXY_PORT\"\n    proxySecretRef: {name: proxy, key: other}"
with own "proxy: \"http://127.0.0.1:$PROXY_PORT\"\n    proxySecretRef: {name: proxy}"
ISSUER=own certificate web web.example.org
wait_ready web
[ "$(connects)" -gt 0 ] || fail "the proxy has seen nothing"

echo "a wrong password is told as one"
wait_until 60 "told wrong 407"
certloop_stop

echo "the proxy of the Configuration, and the way past it"
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec: {proxy: "http://127.0.0.1:$PROXY_PORT", proxySecretRef: {name: proxy}}
YAML
before=$(connects)
rm "$SPECS"/*.yaml
certloop_start
acme_issuer pebble
certificate all all.example.org
wait_ready all
[ "$(connects)" -gt "$before" ] || fail "spec.proxy is not used"
proxy_stop
with past "proxy: none"
ISSUER=past certificate direct direct.example.org
wait_ready direct
certloop_stop
proxy_run

echo "the environment is honoured, and said"
rm "$CONFIG"
: >"$DAEMON_LOG"
before=$(connects)
acme_issuer pebble
export https_proxy="http://someone:verysecretword@127.0.0.1:$PROXY_PORT"
certloop_start
ISSUER=pebble certificate env env.example.org
wait_ready env
unset https_proxy
[ "$(connects)" -gt "$before" ] || fail "https_proxy is not honoured"
grep -q 'https_proxy of the environment' "$DAEMON_LOG" || fail "the log does not say so"
grep -q verysecretword "$DAEMON_LOG" && fail "the password of the proxy is in the log"
exit 0
