#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Renewal information (RFC 9773) against Pebble: the instant is picked once and outlives a kill, a
# window in the past renews at once and past closed maintenance windows, and the order names what it
# replaces.
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

# set_window NAME START END: what Pebble says about the certificate of NAME from now on.
set_window() {
    jq -n --rawfile pem "$STATE/live/$1/cert.pem" --arg from "$2" --arg until "$3" \
        '{Certificate: $pem, ARIResponse: ({suggestedWindow: {start: $from, end: $until},
          explanationURL: "https://ca.example/incident"} | tojson)}' |
        curl -fsS --cacert "$PEBBLE_CA" -d @- "$PEBBLE_MGMT/set-renewal-info/" >/dev/null
}
ari() { jq -r ".status.acme.ari.$2 // \"\"" "$STATE/status/$1.json"; }
when() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }

# its windows are closed for as long as this test may take
certificate web "web.example.org" "  renewal: {windows: [{cron: \"0 2 29 2 *\", windowDuration: 1m}]}"
certificate late "late.example.org"
cl run --once --timeout 60s 2>"$SCRATCH/once.log" || fail "run --once: $(cat "$SCRATCH/once.log")"

echo "rfc 9773 4.2: an instant in the window, picked once"
set_window late "$(when '+3 days')" "$(when '+5 days')"
set_window web "$(when '-2 days')" "$(when '-1 day')"
certloop_start
wait_until 40 "[ -n \"\$(jq -r '.status.acme.ari.selectedTime // \"\"' $STATE/status/late.json)\" ]"
selected=$(ari late selectedTime)
[[ $selected > $(when '+71 hours') && $selected < $(when '+121 hours') ]] || fail "picked $selected"
[ "$(jq -r .status.renewalTime "$STATE/status/late.json")" = "$selected" ] || fail "it is not followed"
[ "$(ari late lastError)" = "" ] || fail "an error: $(ari late lastError)"

echo "rfc 9773 4.2: a window in the past: renewed at once, though its windows are closed"
wait_until 40 "[ \"\$(jq -r .status.revision $STATE/status/web.json)\" = 2 ]"
jq -e '[.status.events[] | select(.reason == "UrgentRenewal" and
        (.message | contains("https://ca.example/incident") and contains("not waited for")))] | length == 1' \
    "$STATE/status/web.json" >/dev/null || fail "the status does not say why it was renewed"
[ "$(jq -r .trigger "$STATE/archive/web/current/manifest.json")" = UrgentRenewal ] || fail "trigger"

echo "rfc 9773 5: the order names what it replaces"
[ "$(pebble_requests 'ARI: order .* is a replacement of')" = 1 ] || fail "the order replaces nothing"

echo "rfc 9773 4.2: the same instant after a kill, with nothing asked again"
polls=$(jq '.status.acme.requests.renewalInfo' "$STATE/status/issuers/pebble.json")
checked=$(ari late lastChecked)
certloop_kill
certloop_start
wait_ready web late
[ "$(ari late selectedTime)" = "$selected" ] || fail "another instant: $(ari late selectedTime)"
[ "$(ari late lastChecked)" = "$checked" ] || fail "asked again (before: $polls)"
[ "$(jq -r .status.revision "$STATE/status/late.json")" = 1 ] || fail "renewed before its time"

echo "windows: an unknown time zone is refused with the nearest name"
mkdir "$SCRATCH/bad"
cat >"$SCRATCH/bad/zone.yaml" <<'YAML'
apiVersion: certloop/v1
kind: Certificate
metadata: {name: zone}
spec:
  dnsNames: [zone.example.org]
  issuerRef: {name: pebble}
  renewal: {windows: [{cron: "0 2 * * *", timezone: Europe/Berln, windowDuration: 3h}]}
YAML
out=$(cl validate "$SCRATCH/bad" 2>&1) && fail "an unknown zone is valid"
[[ $out = *"there is no time zone Europe/Berln"* ]] || fail "validate says: $out"
[ ! -r /usr/share/zoneinfo/tzdata.zi ] || [[ $out = *"did you mean Europe/Berlin?"* ]] ||
    fail "no hint: $out"

echo "plan --as-of: what breaks under shorter lifetimes"
rc=0
cl plan --as-of 2028-03-01 --lifetime 45d -o json >"$SCRATCH/asof.json" || rc=$?
[ "$rc" = 2 ] || fail "plan --as-of ends with $rc"
jq -e '(.findings[] | select(.object == "web") | .verdict == "Breaks" and
        .field == "spec.renewal.windows") and
       (.findings[] | select(.object == "late") | .verdict == "Fine")' "$SCRATCH/asof.json" \
    >/dev/null || fail "$(cat "$SCRATCH/asof.json")"
cl plan --as-of 2028-03-01 late >/dev/null || fail "nothing is announced for a private CA"
rc=0
cl plan --as-of soon >/dev/null 2>&1 || rc=$?
[ "$rc" = 64 ] || fail "--as-of soon ends with $rc"
