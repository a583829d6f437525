#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that publish records for others, for tests: httpreq (default and RAW) and acme-dns.
dns_servers.py PORT NAMESERVER KEY LOG: changes go to NAMESERVER (HOST:PORT) by nsupdate with KEY.
  /present /cleanup          httpreq; user "bob", password "secret-of-bob"
  /register /update          acme-dns; names below acme-dns.example.org
  /slot?name=&txt=           a service that has room for one value: GET, token "secret-of-slot"
Each request is a line in LOG."""
import base64
import hashlib
import json
import subprocess
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PORT, SERVER, KEY, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
BASIC = "Basic " + base64.b64encode(b"bob:secret-of-bob").decode()
ACCOUNTS = {}  # subdomain: (user, password, values)


def nsupdate(*lines):
    host, port = SERVER.rsplit(":", 1)
    text = "\n".join(["server %s %s" % (host, port), *lines, "send", ""])
    subprocess.run(["nsupdate", "-t", "5", "-y", KEY], input=text, text=True, check=True, timeout=20)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        body = json.dumps(value or {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if url.path != "/slot" or query.get("token") != "secret-of-slot":
            self.answer(403)
            return
        with open(LOG, "a", encoding="utf-8") as log:
            log.write("/slot %s\n" % query["txt"])
        add = ['update add %s. 1 TXT "%s"' % (query["name"], query["txt"])] if query["txt"] else []
        nsupdate("update delete %s. TXT" % query["name"], *add)
        self.answer(200, {"ok": True})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        with open(LOG, "a", encoding="utf-8") as log:
            log.write("%s %s\n" % (self.path, json.dumps(body, sort_keys=True)))
        action = {"/present": self.httpreq, "/cleanup": self.httpreq, "/register": self.register,
                  "/update": self.update}.get(self.path)
        if action is None:
            self.answer(404)
        else:
            action(body)

    def httpreq(self, body):
        if self.headers.get("Authorization") != BASIC:
            self.answer(401, {"error": "who are you?"})
            return
        if "keyAuth" in body:
            digest = hashlib.sha256(body["keyAuth"].encode()).digest()
            value = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            fqdn = "_acme-challenge.%s." % body["domain"]
        else:
            fqdn, value = body["fqdn"], body["value"]
        if self.path == "/present":
            nsupdate('update add %s 60 TXT "%s"' % (fqdn, value))
        else:
            nsupdate('update delete %s TXT "%s"' % (fqdn, value))
        self.answer(200, body)

    def register(self, _):
        name = str(uuid.uuid4())
        account = {"username": str(uuid.uuid4()), "password": "p" * 40, "subdomain": name,
                   "fulldomain": name + ".acme-dns.example.org", "allowfrom": []}
        ACCOUNTS[name] = (account["username"], account["password"], [])
        self.answer(201, account)

    def update(self, body):
        user, password, values = ACCOUNTS.get(body.get("subdomain"), (None, None, None))
        if user is None or (self.headers.get("X-Api-User"), self.headers.get("X-Api-Key")) != (user, password):
            self.answer(401, {"error": "unauthorized"})
            return
        values.append(body["txt"])
        del values[:-2]
        fqdn = body["subdomain"] + ".acme-dns.example.org."
        nsupdate("update delete %s TXT" % fqdn, *('update add %s 1 TXT "%s"' % (fqdn, v) for v in values))
        self.answer(200, {"txt": body["txt"]})


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
