# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A script in the form of those in the dnsapi folder of acme.sh: it is sourced, and uses the helpers
# and the conventions that they use.
# shellcheck disable=SC2034 # shown by its client
dns_testnsupdate_info='nsupdate for tests
Options:
 HOOK_KEY Key'

dns_testnsupdate_add() {
    fulldomain=$1
    txtvalue=$2
    HOOK_KEY="${HOOK_KEY:-$(_readaccountconf_mutable HOOK_KEY)}"
    if [ -z "$HOOK_KEY" ]; then
        _err "no HOOK_KEY"
        return 1
    fi
    _saveaccountconf_mutable HOOK_KEY "$HOOK_KEY"
    _debug fulldomain "$fulldomain"
    _info "adding the record"
    _testnsupdate "update add $fulldomain. 60 TXT \"$txtvalue\"" || return 1
    if _contains "$(printf 'a\nb' | _head_n 1)" a && [ "$(_math 1 + 2)" = 3 ] &&
        [ "$(printf ab | _base64)" = YWI= ] && [ "$(printf %s 'a b' | _url_encode)" = a%20b ] &&
        [ "$(printf '{"a": 1}' | _normalizeJson | _egrep_o '"a":[0-9]*')" = '"a":1' ] &&
        [ "$(printf abc | _hmac sha256 6b6579 hex)" = "$(printf abc | openssl dgst -sha256 -hmac key | sed 's/.*= //')" ]; then
        return 0
    fi
    _err "the helpers do not help"
    return 1
}

dns_testnsupdate_rm() {
    _testnsupdate "update delete $1. TXT \"$2\""
}

_testnsupdate() {
    printf 'server %s %s\n%s\nsend\n' "$HOOK_SERVER" "$HOOK_PORT" "$1" | nsupdate -t 5 -y "$HOOK_KEY" || return 1
    echo "acme.sh $1" >>"$HOOK_LOG"
}
