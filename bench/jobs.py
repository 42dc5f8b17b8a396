#!/usr/bin/env python3
"""Measures jobs: creates and reads of the simple API, and what a thousand checkpoints cost on disk.

    bench/jobs.py --binary target/release/backstay
    bench/jobs.py --binary target/release/backstay --database postgres://user@host/empty_database
    bench/jobs.py --binary target/release/backstay --record      # also writes its section of bench/RESULTS.md

The server runs on this machine with its default settings, so every acknowledged save was fsynced, and is spoken to over
loopback HTTP. The clients of creates and reads are `wrk`, on the same processors. Disk sizes are those of the whole data
directory after the server was stopped in an orderly way.
"""

import argparse
import base64
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from suite import report, wrk

RESULTS = Path(__file__).parent / "RESULTS.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--database", help="a PostgreSQL URL; default: SQLite in the data directory")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--work", type=Path, help="where the data directories go")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


class Server:
    """A running server with a token of an operator."""

    def __init__(self, options, directory):
        self.directory = directory
        database = ["--database", options.database] if options.database else []
        command = [options.binary, "serve", "--data-directory", directory, "--listen", "127.0.0.1:0", "--format", "ndjson", *database]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        address = json.loads(self.process.stdout.readline())["listening"]["address"]
        self.url = f"http://{address}"
        token = [options.binary, "tokens", "create", f"bench-{os.getpid()}", "--role", "operator", "--quiet", "--data-directory", directory, *database]
        self.token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def client(self):
        return Client(self.url, self.token)


class Client:
    """One kept connection."""

    def __init__(self, url, token):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, body=body, headers=self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"jobs: {method} {path}: {answer.status} {data[:300].decode(errors='replace')}")
        return data

    def post(self, path, value):
        return json.loads(self.call("POST", path, json.dumps(value).encode()))


CREATE = """
local filler = "{filler}"
local n = 0
function request()
   n = n + 1
   local body = string.format('{{"job_id": "job-%d", "step_name": "step", "state": {{"n": %d, "filler": "%s"}}}}', n % {clients}, n, filler)
   return wrk.format("POST", "/api/checkpoints", nil, body)
end
"""

READ = """
local ids = {{{ids}}}
local n = 0
function request()
   n = n + 1
   return wrk.format("GET", "/api/checkpoints/" .. ids[n * 7919 % #ids + 1])
end
"""


def creates(server, options):
    """Every client saves to each of as many jobs as there are clients."""
    filler = base64.b64encode(os.urandom(690)).decode()
    return wrk.run(server.url, server.token, options.clients, options.seconds, CREATE.format(filler=filler, clients=options.clients))


def reads(server, options, ids):
    quoted = ", ".join(f'"{name}"' for name in ids)
    return wrk.run(server.url, server.token, options.clients, options.seconds, READ.format(ids=quoted))


def noise(length):
    """Printable noise: six bits in each byte."""
    return base64.b64encode(os.urandom(length))[:length].decode()


def state_of_items(client, steps):
    """One JSON state with a list of 100 items of 1 KB; one changes at each step."""
    items = [noise(1000) for _ in range(100)]
    for step in range(steps):
        items[step % 100] = noise(1000)
        client.post("/api/checkpoints", {"job_id": "items", "step_name": f"step_{step}", "state": {"items": items}})


def channels(client, steps, single):
    """A thread: 100 channels of 1 KB of which one changes, or one channel that holds a list of 100 items."""
    names = ["items"] if single else [f"channel_{n}" for n in range(100)]
    items, times = [noise(1000).encode() for _ in range(100)], []
    for step in range(steps):
        version = f"{step + 1:032}.{int.from_bytes(os.urandom(6), 'big') / 2**48:.16f}"
        items[step % 100] = noise(1000).encode()
        value = lambda data: {"version": version, "type": "msgpack", "data": base64.b64encode(data).decode()}
        if single:
            changed = {"items": value(b"".join(items))}
        else:
            changed = {names[n]: value(items[n]) for n in (range(100) if step == 0 else [step % 100])}
        body = {
            "key": {"thread_id": f"thread-{single}", "checkpoint_id": f"{step:036}"},
            "parent": f"{step - 1:036}" if step else None,
            "head": {"type": "msgpack", "data": base64.b64encode(f"head {step}".encode() * 20).decode()},
            "metadata": {"source": "loop", "step": step, "parents": {}},
            "changed": changed,
            "keep": [name for name in names if name not in changed],
        }
        begin = time.perf_counter()
        client.post("/api/v1/threads/checkpoints", body)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def size(directory):
    return sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())


def measure(options, scratch):
    rows = []
    server = Server(options, scratch / "speed")
    client = server.client()
    rate, half, most = creates(server, options)
    rows.append(("creates of 1 KB, %d clients" % options.clients, f"{rate:,.0f}/s, p50 {half:.1f} ms, p99 {most:.1f} ms"))
    ids = [item["checkpoint_id"] for n in range(8) for item in json.loads(client.call("GET", f"/api/checkpoints?job_id=job-{n}"))["checkpoints"]]
    rate, half, most = reads(server, options, ids)
    rows.append(("reads of 1 KB, %d clients" % options.clients, f"{rate:,.0f}/s, p50 {half:.1f} ms, p99 {most:.1f} ms"))
    server.stop()
    if options.database:
        return rows
    server = Server(options, scratch / "empty")
    server.client().post("/api/checkpoints", {"job_id": "x", "step_name": "x", "state": {}})
    server.stop()
    empty = size(scratch / "empty")
    for name, work in (
        ("a JSON state with a list of 100 items", state_of_items),
        ("a thread with 100 channels", lambda client, steps: channels(client, steps, False)),
        ("a thread with one channel of 100 items", lambda client, steps: channels(client, steps, True)),
    ):
        directory = scratch / re.sub(r"\W+", "-", name)
        server = Server(options, directory)
        half = work(server.client(), options.steps)
        server.stop()
        spent = f", put p50 {half:.1f} ms" if half else ""
        rows.append((f"disk: {options.steps} checkpoints of 100 KB, 1 % changed: {name}", f"{(size(directory) - empty) / 1e6:.2f} MB{spent}"))
    return rows


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.work, prefix="jobs-") as scratch:
        rows = measure(options, Path(scratch))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
    if options.record:
        kind = "PostgreSQL" if options.database else "SQLite"
        lines = [f"### Jobs on {kind}", "", "| what | measured |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
        facts = f"`bench/jobs.py`, {report.machine()}; clients and server on the same machine."
        report.document(RESULTS, f"jobs {kind.lower()}", "\n".join([*lines, facts]))


if __name__ == "__main__":
    main()
