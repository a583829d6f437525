#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CAs that answer in the worst way: huge, endless, mistyped, lying. Each answer ends in a condition
with a name, the daemon stays alive and goes on with the others, nothing outside its state directory
is touched, and no control character of a CA reaches a terminal."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from fake_ca import Answer, FakeCA, openssl, problem  # noqa: E402 # pylint: disable=wrong-import-position

ROOT = pathlib.Path(__file__).resolve().parents[2]
CERTLOOP = os.environ.get("CERTLOOP", str(ROOT / "build/dev/certloop"))
ESC = "\x1b[31mred\x1b]0;title\x07 \x9b1m \u202e | <b>\nnext\r\x7f"
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>" + b"<p>sorry</p>" * 200 + b"</body></html>"
YEAR = 365 * 86400


def always(*args, **kwargs):
    return lambda ask: Answer(*args, **kwargs)


def refuse(*args, **kwargs):
    return lambda ask: problem(*args, **kwargs)


def change(point, **members):
    """The good JSON answer of @point with other members; a callable member is given the Ask."""

    def answer(ask):
        good = ask.default()
        body = json.loads(good.body)
        for key, value in members.items():
            body[key] = value(ask) if callable(value) else value
        return Answer(good.status, body, good.headers)
    return {point: answer}


def header(point, **headers):
    def answer(ask):
        good = ask.default()
        good.headers.update({k.replace("_", "-"): v(ask) if callable(v) else v for k, v in headers.items()})
        return good
    return {point: answer}


def token(text):
    def answer(ask):
        good = json.loads(ask.default().body)
        good["challenges"][0]["token"] = text
        return Answer(200, good)
    return {"authz": answer}


def chain(function):
    return {"cert": lambda ask: ask.pem(function(ask))}


def endless(ask):
    answer = Answer(200, b" " * 65536)
    answer.endless = True
    return answer


def redirect(to, status=302):
    return lambda ask: Answer(status, b"", {"Location": to(ask) if callable(to) else to})


def other_key(ask):
    ask.server.key("other-" + ask.number)
    return ask.server.chain(ask.server.request("other-" + ask.number, "/CN=x"), ask.names())


def foreign_issuer(ask):
    leaf = ask.server.chain(ask.order["csr"], ask.names())
    return leaf.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n" + \
        ask.server.pem_of("root")


def escaped_issuer(ask):
    ask.server.make_ca("escape", "/CN=" + ESC.replace("/", ""), "root")
    return ask.server.chain(ask.order["csr"], ask.names(), issuer="escape")


def nothing_has_a_nonce():
    def answer(ask):
        return ask.default().without_nonce()
    return {point: answer for point in ("dir", "nonce", "account", "order")}


def no_nonce_but(first):
    """Nonces come from newNonce alone."""
    def answer(ask):
        return ask.default() if ask.point in first else ask.default().without_nonce()
    return {point: answer for point in ("dir", "nonce", "account", "order", "order-get", "authz",
                                        "challenge", "finalize", "cert")}


def with_chain(text):
    return chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names()) + text)


