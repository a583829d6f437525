#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing needs on Debian 12 or newer, as root or with sudo. Says first
# what it will install; does nothing when all is there.
# Usage: tests/tools/install-packages.sh [build|demo|test]   (default: test; each includes those before)
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config git ca-certificates
    libuv1-dev libcurl4-openssl-dev libssl-dev libyaml-dev libjansson-dev libmicrohttpd-dev
    libidn2-dev libexpat1-dev libpsl-dev)
demo=(python3 openssl curl) # the clients of examples/quickstart.sh
test=(tinyproxy-bin clang clang-14 llvm-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck shellcheck
    gcovr libcmocka-dev python3-yaml jq rsync vim-tiny tmux iproute2 procps
    python3-jsonschema man-db groff bsdextrautils zsh fish
    bind9 bind9-dnsutils knot pdns-server pdns-backend-sqlite3 sqlite3 haproxy)
# Tests start these servers by themselves, on loopback: the system is not to run them.
services=(named knot pdns haproxy)

wanted=("${build[@]}")
case "${1:-test}" in
build) ;;
demo) wanted+=("${demo[@]}") ;;
test) wanted+=("${demo[@]}" "${test[@]}") ;;
*)
    sed -n '3,5p' "$0"
    exit 64
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
    # shellcheck disable=SC2016 # ${...} is dpkg's
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "packages: all ${#wanted[@]} are installed"
    exit 0
fi

echo "packages: installing with apt-get: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "packages: neither root nor sudo; please install them" >&2
        exit 1
    }
    as_root=(sudo)
fi
log=$(mktemp)
policy=/usr/sbin/policy-rc.d # what stands here says whether a package may start its service
ours=
tidy() {
    rm -f "$log"
    [ -z "$ours" ] || "${as_root[@]}" rm -f "$policy"
}
trap tidy EXIT
if [ ! -e "$policy" ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 0755 "$policy"
fi
"${as_root[@]}" apt-get -q update >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install "${missing[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
for service in "${services[@]}"; do
    case " ${missing[*]} " in
    *" ${service/named/bind9} "* | *" $service-server "*)
        "${as_root[@]}" systemctl disable "$service" >>"$log" 2>&1 || true # nor at the next start
        ;;
    esac
done
echo "packages: done"
