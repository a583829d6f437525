#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands around DNS-01: providers, dns test, dns check, dns purge; each with what goes wrong,
# and what may never go away: values of others.
# shellcheck disable=SC2016 # conditions of wait_until and expressions of descriptions
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
# shellcheck source=tests/lib/nameservers.sh
. "$(dirname "$0")/../lib/nameservers.sh"
# shellcheck source=tests/lib/dns_api.sh
. "$(dirname "$0")/../lib/dns_api.sh"
scratch_dir
certloop_dirs
CLEANUP+=(pebble_stop nameservers_stop dns_api_stop)
says() { # PATTERN: the last command said so
    grep -qE -- "$1" "$SCRATCH/out" || fail "no '$1' in: $(cat "$SCRATCH/out")"
}
says_not() {
    ! grep -qE -- "$1" "$SCRATCH/out" || fail "'$1' in: $(cat "$SCRATCH/out")"
}

# ---- providers
export CERTLOOP_PROVIDERS=$TEST_ROOT/backends/dns/providers
expect 0 cl providers
says '^NAME +TITLE +TESTED$'
says '^cloudflare +Cloudflare +replay'
expect 0 cl providers -o wide
says '^zilore .* records +https://'
expect 0 cl providers -o name
says '^desec$'
expect 0 cl providers -o json
jq -e 'length > 60 and all(.[]; .tested == "replay" or (.tested | startswith("live ")))' "$SCRATCH/out" >/dev/null ||
    fail "providers -o json: a description does not say how it was tested"
expect 0 cl providers desec
says '^Tested: +replay'
says '^TTL: +3600 s, at least 3600'
says '^Limit: +[0-9]+ requests in '
says 'DESEC_TOKEN'
expect 1 cl providers dezec
says 'did you mean desec'
mkdir "$SCRATCH/empty"
expect 1 cl providers --providers "$SCRATCH/empty" --providers "$SCRATCH/nowhere"
says "no descriptions .* in: $SCRATCH/empty, $SCRATCH/nowhere"

# ---- test: every way of writing
MODELS=(records rrset delta zonefile slot batch)
dns_api_start "$SCRATCH/api" "${MODELS[@]/%/.example.org}"
dns_api_descriptions "$SCRATCH/providers"
export CERTLOOP_PROVIDERS=$SCRATCH/providers DNS_API_TOKEN
{
    printf 'apiVersion: certloop/v1\nkind: Configuration\nspec:\n'
    echo "  providerDirectories: [\"$SCRATCH/providers\"]"
    echo '  dns:'
    echo "    resolvers: [\"$DNS_API_SERVER\"]"
    echo '    zones:'
    printf "    - {zone: %s.example.org, servers: [\"$DNS_API_SERVER\"]}\n" "${MODELS[@]}"
} >"$CONFIG"
for m in "${MODELS[@]}"; do
    dns_api_control "{\"foreign\": [\"t.$m.example.org\", \"foreign at $m\"]}"
    expect 0 cl dns test "test-$m" "$m.example.org"
    says '^PASSED$'
    says '_acme-challenge\.certloop-test-[0-9a-f]{8}\.'
    says 'name servers show nothing of it +yes'
    expect 0 cl dns test "test-$m" "$m.example.org" --name "t.$m.example.org"
    [ "$(txt "$DNS_API_SERVER" "t.$m.example.org")" = "foreign at $m" ] || fail "$m: a foreign value is gone"
done
expect 0 cl dns test test-records records.example.org
says 'add two values +done'
says 'provider lists both +yes'
says 'name servers show the second alone +yes'
expect 0 cl dns test test-slot slot.example.org
says 'room for one value'
[ "$(dns_api_seen .lost_values)" = "[]" ] || fail "lost: $(dns_api_seen .lost_values)"
[ "$(dns_api_seen .duplicates)" = "[]" ] || fail "twice: $(dns_api_seen .duplicates)"

# a description that removes nothing: said so, and the values that are left are named
sed 's/^  remove: .*/  remove: {GET: "\/records\/${zone.name}", query: {name: "${name.fqdn}"}}/; s/test-records/test-keeps/' \
    "$SCRATCH/providers/test-records.yaml" >"$SCRATCH/providers/test-keeps.yaml"
expect 1 cl dns test test-keeps records.example.org --timeout 1s --name kept.records.example.org
says '^NOT PASSED$'
says 'FAILED'
[ "$(txt "$DNS_API_SERVER" kept.records.example.org | wc -l)" = 2 ] || fail "the provider did remove something"

# credentials that are wrong or missing; an interruption takes back what was written
DNS_API_TOKEN=wrong expect 1 cl dns test test-records records.example.org
says 'NOT PASSED'
(unset DNS_API_TOKEN && expect 1 cl dns test test-records records.example.org)
says 'DNS_API_TOKEN'
mkdir -m 0700 "$SECRETS/test-records"
(umask 077 && echo "$DNS_API_TOKEN" >"$SECRETS/test-records/token")
(unset DNS_API_TOKEN && expect 0 cl dns test test-records records.example.org --no-name-servers)
says_not 'name servers show'
expect 64 cl dns test test-delta delta.example.org --no-name-servers
sed "s/127.0.0.1:[0-9]*\"\]}/127.0.0.1:1\"]}/" "$CONFIG" >"$SCRATCH/silent.yaml"
"$CERTLOOP" --config "$SCRATCH/silent.yaml" dns test test-records records.example.org \
    --name stopped.records.example.org >"$SCRATCH/out" 2>&1 &