# name: (script, reason). The reason is that of the Certificate's last error; with "issuer:" in
# front that of the Issuer, which stays not ready; "Ready": the answer does no harm.
CASES = {
    # ---- the directory ----
    "dir-huge": ({"dir": always(200, b"{" + b" " * (5 << 20) + b"}")}, "issuer:BodyTooLarge"),
    "dir-endless": ({"dir": endless}, "issuer:BodyTooLarge"),
    "dir-headers": ({"dir": always(200, b"{}", {"X-A": ["a" * 4000] * 200})}, "issuer:HeadersTooLarge"),
    "dir-html-200": ({"dir": always(200, HTML, content_type="text/html")}, "issuer:NotJSON"),
    "dir-html-500": ({"dir": always(500, HTML, content_type="text/html")}, "issuer:ServerError"),
    "dir-html-502": ({"dir": always(502, HTML, content_type="text/html")}, "issuer:ServerError"),
    "dir-html-403": ({"dir": always(403, HTML, content_type="text/html")}, "issuer:Refused"),
    "dir-html-404": ({"dir": always(404, HTML, content_type="text/html")}, "issuer:NotFound"),
    "dir-empty": ({"dir": always(200, b"")}, "issuer:NotJSON"),
    "dir-array": ({"dir": always(200, b"[" * 100000)}, "issuer:NotJSON"),
    "dir-nul": ({"dir": always(200, b'{"newNonce":"https://x\\u0000y/"}')}, "issuer:NotJSON"),
    "dir-no-order": (change("dir", newOrder=None), "issuer:BadURL"),
    "dir-file": (change("dir", newOrder="file:///etc/passwd"), "issuer:BadURL"),
    "dir-gopher": (change("dir", newNonce="gopher://127.0.0.1:6379/_FLUSHALL"), "issuer:BadURL"),
    "dir-relative": (change("dir", newAccount="/account"), "issuer:BadURL"),
    "dir-userinfo": (change("dir", newOrder="http://root:x@localhost/"), "issuer:BadURL"),
    "dir-newline": (change("dir", newOrder="http://localhost/\r\nX: y"), "issuer:BadURL"),
    "dir-loop": ({"dir": redirect(lambda ask: ask.url("dir"))}, "issuer:BadRedirect"),
    "dir-to-file": ({"dir": redirect("file:///etc/passwd")}, "issuer:BadRedirect"),
    "dir-to-nowhere": ({"dir": always(302, b"")}, "issuer:BadRedirect"),
    "dir-escape": (change("dir", meta={"termsOfService": "https://x.example/" + ESC, "website": ESC,
                                       "caaIdentities": [ESC], "profiles": {ESC: ESC}}), "Ready"),
    "tls-to-http": ({"dir": redirect(lambda ask: ask.server.url + "/good/dir")}, "issuer:BadRedirect"),
    "tls-http-order": (change("dir", newOrder="http://localhost/order"), "issuer:BadURL"),
    "tls-unknown": ({}, "issuer:TLSVerifyFailed"),
    "tls-good": ({}, "Ready"),
    # ---- nonces and the account ----
    "nonce-missing": (nothing_has_a_nonce(), "issuer:NoNonce"),
    "nonce-bad": (dict.fromkeys(("nonce", "account", "dir"), lambda ask: Answer(
        200, b"", {"Replay-Nonce": 'a"b\\c'}) if ask.point != "dir" else ask.default().without_nonce()),
        "issuer:NoNonce"),
    "nonce-html": ({"nonce": lambda ask: Answer(502, HTML).without_nonce(),
                    "dir": lambda ask: ask.default().without_nonce()}, "issuer:ServerError"),
    "nonce-only": (no_nonce_but(("nonce",)), "Ready"),
    "nonce-never-good": ({"order": refuse(400, "badNonce", "no")}, "BadNonce"),
    "account-no-location": ({"account": always(201, {"status": "valid"})}, "issuer:NoAccountURL"),
    "account-file": (header("account", Location="file:///etc/shadow"), "issuer:NoAccountURL"),
    "account-redirect": ({"account": redirect(lambda ask: ask.url("account"), 307)}, "issuer:UnexpectedRedirect"),
    "account-action": ({"account": refuse(403, "userActionRequired", "Terms have changed " + ESC,
                                          instance="https://ca.example/terms")}, "issuer:AgreementRequired"),
    "account-html": ({"account": always(200, HTML, content_type="text/html")}, "issuer:NoAccountURL"),
    "account-escape": ({"account": refuse(400, "malformed" + ESC, ESC)}, "issuer:Refused"),
    # ---- limits ----
    "limit-after": ({"order": refuse(429, "rateLimited", "too many", {"Retry-After": "7200"})}, "RateLimited"),
    "limit-bare": ({"order": refuse(429, "rateLimited", "too many")}, "RateLimited"),
    "limit-html": ({"order": always(429, HTML, content_type="text/html")}, "RateLimited"),
    "limit-absurd": ({"order": refuse(429, "rateLimited", "x", {"Retry-After": "99999999999999999999"})},
                     "RateLimited"),
    "limit-date": ({"order": refuse(429, "rateLimited", "x", {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})},
                   "RateLimited"),
    "limit-negative": ({"order": refuse(429, "rateLimited", "x", {"Retry-After": "-5"})}, "RateLimited"),
    "limit-rubbish": ({"order": refuse(429, "rateLimited", "x", {"Retry-After": "soon; \t?"})}, "RateLimited"),
    "busy-after": ({"order": refuse(503, "serverInternal", "busy", {"Retry-After": "3600"})}, "Busy"),
    "busy-bare": ({"order": refuse(503, "serverInternal", "busy")}, "ServerError"),
    "paused": ({"order": refuse(429, "rateLimited", "Your account is temporarily prevented from requesting "
                                "certificates for a.example and possibly others. Please visit: "
                                "https://ca.example/unpause?jwt=" + "e" * 60)}, "PausedByCA"),
    "action-required": ({"order": refuse(403, "userActionRequired", "new terms", {
        "Link": '<https://ca.example/terms>;rel="terms-of-service"'})}, "AgreementRequired"),
    # ---- orders and authorizations ----
    "order-escape": ({"order": refuse(400, "rejectedIdentifier", ESC, subproblems=[
        {"type": "urn:ietf:params:acme:error:caa", "detail": ESC,
         "identifier": {"type": "dns", "value": ESC}}])}, "RejectedIdentifier"),
    "order-html": ({"order": always(200, HTML, content_type="text/html")}, "NoOrderURL"),
    "order-html-201": ({"order": lambda ask: Answer(201, HTML, ask.default().headers)}, "NotJSON"),
    "order-redirect": ({"order": redirect(lambda ask: ask.url("order"), 308)}, "UnexpectedRedirect"),
    "order-no-location": ({"order": lambda ask: Answer(201, json.loads(ask.default().body))}, "NoOrderURL"),
    "order-file": (header("order", Location="file:///etc/passwd"), "NoOrderURL"),
    "order-status": (change("order", status=ESC), "BadStatus"),
    "order-other-names": (change("order", identifiers=[{"type": "dns", "value": "other.example"}]), "Ready"),
    "order-many": (change("order", authorizations=["http://localhost/x"] * 2000), "BadOrder"),
    "order-itself": (change("order", authorizations=lambda ask: [ask.url("order-get", ask.number)],
                            finalize=lambda ask: ask.url("order-get", ask.number)), "BadAuthorization"),
    "order-authz-file": (change("order", authorizations=["file:///etc/passwd"]), "BadURL"),
    "order-authz-gopher": (change("order", authorizations=["gopher://localhost:25/_HELO"]), "BadURL"),
    "order-finalize-ftp": (change("order", finalize="ftp://localhost/"), "BadURL"),
    "authz-redirect": ({"authz": redirect(lambda ask: ask.url("authz", ask.number))}, "UnexpectedRedirect"),
    "authz-huge": ({"authz": always(200, b" " * (2 << 20))}, "BodyTooLarge"),
    "authz-other-name": (change("authz", identifier={"type": "dns", "value": "victim.example"}),
                         "UnexpectedIdentifier"),
    "authz-no-http01": (change("authz", challenges=[{"type": "magic-01", "url": "http://localhost/",
                                                     "token": "a" * 30, "status": "pending"}]), "NoSolver"),
    "authz-escape": ({"authz": refuse(403, "unauthorized", ESC)}, "Unauthorized"),
    "token-slashes": (token("../../../../../etc/cron.d/0123456789abcdef"), "BadToken"),
    "token-dots": (token(".." + "." * 30), "BadToken"),
    "token-slash": (token("/etc/passwd/0123456789abcdef"), "BadToken"),
    "token-short": (token("short"), "BadToken"),
    "token-nul-like": (token("%2e%2e%2f" * 4), "BadToken"),
    "token-shell": (token("$(touch pwned);`id`0123456789abc"), "BadToken"),
    "token-long": (token("a" * 5000), "NoSolver"),
    "token-missing": (token(None), "NoSolver"),
    "authz-invalid": (change("authz", status="invalid"), "ValidationFailed"),
    # ---- certificates ----
    "cert-html": ({"cert": always(200, HTML, content_type="text/html")}, "NotPEM"),
    "cert-json": ({"cert": always(200, {"certificate": "no"})}, "NotPEM"),
    "cert-der": ({"cert": lambda ask: Answer(200, openssl("x509", "-outform", "DER", data=ask.default().body),
                                             content_type="application/pkix-cert")}, "NotPEM"),
    "cert-huge": (with_chain(b"\n" * (1 << 17)), "BodyTooLarge"),
    "cert-50": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names()) + ask.server.pem_of("root") * 49),
                "InvalidChain"),
    "cert-truncated": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names())[:300]),
                       "InvalidCertificate"),
    "cert-garbage": (chain(lambda ask: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                     "InvalidCertificate"),
    "cert-and-key": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names()) +
                           (ask.server.folder / "sub.key").read_bytes()), "InvalidCertificate"),
    "cert-other-key": (chain(other_key), "WrongKey"),
    "cert-extra-name": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names() + ["victim.example"])),
                        "WrongNames"),
    "cert-wrong-name": (chain(lambda ask: ask.server.chain(ask.order["csr"], ["victim.example"])), "WrongNames"),
    "cert-wildcard": (chain(lambda ask: ask.server.chain(ask.order["csr"], ["*.example.org"])), "WrongNames"),
    "cert-ca": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names(), ca="TRUE")), "UnexpectedCA"),
    "cert-expired": (chain(lambda ask: ask.server.chain(ask.order["csr"], ask.names(), days=-1)), "NotValidNow"),
    "cert-foreign-issuer": (chain(foreign_issuer), "InvalidChain"),
    "cert-file": (change("finalize", certificate="file:///etc/passwd"), "BadURL"),
    "cert-itself": (change("finalize", certificate=lambda ask: ask.url("order-get", ask.number)), "NotPEM"),
    "cert-escape": (chain(escaped_issuer), "Ready"),
    "finalize-escape": ({"finalize": refuse(400, "badCSR", ESC)}, "BadCSR"),
    "order-stuck": ({point: change(point, status="ready")[point] for point in ("finalize", "order-get")}, None),
    "finalize-late": (header("finalize", Retry_After="99999999999999999999"), "Ready"),
    "good": ({}, "Ready"),
}


