#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the clean root of tests/packages.sh: install, run, upgrade, remove, purge.
set -euo pipefail
say() { printf '%s\n' "packages: in a clean root: $*"; }
fail() {
    say "FAIL: $*" >&2
    [ ! -e /tmp/daemon.log ] || tail -n 20 /tmp/daemon.log >&2
    exit 1
}
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
apt-get -q update >/tmp/apt.log 2>&1 || fail "apt-get update: $(tail -n 3 /tmp/apt.log)"
apt-get -q -y --no-install-recommends install systemd >/tmp/apt.log 2>&1 # sysusers and tmpfiles
find / -xdev \( -path /proc -o -path /dev -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o -print | sort >/tmp/before
apt-get -q -y --no-install-recommends install /tmp/certloop.deb >/tmp/apt.log 2>&1 ||
    fail "apt-get install: $(tail -n 5 /tmp/apt.log)"
getent passwd certloop >/dev/null || fail "there is no user certloop"
[ "$(stat -c %U:%G:%a /var/lib/certloop)" = certloop:certloop:711 ] || fail "state: $(stat -c %U:%G:%a /var/lib/certloop)"
[ "$(stat -c %G:%a /etc/certloop/secrets)" = certloop:750 ] || fail "secrets: $(stat -c %G:%a /etc/certloop/secrets)"
[ -L /etc/systemd/system/multi-user.target.wants/certloop.service ] || fail "the unit is not enabled"
[ ! -e /etc/systemd/system/sockets.target.wants/certloop-http01.socket ] || fail "port 80 was taken unasked"
certloop --version >/dev/null
zcat /usr/share/man/man8/certloop.8.gz | grep -q '^.TH CERTLOOP' || fail "there is no manual"
certloop providers cloudflare >/dev/null || fail "the descriptions of providers are not found"

start() {
    setpriv --reuid certloop --regid certloop --init-groups --bounding-set=-all --no-new-privs \
        sh -c "umask 077; exec $(sed -n 's/^ExecStart=//p' /lib/systemd/system/certloop.service)" 2>>/tmp/daemon.log &
    daemon=$!
}
stop() {
    kill -TERM "$daemon"
    wait "$daemon" || fail "the daemon left with $?"
}
start
cp /usr/share/doc/certloop/examples/specs/03-internal-ca.yaml /etc/acme.d/app.yaml
certloop wait app --timeout 60s || fail "app did not become Ready"
[ "$(stat -L -c %U:%G:%a /var/lib/certloop/live/app/privkey.pem)" = certloop:ssl-cert:640 ] ||
    fail "key: $(stat -L -c %U:%G:%a /var/lib/certloop/live/app/privkey.pem)"
certloop check || [ $? -eq 1 ] || fail "check: $(certloop check)"
stop
say "installed and Ready, as the user certloop without a capability"

revision=$(certloop get app -o json | grep -c '"revision": 1' || true)
apt-get -q -y --no-install-recommends --reinstall install /tmp/certloop.deb >/tmp/apt.log 2>&1 ||
    fail "apt-get --reinstall: $(tail -n 5 /tmp/apt.log)"
start
certloop wait app --timeout 60s || fail "app is not Ready after the upgrade"
[ "$(certloop get app -o json | grep -c '"revision": 1' || true)" = "$revision" ] || fail "ordered anew by an upgrade"
stop
rm /etc/acme.d/app.yaml

apt-get -q -y remove certloop >/tmp/apt.log 2>&1 || fail "apt-get remove: $(tail -n 5 /tmp/apt.log)"
[ -d /var/lib/certloop/archive ] || fail "removing the package removed certificates"
apt-get -q -y purge certloop >/tmp/apt.log 2>&1 || fail "apt-get purge: $(tail -n 5 /tmp/apt.log)"
apt-get -q -y --purge autoremove >/tmp/apt.log 2>&1 || true
find / -xdev \( -path /proc -o -path /dev -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o -print | sort >/tmp/after
left=$(comm -13 /tmp/before /tmp/after | grep -E 'certloop|acme' || true)
[ -z "$left" ] || fail "a purge left: $left"
say "upgraded, removed, purged: nothing of it is left"