tester=$!
wait_until 20 '[ "$(txt "$DNS_API_SERVER" stopped.records.example.org | wc -l)" = 2 ]'
kill -INT "$tester"
code=0
wait "$tester" || code=$?
[ "$code" = 1 ] || fail "an interrupted test ended with $code"
says 'clean up +done'
[ -z "$(txt "$DNS_API_SERVER" stopped.records.example.org)" ] || fail "an interrupted test left values"

# ---- purge at a name: what looks like an answer, nothing else
OWN=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
expect 0 cl dns add test-records old.records.example.org "$OWN" "v=spf1 -all"
expect 0 cl dns purge test-records old.records.example.org
says "^$OWN +not known +to be removed"
says '^v=spf1 -all +not known +kept'
says -- '--yes removes 1'
[ "$(txt "$DNS_API_SERVER" old.records.example.org | wc -l)" = 2 ] || fail "purge without --yes removed something"
expect 0 cl dns purge test-records old.records.example.org --yes
[ "$(txt "$DNS_API_SERVER" old.records.example.org)" = "v=spf1 -all" ] ||
    fail "after purge: $(txt "$DNS_API_SERVER" old.records.example.org)"
expect 1 cl dns purge test-delta old.delta.example.org
says 'certloop dns remove'
expect 64 cl dns purge test-records
expect 64 cl dns purge --older-than soon

# ---- purge of journals: what a daemon that was killed has left, with the daemon gone for good
expect 0 cl dns purge
says 'nothing was left behind'
export PEBBLE_RESOLVER=$DNS_API_SERVER
pebble_start "$SCRATCH/pebble"
acme_issuer pebble
put left.yaml <<YAML
apiVersion: certloop/v1
kind: Certificate
metadata: {name: left}
spec:
  dnsNames: [left.records.example.org, "*.left.records.example.org"]
  issuerRef: {name: pebble}
  solvers: [{dns01: {provider: test-records, propagation: {check: wait, wait: 10m}}}]
YAML
dns_api_control '{"foreign": ["_acme-challenge.left.records.example.org", "foreign"]}'
certloop_start
wait_until 20 '[ "$(txt "$DNS_API_SERVER" _acme-challenge.left.records.example.org | wc -l)" = 3 ]'
expect 0 cl dns purge
says 'nothing was left behind' # too young
expect 75 cl dns purge --older-than 0s --yes
says 'a daemon runs'
certloop_kill
expect 0 cl dns purge --older-than 0s
says '^records.example.org +test-records +_acme-challenge.left.records.example.org +[A-Za-z0-9_-]{43} '
[ "$(txt "$DNS_API_SERVER" _acme-challenge.left.records.example.org | wc -l)" = 3 ] || fail "a list removed something"
expect 0 cl dns purge test-records _acme-challenge.left.records.example.org --older-than 1h --yes
says 'kept: may be in use'
expect 0 cl dns purge --older-than 0s --yes
says 'zone records.example.org: 2 removed'
[ "$(txt "$DNS_API_SERVER" _acme-challenge.left.records.example.org)" = foreign ] || fail "purge of journals"
[ -z "$(find "$STATE/dns" -name '*.jsonl')" ] || fail "purge left the journal"
pebble_stop

# ---- check: where the record is, who says what
ZONE_RECORDS=('_acme-challenge.www TXT "one value"' '_acme-challenge.alias CNAME www.target'
    'www.target TXT "at the target"' '*.wild CNAME elsewhere' 'elsewhere TXT "of others"')
bind_start "$SCRATCH/bind" example.net
knot_start "$SCRATCH/knot" example.net
{
    printf 'apiVersion: certloop/v1\nkind: Configuration\nspec:\n  dns:\n'
    echo "    resolvers: [\"$BIND_SERVER\"]"
    echo "    zones: [{zone: example.net, servers: [\"$BIND_SERVER\", \"$KNOT_SERVER\"]}]"
} >"$CONFIG"
expect 0 cl dns check www.example.net
says '^Name: +_acme-challenge.www.example.net'
says "$BIND_SERVER +Answers +one value"
says "$KNOT_SERVER +Answers +one value"
says 'say the same'
expect 0 cl dns check '*.www.example.net' 'one value'
says 'All name servers have it'
expect 1 cl dns check www.example.net another
says "$BIND_SERVER +Missing \(1 other value\) +one value"
expect 0 cl dns check _acme-challenge.www.example.net. # a record's own name
expect 0 cl dns check alias.example.net "at the target"
says '^CNAME: +www.target.example.net'
expect 0 cl dns check host.wild.example.net
says 'wildcard has a CNAME to elsewhere.example.net: not followed'
nameserver_update "$BIND_SERVER" example.net 'update add _acme-challenge.www.example.net 60 TXT "news"'
expect 1 cl dns check www.example.net
says 'do not agree'
expect 1 cl dns check www.example.net -o json
jq -e '.good == false and (.servers | length) == 2 and .zone == "example.net"' "$SCRATCH/out" >/dev/null ||
    fail "check -o json: $(cat "$SCRATCH/out")"
knot_stop
expect 1 cl dns check www.example.net news
says "$KNOT_SERVER +Silent"
expect 64 cl dns check
