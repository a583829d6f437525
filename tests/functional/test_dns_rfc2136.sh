#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 2136 against real name servers: BIND, Knot DNS and PowerDNS, with every TSIG algorithm, wrong
# keys, foreign values that survive, and batches that need several updates.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"

program=${CERTLOOP_BUILD:-$TEST_ROOT/build/dev}/tests/test_dns_rfc2136
[ -x "$program" ] || fail "$program is not built"
scratch_dir
CLEANUP+=(nameservers_stop)
# shellcheck disable=SC2034 # used by the library
ZONE_RECORDS=('kept TXT "stays for ever"')
bind_start "$SCRATCH/bind" example.test
knot_start "$SCRATCH/knot" example.test
pdns_start "$SCRATCH/pdns" example.test
DNS_TEST_SERVERS="$BIND_SERVER $KNOT_SERVER $PDNS_SERVER" "$program" || {
    tail -n 50 "$BIND_DIR/log" "$KNOT_DIR/log" "$PDNS_DIR/log" >&2
    fail "see above"
}
for server in "$BIND_SERVER" "$KNOT_SERVER" "$PDNS_SERVER"; do
    [ "$(txt "$server" kept.example.test)" = "stays for ever" ] || fail "$server: a record is gone"
    [ -z "$(txt "$server" _acme-challenge.example.test)" ] || fail "$server: something was left"
done
