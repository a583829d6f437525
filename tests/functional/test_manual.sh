#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the program prints about itself: manual pages without a complaint of man, and completions that
# the shells take and that know every command and flag.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs

cl manual --dir "$SCRATCH/man"
for page in $(cl manual); do
    file=$SCRATCH/man/man${page##*.}/$page
    [ -s "$file" ] || fail "$page was not written"
    cl manual "$page" | cmp -s - "$file" || fail "$page: the two ways differ"
    complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 \
        man --warnings -E UTF-8 -l -Tutf8 -Z "$file" 2>&1 >/dev/null || true)
    [ -z "$complaints" ] || fail "man about $page: $complaints"
done
expect 64 cl manual certloop.9
commands=$(cl --help | sed -n '/^Commands:/,/^$/p' | awk 'NF > 1 {print $1}')
[ "$(wc -w <<<"$commands")" -ge 17 ] || fail "only these commands: $commands"
text=$(man -E UTF-8 -l "$SCRATCH/man/man1/certloop.1" | col -b)
for command in $commands; do
    grep -q "^   $command" <<<"$text" || fail "certloop(1) does not have $command"
done
man -E UTF-8 -l "$SCRATCH/man/man5/certloop-spec.5" | col -b >"$SCRATCH/spec.txt"
for field in spec.dnsNames spec.acme.server 'spec.outputs\[\].directory' spec.privateKey.algorithm; do
    grep -q "^ *$field" "$SCRATCH/spec.txt" || fail "certloop-spec(5) does not have $field"
done

# completes [WORD...]: what bash offers for the last word
completes() {
    PATH=$(dirname "$CERTLOOP"):$PATH bash -c '
        . "$0"
        COMP_WORDS=(certloop "$@"); COMP_CWORD=$#
        _certloop
        printf "%s\n" "${COMPREPLY[@]}"' "$SCRATCH/certloop.bash" "$@"
}
# offered WANTED [WORD...]
offered() {
    local wanted=$1
    shift
    completes "$@" >"$SCRATCH/offered"
    grep -qx -- "$wanted" "$SCRATCH/offered"
}
cl completion bash >"$SCRATCH/certloop.bash"
for command in $commands; do
    offered "$command" "" || fail "bash does not complete $command"
    for flag in $(cl "$command" --help | awk '/^Flags:/ {on = 1} /^Flags for/ {on = 0} on && /^  -/ {print $1}'); do
        offered "$flag" "$command" "$flag" || fail "bash: $command has no $flag"
    done
done
[ "$(completes completion '' | grep -v '^-' | xargs)" = "bash zsh fish" ] || fail "completion: $(completes completion '')"
internal_issuer
certificate alpha "alpha.example.internal"
expect 0 cl run --once --timeout 60s
offered alpha describe al || fail "bash does not know the objects"
cl completion zsh >"$SCRATCH/_certloop"
cl completion fish >"$SCRATCH/certloop.fish"
zsh -n "$SCRATCH/_certloop" || fail "zsh does not take its completion"
fish --no-execute "$SCRATCH/certloop.fish" || fail "fish does not take its completion"
for command in $commands; do
    grep -q "'$command:" "$SCRATCH/_certloop" || fail "zsh does not know $command"
    grep -q -- "-a $command " "$SCRATCH/certloop.fish" || fail "fish does not know $command"
done
expect 64 cl completion tcsh
