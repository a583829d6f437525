#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What somebody may try who can drop specs or requests: run programs, read and replace files of
# others, be let out of a directory by a link, see what hooks print. Each try ends in a refusal that
# says why, and changes nothing.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/pebble.sh
. "$(dirname "$0")/../lib/pebble.sh"
# shellcheck source=tests/lib/certloop.sh
. "$(dirname "$0")/../lib/certloop.sh"
scratch_dir
certloop_dirs
chmod 0711 "$SCRATCH"
mkdir "$SCRATCH/conf"
export CERTLOOP_CONFIG=$SCRATCH/conf/config.yaml CONFIG=$SCRATCH/conf/config.yaml
ROOT=$SCRATCH/root
mkdir -p "$ROOT"/etc/{cron.d,sudoers.d,ssh,systemd} "$ROOT"/{srv/one,srv/two,srv/good,elsewhere,hooks.d,tls}
echo 'root:x:0:0:root:/root:/bin/sh' >"$ROOT/etc/passwd"
echo 'root:TOPSECRET:19000:0:99999:7:::' >"$ROOT/etc/shadow"
chmod 0600 "$ROOT/etc/shadow"
printf '#!/bin/sh\nprintf "token=HUNTER2HUNTER2 \\033[31m\\007\\n"\nexit 3\n' >"$ROOT/noisy"
chmod 0755 "$ROOT/noisy"
cat >"$CONFIG" <<YAML
apiVersion: certloop/v1
kind: Configuration
spec:
  outputRoots: [$SCRATCH]
  webroots: [$ROOT/srv]
  hookDirectories: [$ROOT/hooks.d]
  hooks: {noisy: {exec: [$ROOT/noisy], retries: 0}}
YAML
before=$(cd "$ROOT" && find . -type f -newermt 2000-01-01 -exec sha256sum {} + | sort)

# While all of this runs with a umask of 0, no file with a key can be read by others at any moment.
cat >"$SCRATCH/watch.py" <<'PY'
import os, stat, sys
while os.getppid() != 1:
    for top in sys.argv[1:]:
        for folder, _, files in os.walk(top):
            for name in files:
                path = os.path.join(folder, name)
                try:
                    mode = os.lstat(path).st_mode
                    if stat.S_ISREG(mode) and mode & 0o007 and b"PRIVATE KEY" in open(path, "rb").read():
                        print(path, oct(mode), flush=True)
                except OSError:
                    pass
PY
python3 "$SCRATCH/watch.py" "$STATE" "$ROOT" >"$SCRATCH/readable.txt" &
WATCHER=$!
# shellcheck disable=SC2317 # called by name when the test ends
stop_watcher() { stop_process "$WATCHER"; }
CLEANUP+=(stop_watcher pebble_stop)

# reject NAME TEXT: standard input as NAME.yaml is refused by validate, and by the daemon, with TEXT
reject() {
    local out
    put "$1.yaml"
    out=$(cl validate "$SPECS/$1.yaml") && fail "$1: validate takes it"
    grep -Eq "$1.yaml:[0-9]+:[0-9]+: error: .*($2)" <<<"$out" || fail "$1: validate: no '$2' in: $out"
    wait_until 10 "grep -Eq '$2' $STATE/status/_files/$1.yaml.json" || fail "$1: the daemon takes it"
    [ ! -e "$STATE/status/$1.json" ] || fail "$1: it is an object"
    rm "$SPECS/$1.yaml"
}
# cert NAME [MORE]: a document of a Certificate from the CA of this test
cert() {
    printf 'apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: %s}\nspec:\n' "$1"
    printf '  dnsNames: [%s.example.internal]\n  issuerRef: {name: internal}\n%s\n' "$1" "${2:-}"
}
# says NAME REGEX: the status of a Certificate comes to say so
says() {
    wait_until 15 "jq -c .status.conditions,.status.lastError $STATE/status/$1.json | grep -Eq '$2'" ||
        fail "$1: no '$2' in $(jq -c .status.conditions,.status.lastError "$STATE/status/$1.json")"
}

put issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: internal}
spec: {ca: {generate: true}}
YAML
umask 000
certloop_start
umask 022
cert good "  outputs: [{directory: $ROOT/tls/good}]" | put good.yaml
wait_ready good

