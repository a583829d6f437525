#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small DNS provider for tests: zones in memory, served as name server and as an HTTP API that
speaks one tiny JSON dialect for each way of writing. dns_api.py HTTP-PORT DNS-PORT LOG ZONE...
The token is "secret-of-api". Names in paths are whole, without the final dot.
  records   GET, POST /records/ZONE (?name=)   DELETE /records/ZONE/ID
  rrset     GET, PUT, DELETE /rrset/ZONE/NAME  PATCH /rrset/ZONE: [{name, values}]
  delta     POST /delta/ZONE: {name, add, remove}          GET /delta/ZONE?name=
  zonefile  GET, PUT /zonefile/ZONE: {records: [{name, type, data}]}
  slot      PUT /slot/ZONE: {name, value}      one value of its own at each name; null clears it
and, for the test that runs it, without a token:
  POST /control: {foreign: [NAME, VALUE]}  a value of somebody else
                 {lose: ["POST /records", ...]}   the next request of each is done, not answered
  GET /control: {lost_values: [...], duplicates: [...], writes: N}: what should never have been
Each request is a line in LOG."""
import http.server
import json
import socket
import socketserver
import struct
import sys
import threading
from urllib.parse import parse_qs, unquote, urlsplit

HTTP, DNS, LOG, ZONES = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
A, NS, SOA, TXT = 1, 2, 6, 16
TYPES = {"A": A, "NS": NS, "SOA": SOA, "TXT": TXT}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Zones:
    """The records, and what was done wrong to them. All calls hold the lock."""

    def __init__(self):
        self.lock = threading.RLock()
        self.records, self.last_id, self.slots = [], 9007199254740993, {}  # ids beyond a double
        self.foreign, self.lost_values, self.duplicates = [], [], []
        self.lose, self.writes = [], 0
        for zone in ZONES:
            self.add(zone, "SOA", "")
            self.add(zone, "NS", "ns." + zone)
            self.add("ns." + zone, "A", "127.0.0.1")

    def add(self, name, kind, data):
        if self.has(name, data):
            self.duplicates.append([name, data])
        self.last_id += 1
        self.records.append({"id": self.last_id, "name": name, "type": kind, "data": data})
        return self.records[-1]

    def has(self, name, data):
        return any(r["name"] == name and r["data"] == data for r in self.records)

    def txt(self, name):
        return [r["data"] for r in self.records if (r["name"], r["type"]) == (name, "TXT")]

    def drop(self, test):
        self.records = [r for r in self.records if not test(r)]

    def set(self, name, values):
        kept = set(self.txt(name))
        self.drop(lambda r: (r["name"], r["type"]) == (name, "TXT") and r["data"] not in values)
        for value in values:
            if value not in kept:
                self.add(name, "TXT", value)

    def check(self):
        self.lost_values += [f for f in self.foreign if not self.has(*f)]


Z = Zones()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment

    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        body = json.dumps(value if value is not None else {}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        url = urlsplit(self.path)
        self.query = {k: v[0] for k, v in parse_qs(url.query).items()}
        text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.body = json.loads(text) if text else None
        dialect, *path = [unquote(p) for p in url.path.split("/")[1:]]
        with Z.lock:
            if dialect == "control":
                self.answer(200, self.control())
                return
            with open(LOG, "a", encoding="utf-8") as log:
                log.write(f"{self.command} {self.path} {text}\n")
            if self.headers.get("Authorization") != "Bearer secret-of-api":
                self.answer(401, {"message": "who are you?"})
                return
            action = getattr(self, dialect, None)
            if action is None or path[0] not in ZONES:
                self.answer(404, {"message": "no such zone"})
                return
            Z.writes += self.command in WRITES
            status, value = action(*path)
            Z.check()
            for start in Z.lose:
                if f"{self.command} {self.path}".startswith(start):
                    Z.lose.remove(start)
                    self.close_connection = True
                    return
        self.answer(status, value)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def control(self):
        if self.command == "POST":
            if "foreign" in self.body:
                Z.foreign.append(self.body["foreign"])
                Z.add(self.body["foreign"][0], "TXT", self.body["foreign"][1])
            Z.lose = self.body.get("lose", Z.lose)
        return {"lost_values": Z.lost_values, "duplicates": Z.duplicates, "writes": Z.writes,
                "lose": Z.lose}  # fmt: skip

    def records(self, zone, number=None):
        if self.command == "POST":
            return 201, Z.add(self.body["name"], "TXT", self.body["data"])
        if self.command == "DELETE":
            before = len(Z.records)
            Z.drop(lambda r: str(r["id"]) == number)
            return (204 if len(Z.records) < before else 404), {}
        name = self.query.get("name", zone)
        return 200, {"records": [r for r in Z.records if (r["name"], r["type"]) == (name, "TXT")]}

    def rrset(self, zone, name=None):
        if self.command == "PATCH":
            for change in self.body:
                Z.set(change["name"], change["values"])
        elif self.command == "PUT":
            Z.set(name, self.body["values"])
        elif self.command == "DELETE":
            Z.set(name, [])
        elif not Z.txt(name):
            return 404, {"message": "no such set"}
        return 200, {"values": Z.txt(name or zone)}

    def delta(self, _zone):
        if self.command == "POST":
            name = self.body["name"]
            values = [v for v in Z.txt(name) if v not in self.body["remove"]]
            Z.set(name, values + [v for v in self.body["add"] if v not in values])
            return 200, {}
        return 200, {"values": Z.txt(self.query["name"])}

    def zonefile(self, zone):
        def inside(r):
            return r["name"] == zone or r["name"].endswith("." + zone)

        if self.command == "PUT":
            Z.drop(inside)
            for r in self.body["records"]:
                Z.add(r["name"], r["type"], r["data"])
        return 200, {"records": [{k: r[k] for k in ("name", "type", "data")}
                                 for r in Z.records if inside(r)]}  # fmt: skip

    def slot(self, _zone):
        name, value = self.body["name"], self.body["value"]
        old = Z.slots.pop(name, None)
        Z.drop(lambda r: r["id"] == old)
        if value:
            Z.slots[name] = Z.add(name, "TXT", value)["id"]
        return 200, {}


# ---- the name server ----


def labels(name):
    parts = [p.encode() for p in name.split(".")]
    return b"".join(bytes([len(p)]) + p for p in parts) + b"\0"


def rdata(record, zone):
    if record["type"] == "A":
        return socket.inet_aton(record["data"])
    if record["type"] == "NS":
        return labels(record["data"])
    if record["type"] == "SOA":
        return labels("ns." + zone) * 2 + struct.pack("!5I", 1, 3600, 600, 86400, 5)
    data = record["data"].encode()
    return b"".join(bytes([len(p)]) + p for p in (data[i : i + 255] for i in range(0, len(data), 255)))


def resource(record, zone):
    data = rdata(record, zone)
    return labels(record["name"]) + struct.pack("!HHIH", TYPES[record["type"]], 1, 5, len(data)) + data


def reply(query, limit):
    """The answer to one question; longer than @limit: truncated."""
    ident, flags = struct.unpack("!HH", query[:4])
    end, parts = 12, []
    while query[end]:
        parts.append(query[end + 1 : end + 1 + query[end]].decode().lower())
        end += 1 + query[end]
    name, kind = ".".join(parts), struct.unpack("!H", query[end + 1 : end + 3])[0]
    question, rcode, answers, authority = query[12 : end + 5], 0, [], []
    zone = max((z for z in ZONES if name == z or name.endswith("." + z)), key=len, default=None)
    if zone is None:
        rcode = 5
    else:
        with Z.lock:
            answers = [r for r in Z.records if r["name"] == name and TYPES[r["type"]] == kind]
            if not answers:
                authority = [r for r in Z.records if (r["name"], r["type"]) == (zone, "SOA")]
                below = any(r["name"] == name or r["name"].endswith("." + name) for r in Z.records)
                rcode = 0 if below else 3
    flags = 0x8000 | (0x0400 if zone else 0) | (flags & 0x0100) | rcode
    body = b"".join(resource(r, zone) for r in answers + authority)
    counts = (1, len(answers), len(authority), 0)
    if 12 + len(question) + len(body) > limit:
        flags, body, counts = flags | 0x0200, b"", (1, 0, 0, 0)
    return struct.pack("!6H", ident, flags, *counts) + question + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        sock.sendto(reply(query, 512), self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while len(size := self.rfile.read(2)) == 2:
            answer = reply(self.rfile.read(int.from_bytes(size, "big")), 65535)
            self.wfile.write(len(answer).to_bytes(2, "big") + answer)


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 1024  # a CA asks for many names at once


class ApiServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128


SERVERS = (
    socketserver.ThreadingUDPServer(("127.0.0.1", DNS), Udp),
    TcpServer(("127.0.0.1", DNS), Tcp),
    ApiServer(("127.0.0.1", HTTP), Api),
)
for server in SERVERS[:2]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
SERVERS[2].serve_forever()
