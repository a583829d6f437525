#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays every transcript of tests/dns/transcripts against `certloop dns add|remove`: a loopback server
answers as the transcript says and checks what is asked. The form is in transcripts/README.md.
usage: test_dns_replay.py [-v] [NAME...]"""
import concurrent.futures
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import xml.etree.ElementTree as ET

try:
    import yaml
except ImportError:
    print("SKIP: python3-yaml is not installed")
    sys.exit(77)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TRANSCRIPTS = os.path.join(ROOT, "tests/dns/transcripts")
PROVIDERS = os.path.join(ROOT, "backends/dns/providers")
CERTLOOP = os.environ.get("CERTLOOP", os.path.join(ROOT, "build/dev/certloop"))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VALUES = {"V1": "ADw2sEd82DUgXcQ9hNBZThJs7zVJkR5v9JeSbAb9mZY",
          "V2": "second-value-0123456789abcdefghijklmnopqrstuv"}
BODIES = ("json", "form", "xml", "text", "body")


def fill(value):
    """${V1} and ${V2} in all strings."""
    if isinstance(value, str):
        for name, text in VALUES.items():
            value = value.replace("${%s}" % name, text)
        return value
    if isinstance(value, list):
        return [fill(v) for v in value]
    if isinstance(value, dict):
        return {fill(k): fill(v) for k, v in value.items()}
    return value


def text_matches(want, got):
    if want == "<any>":
        return got != ""
    if want.startswith("re:"):
        return re.fullmatch(want[3:], got, re.S) is not None
    return want == got


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def json_matches(want, got, subset):
    if isinstance(want, str):
        return isinstance(got, str) and text_matches(want, got) or (want == "<any>" and got not in (None, ""))
    if isinstance(want, dict):
        return (isinstance(got, dict) and (subset or set(want) == set(got)) and
                all(k in got and json_matches(v, got[k], subset) for k, v in want.items()))
    if isinstance(want, list):
        return (isinstance(got, list) and len(want) == len(got) and
                all(json_matches(w, g, subset) for w, g in zip(want, got)))
    return type(want) == type(got) and want == got


def form_pairs(want):
    """A mapping, or a list of mappings; lists repeat a key."""
    pairs = []
    for part in want if isinstance(want, list) else [want]:
        for key, value in part.items():
            pairs += [(str(key), scalar(v)) for v in (value if isinstance(value, list) else [value])]
    return pairs


def pairs_match(want, got, subset):
    rest = list(got)
    for key, value in want:
        hit = next((p for p in rest if p[0] == key and (text_matches(value, p[1]) or value == p[1])), None)
        if hit is None:
            return False
        rest.remove(hit)
    return subset or not rest


def xml_matches(want, got):
    return (want.tag == got.tag and set(want.attrib) == set(got.attrib) and
            all(text_matches(v, got.attrib[k]) for k, v in want.attrib.items()) and
            text_matches((want.text or "").strip(), (got.text or "").strip()) and len(want) == len(got) and
            all(xml_matches(w, g) for w, g in zip(want, got)))


def xml_element(name, value):
    """The mapping of dns_xml.h: members are elements, @name attributes, # text."""
    if isinstance(value, list):
        return "".join(xml_element(name, v) for v in value)
    escape = lambda v: scalar(v).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    if not isinstance(value, dict):
        return "<%s>%s</%s>" % (name, escape(value), name)
    attributes = "".join(' %s="%s"' % (k[1:], escape(v)) for k, v in value.items() if k[0] == "@")
    inner = "".join(xml_element(k, v) for k, v in value.items() if k[0] not in "@#")
    return "<%s%s>%s%s</%s>" % (name, attributes, inner, escape(value.get("#", "")), name)


def xml_text(value):
    if isinstance(value, str):
        return value.strip()
    (name, inner), = value.items()
    return xml_element(name, inner)


