#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The embedded responder as dig sees it: UDP, TCP, EDNS or not, mixed case, all kinds of questions,
# many at once, and peers that hold connections and say nothing.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

program=${CERTLOOP_BUILD:-$TEST_ROOT/build/dev}/tests/test_dns_responder
[ -x "$program" ] || fail "$program is not built"
command -v dig >/dev/null || skip "no dig: tests/tools/install-packages.sh installs bind9-dnsutils"
scratch_dir
PORT=$(free_ports 1)
DNS_TEST_SERVE=127.0.0.1:$PORT "$program" >"$SCRATCH/log" 2>&1 &
SERVER=$!
stop_server() { stop_process "$SERVER"; }
CLEANUP+=(stop_server)

ask() { dig +tries=1 +time=3 +norec @127.0.0.1 -p "$PORT" "$@"; }
wait_until 10 "ask +tcp acme.example.org SOA | grep -q NOERROR" || fail "$(cat "$SCRATCH/log")"

# expect PATTERN DIG-ARGUMENTS...: the whole output has it, and dig has nothing to complain about
expect() {
    local pattern=$1 out
    shift
    out=$(ask "$@") || fail "dig $*: $out"
    grep -qE "$pattern" <<<"$out" || fail "dig $*: no \"$pattern\" in: $out"
    ! grep -qiE 'warning|malformed|bad packet|got answer from unexpected' <<<"$out" ||
        fail "dig $*: $out"
}

for how in +noedns +edns=0 +tcp "+bufsize=4096" +dnssec; do
    [ "$(ask +short "$how" _acme-challenge.example.com TXT | sort | tr '\n' ' ')" = '"apex" "wildcard" ' ] ||
        fail "$how: $(ask "$how" _acme-challenge.example.com TXT)"
done
expect 'flags: qr aa[^r]' _acme-challenge.example.com TXT
expect '_AcMe-ChAlLeNgE\.ExAmPlE\.cOm\..*TXT.*"apex"' _AcMe-ChAlLeNgE.ExAmPlE.cOm TXT
expect 'SOA.*ns\.acme\.example\.org\. hostmaster' _acme-challenge.example.com SOA
expect 'NS.*ns\.acme\.example\.org\.' acme.example.org NS
expect 'A.*127\.0\.0\.1' ns.acme.example.org A
expect 'status: NOERROR.*' _acme-challenge.example.com CAA
expect 'AUTHORITY: 1' _acme-challenge.example.com CAA
expect 'status: NXDOMAIN' nothing.acme.example.org TXT
expect 'status: REFUSED' www.example.com A
expect 'status: REFUSED' acme.example.org ANY
expect 'status: BADVERS' +edns=1 +noednsneg acme.example.org SOA
expect 'status: NOTIMP' +opcode=UPDATE acme.example.org SOA
ask acme.example.org AXFR 2>&1 | grep -q 'Transfer failed' || fail "a transfer was answered"

# peers that connect and say nothing, more of them than are kept
python3 - "$PORT" <<'PY'
import socket, subprocess, sys
port = sys.argv[1]
held = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(80)]
half = socket.create_connection(("127.0.0.1", int(port)))
half.send(b"\0")
out = subprocess.run(["dig", "+tcp", "+short", "+time=3", "@127.0.0.1", "-p", port,
                      "_acme-challenge.example.com", "TXT"], capture_output=True, text=True)
assert sorted(out.stdout.split()) == ['"apex"', '"wildcard"'], out
# two queries in one segment, and one byte by byte
q = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x04acme\x07example\x03org\0\0\x06\0\x01"
q = len(q).to_bytes(2, "big") + q
c = socket.create_connection(("127.0.0.1", int(port)))
c.settimeout(5)
c.sendall(q + q)
for b in q:
    c.sendall(bytes([b]))
f = c.makefile("rb")
for _ in range(3):
    n = int.from_bytes(f.read(2), "big")
    answer = f.read(n)
    assert len(answer) == n > 40 and answer[:2] == b"\0\x01" and answer[2] & 0x84 == 0x84, answer
PY
kill -0 "$SERVER" || fail "the server is gone: $(cat "$SCRATCH/log")"
