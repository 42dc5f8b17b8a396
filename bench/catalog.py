#!/usr/bin/env python3
"""Measures the catalog with 1,000,000 snapshots and 5,000,000 events, on SQLite and on PostgreSQL.

    bench/catalog.py                         both, and the result goes into bench/RESULTS.md
    bench/catalog.py --only sqlite --snapshots 10000 --events 50000 --output -

For each database: the example `scale` fills it and measures every query inside one process; then `backstay serve` runs on
it, `bench/load.py` puts clients on it, and the audit trail is downloaded as CSV. PostgreSQL is a private one with durable
settings, started by `tools/with-services --durable`.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import load
from suite import report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BACKENDS = ("sqlite", "postgres")
TITLES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
# What `tools/with-services` tells those that it starts.
POSTGRES = "BACKSTAY_TEST_POSTGRES_URL"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(BACKENDS))
    parser.add_argument("--snapshots", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20, help="how long the clients ask")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--keep", action="store_true", help="keep the SQLite file below --work, and use the one of an earlier run")
    parser.add_argument("--filled", action="store_true",
                        help=f"use the PostgreSQL that {POSTGRES} names, which the example `scale` has filled")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def build():
    """Builds what is measured; returns the paths of the example and of the program."""
    found = {}
    for target in (["--package", "backstay-catalog", "--example", "scale"], ["--package", "backstay", "--bin", "backstay"]):
        command = ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics", *target]
        built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if built.returncode:
            sys.exit("catalog: cargo failed")
        for message in map(json.loads, built.stdout.splitlines()):
            if message.get("executable"):
                found[message["target"]["name"]] = message["executable"]
    return found["scale"], found["backstay"]


class Server:
    """`backstay serve` on a filled catalog, with an empty repository."""

    def __init__(self, program, database, home):
        self.environment = {**os.environ, "BACKSTAY_DATABASE": database, "BACKSTAY_DATA_DIRECTORY": str(home / "data")}
        # Its daily work would be measured too.
        command = [program, "serve", "--listen", "127.0.0.1:0", "--no-schedules", "--format", "ndjson", "--log", "error"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        line = json.loads(self.process.stdout.readline())
        self.url = f"http://{line['listening']['address']}"
        create = [program, "tokens", "create", "load", "--role", "admin", "--quiet"]
        self.token = subprocess.run(create, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def peak_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)[1]) << 10

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


def export(server):
    """Downloads the audit trail as CSV; returns events a second, bytes, and the server's peak memory meanwhile."""
    server.forget_peak()
    parts = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
    started = time.monotonic()
    connection.request("GET", "/api/v1/audit/export.csv", headers={"Authorization": f"Bearer {server.token}"})
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"catalog: the export answered {answer.status}")
    size = lines = 0
    while piece := answer.read(1 << 20):
        size += len(piece)
        lines += piece.count(b"\r\n")
    seconds = time.monotonic() - started
    return {"events": lines - 1, "events_per_second": (lines - 1) / seconds, "bytes": size, "peak_bytes": server.peak_bytes()}


