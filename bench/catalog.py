#!/usr/bin/env python3
"""Measures the catalog with 1,000,000 snapshots and 5,000,000 events, on SQLite and on PostgreSQL.

    bench/catalog.py                         both, and the result goes into bench/RESULTS.md
    bench/catalog.py --only sqlite --snapshots 10000 --events 50000 --output -

PostgreSQL is a private one, started by `tools/with-services`, with `fsync` off: the figures are those of reading.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from suite import report

HERE = Path(__file__).resolve().parent
BACKENDS = ("sqlite", "postgres")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(BACKENDS))
    parser.add_argument("--snapshots", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    return parser.parse_args()


def example(options, url):
    return [
        "cargo", "run", "--quiet", "--release", "--locked", "--package", "backstay-catalog", "--example", "scale", "--",
        "--database", url, "--snapshots", str(options.snapshots), "--events", str(options.events), "--json",
    ]


def measure(backend, options):
    """Fills a fresh database and returns what the example reports."""
    if backend == "sqlite":
        options.work.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix="catalog-", dir=options.work))
        command = example(options, f"sqlite:{home / 'catalog.db'}")
    else:
        home = None
        # The URL has a password and is known only inside, so a shell puts it in.
        words = " ".join(f'"{word}"' for word in example(options, "$BACKSTAY_TEST_POSTGRES_URL"))
        command = [HERE.parent / "tools" / "with-services", "bash", "-c", words]
    try:
        done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"catalog: {backend} failed")
        return json.loads(done.stdout.strip().splitlines()[-1])
    finally:
        if home:
            shutil.rmtree(home, ignore_errors=True)


def table(result):
    lines = [
        f"**{result['backend']}**: {result['snapshots']:,} snapshots, {result['events']:,} events, "
        f"{result['database_bytes'] / (1 << 20):,.0f} MiB, filled in {result['fill_seconds']:.0f} s.", "",
        "| query | p50 ms | p99 ms | max ms | target, p99 | |", "|---|--:|--:|--:|--:|---|",
    ]
    for query in result["queries"]:
        limit = query.get("limit_ms")
        verdict = "" if limit is None else "met" if query["p99_ms"] <= limit else "**missed**"
        lines.append(
            f"| {query['name']} | {query['p50_ms']:.2f} | {query['p99_ms']:.2f} | {query['max_ms']:.2f} | "
            f"{'' if limit is None else f'≤ {limit}'} | {verdict} |"
        )
    if export := result.get("export"):
        speed = export["events_per_second"]
        lines.append("")
        lines.append(
            f"CSV export: {speed:,.0f} events a second (target 200,000: {'met' if speed >= 200_000 else '**missed**'}), "
            f"peak {export['peak_bytes'] / (1 << 20):.0f} MiB."
        )
    if crowd := result.get("concurrent"):
        lines.append(f"{crowd['clients']} concurrent clients: {crowd['requests']:,} queries, p99 {crowd['p99_ms']:.1f} ms, {crowd['failures']} failures.")
    return "\n".join(lines)


def main():
    options = arguments()
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    results = [measure(name, options) for name in BACKENDS if name in options.only.split(",")]
    text = "### catalog\n\n" + "\n\n".join(table(result) for result in results)
    if str(options.output) == "-":
        print(text)
    else:
        names = {result["backend"]: f"{result['snapshots']:,} snapshots" for result in results}
        report.document(options.output, "catalog", text + "\n\n" + report.preamble("bench/catalog.py", names))


if __name__ == "__main__":
    main()
