#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian package from the working tree's committed state, in a directory of its own.
# Needs debhelper and the build packages (tests/tools/install-packages.sh build).
# Usage: packaging/build-deb.sh [OUTPUT-DIRECTORY]   (default: build/deb)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/deb}
mkdir -p "$out"
out=$(realpath "$out")
version=$(sed -n 's/^project(certloop VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
commit=$(git rev-parse --short=12 HEAD)
epoch=$(git log -1 --format=%ct)
source=$out/certloop-$version
rm -rf "$source"
mkdir -p "$source"
git archive HEAD | tar -x -C "$source"
cp -r "$source/packaging/debian" "$source/debian"
for unit in certloop.service certloop-http01.socket certloop-tlsalpn01.socket; do
    case $unit in
    certloop.service) cp "packaging/systemd/$unit" "$source/debian/certloop.service" ;;
    *) cp "packaging/systemd/$unit" "$source/debian/certloop.${unit}" ;;
    esac
done
cp packaging/systemd/certloop.sysusers packaging/systemd/certloop.tmpfiles "$source/debian/"
{
    echo "certloop ($version+git$(date -u -d "@$epoch" +%Y%m%d).$commit) unstable; urgency=medium"
    printf '\n  * See CHANGELOG.md.\n\n'
    echo " -- The certloop authors <certloop@example.org>  $(LC_ALL=C date -u -R -d "@$epoch")"
} >"$source/debian/changelog"
(cd "$source" && SOURCE_DATE_EPOCH=$epoch dpkg-buildpackage -b -us -uc -rfakeroot) >"$out/build.log" 2>&1 || {
    tail -n 40 "$out/build.log" >&2
    echo "packaging: the build failed ($out/build.log)" >&2
    exit 1
}
ls "$out"/certloop_*.deb