# ---- running programs ----
i=0
for hook in "exec: [touch, $SCRATCH/pwned]" "exec: [sh, -c, 'touch $SCRATCH/pwned']" \
    "signal: {pidFile: $SCRATCH/pebble.pid, signal: TERM}" "systemd: {unit: ssh.service, action: restart}"; do
    i=$((i + 1))
    cert "inline$i" "  hooks: [{name: noisy, $hook}]" | reject "inline$i" allowInlineHooks
    cert "unnamed$i" "  hooks: [{$hook}]" | reject "unnamed$i" allowInlineHooks
done
for hook in 'haproxy: {socket: /run/haproxy.sock}' "copy: {to: $ROOT/etc}" 'http: {url: "http://169.254.169.254/"}'; do
    i=$((i + 1))
    cert "other$i" "  hooks: [{$hook}]" | reject "other$i" 'not supported'
done
cert traversal '  hooks: ["../../../../bin/touch"]' | reject traversal 'hooks'
cert asroot '  hooks: [{name: noisy, user: root}]' | reject asroot 'only a hook of the Configuration'
cert dnsexec "  solvers: [{dns01: {exec: {command: [touch, $SCRATCH/pwned]}}}]" | reject dnsexec 'dns01.exec: a spec may run a program'
printf 'apiVersion: certloop/v1\nkind: Configuration\nspec: {allowInlineHooks: true}\n' |
    reject config 'not read from the spec directory'
# a file of the hook directory that others can write is not run
printf '#!/bin/sh\ntouch %s/pwned\n' "$SCRATCH" >"$ROOT/hooks.d/open"
chmod 0777 "$ROOT/hooks.d/open"
cert openhook '  hooks: [open]' | put openhook.yaml
wait_ready openhook
says openhook 'nobody else may write'
rm "$ROOT/hooks.d/open"
[ ! -e "$SCRATCH/pwned" ] || fail "a spec ran a program"

# ---- replacing files ----
cert passwd "  outputs: [{directory: $ROOT/etc, files: {passwd: fullchain}}]" | put passwd.yaml
says passwd 'OutputConflict.*passwd'
cert takeover "  outputs: [{directory: $ROOT/etc, takeOver: true, files: {passwd: fullchain}}]" |
    reject takeover allowTakeOver
for d in cron.d sudoers.d ssh systemd; do
    cert "dropin" "  outputs: [{directory: $ROOT/etc/$d, files: {evil: fullchain}}]" |
        reject dropin "programs of the system read the files in $d"
done
cert up "  outputs: [{directory: $ROOT/tls/x, files: {../../etc/passwd: fullchain}}]" | reject up 'file'
cert dots "  outputs: [{directory: $ROOT/tls/../etc}]" | reject dots 'directory'
cert outside '  outputs: [{directory: /etc/ssl/private/evil}]' | reject outside outputRoots
cert hookdir "  outputs: [{directory: $ROOT/hooks.d, files: {evil: fullchain}}]" | reject hookdir hooks
for d in "$SPECS" "$SECRETS/x" "$STATE/archive" "$STATE" "$SCRATCH/conf"; do
    cert own "  outputs: [{directory: $d, files: {evil.yaml: fullchain}}]" | put own.yaml
    says own 'OutputForbidden|OutputConflict|cannot be an output'
done
rm "$SPECS/own.yaml"
cert twin "  outputs: [{directory: $ROOT/tls/good}]" | put twin.yaml
says twin 'OutputConflict.*already written by Certificate good'
if [ "$(id -u)" = 0 ]; then
    ln -s "$ROOT/elsewhere" "$ROOT/tls/link"
    chown -h nobody "$ROOT/tls/link"
    cert led "  outputs: [{directory: $ROOT/tls/link/deep}]" | put led.yaml
    says led 'symbolic link of user'
    rm "$ROOT/tls/link"
fi
for mode in 4755 0666 0644 2750 1640 0777; do
    cert modes "  outputs: [{directory: $ROOT/tls/modes, mode: \"$mode\"}]" | reject modes 'mode'
    cert modes "  outputs: [{directory: $ROOT/tls/modes, files: {k.pem: {parts: [key], mode: \"$mode\"}}}]" |
        reject modes 'mode'
done
cert certmode "  outputs: [{directory: $ROOT/tls/modes, certMode: \"0666\"}]" | reject certmode 'certMode'
[ "$(stat -c %a "$(readlink -f "$ROOT/tls/good/privkey.pem")")" = 600 ] || fail "an output's key is not 0600"

