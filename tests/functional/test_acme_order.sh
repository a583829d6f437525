#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Orders against Pebble: profiles, alternate chains, names that the CA refuses.
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
export PEBBLE_WFE_NONCEREJECT=${PEBBLE_WFE_NONCEREJECT-5} PEBBLE_AUTHZREUSE=100
export PEBBLE_ALTERNATE_ROOTS=2 PEBBLE_CHAIN_LENGTH=2
pebble_start "$SCRATCH/pebble"
acme_issuer
certloop_start

days() { # NAME: of the lifetime
    status "$1" '(.status | (.notAfter | fromdate) - (.notBefore | fromdate)) / 86400 | round'
}

# profiles: sent, echoed, recorded; a change makes a new certificate wanted
certificate short "short.example.org" "  profile: shortlived"
certificate plain "plain.example.org" "  profile: default" # without a name Pebble takes any
wait_ready short plain
[ "$(days short)" = 6 ] || fail "profile shortlived gave $(days short) days"
[ "$(status short .status.certificate.profile)" = shortlived ] || fail "no profile in the status"
[ "$(days plain)" = 90 ] || fail "profile default gave $(days plain) days"
certificate plain "plain.example.org" "  profile: shortlived"
wait_ready plain
[ "$(days plain)" = 6 ] || fail "a changed profile changed nothing"

# one that the CA does not have stops before an order, and says which there are
before=$(pebble_orders)
certificate wrong "wrong.example.org" "  profile: longlived"
cl wait wrong --for condition=Stalled --timeout 30s >/dev/null || fail "an unknown profile is not Stalled"
status wrong '.status.conditions[] | select(.type == "Stalled") | "\(.reason): \(.message)"' >"$SCRATCH/out"
grep -q '^InvalidProfile: .*default (as usual), shortlived (six days)' "$SCRATCH/out" ||
    fail "the condition does not name the offer: $(cat "$SCRATCH/out")"
[ "$(pebble_orders)" = "$before" ] || fail "an order was made for a profile that the CA lacks"

# acme point 36: alternate chains. Roots are new at each start of Pebble.
root() { curl -fsS --cacert "$PEBBLE_CA" "$PEBBLE_MGMT/roots/$1" | openssl x509 -noout -subject -nameopt multiline |
    sed -n 's/ *commonName *= //p'; }
served() { # NAME: common name of whoever issued the topmost certificate
    local n
    n=$(grep -c BEGIN "$STATE/live/$1/fullchain.pem")
    awk -v n="$n" '/BEGIN/ {i++} i == n' "$STATE/live/$1/fullchain.pem" |
        openssl x509 -noout -issuer -nameopt multiline | sed -n 's/ *commonName *= //p'
}
certificate alt "alt.example.org" "  preferredChain: \"$(root 1)\""
certificate def "def.example.org" "  preferredChain: {root: \"$(root 0)\"}"
certificate none "none.example.org" "  preferredChain: {root: \"No Such Root\"}"
wait_ready alt def none
[ "$(served alt)" = "$(root 1)" ] || fail "alt has the chain of $(served alt)"
[ "$(served def)" = "$(root 0)" ] || fail "def has the chain of $(served def)"
[ "$(served none)" = "$(root 0)" ] || fail "none lost its default chain"
status none '.status.warnings[]' | grep -q 'no chain with preferredChain root No Such Root' ||
    fail "no warning about a chain that the CA lacks"
echo "acme point 36: alternates chosen by root; none matching keeps the default and warns"
# acme point 37: leaf, two intermediates
[ "$(grep -c BEGIN "$STATE/live/alt/fullchain.pem")" = 3 ] || fail "a certificate of the chain was lost"

# another preference is a download, not an order
before=$(pebble_orders)
serial=$(status alt .status.certificate.serialNumber)
certificate alt "alt.example.org" "  preferredChain: \"$(root 2)\""
wait_until 20 '[ "$(served alt)" = "$(root 2)" ]' || fail "the chain of alt was not replaced"
[ "$(pebble_orders)" = "$before" ] || fail "another chain cost an order"
[ "$(status alt .status.certificate.serialNumber)" = "$serial" ] || fail "another certificate came"

# acme point 24: the CA refuses one name
certificate part "ok.example.org, blocked-domain.example" "  allowSubsetOfNames: true"
wait_ready part
status part '.status.conditions[] | select(.type == "Ready") | "\(.reason) \(.message)"' >"$SCRATCH/out"
grep -q 'NamesMissing.*blocked-domain.example' "$SCRATCH/out" || fail "Ready says: $(cat "$SCRATCH/out")"
[ "$(status part '.status.certificate.missingNames[]')" = blocked-domain.example ] || fail "no missingNames"
[ "$(status part '.status.lastError.subproblems[].identifier')" = blocked-domain.example ] ||
    fail "no subproblems: $(status part .status.lastError)"
openssl x509 -in "$STATE/live/part/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:ok.example.org$' ||
    fail "the certificate has other names"
cl describe part >"$SCRATCH/out"
grep -q 'blocked-domain.example: .*rejectedIdentifier' "$SCRATCH/out" || fail "describe tells no subproblem"
echo "acme point 24: refused names are told and left out where that is allowed"

# without the policy nothing is issued, and the name is told
certificate whole "ok.example.org, blocked-domain.example"
wait_until 20 '[ "$(status whole ".status.lastError.reason // empty")" = RejectedIdentifier ]' ||
    fail "a refused name is not told"
[ "$(condition whole Ready)" = False ] || fail "whole is Ready"

# a restart changes nothing of it
before=$(pebble_orders)
certloop_stop
certloop_start
wait_ready short plain alt def none part
[ "$(pebble_orders)" = "$before" ] || fail "a restart ordered something"
