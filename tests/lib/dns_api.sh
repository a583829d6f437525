# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The DNS provider of tests (dns_api.py) and descriptions of it, one for each way of writing. After
# common.sh and nameservers.sh:
#   dns_api_start DIR ZONE...  sets DNS_API (URL), DNS_API_SERVER (ADDRESS:PORT), DNS_API_LOG
#   dns_api_stop
#   dns_api_control JSON       steers it, dns_api_seen JQ asks it: see dns_api.py
#   dns_api_descriptions DIR   writes test-records.yaml, test-rrset.yaml, test-delta.yaml,
#                              test-zonefile.yaml, test-slot.yaml, test-batch.yaml there

export DNS_API_TOKEN=secret-of-api

dns_api_start() { # DIR ZONE...
    local dir=$1 http dns attempt
    shift
    mkdir -p "$dir"
    DNS_API_LOG=$dir/requests.log
    for attempt in 1 2 3; do
        : >"$DNS_API_LOG"
        read -r http dns <<<"$(free_ports 2)"
        DNS_API=http://127.0.0.1:$http
        DNS_API_SERVER=127.0.0.1:$dns
        export DNS_API DNS_API_SERVER DNS_API_LOG
        python3 "$TEST_ROOT/tests/lib/dns_api.py" "$http" "$dns" "$DNS_API_LOG" "$@" 2>"$dir/errors.log" &
        DNS_API_PID=$!
        wait_until 15 "! kill -0 $DNS_API_PID || curl -fsS -o /dev/null $DNS_API/control" &&
            kill -0 "$DNS_API_PID" 2>/dev/null && return 0
        dns_api_stop
        echo "dns_api: start $attempt failed, trying other ports" >&2
    done
    cat "$dir/errors.log" >&2
    return 1
}

dns_api_stop() {
    [ -n "${DNS_API_PID:-}" ] || return 0
    stop_process "$DNS_API_PID"
    DNS_API_PID=
}

dns_api_control() { curl -fsS -o /dev/null -d "$1" "$DNS_API/control"; }
dns_api_seen() { curl -fsS "$DNS_API/control" | jq -c "$1"; }

_dns_api_description() { # DIR NAME
    {
        cat <<YAML
provider: $2
credentials: {token: {secret: true, env: DNS_API_TOKEN}}
request:
  base: $DNS_API
  headers: {Authorization: "Bearer \${cred.token}"}
  error: \${res.message}
YAML
        cat
    } >"$1/$2.yaml"
    chmod 0644 "$1/$2.yaml"
}

dns_api_descriptions() { # DIR
    mkdir -p "$1"
    chmod 0755 "$1"
    _dns_api_description "$1" test-records <<'YAML'
records:
  list: {GET: "/records/${zone.name}", query: {name: "${name.fqdn}"}, items: "${res.records}"}
  item: {value: "${item.data}"}
  add: {POST: "/records/${zone.name}", json: {name: "${name.fqdn}", data: "${value}"}}
  remove: {DELETE: "/records/${zone.name}/${id}", absent: 404}
YAML
    _dns_api_description "$1" test-rrset <<'YAML'
rrset:
  get: {GET: "/rrset/${zone.name}/${name.fqdn}", absent: 404, items: "${res.values}"}
  put: {PUT: "/rrset/${zone.name}/${name.fqdn}", json: {values: "${values}"}}
  delete: {DELETE: "/rrset/${zone.name}/${name.fqdn}"}
YAML
    _dns_api_description "$1" test-batch <<'YAML'
rrset:
  get: {GET: "/rrset/${zone.name}/${name.fqdn}", absent: 404, items: "${res.values}"}
  put: {PUT: "/rrset/${zone.name}/${name.fqdn}", json: {values: "${values}"}}
  delete: {DELETE: "/rrset/${zone.name}/${name.fqdn}"}
  batch:
    max: 100
    write:
      PATCH: /rrset/${zone.name}
      json: [{$each: "${changes}", $as: c, $do: {name: "${c.name.fqdn}", values: "${c.values}"}}]
YAML
    _dns_api_description "$1" test-delta <<'YAML'
delta:
  change:
    POST: /delta/${zone.name}
    json: {name: "${name.fqdn}", add: "${adds}", remove: "${removes}"}
YAML
    _dns_api_description "$1" test-zonefile <<'YAML'
zonefile:
  get: {GET: "/zonefile/${zone.name}", items: "${res.records}"}
  item: {where: {type: TXT}, name: "${item.name}", value: "${item.data}"}
  record: {name: "${name.fqdn}", type: TXT, data: "${value}"}
  put: {PUT: "/zonefile/${zone.name}", json: {records: "${records}"}}
YAML
    _dns_api_description "$1" test-slot <<'YAML'
slot:
  values: 1
  set: {PUT: "/slot/${zone.name}", json: {name: "${name.fqdn}", value: "${value}"}}
  clear: {PUT: "/slot/${zone.name}", json: {name: "${name.fqdn}", value: null}}
YAML
}