# ---- reading files ----
pebble_start "$SCRATCH/pebble"
acme_with() { # NAME MEMBER: an Issuer that refers to something
    printf 'apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: %s}\n' "$1"
    printf 'spec: {acme: {server: "%s", termsOfServiceAgreed: true, %s, solvers: [{http01: {}}]}}\n' "$PEBBLE_URL" "$2"
}
issuer_says() {
    wait_until 15 "jq -c .status.conditions,.status.events $STATE/status/issuers/$1.json | grep -Eq '$2'" ||
        fail "$1: no '$2' in $(jq -c .status.conditions "$STATE/status/issuers/$1.json")"
}
mkdir -p "$SECRETS/planted" "$SECRETS/pair"
ln -s "$ROOT/etc/shadow" "$SECRETS/planted/tls.key"
ln -s "$ROOT/etc/shadow" "$SECRETS/pair/tls.crt"
ln -s "$ROOT/etc/shadow" "$SECRETS/pair/tls.key"
acme_with byfile "privateKeySecretRef: {file: $ROOT/etc/shadow}" | reject byfile secretRoots
acme_with bydots "privateKeySecretRef: {file: $SECRETS/../root/etc/shadow}" | reject bydots 'file'
acme_with byenv 'privateKeySecretRef: {env: PATH}' | reject byenv secretEnv
acme_with bylink 'privateKeySecretRef: {name: planted, key: tls.key}' | put bylink.yaml
acme_with byname 'privateKeySecretRef: {name: ../root/etc, key: shadow}' | reject byname 'name'
acme_with bykey 'privateKeySecretRef: {name: planted, key: ../../root/etc/shadow}' | reject bykey 'key'
acme_with bybundle "caBundleFile: $ROOT/etc/shadow" | put bybundle.yaml
printf 'apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: bypair}\nspec: {ca: {secretName: pair}}\n' | put bypair.yaml
ln -s "$ROOT/etc/shadow" "$SPECS/shadow.yaml"
issuer_says bylink 'leads out of its directory'
issuer_says bypair 'leads out of its directory'
issuer_says bybundle '"False"'
wait_until 10 "[ -s $STATE/status/_files/shadow.yaml.json ]"
for command in "get -A" "get issuers" "get files" status events check plan "describe bylink" "describe bybundle"; do
    # shellcheck disable=SC2086 # words
    out=$(cl $command 2>&1 || true)
    grep -q TOPSECRET <<<"$out" && fail "certloop $command shows a file of somebody else"
done
grep -rqE 'TOPSECRET' "$STATE" "$DAEMON_LOG" && fail "a file of somebody else was copied"
rm "$SPECS/shadow.yaml" "$SPECS"/by*.yaml

# ---- links in a webroot ----
ln -s "$ROOT/elsewhere" "$ROOT/srv/one/.well-known"
mkdir "$ROOT/srv/two/.well-known"
ln -s "$ROOT/elsewhere" "$ROOT/srv/two/.well-known/acme-challenge"
acme_issuer pebble "{http01: {webroot: $ROOT/srv/good}}"
for w in one two; do
    ISSUER=pebble certificate "webroot$w" "webroot$w.example.org" "  solvers: [{http01: {webroot: $ROOT/srv/$w}}]"
done
for w in one two; do
    wait_until 30 "jq -e '.status.lastError.reason | test(\"^WebrootUnsafe$\")' $STATE/status/webroot$w.json" ||
        fail "webroot $w: $(jq -c .status.lastError "$STATE/status/webroot$w.json")"
done
find "$ROOT/elsewhere" -type f | grep . && fail "a token was written through a link"
ISSUER=pebble certificate webout webout.example.org "  solvers: [{http01: {webroot: $ROOT/etc}}]"
reject webout 'webroot' <"$SPECS/webout.yaml"
# a socket is not put in the place of a file
ISSUER=pebble certificate socket socket.example.org "  solvers: [{http01: {unixSocket: $ROOT/etc/passwd}}]"
says socket 'no socket has this path'
rm "$SPECS"/web*.yaml "$SPECS/socket.yaml" "$SPECS/issuer-pebble.yaml"
pebble_stop

# ---- what a hook prints ----
cert noisy '  hooks: [noisy]' | put noisy.yaml
says noisy 'HookFailed'
grep -rq HUNTER2 "$STATE/status" && fail "a hook's output is in a status file"
cl -o json get noisy | grep -q HUNTER2 && fail "a hook's output is in get"
logs=$(find "$STATE/archive/noisy/hooks" -name '*.log')
[ -n "$logs" ] || fail "a hook's output is not kept"
grep -q HUNTER2 "$logs" || fail "a hook's output is not in $logs"
[ "$(stat -c %a "$logs")" = 600 ] || fail "$logs has mode $(stat -c %a "$logs")"
cl describe noisy | grep -q HUNTER2 || fail "describe does not show it to whom may read it"
cl describe noisy | grep -q $'\033' && fail "an escape sequence of a hook reaches the terminal"
grep -q $'\033' "$DAEMON_LOG" && fail "an escape sequence of a hook reaches the log"

