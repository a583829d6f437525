#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package as a stranger meets it: built, looked at by lintian, installed with apt into a
# clean root of this Debian release, run as its unit runs it, upgraded, removed and purged.
# Needs root (sudo is used if not), debhelper, lintian, debootstrap; installs what is missing.
# Usage: tests/packages.sh [DIR]   (default: a directory below build/)
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-$PWD/build/packages}
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

say() { printf '%s\n' "packages: $*"; }
fail() {
    say "FAIL: $*" >&2
    exit 1
}

missing=()
for package in debhelper lintian fakeroot debootstrap; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
tests/tools/install-packages.sh build
if [ ${#missing[@]} -gt 0 ]; then
    say "installing with apt-get: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        install "${missing[@]}" >/dev/null
fi

mkdir -p "$work"
say "building (log: $work/build.log)"
rm -f "$work"/*.deb
packaging/build-deb.sh "$work" >/dev/null
deb=$(ls "$work"/certloop_*.deb)
tags=$(lintian --fail-on none "$deb" 2>/dev/null | grep -E '^[EW]:' || true)
[ -z "$tags" ] || fail "lintian: $tags"
score=$(systemd-analyze security --offline=true packaging/systemd/certloop.service |
    sed -n 's/.*exposure level for certloop.service: \([0-9.]*\).*/\1/p')
awk -v s="$score" 'BEGIN {exit !(s <= 1.5)}' || fail "the unit's exposure is $score, more than 1.5"
say "lintian has no errors or warnings; exposure of the unit: $score"

# ---- a clean root, from the package source that this system uses ----
root=$work/root
. /etc/os-release
# shellcheck disable=SC2016 # apt expands it
mirror=$(apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(CODENAME)' 2>/dev/null |
    awk -v c="$VERSION_CODENAME" '$1 == "Packages" && $3 == c {print $2; exit}')
[ -n "$mirror" ] || fail "no package source of $VERSION_CODENAME is configured"
base=$work/base.tar
if [ ! -e "$base" ]; then
    say "making a clean root of $VERSION_CODENAME"
    "${as_root[@]}" rm -rf "$root"
    "${as_root[@]}" debootstrap --variant=minbase "$VERSION_CODENAME" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        fail "debootstrap: $(tail -n 3 "$work/debootstrap.log")"
    "${as_root[@]}" cp -r /etc/apt/sources.list* "$root/etc/apt/"
    "${as_root[@]}" tar -C "$root" -cf "$base" .
fi
"${as_root[@]}" rm -rf "$root"
"${as_root[@]}" mkdir -p "$root"
"${as_root[@]}" tar -C "$root" -xf "$base"
"${as_root[@]}" cp "$deb" "$root/tmp/certloop.deb"
"${as_root[@]}" cp tests/packages-inside.sh "$root/tmp/inside.sh"
for file in /etc/resolv.conf /etc/hosts; do
    "${as_root[@]}" cp -L "$file" "$root$file"
done
# shellcheck disable=SC2016 # the inner shell expands it
"${as_root[@]}" unshare --mount --propagation private --pid --fork bash -c '
    set -e
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/run"
    mount --bind /dev "$1/dev"
    exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C.UTF-8 \
        http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash /tmp/inside.sh' sh "$root" ||
    fail "inside the clean root"
"${as_root[@]}" rm -rf "$root"
say "all passed"
