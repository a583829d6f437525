#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The spec directory, case by case, where the machine plays a part: mounts, limits, users, load.
# Needs root (namespaces, other users).
# shellcheck disable=SC2317 # run_cases calls the cases by their names
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/cases.sh
. "$(dirname "$0")/../lib/cases.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
REAL=$CERTLOOP

start_afresh() {
    CERTLOOP=$REAL
    fresh
}

# daemon_as COMMAND...: from now on `certloop run` is run by COMMAND; the rest is run as it is.
daemon_as() {
    printf '#!/bin/sh\n[ "$1" = run ] || exec %q "$@"\nexec %s %q "$@"\n' "$REAL" "$*" "$REAL" \
        >"$SCRATCH/certloop"
    chmod 755 "$SCRATCH/certloop"
    CERTLOOP=$SCRATCH/certloop
}
inside() { nsenter -t "$DAEMON" -m -r "$@"; } # the daemon's own mounts, and its root: we may be in a chroot

case_05_mount_of_one_file() {
    start_afresh
    certificate one one.example.internal
    daemon_as unshare -m --propagation private
    certloop_start
    wait_ready one
    sed 's/one.example/two.example/' "$SPECS/one.yaml" >"$SCRATCH/two.yaml"
    inside mount --bind "$SCRATCH/two.yaml" "$SPECS/one.yaml"
    scanned # no event tells
    wait_until 20 "has_name one two.example.internal" || fail "the mounted file was not seen"
    inside umount "$SPECS/one.yaml"
    scanned
    becomes one one.example.internal 3
}

case_08_mounted_over() {
    start_afresh
    certificate one one.example.internal
    daemon_as unshare -m --propagation private
    certloop_start
    wait_ready one
    inside mount -t tmpfs -o mode=755 none "$SPECS" # empty
    scanned
    wait_until 10 "[ \"\$(watching massDeletionHeld)\" = true ]" || fail "taken as empty"
    local later=$(($(now_ms) + 12000))
    wait_until 20 "(( \$(now_ms) > $later ))"
    scanned
    scanned
    is_ready one "something was mounted over the directory"
    # what is mounted there is watched now
    inside sh -c "sed 's/one/other/g' > $SPECS/other.yaml" <<'YAML'
apiVersion: certloop/v1
kind: Certificate
metadata: {name: one}
spec: {dnsNames: [one.example.internal], issuerRef: {name: internal}}
YAML
    READY_TIMEOUT=10s wait_ready other
    # another file system is held even if it is not empty
    scanned
    [ "$(watching massDeletionHeld)" = true ] || fail "another file system, and no guard"
    is_ready one "it is below the mount"
    inside umount -l "$SPECS"
    scanned
    wait_until 20 "[ \"\$(watching pendingDeletions)\" = 1 ]" || fail "one did not come back"
    is_revision one 1
    certificate two two.example.internal # the directory below is watched again
    READY_TIMEOUT=10s wait_ready two
}

# Where inotify cannot be had, there is polling; so it is on network file systems.
case_11_no_watches_left() {
    unshare -U -r true 2>/dev/null || {
        echo "case 11: left out, there are no user namespaces here (a chroot)"
        return 0
    }
    start_afresh
    certificate one one.example.internal
    daemon_as unshare -U -r sh -c "'echo 1 >/proc/sys/user/max_inotify_watches; exec \"\$0\" \"\$@\"'"
    certloop_start
    wait_ready one
    wait_until 10 "[ \"\$(watching mode)\" = poll ]"
    [[ $(watching reason) == *max_user_watches* ]] || fail "the reason: $(watching reason)"
    sed -i 's/one.example/two.example/' "$SPECS/one.yaml"
    becomes one two.example.internal 2
    # nobody tells when a file is closed: two looks must see the same
    printf 'apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: slow}\nspec:\n  issuerRef: {name: internal}\n  dnsNames:\n    - a.example.internal\n' >"$SPECS/slow.yaml"
    scanned
    scanned
    [ ! -e "$STATE/status/slow.json" ] || fail "taken at first sight"
    echo '    - b.example.internal' >>"$SPECS/slow.yaml"
    READY_TIMEOUT=40s wait_ready slow
    has_name slow b.example.internal || fail "half of the names"
    is_revision slow 1
    certloop_stop
    daemon_as unshare -U -r sh -c "'echo 0 >/proc/sys/user/max_inotify_instances; exec \"\$0\" \"\$@\"'"
    certloop_start
    wait_until 10 "[ \"\$(watching mode)\" = poll ]"
    [[ $(watching reason) == *max_user_instances* ]] || fail "the reason: $(watching reason)"
}

