#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A DNS hook as written for the clients whose protocols certloop speaks: dns_hook.sh PROTOCOL [ARGS].
# Strict about how it is called, then changes the zone with nsupdate. It is told HOOK_SERVER,
# HOOK_PORT, HOOK_KEY ("hmac-sha256:NAME:SECRET") and HOOK_LOG by its environment.
# shellcheck disable=SC2015 # bad ends the script
set -eu
protocol=$1
shift

bad() {
    echo "$protocol: called wrongly: $*" >&2
    exit 99
}
change() { # add|delete FQDN VALUE
    {
        echo "server $HOOK_SERVER $HOOK_PORT"
        if [ "$1" = add ]; then
            echo "update add $2 60 TXT \"$3\""
        else
            echo "update delete $2 TXT \"$3\""
        fi
        echo send
    } | nsupdate -t 5 -y "$HOOK_KEY" >&2
    echo "$protocol $1 $2 $3" >>"$HOOK_LOG"
}
action() { # WORD ADD DELETE: add or delete
    case $1 in
    "$2") echo add ;;
    "$3") echo delete ;;
    *) bad "$@" ;;
    esac
}
digest() { printf %s "$1" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =; }
# what no protocol passes on: an environment that is not clean
[ -z "${CERTLOOP_STATE:-}" ] || bad "the daemon's environment is seen"

case $protocol in
lego)
    [ $# = 3 ] || bad "$@"
    case $2 in *.) ;; *) bad "no final dot: $2" ;; esac
    change "$(action "$1" present cleanup)" "$2" "$3"
    ;;
lego-raw)
    [ $# = 5 ] && [ "$2" = -- ] || bad "$@"
    case $5 in "$4".*) ;; *) bad "no key authorization: $5" ;; esac
    change "$(action "$1" present cleanup)" "_acme-challenge.$3." "$(digest "$5")"
    ;;
certbot)
    [ $# = 0 ] && [ "$CERTBOT_DOMAIN" = "$CERTBOT_IDENTIFIER" ] || bad "$@"
    if [ "${CERTBOT_AUTH_OUTPUT+set}" = set ]; then
        [ "$CERTBOT_AUTH_OUTPUT" = "token $CERTBOT_VALIDATION" ] || bad "$CERTBOT_AUTH_OUTPUT"
        change delete "_acme-challenge.$CERTBOT_DOMAIN." "$CERTBOT_VALIDATION"
    else
        change add "_acme-challenge.$CERTBOT_DOMAIN." "$CERTBOT_VALIDATION"
        printf 'token %s' "$CERTBOT_VALIDATION"
    fi
    ;;
dehydrated)
    [ $# = 4 ] || bad "$@"
    change "$(action "$1" deploy_challenge clean_challenge)" "_acme-challenge.$2." "$4"
    ;;
mod_md)
    [ $# = 3 ] || bad "$@"
    change "$(action "$1" setup teardown)" "_acme-challenge.$2." "$3"
    ;;
uacme)
    [ $# = 5 ] && [ "$2" = dns-01 ] || bad "$@"
    change "$(action "$1" begin "done")" "_acme-challenge.$3." "$5"
    ;;
acmetool)
    [ $# = 4 ] || bad "$@"
    change "$(action "$1" challenge-dns-start challenge-dns-stop)" "_acme-challenge.$2." "$4"
    ;;
certloop)
    request=$(cat)
    field() { printf %s "$request" | jq -er ".$1"; }
    [ $# = 0 ] && [ "$(field version)" = 1 ] && [ "$(field type)" = dns-01 ] || bad "$request"
    change "$(action "$(field action)" present cleanup)" "$(field fqdn)" "$(field value)"
    echo "a hook may talk"
    echo '{"status":"ok"}'
    ;;
*) bad "unknown protocol" ;;
esac
