# SPDX-License-Identifier: Apache-2.0
"""An ACME server (RFC 8555) for tests that answers as it is told: well by default, and at any point
in the worst way. It checks nothing: no signature, no nonce, no challenge. One server serves many
CAs, each below a path of its own: URL/NAME/dir.

    server = FakeCA(folder)            # signs with a root and an intermediate made in folder
    server.script("rude", {"order": lambda ask: Answer(429, b"")})

The points of a script are the resources: dir nonce account order order-get authz challenge finalize
cert. A function gets the Ask and may change ask.default(), the answer that a good CA gives."""

import base64
import http.server
import json
import pathlib
import socketserver
import ssl
import subprocess
import threading


def openssl(*args, data=None):
    done = subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {args}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Answer:
    """body: bytes, or something else that becomes JSON. headers win over the usual ones."""

    def __init__(self, status, body=b"", headers=None, content_type=None):
        self.status = status
        self.headers = dict(headers or {})
        self.content_type = content_type or "application/json"
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.nonce = True
        self.endless = False

    def without_nonce(self):
        self.nonce = False
        return self


def problem(status, kind, detail, headers=None, **members):
    return Answer(status, {"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, **members},
                  headers, "application/problem+json")


class Ask:
    """One request: which CA, which resource, which order, what is in it."""

    def __init__(self, server, base, name, point, number, method, payload):
        self.server, self.base, self.name, self.point = server, base, name, point
        self.number, self.method, self.payload = number, method, payload
        self.order = server.orders.setdefault((name, number), {}) if number else {}

    def url(self, point, number=None):
        return f"{self.base}/{self.name}/{point}" + (f"/{number}" if number else "")

    def default(self):
        return getattr(self, "good_" + self.point.replace("-", "_"))()

    def good_dir(self):
        return Answer(200, {"newNonce": self.url("nonce"), "newAccount": self.url("account"),
                            "newOrder": self.url("order"), "revokeCert": self.url("revoke"),
                            "keyChange": self.url("key"), "meta": {}})

    def good_nonce(self):
        return Answer(200)

    def good_account(self):
        return Answer(201, {"status": "valid"}, {"Location": self.url("account", 1)})

    def good_order(self):
        number = self.server.next_number()
        order = self.server.orders.setdefault((self.name, number), {})
        order.update(status="pending", identifiers=self.payload.get("identifiers", []))
        self.number, self.order = number, order
        return Answer(201, self.order_body(), {"Location": self.url("order-get", number)})

    def order_body(self):
        body = {"status": self.order.get("status", "pending"),
                "identifiers": self.order.get("identifiers", []),
                "authorizations": [self.url("authz", self.number)],
                "finalize": self.url("finalize", self.number)}
        if body["status"] == "valid":
            body["certificate"] = self.url("cert", self.number)
        return body

    def good_order_get(self):
        return Answer(200, self.order_body())

    def challenge_body(self):
        done = self.order.get("status") != "pending"
        return {"type": "http-01", "url": self.url("challenge", self.number),
                "token": f"{self.name}-{self.number}-0123456789abcdefghijklmn".replace(".", "-"),
                "status": "valid" if done else "pending"}

    def good_authz(self):
        first = (self.order.get("identifiers") or [{"type": "dns", "value": "nothing.example"}])[0]
        challenge = self.challenge_body()
        return Answer(200, {"status": challenge["status"], "identifier": first, "challenges": [challenge]})

    def good_challenge(self):
        self.order["status"] = "ready"
        return Answer(200, self.challenge_body())

    def good_finalize(self):
        csr = self.payload.get("csr", "")
        self.order["csr"] = base64.urlsafe_b64decode(csr + "=" * (-len(csr) % 4))
        self.order["status"] = "valid"
        return Answer(200, self.order_body())

    def names(self):
        return [i["value"] for i in self.order["identifiers"]]

    def good_cert(self):
        return self.pem(self.server.chain(self.order["csr"], self.names()))

    @staticmethod
    def pem(chain):
        return Answer(200, chain, content_type="application/pem-certificate-chain")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def ask(self):
        ca = self.server.ca
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        payload = {}
        try:
            text = json.loads(body)["payload"] if body else ""
            payload = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}
        except (ValueError, KeyError):
            pass
        parts = self.path.split("?")[0].strip("/").split("/")
        name, point, number = (parts + ["", "", ""])[:3]
        if point == "account" and number:
            number = ""
        ca.count(name, point, self.path)
        ask = Ask(ca, self.server.base, name, point, number, self.command, payload)
        if not hasattr(ask, "good_" + point.replace("-", "_")):
            return Answer(404, b"")
        function = ca.scripts.get(name, {}).get(point)
        return function(ask) if function else ask.default()

    def reply(self):
        answer = self.ask()
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        if answer.endless:
            del headers["Content-Length"]
            headers["Connection"] = "close"
        if answer.nonce:
            headers["Replay-Nonce"] = "nonce" + self.server.ca.next_number()
        headers.update(answer.headers)
        self.send_response_only(answer.status)
        for key, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(key, one)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(answer.body)
        while answer.endless:
            self.wfile.write(answer.body)

    def do_GET(self):  # pylint: disable=invalid-name # the base class wants it so
        try:
            self.reply()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True  # the client had enough

    do_POST = do_HEAD = do_GET


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Clients that hang up are what these tests are about."""


class FakeCA:
    """http at self.url, https at self.tls_url (trust self.folder/root.pem)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.number = 0
        self.orders, self.scripts, self.requests = {}, {}, {}
        self.make_ca("root", "/CN=Root of a fake CA", None)
        self.make_ca("sub", "/CN=Fake CA", "root")
        self.key("server")
        self.sign_file("server", self.request("server", "/CN=localhost"), "root",
                       "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.servers = [Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        self.servers[1].socket = context.wrap_socket(self.servers[1].socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.url, self.tls_url = (f"{scheme}://localhost:{s.server_address[1]}"
                                  for scheme, s in zip(("http", "https"), self.servers))
        for server, base in zip(self.servers, (self.url, self.tls_url)):
            server.ca, server.base = self, base
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def script(self, name, points):
        self.scripts[name] = points

    def next_number(self):
        with self.lock:
            self.number += 1
            return str(self.number)

    def count(self, name, point, path):
        with self.lock:
            self.requests.setdefault(name, []).append((point, path))

    # ---- certificates ----

    def key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", self.folder / f"{name}.key")

    def request(self, name, subject):
        return openssl("req", "-new", "-utf8", "-key", self.folder / f"{name}.key", "-subj", subject,
                       "-outform", "DER")

    def make_ca(self, name, subject, issuer):
        self.key(name)
        self.sign_file(name, self.request(name, subject), issuer,
                       "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")

    def sign_file(self, name, csr, issuer, extensions):
        (self.folder / f"{name}.pem").write_bytes(self.sign(csr, issuer, extensions, own=name))

    def sign(self, csr, issuer, extensions, days=30, own=None):
        """A certificate in PEM for the request; issuer None: signed by the key of own."""
        number = self.next_number()
        ext = self.folder / f"{number}.ext"
        ext.write_text(extensions)
        signer = (["-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key"] if issuer
                  else ["-signkey", self.folder / f"{own}.key"])
        return openssl("x509", "-req", "-inform", "DER", "-days", days, "-set_serial", "0x7f" + number.zfill(8),
                       "-extfile", ext, *signer, data=csr)

    def pem_of(self, name):
        return (self.folder / f"{name}.pem").read_bytes()

    def chain(self, csr, names, issuer="sub", ca="FALSE", days=30):
        san = ",".join("DNS:" + n for n in names)
        leaf = self.sign(csr, issuer, f"subjectAltName={san}\nbasicConstraints=critical,CA:{ca}\n", days)
        return leaf + self.pem_of(issuer)
