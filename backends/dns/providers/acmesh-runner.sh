#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one function of a dnsapi script that was written for acme.sh, without acme.sh: defines the
# helpers that such scripts call, sources the script, calls CERTLOOP_FUNCTION FQDN VALUE. Accounts
# are neither saved nor read: credentials come from the environment (dns01.exec.envFile).
#
# CERTLOOP_SCRIPT: a path, or a name that is looked for in CERTLOOP_DNSAPI, ~/.acme.sh/dnsapi,
# /usr/local/share/acme.sh/dnsapi, /usr/share/acme.sh/dnsapi, /opt/acme.sh/dnsapi.
# Needs curl, openssl, awk, sed, od, tr.

# ---- talking: to standard error only, so that a function's output stays its own ----
_info() { printf '%s\n' "$*" >&2; }
_err() { printf 'error: %s\n' "$*" >&2; return 1; }
_debug() { [ -z "$DEBUG" ] || printf 'debug: %s\n' "$*" >&2; }
_debug2() { :; }
_debug3() { :; }
_secure_debug() { :; }
_secure_debug2() { :; }
_secure_debug3() { :; }
__red() { printf %s "$1"; }
__green() { printf %s "$1"; }

# ---- accounts: nothing is kept ----
_saveaccountconf() { :; }
_saveaccountconf_mutable() { :; }
_savedomainconf() { :; }
_clearaccountconf() { :; }
_clearaccountconf_mutable() { :; }
_cleardomainconf() { :; }
_readaccountconf() { eval "printf '%s\\n' \"\${$1:-}\""; }
_readaccountconf_mutable() { _readaccountconf "$1"; }
_readdomainconf() { _readaccountconf "$1"; }
_getdeployconf() { :; }

