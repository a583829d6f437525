#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The spec directory, case by case: what people, editors and tools do to it, and what must follow.
# Cases that need mounts, users or limits of their own are in test_watch_machine.sh.
# shellcheck disable=SC2317 # run_cases calls the cases by their names
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/cases.sh
. "$(dirname "$0")/../lib/cases.sh"

spec() { # NAME DNSNAMES: a Certificate on standard output
    printf 'apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: %s}\nspec:\n' "$1"
    printf '  dnsNames: [%s]\n  issuerRef: {name: internal}\n' "$2"
}

case_01_written_in_place() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    python3 - "$SPECS/one.yaml" <<'PY'
import sys
text = open(sys.argv[1]).read().replace("[one.example", "[a.example.internal, b.example")
with open(sys.argv[1], "w") as f:
    for c in text:
        f.write(c)
        f.flush()
PY
    becomes one a.example.internal 2
    has_name one b.example.internal || fail "half of the names"
    # not closed: not acted on, though it parses
    exec 3>"$SPECS/one.yaml"
    spec one c.example.internal >&3
    settled
    scanned
    has_name one a.example.internal || fail "an open file was acted on"
    exec 3>&-
    becomes one c.example.internal 3
}

case_02_other_names() {
    local names=(one.yaml~ '#one.yaml#' '.#one.yaml' .one.yaml.Ab12 one.yaml.dpkg-new one.yaml.rpmsave
        one.yaml.orig one.yaml.rej .one.yaml.swp one.yaml.bak one.yaml.backup 4913 .hidden.yaml)
    fresh
    certloop_start
    for n in "${names[@]}"; do
        spec "not-$RANDOM" not.example.internal >"$SPECS/$n"
    done
    settled
    scanned
    [ "$(cl get -o name | grep -c not-)" = 0 ] || fail "parsed: $(cl get -o name)"
    for n in "${names[@]}"; do
        wait_until 5 "daemon_json '.ignoredFiles[]' | grep -qxF '$n'" || fail "not listed: $n"
    done
}

case_03_gone_for_a_moment() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    local uid
    uid=$(uid_of one)
    mv "$SPECS/one.yaml" "$SPECS/one.yaml~" # as slow editors do
    scanned
    scanned
    [ -e "$STATE/status/one.json" ] || fail "removed within its grace"
    is_ready one "its file was gone for a moment"
    spec one one.example.internal >"$SPECS/one.yaml"
    settled
    [ "$(uid_of one)" = "$uid" ] || fail "another object"
    is_revision one 1
    [ "$(watching pendingDeletions)" = 0 ] || scanned
    wait_until 5 "[ \"\$(watching pendingDeletions)\" = 0 ]"
}

case_07_directory_missing() {
    fresh
    mv "$SPECS" "$SCRATCH/later"
    certloop_start
    wait_until 10 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    mv "$SCRATCH/later" "$SPECS"
    certificate one one.example.internal
    wait_ready one
    wait_until 10 "[ -z \"\$(daemon_condition SpecDirUnavailable)\" ]"
    rm -r "$SPECS"
    wait_until 10 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    is_ready one "the directory is gone"
    scanned_anyway
    certloop_stop # also over a restart
    certloop_start
    wait_until 10 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    is_ready one "the directory is gone at the start"
    mkdir -m 755 "$SPECS"
    internal_issuer
    spec one two.example.internal >"$SPECS/one.yaml"
    becomes one two.example.internal 2
    : >"$SCRATCH/file" # something else in its place
    mv "$SPECS" "$SCRATCH/later"
    mv "$SCRATCH/file" "$SPECS"
    wait_until 30 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    is_ready one "a file stands in place of the directory"
}