def measure(database, options, programs):
    """Fills a fresh database and returns what was measured inside and over HTTP."""
    scale, program = programs
    command = [scale, "--snapshots", str(options.snapshots), "--events", str(options.events), "--json"]
    kept = options.keep and database.startswith("sqlite:") and Path(database.removeprefix("sqlite:")).exists()
    if kept or options.filled:
        command.append("--keep")
    done = subprocess.run(command, env={**os.environ, "BACKSTAY_DATABASE": database}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("catalog: the example failed")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    with tempfile.TemporaryDirectory(prefix="server-") as home:
        server = Server(program, database, Path(home))
        try:
            server.forget_peak()
            result["load"] = load.run(server.url, server.token, options.clients, options.seconds)
            result["load"]["peak_bytes"] = server.peak_bytes()
            result["download"] = export(server)
        finally:
            server.stop()
    return result


def run(backend, options, programs):
    if backend == "sqlite":
        options.work.mkdir(parents=True, exist_ok=True)
        home = options.work / "catalog" if options.keep else Path(tempfile.mkdtemp(prefix="catalog-", dir=options.work))
        home.mkdir(exist_ok=True)
        try:
            return measure(f"sqlite:{home / 'catalog.db'}", options, programs)
        finally:
            if not options.keep:
                shutil.rmtree(home, ignore_errors=True)
    if options.filled:
        return measure(os.environ[POSTGRES], options, programs)
    # PostgreSQL ends with its command, so this program runs inside it.
    command = [
        ROOT / "tools" / "with-services", "--durable", sys.executable, __file__, "--inside", "--snapshots", str(options.snapshots),
        "--events", str(options.events), "--clients", str(options.clients), "--seconds", str(options.seconds),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("catalog: postgres failed")
    return json.loads(done.stdout.strip().splitlines()[-1])


def verdict(met):
    return "met" if met else "**missed**"


def table(result):
    filled = f", filled in {result['fill_seconds']:.0f} s" if result["fill_seconds"] else ""
    size = f", {result['database_bytes'] / (1 << 20):,.0f} MiB" if result["database_bytes"] else ""
    lines = [
        f"{result['snapshots']:,} snapshots, {result['events']:,} events{size}{filled}.", "",
        "Inside the server's process:", "",
        "| query | matches | p50 ms | p99 ms | max ms | target, p99 | |", "|---|--:|--:|--:|--:|--:|---|",
    ]
    for query in result["queries"]:
        limit = query.get("limit_ms")
        lines.append(
            f"| {query['name']} | {query['total']:,} | {query['p50_ms']:.2f} | {query['p99_ms']:.2f} | {query['max_ms']:.2f} | "
            f"{'' if limit is None else f'≤ {limit:g}'} | {'' if limit is None else verdict(query['p99_ms'] <= limit)} |"
        )
    lines += [
        "",
        f"Medians of {result['queries'][0]['rounds']} rounds. The fixed computation waits for nothing: by how much its p99 and its longest "
        "time exceed its p50 is what other guests of the same hardware take away.",
    ]
    inside, download, crowd, clients = (result[key] for key in ("export", "download", "concurrent", "load"))
    lines += [
        "",
        f"Reading the log for an export: {inside['events_per_second']:,.0f} events a second as JSON Lines, peak "
        f"{inside['peak_bytes'] / (1 << 20):.0f} MiB. Proving the chain: {result['verify']['events_per_second']:,.0f} events a second. "
        f"{crowd['clients']} tasks that list, show, search and append: {crowd['requests_per_second']:,.0f} a second, "
        f"p99 {crowd['p99_ms']:.1f} ms, {crowd['failures']} failures.", "",
        f"Over HTTP, {clients['clients']} clients that ask without a pause on the same processors: {clients['per_second']:,.0f} requests a "
        f"second, {clients['failures']} failures, peak memory of the server {clients['peak_bytes'] / (1 << 20):.0f} MiB.", "",
        "| request | p50 ms | p95 ms | p99 ms | max ms |", "|---|--:|--:|--:|--:|",
    ]
    for name, values in clients["milliseconds"].items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values.values()) + " |")
    speed = download["events_per_second"]
    lines += [
        "",
        f"CSV export over HTTP: {download['events']:,} events, {download['bytes'] / (1 << 20):,.0f} MiB, {speed:,.0f} events a second "
        f"(target 200,000: {verdict(speed >= 200_000)}), peak memory of the server {download['peak_bytes'] / (1 << 20):.0f} MiB.",
    ]
    return "\n".join(lines)


def main():
    options = arguments()
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    programs = build()
    if options.inside:
        print(json.dumps(measure(os.environ[POSTGRES], options, programs)))
        return
    facts = f"`bench/catalog.py`, {report.machine()}. PostgreSQL with `fsync` on; SQLite in WAL mode with `synchronous=FULL`."
    for name in BACKENDS:
        if name not in options.only.split(","):
            continue
        text = f"### Catalog on {TITLES[name]}\n\n{table(run(name, options, programs))}"
        if str(options.output) == "-":
            print(text)
        else:
            report.document(options.output, f"catalog {name}", f"{text}\n\n{facts}")


if __name__ == "__main__":
    main()
