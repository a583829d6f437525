#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing needs on Debian 12 or newer, as root or with sudo. Says first
# what it will install; does nothing when all is there.
# Usage: tests/tools/install-packages.sh [build|test]      (default: test, which includes build)
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config git ca-certificates
    libuv1-dev libcurl4-openssl-dev libssl-dev libyaml-dev libjansson-dev libmicrohttpd-dev
    libidn2-dev libexpat1-dev)
test=(clang clang-14 llvm-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck shellcheck
    gcovr libcmocka-dev python3 python3-yaml openssl curl jq rsync vim-tiny tmux iproute2 procps
    bind9 bind9-dnsutils knot pdns-server pdns-backend-sqlite3 sqlite3)

wanted=("${build[@]}")
[ "${1:-test}" = build ] || wanted+=("${test[@]}")

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
trap 'rm -f "$log"' EXIT
"${as_root[@]}" apt-get -q update >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install "${missing[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
echo "packages: done"
