# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For test scripts that run one numbered case after the other, each with folders and a daemon of its
# own. After common.sh and certloop.sh: functions case_NN_NAME, then run_cases.
#   fresh                new folders, with the Issuer "internal" in them; no daemon yet
#   settled              what happened to the spec directory before has been seen
#   scanned              a full scan has been made meanwhile
#   elsewhere NN TEST    the case has its test in another file

fresh() {
    certloop_stop
    SCRATCH=$CASES_ROOT/$CASE
    mkdir "$SCRATCH"
    certloop_dirs
    internal_issuer
    MARKS=0
}

daemon_json() { jq -r "$1" "$STATE/status/_daemon.json"; }
watching() { daemon_json ".watch.$1"; }
daemon_condition() { daemon_json ".conditions[] | select(.type == \"$1\") | .status"; }

# Events come in their order: when a new certificate is there, what came before it was seen.
settled() {
    MARKS=$((MARKS + 1))
    certificate "mark$MARKS" "mark$MARKS.example.internal"
    wait_ready "mark$MARKS"
}

scanned() {
    local before
    before=$(watching lastScan)
    wait_until 20 "kill -HUP $DAEMON; [ \"\$(watching lastScan)\" != '$before' ]" ||
        fail "no scan"
}

has_name() { # NAME DNSNAME: the certificate in force has it
    openssl x509 -in "$STATE/live/$1/cert.pem" -noout -ext subjectAltName | grep -q "DNS:$2"
}
becomes() { # NAME DNSNAME REVISION
    wait_until 30 "has_name $1 $2" || fail "$1 did not get $2"
    wait_ready "$1"
    is_revision "$1" "$3"
}
is_revision() {
    [ "$(status "$1" .status.revision)" = "$2" ] ||
        fail "$1: revision $(status "$1" .status.revision) instead of $2"
}
is_ready() { [ "$(condition "$1" Ready)" = True ] || fail "$1 is not Ready any more: $2"; }
uid_of() { status "$1" .metadata.uid; }
gone() { wait_until "${2:-40}" "[ ! -e $STATE/status/$1.json ]" || fail "$1 was not removed"; }
bad_file() { # FILE PATTERN: it is rejected, with that message
    wait_until 20 "grep -q '$2' $STATE/status/_files/$1.json" ||
        fail "$1: $(cat "$STATE/status/_files/$1.json" 2>&1)"
}

elsewhere() {
    local t=$2
    [ -e "$TEST_ROOT/tests/$t" ] || fail "case $1: no test tests/$t"
    printf 'case %s ok  (%s)\n' "$1" "$t"
}

# run_cases [PATTERN]: all functions case_*, in order of their numbers.
run_cases() {
    local f
    scratch_dir
    chmod 711 "$SCRATCH"
    CASES_ROOT=$SCRATCH
    for f in $(compgen -A function case_ | sort); do
        [[ $f == *${1:-}* ]] || continue
        CASE=${f#case_}
        local started
        started=$(now_ms)
        $f
        certloop_stop
        SCRATCH=$CASES_ROOT
        printf 'case %s ok  (%s, %d ms)\n' "${CASE%%_*}" "${CASE#*_}" "$(($(now_ms) - started))"
    done
}
