#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CA is away for a while: nothing is lost, the status says what happens next and when, and it
# goes on by itself when the CA is back.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop)
pebble_start "$SCRATCH/pebble"
acme_issuer
certificate before "before.example.org"
certloop_start
wait_ready before

pebble_halt
for i in 1 2 3; do certificate "during$i" "during$i.example.org"; done
wait_until 90 "status during1 '.status.lastError.detail // empty' | grep -q ."
status during1 .status.nextReconcileTime | grep -q '^2' || fail "the status does not say when"
cl describe during1 | grep -q 'Next look' || fail "describe does not say what is next"
[ "$(condition before Ready)" = True ] || fail "a CA that is down took Ready away"
cl check >/dev/null && fail "check is OK although certificates are missing"

pebble_run # it has forgotten accounts and orders, as a CA restored from an old backup
READY_TIMEOUT=180s wait_ready before during1 during2 during3
[ "$(status during1 .status.failedIssuanceAttempts)" = 0 ] || fail "an outage counted as attempts"
exit 0
