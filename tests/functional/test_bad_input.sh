#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One broken file, one duplicate, one unknown field, one YAML bomb, one FIFO, one binary file and ten
# good specs: the ten become Ready, and each bad file has its own message, once.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
put issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: internal}
spec: {ca: {generate: true}}
YAML
ISSUER=internal
names=()
for i in $(seq 10); do
    certificate "good$i" "good$i.example.internal"
    names+=("good$i")
done
printf 'apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: broken\n' | put broken.yaml
cp "$SPECS/good1.yaml" "$SPECS/zz-duplicate.yaml"
sed 's/dnsNames/dnsName/; s/good2/unknown/g' "$SPECS/good2.yaml" | put unknown.yaml
{
    echo 'a: &a [x, x, x, x, x, x, x, x, x]'
    echo 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]'
    echo 'c: [*b, *b, *b, *b, *b, *b, *b, *b, *b]'
} | put bomb.yaml
mkfifo "$SPECS/fifo.yaml"
head -c 4096 /bin/ls | put binary.yaml
certloop_start
wait_ready "${names[@]}"
bad=(broken zz-duplicate unknown bomb fifo binary)
for f in "${bad[@]}"; do
    wait_until 10 "[ -s $STATE/status/_files/$f.yaml.json ]"
    jq -e '.problems[0] | .line >= 1 and .column >= 1 and (.message | length > 0)' \
        "$STATE/status/_files/$f.yaml.json" >/dev/null || fail "$f: no message with line and column"
    [ "$(grep -c "$f.yaml:[0-9]*:[0-9]*: " "$DAEMON_LOG")" -ge 1 ] || fail "$f is not in the log"
done
jq -e '.problems[0].line == 5' "$STATE/status/_files/unknown.yaml.json" >/dev/null ||
    fail "unknown field: wrong line: $(cat "$STATE/status/_files/unknown.yaml.json")"
grep -q 'did you mean dnsNames' "$STATE/status/_files/unknown.yaml.json" || fail "no did-you-mean"
before=$(grep -c 'InvalidSpec' "$DAEMON_LOG")
kill -HUP "$DAEMON"
touch "$SPECS/good1.yaml"
wait_until 10 "[ \$(grep -c good \"$DAEMON_LOG\") -gt 0 ]"
certificate good11 good11.example.internal
wait_ready good11
[ "$(grep -c 'InvalidSpec' "$DAEMON_LOG")" = "$before" ] || fail "a bad file was logged again"
out=$(cl validate "$SPECS" || true)
for f in "${bad[@]}"; do
    [ "$f" = fifo ] || grep -q "$f.yaml:[0-9]*:[0-9]*: error: " <<<"$out" || fail "validate: $f: $out"
done
cl get files | grep -q 'broken.yaml *Rejected' || fail "get files"
cl get | grep -q '6 files rejected' || fail "get does not tell: $(cl get)"

# a bad edit of a good file keeps the last good one in force
sed -i 's/dnsNames/dnsNamez/' "$SPECS/good3.yaml"
wait_until 10 "[ \"\$(condition good3 SpecInvalid)\" = True ]"
[ "$(condition good3 Ready)" = True ] || fail "a bad edit took Ready away"
certloop_stop
certloop_start # also over a restart
wait_until 10 "[ \"\$(condition good3 SpecInvalid)\" = True ]"
[ "$(condition good3 Ready)" = True ] || fail "a restart lost the last good spec"
sed -i 's/dnsNamez/dnsNames/' "$SPECS/good3.yaml"
wait_until 10 "[ -z \"\$(condition good3 SpecInvalid)\" ]"
exit 0