class Expected:
    """One request of a transcript, and its answer."""

    def __init__(self, spec, base):
        self.method = next((m for m in METHODS if m in spec), None)
        if self.method is None:
            raise ValueError("a request without a method: %r" % (spec,))
        url = spec[self.method] or ""
        if not url.startswith("http"):
            url = base + url
        parts = urllib.parse.urlsplit(url)
        self.host = parts.netloc.lower()
        self.origin = "%s://%s" % (parts.scheme, parts.netloc)
        self.path = urllib.parse.unquote(parts.path) or "/"
        self.query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True) + form_pairs(spec.get("query") or {})
        self.headers = {k.lower(): scalar(v) for k, v in (spec.get("headers") or {}).items()}
        self.kind = next((b for b in BODIES if b in spec), None)
        self.body = spec.get(self.kind) if self.kind else None
        self.times = spec.get("times")
        self.answer = spec.get("answer", 200)
        self.name = "%s %s" % (self.method, url)

    def why_not(self, req, write):
        """None if @req is this one, else what differs."""
        if req.method != self.method or req.host != self.host:
            return "method or host"
        if req.path != self.path:
            return "path"
        if not pairs_match(self.query, req.query, not write):
            return "query: got %s" % (req.query,)
        for key, value in self.headers.items():
            if not text_matches(value, req.headers.get(key, "")):
                return "header %s: got %r" % (key, req.headers.get(key))
        return self.body_differs(req, write)

    def body_differs(self, req, write):
        got = req.body
        try:
            if self.kind == "json":
                good = json_matches(self.body, json.loads(got), not write)
            elif self.kind == "form":
                good = pairs_match(form_pairs(self.body),
                                   urllib.parse.parse_qsl(got, keep_blank_values=True), not write)
            elif self.kind == "xml":
                good = xml_matches(ET.fromstring(xml_text(self.body)), ET.fromstring(got))
            elif self.kind == "text":
                good = text_matches(str(self.body), got)
            elif self.kind == "body" or write:
                good = got == ""
            else:
                good = True
        except (ValueError, ET.ParseError) as problem:
            return "body: %s: got %r" % (problem, got)
        return None if good else "body: got %s" % got

    def reply(self):
        answer = self.answer if isinstance(self.answer, dict) else {"status": self.answer}
        headers = {k: scalar(v) for k, v in (answer.get("headers") or {}).items()}
        body = ""
        if "json" in answer:
            body = json.dumps(answer["json"], ensure_ascii=False)
        elif "xml" in answer:
            body = xml_text(answer["xml"])
        elif "text" in answer:
            body = scalar(answer["text"])
        return answer.get("status", 200), headers, body


class Request:
    def __init__(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        self.method = handler.command
        self.host = (handler.headers.get("Host") or "").lower()
        self.path = urllib.parse.unquote(parts.path) or "/"
        self.query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length).decode("utf-8", "replace")

    def __str__(self):
        return "%s %s%s %s %s" % (self.method, self.host, self.path, self.query, self.body)


