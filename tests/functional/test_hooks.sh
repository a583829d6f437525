#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hooks: run once for a revision and for all who share them, with the documented environment; a
# failing one is run again without a new certificate; probes see what is served.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
internal_issuer
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  hookDirectories: [$SCRATCH/hooks.d]
  hooks:
    reload: {exec: [$SCRATCH/reload.sh, "a b"], timeout: 20s}
    signal: {signal: {pidFile: $SCRATCH/sleeper.pid, signal: HUP}}
    fragile: {exec: [$SCRATCH/fragile.sh]}
    slow: {exec: [/bin/sleep, "60"], timeout: 1s}
    onfailure: {exec: [$SCRATCH/onfailure.sh]}
YAML
cat >"$SCRATCH/reload.sh" <<SH
#!/bin/sh
{ echo "run \$1"; env | sort; } >>$SCRATCH/reload.log
SH
cat >"$SCRATCH/fragile.sh" <<SH
#!/bin/sh
echo "run" >>$SCRATCH/fragile.log
echo "token=supersecret" # must not reach a status file
[ -e $SCRATCH/mended ]
SH
mkdir -m 755 "$SCRATCH/hooks.d"
# shellcheck disable=SC2016 # the hook expands it
printf '#!/bin/sh\necho "$RENEWED_DOMAINS" >>%s/named.log\n' "$SCRATCH" >"$SCRATCH/hooks.d/named.sh"
chmod 755 "$SCRATCH"/*.sh "$SCRATCH/hooks.d/named.sh"
# a process that counts the HUPs it gets
python3 - "$SCRATCH" <<'PY' &
import os, signal, sys, time
d = sys.argv[1]
signal.signal(signal.SIGHUP, lambda *_: open(d + "/hups", "a").write("x"))
open(d + "/sleeper.tmp", "w").write(str(os.getpid()))
os.rename(d + "/sleeper.tmp", d + "/sleeper.pid")
while True:
    signal.pause()
PY
sleeper=$!
# shellcheck disable=SC2317 # called at the end
stop_sleeper() { stop_process "$sleeper"; }
CLEANUP+=(stop_sleeper)
wait_until 10 "[ -s $SCRATCH/sleeper.pid ]"

for i in 1 2 3 4 5; do
    certificate "c$i" "c$i.example.internal" "  hooks: [reload, signal, named]"
done
certloop_start
for i in 1 2 3 4 5; do cl wait "c$i" --for condition=Deployed --timeout 60s; done
runs=$(grep -c '^run a b' "$SCRATCH/reload.log")
[ "$runs" -le 2 ] || fail "5 certificates ran the shared hook $runs times"
grep -q '^CERTLOOP_EVENT=Issued' "$SCRATCH/reload.log" || fail "no CERTLOOP_EVENT"
grep -q "^RENEWED_LINEAGE=$STATE/live/c" "$SCRATCH/reload.log" || fail "no RENEWED_LINEAGE"
grep -q "^CERTLOOP_KEY_PATH=$STATE/live/c.*/privkey.pem" "$SCRATCH/reload.log" || fail "no key path"
grep -q '^HOME=' "$SCRATCH/reload.log" && fail "the environment is inherited"
[ "$(wc -c <"$SCRATCH/hups")" -ge 1 ] || fail "no signal came"
for i in 1 2 3 4 5; do
    grep -q "c$i.example.internal" "$SCRATCH/named.log" || fail "c$i did not reach the named hook"
done

# not again without a new certificate, also after a restart
certloop_stop
certloop_start
certificate c6 "c6.example.internal"
wait_ready c6
[ "$(grep -c '^run a b' "$SCRATCH/reload.log")" = "$runs" ] || fail "a hook ran again for nothing"

# a failing hook is told, retried, and costs no certificate
certificate f "f.example.internal" "  hooks: [fragile]"
wait_ready f
wait_until 20 "[ \"\$(condition f Deployed)\" = False ]"
[ "$(condition f Ready)" = True ] || fail "a failing hook took Ready away"
cl check f >/dev/null && fail "check is OK although a hook failed"
grep -rq supersecret "$STATE/status" && fail "hook output is in a status file"
cl describe f | grep -q supersecret || fail "describe does not show the hook's output"
touch "$SCRATCH/mended"
cl wait f --for condition=Deployed --timeout 60s
[ "$(status f .status.revision)" = 1 ] || fail "a hook caused a new certificate"

certificate s "s.example.internal" "  hooks: [slow]"
wait_until 30 "cl describe s | grep -q TimedOut"
certificate m "m.example.internal" "  hooks: [missing]"
wait_until 30 "[ \"\$(condition m Deployed)\" = False ]"
cl describe m | grep -q HookNotFound || fail "a missing hook is not named"

# a probe compares what is served
port=$(free_ports 1)
certificate p "p.example.internal" "  probe: {connect: \"127.0.0.1:$port\"}"
wait_ready p
openssl s_server -accept "127.0.0.1:$port" -cert "$STATE/live/p/cert.pem" \
    -key "$STATE/live/p/privkey.pem" -quiet >/dev/null 2>&1 &
server=$!
# shellcheck disable=SC2317 # called at the end
stop_server() { stop_process "$server"; }
CLEANUP+=(stop_server)
cl wait p --for condition=Deployed --timeout 60s
cl renew p # the server still serves the old one
wait_until 30 "[ \"\$(status p .status.revision)\" = 2 ]"
wait_until 30 "[ \"\$(condition p Deployed)\" = False ]"
[ "$(status p '.status.conditions[] | select(.type == "Deployed") | .reason')" = ProbeMismatch ] ||
    fail "not ProbeMismatch"
exit 0
