#!/usr/bin/env python3
"""Puts concurrent clients on a running server and reports what they see.

    bench/load.py --server http://127.0.0.1:8470 --token-file token --clients 100 --seconds 20

Each client keeps one connection and asks, in turn, for a filtered page of snapshots, one snapshot, and the first page
of searches of the audit trail: by filter, for a common word, for a rare one, for one that is nowhere. Every answer must be 200. Clients are spread over processes, so that the measuring program is not
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

    items = get("/api/v1/snapshots?limit=200")["snapshots"]
    if not items:
        sys.exit("load: the server has no snapshot")
    source = items[0]["source_id"]
    subject, actor = items[0]["id"], get("/api/v1/audit?limit=1")["events"][0]["actor"]["id"]
    filters = [("action", "snapshot."), ("actor", actor), ("subject", subject), ("outcome", "denied")]
    return [
        ("a filtered page", ["/api/v1/snapshots?limit=50&state=ready", f"/api/v1/snapshots?limit=50&source={source}&state=ready"]),
        ("one snapshot", [f"/api/v1/snapshots/{item['id']}" for item in items]),
        ("audit, filtered", [f"/api/v1/audit?limit=50&{urllib.parse.urlencode([query])}" for query in filters]),
        ("audit, a common word", ["/api/v1/audit?limit=50&q=nightly", "/api/v1/audit?limit=50&q=snapshot"]),
        ("audit, a rare word", [f"/api/v1/audit?limit=50&q=case{number}" for number in range(4700, 4720)]),
        ("audit, no match", ["/api/v1/audit?limit=50&q=nowhere"]),
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


def run(server, token, clients, seconds, pause=0.0):
    """Puts `clients` on the server for `seconds`; returns what they saw."""
    mix = requests_of(server, token)
    until = {"end": time.monotonic() + seconds, "pause": pause}
    results = multiprocessing.Queue()
    processes = min(4, clients)
    started = time.monotonic()
    workers = []
    for number in range(processes):
        seeds = list(range(number, clients, processes))
        workers.append(multiprocessing.Process(target=worker, args=(server, token, mix, seeds, until, results)))
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
    return {
        "clients": clients, "seconds": elapsed, "requests": total, "per_second": total / elapsed, "failures": len(failures),
        "examples": sorted(set(failures))[:10],
        "milliseconds": {
            name: {label: 1e3 * percentile(values, share) for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))}
            for name, values in sorted(merged.items())
        },
    }


def main():
    options = arguments()
    report = run(options.server, options.token_file.read_text().strip(), options.clients, options.seconds, options.pause)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print(
        f"{report['clients']} clients, {report['seconds']:.1f} s, {report['requests']} requests, {report['per_second']:.0f} a second, "
        f"{report['failures']} failures\n"
    )
    print("| request | p50 ms | p95 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|")
    for name, values in report["milliseconds"].items():
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values.values()) + " |")
    for line in report["examples"]:
        print(f"failed: {line}")
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
