#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the programs that the tests talk to below build/peers/, without installing them:
# Pebble with pebble-challtestsrv, from Debian's newest suite, since the one of Debian 12 is too old, and
# acme.sh, which Debian 12 does not have. They are statically linked, or scripts, and run as they are. Nothing on the system changes; the mirror is the
# one that the package sources of this system name already. SUITE=sid by default.
# Usage: tests/tools/get-peers.sh [PACKAGE...]      (default: pebble acme.sh)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
dir=${PEERS:-$root/build/peers}
suite=${SUITE:-sid}
[ $# -gt 0 ] || set -- pebble acme.sh

missing=()
for package; do
    [ -e "$dir/$package/.complete" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "peers: all in $dir"
    exit 0
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
    grep -E '/debian/?$' | head -n 1 || true)
if [ -z "$mirror" ]; then
    echo "peers: the package sources of this system name no Debian mirror" >&2
    exit 1
fi

apt=$dir/.apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$apt/deb"
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$mirror" "$suite" >"$apt/sources.list"
options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts"
    -o "Dir::Etc::preferencesparts=$apt/parts" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=")

echo "peers: fetching ${missing[*]} ($suite) into $dir"
apt-get "${options[@]}" update >"$apt/log" 2>&1 || {
    cat "$apt/log" >&2
    exit 1
}
for package in "${missing[@]}"; do
    rm -rf "${dir:?}/$package" "$apt/deb/${package}"_*.deb
    (cd "$apt/deb" && apt-get "${options[@]}" download "$package") >"$apt/log" 2>&1 || {
        cat "$apt/log" >&2
        exit 1
    }
    mkdir -p "$dir/$package"
    dpkg -x "$apt/deb/${package}"_*.deb "$dir/$package"
    touch "$dir/$package/.complete"
    echo "peers: $package $(dpkg-deb -f "$apt/deb/${package}"_*.deb Version)"
done
