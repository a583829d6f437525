#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Measures certloop and Apache mod_md against the same Pebble on the same machine, in one run.
# How to run it and how to read the numbers: README.md beside it. Not part of the test suite:
# nothing here fails because a machine is slow.
import argparse
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import daemons  # noqa: E402


def progress(text):
    print(f"# {text}", file=sys.stderr, flush=True)


# ---- one measurement each; all return a dict of numbers ----


def measure_certloop(opts, count, **issuer):
    """Drops @count specs at once into a running daemon; from the first rename to the last Ready."""
    with daemons.scratch(opts) as folder, daemons.Pebble(folder) as ca:
        with daemons.Certloop(opts, folder, ca) as d:
            d.issuer(**issuer)
            d.wait_issuer()
            before, posts = d.cpu_ms(), ca.posts()
            took = d.drop(f"n{i}" for i in range(count))
            cpu = d.cpu_ms() - before
            return {
                "certs/s": count / took,
                "wall s": took,
                "CPU ms/cert": cpu / count,
                "Pebble CPU ms/cert": ca.cpu_ms() / count,
                "POSTs/cert": (ca.posts() - posts) / count,
                "newNonce": ca.requests("HEAD /nonce-plz") + ca.requests("GET /nonce-plz"),
                "peak RSS MiB": d.memory("VmHWM"),
            }


def measure_mod_md(opts, count):
    """From the start of Apache to the last name staged; no reload."""
    with daemons.scratch(opts) as folder, daemons.Pebble(folder) as ca:
        with daemons.Apache(folder, ca, [f"n{i}.example.org" for i in range(count)]) as a:
            took = a.wait_staged()
            return {
                "certs/s": count / took,
                "wall s": took,
                "CPU ms/cert": a.cpu_ms() / count,
                "Pebble CPU ms/cert": ca.cpu_ms() / count,
                "POSTs/cert": ca.posts() / count,
                "newNonce": ca.requests("HEAD /nonce-plz"),
            }


def measure_latency(opts):
    """One spec at a time into a quiet daemon: rename to a status file that says Ready."""
    with daemons.scratch(opts) as folder, daemons.Pebble(folder) as ca:
        with daemons.Certloop(opts, folder, ca) as d:
            d.issuer()
            d.ca_issuer()
            d.wait_issuer()
            d.wait_issuer("own")
            found = {}
            for label, issuer in (("one spec, ACME", "pebble"), ("one spec, ca issuer", "own")):
                d.one(f"warm-{issuer}", issuer)
                times, cpu = [], d.cpu_ms()
                for i in range(opts.latency):
                    time.sleep(0.3)
                    times.append(d.one(f"{issuer}{i}", issuer) * 1000)
                found[f"{label}: median ms"] = statistics.median(times)
                found[f"{label}: worst ms"] = max(times)
                found[f"{label}: CPU ms"] = (d.cpu_ms() - cpu) / opts.latency
            return found


def measure_idle(opts, count, more):
    """Memory and wake-ups of a daemon that has nothing to do."""
    with daemons.scratch(opts) as folder, daemons.Pebble(folder) as ca:
        with daemons.Certloop(opts, folder, ca) as d:
            d.issuer()
            d.wait_issuer()
            d.drop(f"n{i}" for i in range(count))
            time.sleep(opts.settle)
            found = {
                "idle RSS MiB": d.memory("VmRSS"),
                "idle RssAnon MiB": d.memory("RssAnon"),
            }
            before, cpu = d.switches(), d.cpu_ms()
            time.sleep(opts.idle)
            found["wake-ups/min"] = (d.switches() - before) * 60 / opts.idle
            found["idle CPU ms/min"] = (d.cpu_ms() - cpu) * 60 / opts.idle
            d.drop(f"m{i}" for i in range(more))
            time.sleep(opts.settle)
            grown = d.memory("VmRSS") - found["idle RSS MiB"]
            found["RSS KiB/further cert"] = grown * 1024 / more
            grown = d.memory("RssAnon") - found["idle RssAnon MiB"]
            found["RssAnon KiB/further cert"] = grown * 1024 / more
        with daemons.Certloop(opts, folder, ca) as d:
            d.wait_ready(count + more)
            time.sleep(opts.settle)
            found[f"restarted, {count + more} certs: RSS MiB"] = d.memory("VmRSS")
            found[f"restarted, {count + more} certs: RssAnon MiB"] = d.memory("RssAnon")
            return found


def measure_rfc2136(opts, count):
    """The same for wildcards by RFC 2136: BIND on loopback, and Pebble asks it."""
    with daemons.scratch(opts) as folder, daemons.Bind(folder) as bind:
        with daemons.Pebble(folder, bind.server) as ca:
            with daemons.Certloop(opts, folder, ca).dns(bind) as d:
                d.issuer(solver=bind.solver())
                d.wait_issuer()
                before = d.cpu_ms()
                took = d.drop((f"n{i}" for i in range(count)), dns_names="'*.{name}.example.org'")
                return {
                    "certs/s": count / took,
                    "wall s": took,
                    "CPU ms/cert": (d.cpu_ms() - before) / count,
                }