# ---- requests ----
requests=$STATE/requests
answered() { # ID TEXT: refused with TEXT
    wait_until 10 "[ -s '$requests/$1.done' ]" || fail "request $1 is not answered"
    jq -e '.answers | all(.accepted | not)' "$requests/$1.done" >/dev/null || fail "request $1 is accepted"
    grep -q "$2" "$requests/$1.done" || fail "request $1: $(cat "$requests/$1.done")"
}
ask() { # ID: standard input as a request, as the command line does it
    cat >"$requests/.$1" && mv "$requests/.$1" "$requests/$1"
}
renew_good='{"verb": "renew", "objects": ["good"]}'
echo "$renew_good" >"$SCRATCH/request"
ln -s "$SCRATCH/request" "$requests/symlink"
answered symlink 'regular file'
mkfifo "$requests/fifo"
answered fifo 'regular file'
ln "$SCRATCH/request" "$requests/hard"
answered hard 'regular file'
mkdir "$requests/folder"
answered folder 'regular file'
head -c 200000 /dev/zero | tr '\0' ' ' | cat - "$SCRATCH/request" | ask large
answered large 'larger'
echo '{"verb": "renew", "objects": ["nothing", "../../etc/passwd", ""]}' | ask unknown
answered unknown 'there is no Certificate'
echo '{"verb": "exec", "objects": ["touch"]}' | ask verb
answered verb 'unknown request'
printf '\033[31m not JSON' | ask $'esc\033[31m'
wait_until 10 "[ -s '$requests/'\$'esc\\033[31m.done' ]"
grep -q $'\033' "$DAEMON_LOG" && fail "the name of a request reaches the log as it is"
[ "$(status good .status.revision)" = 1 ] || fail "a refused request renewed"
[ "$(stat -c %a "$requests/folder.done")" = 644 ] || fail "an answer cannot be read by who asked"
cl prune --yes >/dev/null || fail "an honest request is not answered" # it stands behind the others
[ "$(grep -c RequestRefused "$DAEMON_LOG")" -lt 20 ] || fail "a request that cannot be removed is refused for ever"
ls "$requests"/{symlink,fifo,hard,large} 2>/dev/null && fail "refused requests stay"
cmp -s <(echo "$renew_good") "$SCRATCH/request" || fail "the target of a link was changed"
rmdir "$requests/folder"
cl renew good >/dev/null || fail "an honest request is refused"
wait_until 10 "[ \"\$(status good .status.revision)\" = 2 ]"
status good '.status.events[] | select(.reason == "RenewRequested") | .message' | grep -q "uid $(id -u)" ||
    fail "who asked is not told"

# ---- keys of the past ----
for revision in 3 4; do
    cl renew good >/dev/null
    wait_until 10 "[ \"\$(status good .status.revision)\" = $revision ]"
done
wait_ready good
wait_until 10 "[ \$(find $STATE/archive/good -name privkey.pem | wc -l) -le 2 ]" ||
    fail "superseded keys are kept: $(find "$STATE/archive/good" -name privkey.pem)"

# ---- who may drop specs ----
chmod 0777 "$SPECS"
cert late | put late.yaml
wait_until 40 "grep -q SpecDirUnavailable $DAEMON_LOG"
wait_until 10 "cl status | grep -q 'can be written by group or others'"
[ ! -e "$STATE/status/late.json" ] || fail "a spec of anybody was taken"
[ "$(condition good Ready)" = True ] || fail "the last good set is not in force"
chmod 0755 "$SPECS"
wait_ready late
cert anybody | put anybody.yaml
chmod 0666 "$SPECS/anybody.yaml"
wait_until 10 "grep -q 'can be written by group or others' $STATE/status/_files/anybody.yaml.json"
if [ "$(id -u)" = 0 ]; then
    chmod 0644 "$SPECS/anybody.yaml"
    chown nobody "$SPECS/anybody.yaml"
    wait_until 40 "grep -q 'belongs to neither root' $STATE/status/_files/anybody.yaml.json"
