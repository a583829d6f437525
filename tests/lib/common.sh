# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For test scripts: failing with a message, waiting for a condition, free ports, a scratch folder.
# Usage: . "$(dirname "$0")/../lib/common.sh"

TEST_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${CERTLOOP:=$TEST_ROOT/build/dev/certloop}"
: "${PEERS:=$TEST_ROOT/build/peers}"
export CERTLOOP PEERS

fail() { # MESSAGE...: end the test
    echo "FAIL: $*" >&2
    exit 1
}

skip() { # REASON...: end the test as skipped (ctest SKIP_RETURN_CODE)
    echo "SKIP: $*"
    exit 77
}

now_ms() {
    local t=$EPOCHREALTIME
    t=${t//[.,]/}
    echo "${t%???}"
}

# wait_until SECONDS COMMAND...: until COMMAND succeeds. COMMAND is one shell line or words.
# Fails, naming the command and the last output, when SECONDS are over. Looks every 20 ms.
wait_until() {
    local deadline=$(($(now_ms) + $1 * 1000)) out
    shift
    while ! out=$(eval "$*" 2>&1); do
        if (($(now_ms) > deadline)); then
            echo "wait_until: not within the time: $*" >&2
            [ -z "$out" ] || echo "$out" >&2
            return 1
        fi
        sleep 0.02
    done
}

# free_ports N: N different ports of 127.0.0.1, free for TCP and UDP, on one line. They are below
# the range from which the kernel takes ports for outgoing connections.
free_ports() {
    python3 - "$1" <<'PY'
import random, socket, sys
found = []
while len(found) < int(sys.argv[1]):
    port = random.randrange(10000, 30000)
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
        if port not in found:
            found.append(port)
    except OSError:
        pass
print(*found)
PY
}

# stop_process PID [SECONDS]: SIGTERM, and SIGKILL when it is still there after SECONDS (5).
# Only for a process this script started.
stop_process() {
    local pid=$1 seconds=${2:-5}
    kill "$pid" 2>/dev/null || return 0
    wait_until "$seconds" "! kill -0 $pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

# scratch_dir: sets SCRATCH to a new folder, removed when the script ends. Functions named in
# CLEANUP (an array) run before that, last first; so do not set a trap on EXIT yourself.
CLEANUP=()
scratch_dir() {
    SCRATCH=$(mktemp -d)
    export SCRATCH
    trap '_cleanup' EXIT
}

_cleanup() {
    local status=$? i
    set +e
    for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do
        ${CLEANUP[i]}
    done
    if [ -n "${KEEP_SCRATCH:-}" ]; then
        echo "kept: $SCRATCH" >&2
    else
        rm -rf "$SCRATCH"
    fi
    exit "$status"
}
