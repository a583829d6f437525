#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job against Pebble: a dropped file becomes Ready, an edit makes a new revision, a deleted
# output comes back without the CA, a renewal is made on request, a removed spec ends.
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
certloop_start

acme_issuer
certificate web "web.example.org, www.web.example.org"
wait_ready web
live=$STATE/live/web
openssl x509 -in "$live/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:web.example.org' ||
    fail "the name is not in the certificate"
openssl x509 -in "$live/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:www.web.example.org' ||
    fail "the second name is not in the certificate"
cmp <(openssl x509 -in "$live/cert.pem" -noout -pubkey) <(openssl pkey -in "$live/privkey.pem" -pubout) ||
    fail "key and certificate do not match"
[ "$(stat -c %a "$live/privkey.pem" -L)" != 644 ] || fail "the key can be read by everybody"
[ "$(status web .status.revision)" = 1 ] || fail "revision is not 1"
cl get | grep -Eq '^web +True +True +pebble' || fail "get does not show it"
check_ok

# an edit of the names makes a new revision; wait does not believe the old status
certificate web "web.example.org, new.web.example.org"
wait_ready web
[ "$(status web .status.revision)" = 2 ] || fail "no second revision after the edit"
openssl x509 -in "$live/cert.pem" -noout -ext subjectAltName | grep -q 'DNS:new.web.example.org' ||
    fail "the new name is not in the certificate"

# comments and order change nothing
orders=$(pebble_orders)
{ echo "# a comment"; cat "$SPECS/web.yaml"; } | put web.yaml
wait_until 10 "cl get files | grep -q web.yaml && [ \"\$(status web .status.source.sha256)\" = $(sha256sum "$SPECS/web.yaml" | cut -d' ' -f1) ]"
[ "$(status web .metadata.generation)" = 2 ] || fail "a comment changed the generation"

# outputs are projections: what is deleted comes back from the archive
rm -rf "$live"
wait_until 20 "openssl x509 -in $live/cert.pem -noout -subject"
[ "$(pebble_orders)" = "$orders" ] || fail "a deleted output cost an order"
cl describe web | grep -q OutputRepaired || fail "the repair is not told"

# renew on request
cl renew web
wait_until 60 "[ \"\$(status web .status.revision)\" = 3 ]"
wait_ready web
[ "$(pebble_orders)" = $((orders + 1)) ] || fail "a renewal is not one order"

# no account twice
[ "$(pebble_accounts)" = 1 ] || fail "more than one newAccount"

# a removed file ends the object after the grace time; the archive stays
rm "$SPECS/web.yaml"
wait_until 60 "[ ! -e $STATE/status/web.json ]"
[ -e "$STATE/archive/web/current" ] || fail "the archive went with the spec"
[ -e "$live/cert.pem" ] || fail "deletionPolicy Retain removed an output"
grep -qiE 'AddressSanitizer|runtime error' "$DAEMON_LOG" && fail "sanitizer: $(grep -m1 -iE 'Sanitizer|runtime error' "$DAEMON_LOG")"
exit 0
