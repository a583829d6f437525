#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A resolver with a memory of its own, as those of CAs are: passes questions on, but says NXDOMAIN to
TXT questions below a name listed in a file. dns_blind.py ADDRESS PORT SERVER_PORT FILE: UDP and
TCP; both servers are on ADDRESS. FILE has one name a line and is read for each question."""
import socket
import socketserver
import sys
import threading

ADDRESS, PORT, UPSTREAM, LIST = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]


def question(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels), int.from_bytes(message[at + 1:at + 3], "big"), at + 5


def blind(name):
    with open(LIST, encoding="ascii") as lines:
        return any(name == x or name.endswith("." + x) for x in lines.read().split())


def answer(message):
    name, qtype, end = question(message)
    if qtype == 16 and blind(name):
        return message[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + message[12:end]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
        upstream.settimeout(2)
        upstream.sendto(message, (ADDRESS, UPSTREAM))
        return upstream.recv(65535)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        message, server = self.request
        server.sendto(answer(message), self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            size = self.rfile.read(2)
            if len(size) < 2:
                return
            reply = answer(self.rfile.read(int.from_bytes(size, "big")))
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


tcp = TcpServer((ADDRESS, PORT), Tcp)
threading.Thread(target=tcp.serve_forever, daemon=True).start()
UdpServer((ADDRESS, PORT), Udp).serve_forever()
