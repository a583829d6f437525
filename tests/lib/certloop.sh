# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For test scripts: a certloop daemon of one's own on a scratch folder. After common.sh (and
# pebble.sh, if there is a CA):
#   certloop_dirs            SPECS STATE SECRETS CONFIG in $SCRATCH, exported for the command line
#   certloop_start [FLAGS]   the daemon; its log is in $DAEMON_LOG, its pid in $DAEMON
#   certloop_stop, certloop_kill

certloop_dirs() {
    SPECS=$SCRATCH/acme.d STATE=$SCRATCH/state
    SECRETS=$SCRATCH/secrets CONFIG=$SCRATCH/config.yaml DAEMON_LOG=$SCRATCH/daemon.log
    export SPECS STATE DAEMON_LOG
    export CERTLOOP_SPECS=$SPECS CERTLOOP_STATE=$STATE
    export CERTLOOP_SECRETS=$SECRETS CERTLOOP_CONFIG=$CONFIG
    mkdir -p "$SPECS" "$SECRETS"
    chmod 0755 "$SPECS"
    chmod 0700 "$SECRETS"
    : >"$DAEMON_LOG"
    CLEANUP+=(certloop_stop)
}

cl() { "$CERTLOOP" "$@"; }

certloop_start() {
    "$CERTLOOP" run "$@" 2>>"$DAEMON_LOG" &
    DAEMON=$!
    if ! wait_until 15 "$CERTLOOP status >/dev/null || ! kill -0 $DAEMON" ||
        ! kill -0 "$DAEMON" 2>/dev/null; then
        cat "$DAEMON_LOG" >&2
        fail "the daemon did not start"
    fi
}

certloop_stop() {
    [ -n "${DAEMON:-}" ] || return 0
    stop_process "$DAEMON" 30
    DAEMON=
}

certloop_kill() { # as a power cut would, as far as a process can tell
    kill -9 "$DAEMON" 2>/dev/null || true
    wait "$DAEMON" 2>/dev/null || true
    DAEMON=
}

# wait_ready NAME...: until all are Ready; shows the log if they do not become so.
wait_ready() {
    "$CERTLOOP" wait "$@" --for condition=Ready --timeout "${READY_TIMEOUT:-60s}" || {
        tail -n 60 "$DAEMON_LOG" >&2
        fail "not Ready: $*"
    }
}

# check_ok [ARGS]: `certloop check` has nothing to tell but, at most, that the scratch directory is on a
# file system that does not survive a restart (containers, a /tmp in memory).
check_ok() {
    local out rc=0
    out=$(cl check "$@" | tee "$SCRATCH/out"; exit "${PIPESTATUS[0]}") || rc=$?
    [[ $rc = 0 ]] || [[ $rc = 1 && $out = *"are fine"*StateNotPersistent* ]] ||
        fail "check $* ends with $rc: $out"
}

# put FILE: writes standard input to the spec directory as one complete file (rename).
put() {
    cat >"$SPECS/.$1.tmp"
    mv "$SPECS/.$1.tmp" "$SPECS/$1"
}

# acme_issuer [NAME [SOLVER]]: an Issuer for the Pebble that runs.
acme_issuer() {
    local solver=${2:-"{http01: {listen: \"127.0.0.1:$PEBBLE_HTTP_PORT\"}}"}
    put "issuer-${1:-pebble}.yaml" <<YAML
apiVersion: certloop/v1
kind: Issuer
metadata: {name: ${1:-pebble}}
spec:
  acme:
    server: $PEBBLE_URL
    termsOfServiceAgreed: true
    caBundleFile: $PEBBLE_CA
    maxConnections: 2
    retryAfter: EagerFirst
    solvers: [$solver]
YAML
}

# certificate NAME DNSNAMES [MORE]: a Certificate from the Issuer $ISSUER (pebble).
certificate() {
    put "$1.yaml" <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: $1}
spec:
  dnsNames: [$2]
  issuerRef: {name: ${ISSUER:-pebble}}
${3:-}
YAML
}

# status NAME JQ: a value from the status file.
status() { jq -r "$2" "$STATE/status/$1.json"; }
condition() { # NAME TYPE: its status
    status "$1" ".status.conditions[] | select(.type == \"$2\") | .status"
}

# internal_issuer: an Issuer that needs no network; certificate() uses it from now on.
internal_issuer() {
    put issuer-internal.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: internal}
spec: {ca: {generate: true}}
YAML
    ISSUER=internal
}

# expect CODE COMMAND...: it ends with that exit code; its output is in $SCRATCH/out.
expect() {
    local want=$1 got=0
    shift
    "$@" >"$SCRATCH/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || {
        cat "$SCRATCH/out" >&2
        fail "$* ended with $got instead of $want"
    }
}
