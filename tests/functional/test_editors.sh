#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Editors and deployment tools: each edit is seen, exactly once, and no certificate is ordered twice.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
put issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: internal}
spec: {ca: {generate: true}}
YAML
export ISSUER=internal
certificate one "one.example.internal"
certloop_start
wait_ready one

revision=1
changed() { # HOW NAME: the edit is in force, and cost exactly one revision
    revision=$((revision + 1))
    READY_TIMEOUT=30s wait_ready one
    openssl x509 -in "$STATE/live/one/cert.pem" -noout -ext subjectAltName | grep -q "DNS:$2" ||
        fail "$1: the edit is not in the certificate"
    [ "$(status one .status.revision)" = "$revision" ] ||
        fail "$1: revision $(status one .status.revision) instead of $revision"
}

sed -i 's/dnsNames: .*/dnsNames: [sed.example.internal]/' "$SPECS/one.yaml"
changed "sed -i" sed.example.internal

vim=$(command -v vim || command -v vim.tiny) || fail "there is no vim"
"$vim" -es -N -u NONE -c '%s/dnsNames: .*/dnsNames: [vim.example.internal]/' -c wq "$SPECS/one.yaml"
changed vim vim.example.internal

"$vim" -es -N -u NONE -c 'set backup backupcopy=no writebackup' \
    -c '%s/dnsNames: .*/dnsNames: [vimb.example.internal]/' -c wq "$SPECS/one.yaml"
changed "vim with backup" vimb.example.internal

sed 's/dnsNames: .*/dnsNames: [cp.example.internal]/' "$SPECS/one.yaml" >"$SCRATCH/one.yaml"
touch -d '2001-02-03' "$SCRATCH/one.yaml"
cp -p "$SCRATCH/one.yaml" "$SPECS/one.yaml"
changed "cp -p" cp.example.internal

mkdir "$SCRATCH/from"
sed 's/dnsNames: .*/dnsNames: [rsync.example.internal]/' "$SPECS/one.yaml" >"$SCRATCH/from/one.yaml"
chmod 644 "$SCRATCH/from/one.yaml"
rsync -a "$SCRATCH/from/" "$SPECS/"
changed rsync rsync.example.internal

# a link that is put there at once
mv "$SPECS/one.yaml" "$SCRATCH/linked.yaml"
sed -i 's/dnsNames: .*/dnsNames: [ln.example.internal]/' "$SCRATCH/linked.yaml"
ln -s "$SCRATCH/linked.yaml" "$SPECS/one.yaml"
changed "ln -s" ln.example.internal

# a ConfigMap: every name is a link into ..data, and only ..data moves
rm "$SPECS/one.yaml"
mkdir "$SPECS/..v1" "$SPECS/..v2"
sed 's/dnsNames: .*/dnsNames: [cm1.example.internal]/' "$SCRATCH/linked.yaml" >"$SPECS/..v1/one.yaml"
sed 's/dnsNames: .*/dnsNames: [cm2.example.internal]/' "$SCRATCH/linked.yaml" >"$SPECS/..v2/one.yaml"
ln -s ..v1 "$SPECS/..data"
ln -s ..data/one.yaml "$SPECS/one.yaml"
changed "ConfigMap" cm1.example.internal
ln -s ..v2 "$SPECS/..data_tmp"
mv -T "$SPECS/..data_tmp" "$SPECS/..data"
changed "ConfigMap swap" cm2.example.internal
[ "$(cl get -o name)" = certificate/one ] || fail "more objects than declared: $(cl get -o name)"
certloop_stop

# git-sync: the directory itself is a link that flips
mkdir -p "$SCRATCH/git/rev1" "$SCRATCH/git/rev2"
cp "$SPECS/issuer.yaml" "$SCRATCH/git/rev1/"
cp "$SPECS/issuer.yaml" "$SCRATCH/git/rev2/"
sed 's/dnsNames: .*/dnsNames: [git1.example.internal]/' "$SCRATCH/linked.yaml" >"$SCRATCH/git/rev1/one.yaml"
sed 's/dnsNames: .*/dnsNames: [git2.example.internal]/' "$SCRATCH/linked.yaml" >"$SCRATCH/git/rev2/one.yaml"
ln -s rev1 "$SCRATCH/git/current"
CERTLOOP_SPECS=$SCRATCH/git/current
certloop_start
changed "another directory" git1.example.internal
ln -s rev2 "$SCRATCH/git/tmp"
mv -T "$SCRATCH/git/tmp" "$SCRATCH/git/current"
changed "git-sync flip" git2.example.internal

# a stalled copy must not order half of its names
exec 3>"$SCRATCH/git/rev2/two.yaml"
printf 'apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: two}\nspec:\n  issuerRef: {name: internal}\n  dnsNames:\n    - a.example.internal\n' >&3
wait_until 10 "[ \"\$(status one .status.revision)\" = $revision ]"
kill -HUP "$DAEMON"
cl get two >/dev/null 2>&1 && fail "a file that is still being written was acted on"
printf '    - b.example.internal\n' >&3
exec 3>&-
wait_ready two
[ "$(status two .status.revision)" = 1 ] || fail "the stalled copy cost a certificate"
openssl x509 -in "$STATE/live/two/cert.pem" -noout -ext subjectAltName | grep -q DNS:b.example ||
    fail "half of the names"

# the directory goes away and comes back: the last good set stays
mv "$SCRATCH/git" "$SCRATCH/git-away"
wait_until 30 "grep -q SpecDirUnavailable $DAEMON_LOG"
[ "$(condition one Ready)" = True ] || fail "a missing directory took Ready away"
mv "$SCRATCH/git-away" "$SCRATCH/git"
certificate_dir=$SCRATCH/git/rev2
sed 's/name: one/name: three/; s/dnsNames: .*/dnsNames: [three.example.internal]/' \
    "$certificate_dir/one.yaml" >"$certificate_dir/three.yaml"
READY_TIMEOUT=60s wait_ready three
[ "$(status one .status.revision)" = "$revision" ] || fail "coming back cost a certificate"
exit 0
