#!/usr/bin/env python3
"""Puts concurrent clients on a running server and reports what they see.

    bench/load.py --server http://127.0.0.1:8470 --token-file token --clients 100 --seconds 20

Each client keeps one connection and asks, in turn, for a filtered page of snapshots, one snapshot, and the first page
of an audit search. Every answer must be 200. Clients are spread over processes, so that the measuring program is not
what is measured; times are those seen by the client. Only the standard library is needed.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import sys
import threading
import time
import urllib.parse
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds each client waits between requests")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def requests_of(server, token):
    """The requests to mix: `(name, [paths])`. Ids come from the server."""
    connection = connect(server)
    headers = {"Authorization": f"Bearer {token}"}

    def get(path):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"load: GET {path}: {answer.status} {body[:300].decode(errors='replace')}")
        return json.loads(body)

    page = get("/api/v1/snapshots?limit=200")
    items = next(value for value in page.values() if isinstance(value, list))
    if not items:
        sys.exit("load: the server has no snapshot")
    words = sorted({(item.get("label") or "a").split(" ")[0] for item in items})[:20]
    return [
        ("list", ["/api/v1/snapshots?limit=50&kind=workspace&state=ready"] + [f"/api/v1/snapshots?limit=50&q={urllib.parse.quote(word)}" for word in words[:3]]),
        ("show", [f"/api/v1/snapshots/{item['id']}" for item in items]),
        ("audit", ["/api/v1/audit?limit=50", "/api/v1/audit?limit=50&q=snapshot"]),
    ]


def connect(server):
    parts = urllib.parse.urlsplit(server)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)


def client(server, token, mix, until, seed, times, failures):
    rng = random.Random(seed)
    headers = {"Authorization": f"Bearer {token}"}
    connection = connect(server)
    turn = seed
    pause = threading.Event()
    while time.monotonic() < until["end"]:
        name, paths = mix[turn % len(mix)]
        turn += 1
        path = rng.choice(paths)
        started = time.perf_counter()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(f"{path}: {answer.status}")
        except OSError as error:
            failures.append(f"{path}: {error}")
            connection.close()
            connection = connect(server)
        times.setdefault(name, []).append(time.perf_counter() - started)
        if until["pause"]:
            pause.wait(rng.uniform(0, 2 * until["pause"]))


def worker(server, token, mix, seeds, until, results):
    times, failures, threads = [{} for _ in seeds], [], []
    for position, seed in enumerate(seeds):
        threads.append(threading.Thread(target=client, args=(server, token, mix, until, seed, times[position], failures)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    merged = {}
    for part in times:
        for name, values in part.items():
            merged.setdefault(name, []).extend(values)
    results.put((merged, failures))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main():
    options = arguments()
    token = options.token_file.read_text().strip()
    mix = requests_of(options.server, token)
    until = {"end": time.monotonic() + options.seconds, "pause": options.pause}
    results = multiprocessing.Queue()
    processes = min(4, options.clients)
    started = time.monotonic()
    workers = []
    for number in range(processes):
        seeds = list(range(number, options.clients, processes))
        workers.append(multiprocessing.Process(target=worker, args=(options.server, token, mix, seeds, until, results)))
        workers[-1].start()
    merged, failures = {}, []
    for _ in workers:
        times, failed = results.get()
        failures += failed
        for name, values in times.items():
            merged.setdefault(name, []).extend(values)
    for process in workers:
        process.join()
    elapsed = time.monotonic() - started
    total = sum(len(values) for values in merged.values())
    report = {
        "clients": options.clients, "seconds": elapsed, "requests": total, "per_second": total / elapsed, "failures": len(failures),
        "milliseconds": {
            name: {label: 1e3 * percentile(values, share) for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))}
            for name, values in merged.items()
        },
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print(f"{options.clients} clients, {elapsed:.1f} s, {total} requests, {total / elapsed:.0f} a second, {len(failures)} failures\n")
    print("| request | p50 ms | p95 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|")
    for name, values in report["milliseconds"].items():
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values.values()) + " |")
    for line in sorted(set(failures))[:10]:
        print(f"failed: {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