class Script:
    """What the server knows at the moment: writes to come, reads before and after them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.problems, self.log = [], []
        self.begin([], [], [], [])

    def begin(self, before, writes, after, always):
        self.before, self.writes, self.after, self.always = before, list(writes), after, always
        self.written = False

    def answer(self, req):
        with self.lock:
            self.log.append(str(req))
            nearest = []
            if self.writes:
                why = self.writes[0].why_not(req, True)
                if why is None:
                    self.written = True
                    return self.writes.pop(0).reply()
                nearest.append("write %s: %s" % (self.writes[0].name, why))
            reads = (self.after if self.written else self.before) + self.always
            for read in reads:
                if read.times == 0:
                    continue
                why = read.why_not(req, False)
                if why is None:
                    if read.times:
                        read.times -= 1
                    return read.reply()
                if not why.startswith("method") and why != "path":
                    nearest.append("read %s: %s" % (read.name, why))
            self.problems.append("unexpected %s\n      %s" % (req, "\n      ".join(nearest)))
            return 599, {}, "the transcript has no such request"


def serve(script):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            status, headers, body = script.answer(Request(self))
            data = body.encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def origins_of(doc, expected):
    found = {e.origin for e in expected}
    for value in (doc.get("credentials") or {}).values():
        for url in re.findall(r"https?://[^/\s\"'?]+", json.dumps(value)):
            found.add(url)
    return found


def replay(name, verbose):
    with open(os.path.join(TRANSCRIPTS, name + ".yaml"), encoding="utf-8") as f:
        doc = fill(yaml.safe_load(f))
    base = doc.get("base", "")
    make = lambda specs: [Expected(s, base) for s in specs or []]
    always = make(doc.get("reads"))
    steps = [(s, make(s.get("reads")), make(s.get("writes"))) for s in doc["steps"]]
    end = make(doc["end"]) if "end" in doc else make(doc["steps"][0].get("reads"))
    script = Script()
    server = serve(script)
    everything = always + end + [e for _, r, w in steps for e in r + w]
    zone, fqdn = doc.get("zone", "example.com"), doc.get("fqdn", "_acme-challenge.example.com")
    flags = ["--providers", PROVIDERS, "--now", str(doc.get("now", 1700000000))]
    flags += [] if doc.get("discover") else ["--zone", zone]
    for origin in sorted(origins_of(doc, everything)):
        flags += ["--origin", "%s=http://127.0.0.1:%d" % (origin, server.server_address[1])]
    problems = []
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        path = os.path.join(folder, "credentials.yaml")
        with open(path, "w", encoding="utf-8") as f:
            yaml.safe_dump(doc.get("credentials") or {}, f, default_style='"')
        os.chmod(path, 0o600)
        for i, (step, reads, writes) in enumerate(steps):
            script.begin(reads, writes, steps[i + 1][1] if i + 1 < len(steps) else end, always)
            verb = "add" if "add" in step else "remove"
            values = step[verb] if isinstance(step[verb], list) else [step[verb]]
            command = [CERTLOOP, "dns", verb, doc.get("provider", name), step.get("fqdn", fqdn), *values,
                       "--credentials", path, *flags] + (["-v"] if verbose else [])
            try:
                ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
            except subprocess.TimeoutExpired:
                problems.append("step %d (%s): no end within 90 s" % (i + 1, verb))
                break
            if verbose:
                print(ran.stderr)
            problems += judge(i + 1, verb, step, ran, script)
            if problems:
                break
    server.shutdown()
    server.server_close()
    return problems


def judge(number, verb, step, ran, script):
    where = "step %d (%s): " % (number, verb)
    problems = [where + p for p in script.problems]
    if "fails" in step:
        if ran.returncode != 1 or step["fails"] not in ran.stderr:
            problems.append(where + "should fail with %s: exit %d, %s" % (step["fails"], ran.returncode, ran.stderr))
    elif ran.returncode != 0:
        problems.append(where + "exit %d: %s" % (ran.returncode, ran.stderr.strip()[-1000:]))
    if script.writes and not script.problems:
        problems.append(where + "not written: " + ", ".join(w.name for w in script.writes))
    return problems


def attempt(name, verbose):
    try:
        return name, replay(name, verbose)
    except Exception as problem:  # a transcript that is wrong itself
        return name, ["%s: %s" % (type(problem).__name__, problem)]


def main():
    args = sys.argv[1:]
    verbose = "-v" in args
    names = [a for a in args if a != "-v"]
    if not names:
        names = sorted(f[:-5] for f in os.listdir(TRANSCRIPTS) if f.endswith(".yaml"))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        for name, problems in pool.map(lambda n: attempt(n, verbose), names):
            print("%s %s" % ("FAIL" if problems else "ok  ", name))
            for problem in problems:
                print("    " + problem)
            failed += [name] if problems else []
    missing = sorted(f[:-5] for f in os.listdir(PROVIDERS) if f.endswith(".yaml")
                     and not os.path.exists(os.path.join(TRANSCRIPTS, f)))
    print("%d transcripts, %d failed, %d descriptions without one%s" %
          (len(names), len(failed), len(missing), ": " + " ".join(missing) if missing else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