class Trial:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="hostile-"))
        self.specs, self.state, self.webroot = (self.dir / d for d in ("acme.d", "state", "www"))
        self.secrets, self.log = self.dir / "secrets", self.dir / "daemon.log"
        for d in (self.specs, self.webroot, self.secrets, self.dir / "etc/cron.d"):
            d.mkdir(parents=True)
        self.specs.chmod(0o755)
        (self.dir / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        self.ca = FakeCA(self.dir / "ca")
        self.config = self.dir / "config.yaml"
        self.config.write_text("apiVersion: certloop/v1\nkind: Configuration\n"
                               f"spec: {{webroots: [{self.dir}]}}\n")
        self.daemon = None
        self.failures = []

    def flags(self):
        return ["--specs", self.specs, "--state", self.state, "--secrets", self.secrets, "--config", self.config]

    def cl(self, *args):
        """Exit code and output, both streams, as bytes."""
        done = subprocess.run([CERTLOOP, *map(str, self.flags()), *map(str, args)], capture_output=True,
                              check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def put(self, name, text):
        tmp = self.specs / f".{name}.tmp"
        tmp.write_text(text)
        tmp.rename(self.specs / f"{name}.yaml")

    def declare(self, name, script):
        self.ca.script(name, script)
        tls = name.startswith("tls-")
        base = self.ca.tls_url if tls else self.ca.url
        trusted = tls and name != "tls-unknown"
        bundle = f"    caBundleFile: {self.ca.folder}/root.pem\n" if trusted else ""
        self.put(name, f"""apiVersion: certloop/v1
kind: Issuer
metadata: {{name: {name}}}
spec:
  acme:
    server: {base}/{name}/dir
    termsOfServiceAgreed: true
{bundle}    solvers: [{{http01: {{webroot: {self.webroot}}}}}]
---
apiVersion: certloop/v1
kind: Certificate
metadata: {{name: {name}}}
spec:
  dnsNames: [{name}.example.org]
  issuerRef: {{name: {name}}}
""")

    def start(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen([CERTLOOP, "run", *map(str, self.flags())], stderr=log, cwd=self.dir)  # pylint: disable=consider-using-with # ended by stop

    def status(self, kind, name):
        path = self.state / "status" / ("issuers" if kind == "issuer" else "") / f"{name}.json"
        try:
            return json.loads(path.read_text())["status"]
        except (OSError, ValueError):
            return {}

    def seen(self, name):
        """What is said of a case: Ready, the Certificate's last error, the Issuer's event."""
        status = self.status("certificate", name)
        if any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", [])):
            return "Ready"
        reason = (status.get("lastError") or {}).get("reason")
        if reason:
            return reason
        issuer = self.status("issuer", name)
        for event in reversed(issuer.get("events", [])):
            if event["type"] == "Warning":
                return "issuer:" + event["reason"]
        return None

    def check(self, ok, text):
        if not ok:
            self.failures.append(text)

    def snapshot(self):
        """Everything outside the state directory that a daemon as root could have touched."""
        found = {}
        for place in (self.dir, pathlib.Path("/etc/cron.d"), pathlib.Path("/etc/sudoers.d")):
            for folder, folders, files in os.walk(place):
                folders[:] = [f for f in folders if pathlib.Path(folder, f) not in (self.state, self.ca.folder)]
                for name in files:
                    path = os.path.join(folder, name)
                    st = os.lstat(path)
                    if path != str(self.log):
                        found[path] = (st.st_size, st.st_mtime_ns, st.st_mode, st.st_ino)
        return found

    def wait(self, seconds):
        deadline = time.monotonic() + seconds
        waiting = dict(CASES)
        while waiting and time.monotonic() < deadline:
            if self.daemon.poll() is not None:
                break
            for name in [n for n in waiting if self.seen(n) == CASES[n][1]]:
                del waiting[name]
            time.sleep(0.1)
        for name in waiting:
            self.failures.append(f"{name}: {CASES[name][1]} expected, seen: {self.seen(name)}: "
                                 f"{self.status('certificate', name).get('lastError')} "
                                 f"{[c for c in self.status('issuer', name).get('conditions', [])][:1]} "
                                 f"{self.ca.requests.get(name, [])[-6:]}")

    def stop(self):
        if self.daemon is None:
            return
        alive = self.daemon.poll() is None
        self.check(alive, f"the daemon ended with {self.daemon.returncode}")
        if alive:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.check(self.daemon.wait(30) == 0, f"the daemon stopped with {self.daemon.returncode}")
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                self.failures.append("the daemon did not stop")


def check_terminal(trial):
    """No command lets a control character through."""
    bad = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]")
    commands = [("get", "-A"), ("get", "-A", "-o", "wide"), ("get", "issuers", "-o", "wide"), ("get", "issuers", "-o", "yaml"),
                ("get", "issuers", "-o", "json"), ("get", "-o", "yaml"),
                ("get", "-o", "json"), ("events",), ("status",), ("check",), ("plan",), ("get", "files")]
    commands += [("describe", name) for name in CASES] + [("events", n) for n in CASES if "escape" in n]
    for command in commands:
        code, out = trial.cl(*command)
        found = bad.search(out)
        trial.check(not found, f"{command}: a control character: {out[max(0, found.start() - 80):found.end()] if found else ''}")
        trial.check(code in (0, 1, 2, 3), f"{command}: exit {code}: {out[-300:]}")
    log = trial.log.read_bytes()
    found = bad.search(log)
    trial.check(not found, f"log: a control character: {log[max(0, found.start() - 80):found.end()] if found else ''}")
    code, out = trial.cl("check")
    trial.check(code == 2 and out.count(b"\n") == 1, f"check: {code} {out}")
    trial.check(out.count(b"|") <= 1 and b"<b>" not in out, f"check: {out}")
    code, out = trial.cl("describe", "order-escape")
    trial.check(b"\\x1B" in out, f"describe does not show what the CA said: {out}")
    code, out = trial.cl("describe", "dir-file")
    trial.check(b"no usable https URL" in out and b"being prepared" not in out,
                f"describe does not say why the Issuer is not ready: {out}")


def check_words(trial):
    """What a person needs is said: where to go, when it goes on."""
    for name, text in (("paused", "https://ca.example/unpause"), ("action-required", "https://ca.example/terms")):
        said = json.dumps(trial.status("certificate", name))
        trial.check(text in said, f"{name}: the status does not say {text}: {said}")
    said = json.dumps(trial.status("issuer", "account-action"))
    trial.check("https://ca.example/terms" in said, f"account-action: {said}")
    now = time.time()
    for name in CASES:
        when = trial.status("certificate", name).get("nextReconcileTime")
        if when and CASES[name][1] != "Ready":
            at = time.mktime(time.strptime(when[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            trial.check(at < now + 40 * 86400, f"{name}: waits until {when}")
    for name in [n for n in CASES if n.startswith("limit-")] + ["busy-after"]:
        status = trial.status("certificate", name)
        trial.check(status.get("failedIssuanceAttempts") == 0, f"{name}: a limit is counted as an attempt")
        trial.check(len([p for p, _ in trial.ca.requests[name] if p == "order"]) <= 3, f"{name}: asked again and again")
    after = trial.status("certificate", "limit-after")
    at = time.mktime(time.strptime(after["nextReconcileTime"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    trial.check(at > now + 7000, f"limit-after: the CA's Retry-After is not kept: {after['nextReconcileTime']}")
    for name, requests in trial.ca.requests.items():
        trial.check(len(requests) < 60, f"{name}: {len(requests)} requests in a short time: {requests[-5:]}")
        odd = [path for _, path in requests if not path.startswith(f"/{name}/")]
        trial.check(not odd, f"{name}: {odd}")


def main():
    if not os.access(CERTLOOP, os.X_OK):
        print(f"FAIL: no {CERTLOOP}", file=sys.stderr)
        return 1
    trial = Trial()
    try:
        for name, (script, _) in CASES.items():
            trial.declare(name, script)
        before = trial.snapshot()
        trial.start()
        trial.wait(float(os.environ.get("HOSTILE_SECONDS", "90")))
        check_terminal(trial)
        check_words(trial)
        trial.stop()
        after = trial.snapshot()
        touched = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
        trial.check(not touched, f"touched outside the state directory: {touched}")
        for name, (_, reason) in CASES.items():
            live = (trial.state / "live" / name).exists()
            trial.check(live == (reason == "Ready"), f"{name}: live/{name} {'exists' if live else 'is missing'}")
        with open(trial.log, encoding="utf-8", errors="replace") as log:
            odd = [line for line in log if re.search(r"Sanitizer|runtime error|assert", line)]
        trial.check(not odd, f"log: {odd[:3]}")
    finally:
        if trial.daemon and trial.daemon.poll() is None:
            trial.daemon.kill()
            trial.daemon.wait()
        trial.ca.close()
        if os.environ.get("KEEP_SCRATCH"):
            print(f"kept: {trial.dir}", file=sys.stderr)
        else:
            shutil.rmtree(trial.dir, ignore_errors=True)
    for failure in trial.failures:
        print("FAIL:", failure, file=sys.stderr)
    print(f"{len(CASES)} CAs, {len(trial.failures)} failures")
    return 1 if trial.failures else 0


if __name__ == "__main__":
    sys.exit(main())