# ---- strings ----
_startswith() { case $1 in "$2"*) return 0 ;; *) return 1 ;; esac; }
_endswith() { case $1 in *"$2") return 0 ;; *) return 1 ;; esac; }
_contains() { printf '%s' "$1" | grep -F -- "$2" >/dev/null 2>&1 || printf '%s' "$1" | grep -- "$2" >/dev/null 2>&1; }
_hasfield() { _hf_sep=${3:-,}; case "$_hf_sep$1$_hf_sep" in *"$_hf_sep$2$_hf_sep"*) return 0 ;; *) return 1 ;; esac; }
_getfield() { printf '%s\n' "$1" | cut -d "${3:-,}" -f "$2"; }
_exists() { command -v "$1" >/dev/null 2>&1; }
_math() { printf '%s\n' "$(($*))"; }
_egrep_o() { grep -E -o -- "$1"; }
_head_n() { head -n "$1"; }
_tail_n() { tail -n "$1"; }
_tail_c() { tail -c "$1"; }
_lower_case() { tr '[:upper:]' '[:lower:]'; }
_upper_case() { tr '[:lower:]' '[:upper:]'; }
_h_char_2_dec() { printf '%d' "0x$1"; }
_normalizeJson() { sed 's/" *: *\(["{0-9tfn\[]\)/":\1/g' | sed 's/^ *//;s/ *$//' | tr -d '\r\n'; }
_json_encode() { sed 's/\\/\\\\/g; s/"/\\"/g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'; }
_json_decode() { sed 's/\\"/"/g; s/\\\\/\\/g; s/\\\//\//g'; }
_dlg_versions() { :; }
_idn() { if _exists idn && printf %s "$1" | grep -q '[^ -~]'; then idn --quiet "$1"; else printf '%s' "$1"; fi; }
_is_idn() { printf %s "$1" | grep -q '[^ -~]'; }
_durl_replace_base64() {
    _d_in=$(tr -- '-_' '+/')
    case $((${#_d_in} % 4)) in 2) _d_in="$_d_in==" ;; 3) _d_in="$_d_in=" ;; esac
    printf '%s' "$_d_in"
}
_url_replace() { tr '/+' '_-' | tr -d '= '; }

# ---- bytes ----
_hex_dump() { od -A n -v -t x1 | tr -d '\r\n'; }
_ascii_hex() { _hex_dump; }
_h2b() {
    printf '%b' "$(tr -d ' \n' | LC_ALL=C awk '
        { for (i = 1; i < length($0); i += 2)
              printf "\\0%o", (index(h, tolower(substr($0, i, 1))) - 1) * 16 +
                  index(h, tolower(substr($0, i + 1, 1))) - 1 }' h=0123456789abcdef)"
}
_base64() {
    _d_in=$(tr -- '-_' '+/')
    case $((${#_d_in} % 4)) in 2) _d_in="$_d_in==" ;; 3) _d_in="$_d_in=" ;; esac
    printf '%s' "$_d_in"
}
_url_replace() { tr '/+' '_-' | tr -d '= '; }

# ---- bytes ----
_hex_dump() { od -A n -v -t x1 | tr -d '\r\n'; }
_ascii_hex() { _hex_dump; }
_h2b() { _h2b_in=$(tr -d ' \n'); printf '%b' "$(printf %s "$_h2b_in" | sed 's/\(..\)/\\0x\1 /g' | awk '{ for (i = 1; i <= NF; i++) printf "\\0%o", hex(substr($i, 4)) } function hex(s, n, k) { n = 0; for (k = 1; k <= length(s); k++) n = n * 16 + index("0123456789abcdef", tolower(substr(s, k, 1))) - 1; return n }')"; }
_base64() { if [ -n "$1" ]; then openssl base64; else openssl base64 -A; fi; }
_dbase64() { if [ -n "$1" ]; then openssl base64 -d; else openssl base64 -d -A; fi; }
_digest() { if [ -n "$2" ]; then openssl dgst "-$1" -hex | sed 's/.*= *//' | tr -d '\n'; else openssl dgst "-$1" -binary | _base64; fi; }
_hmac() { if [ -n "$3" ]; then openssl dgst "-$1" -mac HMAC -macopt "hexkey:$2" | sed 's/.*= *//' | tr -d '\n'; else openssl dgst "-$1" -mac HMAC -macopt "hexkey:$2" -binary | _base64; fi; }
_sign() { openssl dgst -sign "$1" "-$2" -binary | _base64; }
_url_encode() {
    LC_ALL=C od -A n -v -t u1 | LC_ALL=C awk '
        BEGIN { for (i = 0; i < 256; i++) c[i] = sprintf("%c", i) }
        { for (i = 1; i <= NF; i++) {
              if (c[$i + 0] ~ /[A-Za-z0-9._~-]/) printf "%s", c[$i + 0]
              else printf "%%%02X", $i
          } }'
}

# ---- time, files ----
_time() { date -u +%s; }
_utc_date() { date -u '+%Y-%m-%d %H:%M:%S'; }
_sleep() { sleep "$1"; }
_mktemp() { mktemp; }
_stat() { stat -c %U:%G "$1"; }

# ---- HTTP: body on standard output; answers' headers in HTTP_HEADER ----
HTTP_HEADER=$(mktemp) || exit 1
trap 'rm -f "$HTTP_HEADER"' EXIT
USER_AGENT=${USER_AGENT:-certloop}
ACME_HTTP_NO_REDIRECTS=${ACME_HTTP_NO_REDIRECTS:-}
_curl() {
    set -- --silent --show-error --user-agent "$USER_AGENT" --dump-header "$HTTP_HEADER" "$@"
    [ -n "$ACME_HTTP_NO_REDIRECTS" ] || set -- --location "$@"
    [ -z "$HTTPS_INSECURE" ] || set -- --insecure "$@"
    for _c_h in "$_H1" "$_H2" "$_H3" "$_H4" "$_H5"; do
        [ -z "$_c_h" ] || set -- --header "$_c_h" "$@"
    done
    curl "$@"
}
_post() { # BODY URL [NEED_BASE64] [METHOD] [CONTENT_TYPE]
    _p_body=$1 _p_url=$2 _p_64=$3 _p_method=${4:-POST}
    set -- --request "$_p_method" --data-raw "$_p_body" "$_p_url"
    [ -z "$5" ] || set -- --header "Content-Type: $5" "$@"
    if [ -n "$_p_64" ]; then _curl "$@" | _base64; else _curl "$@"; fi
}
_get() { # URL [ONLY_HEADER] [TIMEOUT]
    if [ -n "$2" ]; then
        _curl --max-time "${3:-60}" --output /dev/null "$1" && cat "$HTTP_HEADER"
    else
        _curl --max-time "${3:-60}" "$1"
    fi
}
_resethttp() { :; }
_initpath() { :; }

# ---- the script ----
for _f in "$CERTLOOP_SCRIPT" "${CERTLOOP_DNSAPI:-}/${CERTLOOP_SCRIPT%.sh}.sh" \
    "$HOME/.acme.sh/dnsapi/${CERTLOOP_SCRIPT%.sh}.sh" \
    "/usr/local/share/acme.sh/dnsapi/${CERTLOOP_SCRIPT%.sh}.sh" \
    "/usr/share/acme.sh/dnsapi/${CERTLOOP_SCRIPT%.sh}.sh" \
    "/opt/acme.sh/dnsapi/${CERTLOOP_SCRIPT%.sh}.sh"; do
    case $_f in
    /*) [ ! -f "$_f" ] || break ;;
    esac
    _f=
done
if [ -z "$_f" ]; then
    _err "there is no dnsapi script $CERTLOOP_SCRIPT"
    exit 64
fi
# shellcheck disable=SC1090 # whichever it is
. "$_f" || exit 1
"$CERTLOOP_FUNCTION" "$CERTLOOP_FQDN" "$CERTLOOP_VALUE"