case_21_no_permission() {
    start_afresh
    certificate one one.example.internal
    mkdir -m 755 "$STATE"
    chown nobody: "$STATE" "$SECRETS"
    cp "$REAL" "$SCRATCH/bin" # where that user can read it
    REAL=$SCRATCH/bin daemon_as setpriv --reuid nobody --clear-groups
    certloop_start
    wait_ready one
    chmod 600 "$SPECS/one.yaml" # EACCES
    wait_until 10 "[ -s $STATE/status/_files/one.yaml.json ]"
    scanned
    [ "$(watching pendingDeletions)" = 0 ] || fail "unreadable counts as gone"
    is_ready one "its file cannot be read"
    chmod 700 "$SPECS" # the whole directory
    scanned_anyway
    wait_until 20 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    is_ready one "the directory cannot be read"
    chmod 755 "$SPECS"
    chmod 644 "$SPECS/one.yaml"
    wait_until 30 "[ -z \"\$(daemon_condition SpecDirUnavailable)\" ] && [ ! -e $STATE/status/_files/one.yaml.json ]" ||
        fail "not taken back"
    is_revision one 1
}
scanned_anyway() { kill -HUP "$DAEMON"; }

cpu_ms() { awk '{print ($14 + $15) * 10}' "/proc/$DAEMON/stat"; } # of the daemon

case_28_five_thousand_at_once() {
    start_afresh
    certloop_start
    local before
    before=$(cpu_ms)
    mkdir "$SCRATCH/drop"
    python3 - "$SCRATCH/drop" <<'PY'
import sys
for i in range(5000):
    with open(f"{sys.argv[1]}/d{i}.yaml", "w") as f:
        f.write(f"""apiVersion: certloop/v1
kind: Certificate
metadata: {{name: d{i}}}
spec: {{dnsNames: [d{i}.example.internal], issuerRef: {{name: nobody}}}}
""")
PY
    chmod 644 "$SCRATCH"/drop/*
    find "$SCRATCH/drop" -name '*.yaml' -exec mv -t "$SPECS" {} +
    wait_until 60 "(( \$(find $STATE/status -maxdepth 1 -name 'd*.json' | wc -l) == 5000 ))" ||
        fail "$(find "$STATE/status" -name 'd*.json' | wc -l) of 5000"
    local used=$(($(cpu_ms) - before))
    echo "5000 specs: $used ms of CPU until the last status"
    ((used < ${CPU_LIMIT_MS:-8000})) || fail "$used ms of CPU"
    settled # and a later one does not wait behind them
}

case_30_read_only_specs() {
    start_afresh
    certificate one one.example.internal
    chmod 777 "$SPECS" # as a ConfigMap volume has it
    mkdir -m 755 "$STATE"
    chown nobody: "$STATE" "$SECRETS"
    cp "$REAL" "$SCRATCH/bin"
    REAL=$SCRATCH/bin daemon_as unshare -m --propagation private sh -c \
        "'mount --bind $SPECS $SPECS && mount -o remount,bind,ro $SPECS && exec setpriv --reuid nobody --clear-groups \"\$0\" \"\$@\"'"
    certloop_start
    wait_ready one
    [ "$(stat -c %U "/proc/$DAEMON")" = nobody ] || fail "runs as $(stat -c %U "/proc/$DAEMON")"
    sed -i 's/one.example/two.example/' "$SPECS/one.yaml" # from outside of the mount
    chmod 644 "$SPECS/one.yaml"
    becomes one two.example.internal 2
    [ "$(find "$SPECS" -type f | wc -l)" = 2 ] || fail "written beside the specs"
}

run_cases "$@"
elsewhere 12 unit/test_rt_fs.c
exit 0