def measure_batch(opts, count, together):
    """@count names with their wildcards in one zone, by a provider that writes whole sets and takes
    many in one request; all in one certificate, or each in one of its own."""
    with daemons.scratch(opts) as folder, daemons.DnsApi(folder) as api:
        with daemons.Pebble(folder, api.server) as ca:
            with daemons.Certloop(opts, folder, ca).dns(api, api.providers) as d:
                d.issuer(solver="{dns01: {provider: test-batch}}")
                d.wait_issuer()
                if together:
                    names = (f"n{i}.example.org, '*.n{i}.example.org'" for i in range(count))
                    took = d.drop(["all"], dns_names=", ".join(names))
                else:
                    names = (f"n{i}" for i in range(count))
                    took = d.drop(names, dns_names="{name}.example.org, '*.{name}.example.org'")
                found = {"wall s": took, "writes until all are Ready": api.writes()}
            found["writes with the clean-up at the end"] = api.writes()
            return found


# ---- the run ----


def table(title, runs):
    print(f"\n{title}" + (f" (median of {len(runs)})" if len(runs) > 1 else ""))
    for name in runs[0]:
        values = sorted(r[name] for r in runs)
        spread = f"   {values[0]:.2f} to {values[-1]:.2f}" if len(runs) > 1 else ""
        print(f"  {name:40} {statistics.median(values):10.2f}{spread}")
    sys.stdout.flush()


def throughput(opts):
    """Rounds of all sides, one after the other, so that a load from outside hits all alike."""
    rounds = []
    for i in range(opts.runs):
        progress(f"round {i + 1} of {opts.runs}")
        rounds.append(
            {
                "md": measure_mod_md(opts, opts.peer) if not opts.no_peer else None,
                "few": measure_certloop(opts, opts.peer),
                "many": measure_certloop(opts, opts.count),
            }
        )
    names = (
        ("md", f"Apache mod_md, {opts.peer} certificates"),
        ("few", f"certloop, {opts.peer} specs at once"),
        ("many", f"certloop, {opts.count} specs at once"),
    )
    for key, title in names:
        if rounds[0][key] is not None:
            table(title, [r[key] for r in rounds])
    if not opts.no_peer:
        ratios = [
            {
                f"{opts.peer} specs": r["few"]["certs/s"] / r["md"]["certs/s"],
                f"{opts.count} specs": r["many"]["certs/s"] / r["md"]["certs/s"],
            }
            for r in rounds
        ]
        table("certloop's rate as a multiple of mod_md's", ratios)


def dns01(opts):
    rounds = []
    for i in range(opts.runs):
        progress(f"dns01, round {i + 1} of {opts.runs}")
        http, update = measure_certloop(opts, opts.peer), measure_rfc2136(opts, opts.peer)
        rounds.append((http, update, {"times as long": update["wall s"] / http["wall s"]}))
    titles = (
        f"http-01, {opts.peer} certificates",
        f"rfc2136, {opts.peer} wildcard certificates",
        "rfc2136 compared with http-01 (to be at most 3)",
    )
    for i, title in enumerate(titles):
        table(title, [r[i] for r in rounds])
    for together in (True, False):
        form = "one certificate" if together else f"{opts.batch} certificates"
        progress(f"dns01, batches, {form}")
        title = f"{opts.batch} names with wildcards, {form} (writes: to be at most 4)"
        table(title, [measure_batch(opts, opts.batch, together)])


def main():
    p = argparse.ArgumentParser(description="certloop and mod_md, measured against Pebble")
    root = pathlib.Path(__file__).resolve().parents[2]
    p.add_argument("what", nargs="*", help="throughput latency idle obey dns01 (default: all)")
    p.add_argument("--certloop", default=os.environ.get("CERTLOOP", root / "build/release/certloop"))
    p.add_argument("--runs", type=int, default=3, help="rounds of the throughput measurement")
    p.add_argument("--count", type=int, default=1000, help="specs dropped at once")
    p.add_argument("--peer", type=int, default=100, help="certificates that mod_md obtains")
    p.add_argument("--no-peer", action="store_true", help="without mod_md")
    p.add_argument("--batch", type=int, default=50, help="names for the batches of dns01")
    p.add_argument("--latency", type=int, default=20, help="specs for the latency")
    p.add_argument("--idle", type=int, default=70, help="seconds to watch the idle daemon")
    p.add_argument("--settle", type=int, default=5, help="seconds before memory is read")
    p.add_argument("--keep", action="store_true", help="keep the scratch folders")
    p.add_argument("--with", dest="wrap", default="", help="run the daemon under this (perf ...)")
    opts = p.parse_args()
    what = opts.what or ["throughput", "latency", "idle", "obey", "dns01"]
    if not os.access(opts.certloop, os.X_OK):
        sys.exit(f"bench: {opts.certloop} is not there: cmake --build --preset release")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs, {opts.certloop}")
    if "throughput" in what:
        throughput(opts)
    if "latency" in what:
        progress("latency")
        table("latency", [measure_latency(opts)])
    if "obey" in what:
        progress("obey")
        few = measure_certloop(opts, opts.peer, retry_after="Obey")
        table(f"certloop, {opts.peer} specs, retryAfter: Obey", [few])
    if "dns01" in what:
        dns01(opts)
    if "idle" in what:
        progress("idle")
        table(
            f"idle with {opts.count} Ready certificates",
            [measure_idle(opts, opts.count, opts.count // 2)],
        )


if __name__ == "__main__":
    main()
