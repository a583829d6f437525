#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two real CAs. The first is stopped while its certificates live for seconds only: the fallback steps
# in when it becomes urgent, a standby lies ready and is put into use, and when the first CA is back,
# all is its own again.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
here=$(dirname "$0")
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop)
PEBBLE_VALIDITY=24 pebble_start "$SCRATCH/first"
sed -i 's/: 518400/: 24/' "$PEBBLE_DIR/config.json" # whichever profile it takes
pebble_halt
pebble_run
acme_issuer first
CLEANUP+=("$here/../lib/pebble.sh stop $SCRATCH/second")
second=$("$here/../lib/pebble.sh" start "$SCRATCH/second")
(
    while IFS='=' read -r name value; do
        printf -v "$name" '%s' "$value"
    done <<<"$second"
    acme_issuer second
)
issuer_of() { status "$1" '.status.certificate.issuerRef.name'; }
reason_of() { status "$1" ".status.conditions[] | select(.type == \"$2\") | .reason"; }

ISSUER=first certificate web "web.example.org" "  fallbackIssuerRefs: [{name: second}]"
ISSUER=first certificate spare "spare.example.org" "  standby: {issuerRef: {name: second}}"
certloop_start
wait_ready web spare spare~standby
wait_until 10 '[ "$(status spare .status.standby.ready)" = true ]'
[ "$(issuer_of web) $(issuer_of spare)" = "first first" ] || fail "not from the first CA"
[ ! -e "$STATE/live/spare~standby" ] || fail "the standby went into an output"
expect 0 cl plan
grep -q 'spare~standby' "$SCRATCH/out" || fail "the plan does not show the standby"

# Not ready after a restart: no attempt is possible, and it counts as trouble all the same.
pebble_halt
certloop_stop
certloop_start
wait_until 60 '[ "$(issuer_of web)" = second ]'
[ "$(reason_of web FailedOver)" = FallbackIssuer ] || fail "the condition does not tell of the fallback"
[ "$(status web '.status.issuers[0].usable')" = false ] || fail "the first Issuer is called usable"
status web '.status.events[].reason' | grep -qx FailedOver || fail "no event FailedOver"
wait_until 60 '[ "$(issuer_of spare)" = second ]'
[ "$(reason_of spare FailedOver)" = StandbyInUse ] || fail "the condition does not tell of the standby"
[ "$(status spare .status.standby.inUse)" = true ] || fail "the standby is not told as in use"
wait_until 20 'cmp -s "$STATE/live/spare/fullchain.pem" "$STATE/archive/spare~standby/current/fullchain.pem"'
cl describe spare | grep -q FailedOver || fail "describe does not tell of it"

# The first CA is back: the standby is replaced at once, the fallback's certificate at its renewal.
pebble_run
wait_until 90 '[ "$(issuer_of spare)" = first ]'
[ -z "$(condition spare FailedOver)" ] || fail "FailedOver stays"
status spare '.status.events[].reason' | grep -qx BackToPrimary || fail "no event BackToPrimary"
[ "$(issuer_of web)" = second ] || fail "the fallback's certificate did not stay until its renewal"
cl renew web >/dev/null
wait_until 60 '[ "$(issuer_of web)" = first ]'
wait_ready web spare
exit 0