fi
rm "$SPECS/anybody.yaml"
cert strange | put $'strange\033[31m.yaml'
echo rubbish | put $'rubbish\033[31m\377.yaml'
wait_until 10 "[ -e $STATE/status/strange.json ] && cl get files | grep -q 'rubbish.x1B'"
for command in "get -A" "get files" status events "describe strange"; do
    # shellcheck disable=SC2086 # words
    cl $command 2>&1 | grep -q $'\033' && fail "certloop $command: the name of a file reaches the terminal as it is"
done
grep -q $'\033' "$DAEMON_LOG" && fail "the name of a file reaches the log as it is"
rm "$SPECS/"strange* "$SPECS/"rubbish*

# ---- modes of the state ----
mode() { # PATH MODE...: one of these
    local is
    is=$(stat -c %a "$1")
    [[ " ${*:2} " == *" $is "* ]] || fail "$1 has mode $is, not ${*:2}"
}
mode "$STATE" 711
for d in archive accounts ledger dns journal memory ca; do mode "$STATE/$d" 700; done
for d in status live; do mode "$STATE/$d" 755; done
mode "$STATE/live/good" 755
mode "$requests" 770
mode "$STATE/lock" 600
mode "$STATE/status/good.json" 644
mode "$(readlink -f "$STATE/live/good/privkey.pem")" 600
mode "$(readlink -f "$STATE/live/good/fullchain.pem")" 644
find "$STATE"/{archive,accounts,ca,memory,journal,ledger} -type f -perm /077 | grep . && fail "private files are open"
find "$STATE"/{archive,accounts,ca,memory,journal,ledger} -type d -perm /077 | grep . && fail "private folders are open"
find "$STATE" -perm /002 ! -type l | grep . && fail "anybody can write in the state"
certloop_stop
chmod 0777 "$STATE" "$STATE/archive" "$STATE/memory"
certloop_start
mode "$STATE" 711
mode "$STATE/archive" 700
mode "$STATE/memory" 700
grep -q "$STATE/archive had mode 0777" "$DAEMON_LOG" || fail "a state that was open is not told"
certloop_stop

after=$(cd "$ROOT" && rm -rf tls && find . -type f -newermt 2000-01-01 -exec sha256sum {} + | sort)
diff <(echo "$before") <(echo "$after") || fail "files of others have changed"
kill -0 "$WATCHER" || fail "the watcher of key files ended"
[ ! -s "$SCRATCH/readable.txt" ] || fail "a key could be read by others: $(sort -u "$SCRATCH/readable.txt" | head)"

# ---- root's commands leave nothing that the daemon's user cannot read ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    SCRATCH=$SCRATCH/user certloop_dirs # without a Configuration
    chmod 0711 "$SPECS/.."
    chown nobody "$SECRETS"
    install -d -o nobody -m 0711 "$STATE"
    printf '#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups %s "$@"\n' "$CERTLOOP" >"$SPECS/../certloop"
    install -m 0755 "$CERTLOOP" "$SPECS/../certloop.bin"
    sed -i "s|$CERTLOOP |${SPECS%/*}/certloop.bin |" "$SPECS/../certloop"
    chmod 0755 "$SPECS/../certloop"
    real=$CERTLOOP
    CERTLOOP=$SPECS/../certloop
    put issuer.yaml <<'YAML'
apiVersion: certloop/v1
kind: Issuer
metadata: {name: internal}
spec: {ca: {generate: true}}
YAML
    cert mine | put mine.yaml
    certloop_start
    wait_ready mine
    "$real" renew mine >/dev/null || fail "root cannot ask for a renewal"
    wait_until 10 "[ \"\$(status mine .status.revision)\" = 2 ]" || fail "root's request had no effect"
    wait_until 10 "CERTLOOP=$real check_ok" || fail "check as root"
    "$real" plan >/dev/null || fail "plan as root"
    find "$STATE" ! -user nobody | grep . && fail "root's commands left files of root"
    chmod 0755 "$SPECS/../certloop.bin"
    rc=0
    setpriv --reuid=daemon --regid=daemon --clear-groups "$SPECS/../certloop.bin" renew mine 2>"$SPECS/../third.txt" || rc=$?
    [ "$rc" = 77 ] || fail "a third user may ask for a renewal, or is told otherwise ($rc): $(cat "$SPECS/../third.txt")"
    grep -q requests "$SPECS/../third.txt" || fail "a third user is not told which group: $(cat "$SPECS/../third.txt")"
    CERTLOOP=$real
fi
exit 0