case_09_most_is_gone() {
    fresh
    for i in 1 2 3 4 5; do certificate "c$i" "c$i.example.internal"; done
    certloop_start
    wait_ready c1 c2 c3 c4 c5
    rm "$SPECS"/c?.yaml
    wait_until 30 "[ \"\$(watching massDeletionHeld)\" = true ]"
    grep -q MassDeletionHeld "$DAEMON_LOG" || fail "not said"
    # a single one goes after its grace; these do not
    certificate other other.example.internal
    wait_ready other
    local later=$(($(now_ms) + 12000))
    wait_until 20 "(( \$(now_ms) > $later ))" # the grace of a single one
    scanned
    scanned
    for i in 1 2 3 4 5; do is_ready "c$i" "held"; done
    cl prune | grep -q 'removal is held' || fail "$(cl prune)"
    cl prune --yes
    for i in 1 2 3 4 5; do gone "c$i"; done
    wait_until 10 "[ \"\$(watching massDeletionHeld)\" = false ]"
    [ -e "$STATE/archive/c1" ] || fail "Retain: the archive stays"
    is_ready other "never gone"
    # empty at once is held too, however few there are
    rm "$SPECS"/*.yaml
    wait_until 30 "[ \"\$(watching massDeletionHeld)\" = true ]"
    is_ready other "the directory is empty"
}

case_10_overflow() {
    fresh
    certloop_start
    kill -STOP "$DAEMON"
    python3 - "$SPECS" "$(cat /proc/sys/fs/inotify/max_queued_events)" <<'PY'
import os, sys
a, b = sys.argv[1] + "/.a", sys.argv[1] + "/.b"
for _ in range(int(sys.argv[2]) // 2 + 100):
    os.close(os.open(a, os.O_CREAT | os.O_WRONLY))
    os.rename(a, b)
os.unlink(b)
PY
    certificate one one.example.internal # its event is lost
    kill -CONT "$DAEMON"
    READY_TIMEOUT=10s wait_ready one
    wait_until 10 "(( \$(watching overflows) >= 1 ))"
}

case_13_times_lie() {
    fresh
    certificate one aa.example.internal
    certloop_start
    wait_ready one
    local n=1 name
    for name in bb cc dd; do # same size, same mtime, same inode
        n=$((n + 1))
        cp -p "$SPECS/one.yaml" "$SCRATCH/old"
        sed "s/\[..\./[$name./" "$SCRATCH/old" >"$SPECS/one.yaml"
        touch -r "$SCRATCH/old" "$SPECS/one.yaml"
        becomes one "$name.example.internal" "$n"
    done
    spec one ee.example.internal >"$SCRATCH/new"
    touch -d '1999-01-01' "$SCRATCH/new"
    mv "$SCRATCH/new" "$SPECS/one.yaml" # older than what it replaces
    becomes one ee.example.internal 5
}

case_14_same_bytes() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    touch "$SPECS/one.yaml"
    cp "$SPECS/one.yaml" "$SCRATCH/same" && cp "$SCRATCH/same" "$SPECS/one.yaml"
    cp "$SPECS/one.yaml" "$SPECS/.x" && mv "$SPECS/.x" "$SPECS/one.yaml"
    settled
    scanned
    is_revision one 1
    [ "$(status one .metadata.generation)" = 1 ] || fail "a new generation"
}

case_15_same_meaning() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    put one.yaml <<'YAML'
# a comment, another order, a default written out
kind: Certificate
apiVersion: certloop/v1
spec:
    issuerRef:
        name: "internal"
    revisionHistoryLimit: 3
    dnsNames:
        - one.example.internal
metadata:
    name: one
YAML
    local sum
    sum=$(sha256sum <"$SPECS/one.yaml" | cut -d' ' -f1)
    wait_until 10 "[ \"\$(status one .status.source.sha256)\" = $sum ]" || fail "the bytes are not proven"
    settled
    is_revision one 1
    [ "$(status one .metadata.generation)" = 1 ] || fail "a new generation"
}

case_17_no_half_file() {
    fresh
    { spec a a.example.internal && echo --- && spec b b.example.internal; } | put two.yaml
    certloop_start
    wait_ready a b
    [ "$(status b .status.source.document)" = 1 ] || [ "$(status b .status.source.document)" = 2 ] ||
        fail "no document index"
    { spec a changed.example.internal && echo --- && spec b b.example.internal | sed 's/dnsNames/dnsName/'; } |
        put two.yaml
    bad_file two.yaml 'dnsName'
    settled
    has_name a a.example.internal || fail "half of a file was applied"
    is_revision a 1
    is_revision b 1
    is_ready a "its file is broken"
    # a new file whose second document is broken declares nothing
    { spec c c.example.internal && echo --- && echo 'kind: ['; } | put three.yaml
    bad_file three.yaml 'problems'
    settled
    [ ! -e "$STATE/status/c.json" ] || fail "half of a new file was applied"
}

case_18_two_files() {
    fresh
    spec one one.example.internal | put m.yaml
    certloop_start
    wait_ready one
    local uid
    uid=$(uid_of one)
    spec one other.example.internal | put a.yaml # first by name, second by time
    bad_file a.yaml DuplicateObject
    settled
    has_name one one.example.internal || fail "the newcomer won"
    certloop_stop # also over a restart
    certloop_start
    bad_file a.yaml DuplicateObject
    [ "$(status one .status.source.path)" = "$SPECS/m.yaml" ] || fail "the restart changed the owner"
    # moved: the new file is there first, then the old one goes
    spec one one.example.internal | put a.yaml
    bad_file a.yaml DuplicateObject
    rm "$SPECS/m.yaml"
    wait_until 10 "[ \"\$(status one .status.source.path)\" = $SPECS/a.yaml ]" || fail "not moved"
    wait_until 10 "[ ! -e $STATE/status/_files/a.yaml.json ]" || fail "a.yaml is still rejected"
    [ "$(uid_of one)" = "$uid" ] || fail "another object"
    is_revision one 1
    # moved out of a file that stays
    { spec one one.example.internal && echo --- && spec two two.example.internal; } | put a.yaml
    wait_ready two
    uid=$(uid_of two)
    spec two two.example.internal | put b.yaml
    bad_file b.yaml DuplicateObject
    spec one one.example.internal | put a.yaml
    wait_until 10 "[ \"\$(status two .status.source.path)\" = $SPECS/b.yaml ]" || fail "two did not move"
    [ "$(uid_of two)" = "$uid" ] || fail "another object"
    is_revision two 1
    # twice in one file
    { spec x x.example.internal && echo --- && spec x y.example.internal; } | put x.yaml
    bad_file x.yaml 'declared twice'
    # an Issuer and a ClusterIssuer of one name
    printf 'apiVersion: certloop/v1\nkind: ClusterIssuer\nmetadata: {name: internal}\nspec: {selfSigned: {}}\n' |
        put cluster.yaml
    bad_file cluster.yaml DuplicateObject
    { sed 's/internal/both/' "$SPECS/issuer-internal.yaml" && echo --- &&
        sed 's/internal/both/' "$SPECS/cluster.yaml"; } | put both.yaml
    bad_file both.yaml DuplicateObject
}

case_19_file_renamed() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    local uid
    uid=$(uid_of one)
    mv "$SPECS/one.yaml" "$SPECS/renamed.yaml"
    wait_until 10 "[ \"\$(status one .status.source.path)\" = $SPECS/renamed.yaml ]"
    settled
    [ "$(uid_of one)" = "$uid" ] || fail "another object"
    is_revision one 1
    wait_until 5 "[ \"\$(watching pendingDeletions)\" = 0 ]" || fail "still to be removed"
}

case_20_object_renamed() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    local serial
    serial=$(openssl x509 -in "$STATE/live/one/cert.pem" -noout -serial)
    spec another one.example.internal | put one.yaml
    wait_ready another
    [ "$(openssl x509 -in "$STATE/live/another/cert.pem" -noout -serial)" = "$serial" ] ||
        fail "a rename cost a certificate"
    gone one
    is_ready another "its predecessor is gone"
    # a rename with other names is another certificate
    spec third third.example.internal | put one.yaml
    wait_ready third
    has_name third third.example.internal || fail "wrong names"
}

case_21_unreadable_file() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    ln -s one.yaml "$SPECS/.loop" # ELOOP, once it has that name
    python3 -c 'import os, sys; os.chdir(sys.argv[1]); os.rename(".loop", "one.yaml")' "$SPECS"
    wait_until 10 "cl get files | grep -q 'one.yaml .*cannot look at'" || fail "$(cl get files)"
    scanned
    [ "$(watching pendingDeletions)" = 0 ] || fail "unreadable counts as gone"
    is_ready one "its file cannot be read"
    rm "$SPECS/one.yaml"
    certificate one two.example.internal
    becomes one two.example.internal 2
}

case_22_no_regular_files() {
    fresh
    mkfifo "$SPECS/fifo.yaml"
    mkdir "$SPECS/directory.yaml"
    ln -s /dev/zero "$SPECS/device.yaml"
    ln -s nowhere "$SPECS/dangling.yaml"
    python3 -c 'import socket, sys, os; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind("socket.yaml")' "$SPECS"
    certificate one one.example.internal
    certloop_start
    wait_ready one
    for f in fifo directory device socket; do bad_file "$f.yaml" 'not a regular file'; done
    [ ! -e "$STATE/status/_files/dangling.yaml.json" ] || fail "a dangling link is absent, not bad"
    spec late late.example.internal >"$SPECS/nowhere"
    scanned
    wait_ready late
}

case_23_odd_bytes() {
    fresh
    certloop_start
    { printf '\357\273\277' && spec bom bom.example.internal; } | put bom.yaml
    spec crlf crlf.example.internal | sed 's/$/\r/' | put crlf.yaml
    wait_ready bom crlf
    { printf '\377\376' && spec utf utf.example.internal | iconv -t UTF-16LE; } | put utf16.yaml
    { spec nul nul.example.internal && printf '# \0\n'; } | put nul.yaml
    { spec big big.example.internal && head -c 1100000 /dev/zero | tr '\0' '#'; } | put big.yaml
    { spec latin latin.example.internal && printf '# \351\n'; } | put latin1.yaml
    for f in utf16 nul big latin1; do bad_file "$f.yaml" problems; done
    settled
    [ "$(cl get -o name | grep -cE '(utf|nul|big|latin)')" = 0 ] || fail "$(cl get -o name)"
    is_ready bom "bad neighbours"
}

case_24_hostile_yaml() {
    fresh
    certloop_start
    { spec anchor a.example.internal | sed 's/\[/\&n [/'; } | put anchor.yaml
    { spec merge m.example.internal && echo '  <<: {secretName: x}'; } | put merge.yaml
    { spec twice t.example.internal && echo '  dnsNames: [other.example.internal]'; } | put twice.yaml
    { spec bool b.example.internal && echo '  isCA: on'; } | put bool.yaml
    { spec tag t.example.internal | sed 's/\[/!!python\/name [/'; } | put tag.yaml
    for f in anchor merge twice bool tag; do
        bad_file "$f.yaml" problems
        jq -e '.problems[0] | .line >= 4 and .column >= 1' "$STATE/status/_files/$f.yaml.json" \
            >/dev/null || fail "$f: no position: $(cat "$STATE/status/_files/$f.yaml.json")"
    done
    [ "$(cl get -o name | grep -c certificate/)" = 0 ] || fail "$(cl get -o name)"
}

case_25_others_can_write() {
    fresh
    certificate one one.example.internal
    chmod 777 "$SPECS"
    expect 78 timeout 20 "$CERTLOOP" run
    grep -q 'not trusted' "$SCRATCH/out" || fail "$(cat "$SCRATCH/out")"
    chmod 755 "$SPECS"
    certloop_start
    wait_ready one
    chmod 775 "$SPECS" # at run time: the last good set stays
    scanned_anyway
    wait_until 10 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    certificate two two.example.internal
    scanned_anyway
    is_ready one "the directory is not trusted"
    [ ! -e "$STATE/status/two.json" ] || fail "taken from a directory that others can write"
    chmod 755 "$SPECS"
    wait_ready two
    chmod 666 "$SPECS/two.yaml" # one file
    bad_file two.yaml 'not trusted'
    is_ready two "its file can be written by others"
    sed -i 's/two.example/evil.example/' "$SPECS/two.yaml"
    chmod 666 "$SPECS/two.yaml"
    settled
    chmod 644 "$SPECS/two.yaml"
    wait_until 20 "[ ! -e $STATE/status/_files/two.yaml.json ]" || fail "still rejected"
}
scanned_anyway() { kill -HUP "$DAEMON"; }

case_26_state_in_specs() {
    fresh
    expect 78 "$CERTLOOP" run --state "$SPECS/state"
    expect 78 "$CERTLOOP" run --state "$SCRATCH" --specs "$SPECS"
    ln -s "$SPECS" "$SCRATCH/link" # links do not hide it
    expect 78 "$CERTLOOP" run --state "$SCRATCH/link/state"
    grep -q 'must not contain each' "$SCRATCH/out" || fail "$(cat "$SCRATCH/out")"
    [ "$(ls -A "$SPECS")" = issuer-internal.yaml ] || fail "something was made in the spec directory"
    # outputs into certloop's own directories
    printf 'apiVersion: certloop/v1\nkind: Configuration\nmetadata: {name: c}\nspec: {outputRoots: ["%s"]}\n' \
        "$SCRATCH" >"$CONFIG"
    certificate o1 o1.example.internal "  outputs: [{directory: \"$SPECS/out\"}]"
    certificate o2 o2.example.internal "  outputs: [{directory: \"$STATE/archive/x\"}]"
    certificate o3 o3.example.internal "  outputs: [{directory: \"$SECRETS/out\"}]"
    certificate o4 o4.example.internal "  outputs: [{directory: \"$SCRATCH/conf.d\"}]"
    certloop_start
    for o in o1 o2 o3 o4; do
        wait_until 20 "grep -q 'cannot be an output' $STATE/status/$o.json" ||
            fail "$o: $(cat "$STATE/status/$o.json")"
    done
    for d in "$SPECS/out" "$STATE/archive/x" "$SECRETS/out" "$SCRATCH/conf.d"; do
        [ ! -e "$d" ] || fail "$d was written all the same"
    done
}

case_27_output_repaired() {
    fresh
    mkdir "$SCRATCH/etc"
    printf 'apiVersion: certloop/v1\nkind: Configuration\nmetadata: {name: c}\nspec: {outputRoots: ["%s/srv"]}\n' \
        "$SCRATCH" >"$SCRATCH/etc/config.yaml"
    export CERTLOOP_CONFIG=$SCRATCH/etc/config.yaml
    certificate one one.example.internal "  outputs: [{directory: \"$SCRATCH/srv/one\"}]"
    certloop_start
    wait_ready one
    wait_until 10 "[ -s $SCRATCH/srv/one/tls.key ] || [ -s $SCRATCH/srv/one/privkey.pem ]" ||
        fail "$(find "$SCRATCH/srv")"
    rm -r "$STATE/live/one"
    wait_until 10 "[ -s $STATE/live/one/cert.pem ]" || fail "live was not repaired"
    is_revision one 1
    # elsewhere: found by the sweep, which a touched spec brings forward
    rm -r "$SCRATCH/srv/one"
    echo '# touched' >>"$SPECS/one.yaml"
    wait_until 10 "[ -e $SCRATCH/srv/one ]" || fail "the output was not repaired"
    is_revision one 1
    wait_until 5 "jq -e '.status.events[] | select(.reason == \"OutputRepaired\")' $STATE/status/one.json" ||
        fail "not told"
}

case_29_two_daemons() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    expect 75 timeout 20 "$CERTLOOP" run
    expect 75 timeout 20 "$CERTLOOP" run --once
    is_ready one "a second daemon was started"
}

case_31_clock_behind() {
    fresh
    certificate one one.example.internal
    certloop_start
    wait_ready one
    certloop_stop
    # as if the last run had been three days later than now: the clock was set back
    python3 - "$STATE/memory/one.json" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
m["loadedAt"] += 3 * 86400 * 1000
json.dump(m, open(sys.argv[1], "w"))
PY
    certloop_start
    certificate two two.example.internal
    wait_until 20 "[ \"\$(condition two ClockUnsynchronised)\" = True ] || grep -q ClockUnsynchronised $STATE/status/two.json" ||
        fail "$(cat "$STATE/status/two.json")"
    [ "$(condition two Ready)" != True ] || fail "issued by a clock that is known to be wrong"
    is_ready one "what is there stays usable"
}

case_33_written_during_the_start() {
    fresh
    (for i in $(seq 60); do certificate "s$i" "s$i.example.internal"; done) &
    local writer=$! names=()
    certloop_start
    wait "$writer"
    for i in $(seq 60); do names+=("s$i"); done
    READY_TIMEOUT=25s wait_ready "${names[@]}" # the next full scan would be 30 s later
}

case_34_subdirectories() {
    fresh
    mkdir -p "$SPECS/web/deep"
    spec inner inner.example.internal >"$SPECS/web/inner.yaml"
    spec deep deep.example.internal >"$SPECS/web/deep/deep.yaml"
    certloop_start
    settled
    scanned
    [ "$(cl get -o name | grep -c inner)" = 0 ] || fail "recursive by default"
    certloop_stop
    printf 'apiVersion: certloop/v1\nkind: Configuration\nmetadata: {name: c}\nspec: {recursive: true}\n' >"$CONFIG"
    certloop_start
    wait_ready web/inner
    spec second second.example.internal >"$SPECS/web/second.yaml" # its directory is watched, too
    READY_TIMEOUT=10s wait_ready web/second
    mkdir -m 755 "$SPECS/late"
    spec third third.example.internal >"$SPECS/late/third.yaml"
    READY_TIMEOUT=20s wait_ready late/third
    [ "$(cl get -o name | grep -c deep)" = 0 ] || fail "deeper than one level"
    chmod 777 "$SPECS/web" # others could write there: the last good set stays
    rm "$SPECS/web/second.yaml"
    scanned
    wait_until 10 "[ \"\$(daemon_condition SpecDirUnavailable)\" = True ]"
    [ "$(watching pendingDeletions)" = 0 ] || fail "taken from a directory that others can write"
    chmod 755 "$SPECS/web"
    wait_until 10 "kill -HUP $DAEMON; [ \"\$(watching pendingDeletions)\" = 1 ]"
    certloop_stop
    "$CERTLOOP" run --once 2>>"$DAEMON_LOG" || fail "run --once: $(tail -5 "$DAEMON_LOG")"
}

run_cases "$@"
elsewhere 04 functional/test_editors.sh
elsewhere 06 functional/test_editors.sh
elsewhere 16 functional/test_bad_input.sh
elsewhere 32 functional/test_kill.sh
exit 0
