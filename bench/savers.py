#!/usr/bin/env python3
"""Compares BackstaySaver with SqliteSaver and PostgresSaver, the checkpointers that come with LangGraph.

    tools/with-services --durable bench/savers.py                the result goes into bench/RESULTS.md
    tools/with-services --durable bench/savers.py --output -     printed instead
    bench/savers.py --only sqlite,backstay                       without PostgreSQL

All savers run in one process with the same script, take turns call by call or round by round, and commit durably: SQLite
with `synchronous=FULL` in WAL mode, PostgreSQL with `fsync`, `full_page_writes` and `synchronous_commit` on, Backstay as it
always does, over HTTP on loopback, with its default catalog. States have 100 channels of 1 KB, of which one changes. The
program is built in the release profile unless `--backstay` names one. The packages of bench/savers-requirements.txt are
installed into an environment of their own; `BACKSTAY_BENCH_VENV` names a ready one.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from suite import report, setup

HERE = Path(__file__).resolve().parent
SECTION = "savers"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="sqlite,postgres,backstay", help="savers, separated by commas")
    parser.add_argument("--calls", type=int, default=500, help="measured calls of each kind and saver")
    parser.add_argument("--rounds", type=int, default=5, help="rounds where rates are measured; their median counts")
    parser.add_argument("--history", type=int, default=1000, help="checkpoints of a thread where disk is measured")
    parser.add_argument("--backstay", type=Path, help="the program to measure; built in the release profile when absent")
    parser.add_argument("--work", type=Path, help="where databases and data directories go")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    parser.add_argument("--json", type=Path, help="also write all measurements here")
    return parser.parse_args()


def enter_environment():
    """Goes on in the Python that has the packages."""
    python = setup.environment("savers-venv", HERE / "savers-requirements.txt")
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [python, *sys.argv])
    sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent / "clients" / "python" / "src")]


def timed(action):
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def put_alone(opened, calls, states):
    """The median of one put of a state of which 1 % is new, the savers taking turns."""
    threads = {name: states.Thread(saver, f"alone-{name}", states.channels()) for name, saver in opened.items()}
    samples = {name: [] for name in opened}
    for thread in threads.values():
        thread.put()
    for _ in range(calls):
        for name, thread in threads.items():
            thread.change()
            samples[name].append(timed(thread.put))
    return {name: statistics.median(each) for name, each in samples.items()}


def put_together(opened, options, workers, states):
    """Puts per second of `workers` threads of the process, each with its own thread of LangGraph: medians of rounds."""
    rates = {name: [] for name in opened}
    for turn in range(options.rounds):
        for name, saver in opened.items():
            rates[name].append(_rate(saver, f"together-{workers}-{turn}-{name}", options.calls, workers, states))
    return {name: statistics.median(each) for name, each in rates.items()}


def _rate(saver, name, calls, workers, states):
    threads = [states.Thread(saver, f"{name}-{number}", states.channels()) for number in range(workers)]
    for thread in threads:
        thread.put()
    each = max(10, calls // workers)
    barrier = threading.Barrier(workers + 1)

    def work(thread):
        barrier.wait()
        for _ in range(each):
            thread.change()
            thread.put()

    running = [threading.Thread(target=work, args=(thread,)) for thread in threads]
    for thread in running:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in running:
        thread.join()
    if hasattr(saver, "flush"):
        saver.flush()
    return workers * each / (time.perf_counter() - started)


def get_latest(opened, calls, states):
    """The median of reading the latest checkpoint of a thread that has some, the savers taking turns."""
    samples = {name: [] for name in opened}
    for name, saver in opened.items():
        thread = states.Thread(saver, f"read-{name}", states.channels())
        for _ in range(30):
            thread.put()
            thread.change()
    for call in range(calls + 2):
        for name, saver in opened.items():
            where = {"configurable": {"thread_id": f"read-{name}", "checkpoint_ns": ""}}
            spent = timed(lambda saver=saver, where=where: saver.get_tuple(where))
            # The first calls open connections and fill caches.
            if call >= 2:
                samples[name].append(spent)
    return {name: statistics.median(each) for name, each in samples.items()}


def list_ten(saver, thread, calls):
    """The median of listing the ten newest checkpoints."""
    where = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}

    def action():
        assert len(list(saver.list(where, limit=10))) == 10

    action()
    return statistics.median(timed(action) for _ in range(calls))


def fill(kind, home, options, program, values, states, savers):
    """A thread in an empty place: how long `list` takes as it grows, and what it takes on disk in the end."""
    lengths = sorted({min(10, options.history), min(100, options.history), options.history})
    lists = {}
    with savers.ALL[kind](home, program) as place:
        thread = states.Thread(place.saver, "history", values)
        for step in range(options.history):
            thread.put()
            thread.change()
            if step + 1 in lengths:
                lists[step + 1] = list_ten(place.saver, "history", max(20, options.calls // 10))
        return lists, place.settled_bytes() / 1e6


def measure(options, program, home):
    from suite import savers, states

    kinds = [name for name in savers.ALL if name in options.only.split(",")]
    told = {name: {} for name in kinds}

    def note(what, results):
        for name, value in results.items():
            told.setdefault(name, {})[what] = value
            print(f"  {what:20} {name:20} {value:10.3f}", flush=True)

    with contextlib.ExitStack() as stack:
        places = {name: stack.enter_context(savers.ALL[name](home / name, program)) for name in kinds}
        opened = {name: place.saver for name, place in places.items()}
        behind, readers = {}, {}
        if "backstay" in places:
            behind = {"backstay, behind": places["backstay"].another(write="behind")}
            readers = {f"backstay, {cache}": places["backstay"].another(read_cache=cache) for cache in ("validated", "exclusive")}
        # What writes behind works on while the others have their turn, so it has turns of its own.
        for group in filter(None, (opened, behind)):
            note("put_ms", put_alone(group, options.calls, states))
            note("put_per_s_1", put_together(group, options, 1, states))
            note("put_per_s_8", put_together(group, options, 8, states))
            note("invoke_ms", states.invocations(group, max(10, options.calls // 10)))
        note("get_ms", get_latest({**opened, **readers}, options.calls, states))
    for shape, values in (("channels", states.channels), ("list", states.one_list)):
        for kind in kinds:
            lists, size = fill(kind, home / f"{shape}-{kind}", options, program, values(), states, savers)
            note(f"disk_{shape}_mb", {kind: size})
            if shape == "channels":
                for length, spent in lists.items():
                    note(f"list_{length}_ms", {kind: spent})
    return told, savers.versions(program)


def rows(told, history):
    """`(measurement, title, unit)` of every row of the table."""
    lengths = sorted({int(key.split("_")[1]) for each in told.values() for key in each if key.startswith("list_")})
    return [
        ("put_ms", "put, 1 % changed, p50", "ms"),
        ("put_per_s_1", "puts, 1 thread", "1/s"),
        ("put_per_s_8", "puts, 8 threads", "1/s"),
        ("get_ms", "get of the latest, p50", "ms"),
        *((f"list_{length}_ms", f"`list(limit=10)` of {length:,} checkpoints, p50", "ms") for length in lengths),
        ("disk_channels_mb", f"disk, {history:,} checkpoints, one of 100 channels changes", "MB"),
        ("disk_list_mb", f"disk, {history:,} checkpoints, one channel, one of 100 items changes", "MB"),
        ("invoke_ms", "added to one `invoke` of 10 nodes, p50", "ms"),
    ]


def targets(told, history):
    """Yields `(what, value, unit, least or most, limit)` of every target that can be told."""
    ours = told.get("backstay", {})

    def ratio(what, key, other, key_of_other=None, name="backstay"):
        mine, theirs = told.get(name, {}).get(key), told.get(other, {}).get(key_of_other or key)
        return [(what, mine / theirs)] if mine and theirs else []

    for what, value in ratio("put, p50, against PostgresSaver", "put_ms", "postgres"):
        yield what, value, "", "≤", 1.0
    for what, value in ratio("puts of 8 threads against PostgresSaver", "put_per_s_8", "postgres"):
        yield what, value, "", "≥", 2.0
    for what, value in ratio("puts of 8 threads against one", "put_per_s_8", "backstay", "put_per_s_1"):
        yield what, value, "", "≥", 2.0
    for what, value in ratio("get of the latest against PostgresSaver", "get_ms", "postgres"):
        yield what, value, "", "≤", 1.0
    for cache in ("validated", "exclusive"):
        for what, value in ratio(f"get of the latest, read cache {cache}, against SqliteSaver", "get_ms", "sqlite", name=f"backstay, {cache}"):
            yield what, value, "", "≤", 1.0
    for key, what, _ in rows(told, history):
        if key.startswith("list_") and key in ours:
            yield what, ours[key], " ms", "≤", 5.0
            for against, value in ratio(f"{what}, against PostgresSaver", key, "postgres"):
                yield against, value, "", "≤", 0.5
    for key, what, _ in rows(told, history):
        if key.startswith("disk_") and key in ours:
            yield what, ours[key], " MB", "≤", 3.0 * history / 1000
    for what, value in ratio("added to one `invoke` against PostgresSaver", "invoke_ms", "postgres"):
        yield what, value, "", "≤", 1.0


def section(told, history):
    """The text of the results."""
    names = list(told)
    lines = ["### Checkpointers of LangGraph", "", "| | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    for key, title, unit in rows(told, history):
        if any(key in told[name] for name in names):
            digits = 0 if unit == "1/s" else 2
            cells = [f"{told[name][key]:,.{digits}f} {unit}" if key in told[name] else "" for name in names]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "Rates of `behind` are those until everything was on disk.", "", "| | ratio or value | target | |", "|---|--:|--:|---|"]
    for what, value, unit, side, limit in targets(told, history):
        met = value <= limit if side == "≤" else value >= limit
        lines.append(f"| {what} | {value:.2f}{unit} | {side} {limit:.2f}{unit} | {'met' if met else '**missed**'} |")
    return "\n".join(lines) + "\n"


def build():
    """Builds the release program and returns its path."""
    command = ["cargo", "build", "--release", "--locked", "-p", "backstay", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "backstay":
            return Path(message["executable"])
    sys.exit("savers: cargo built no program named backstay")


def main():
    options = arguments()
    enter_environment()
    program = options.backstay.resolve() if options.backstay else build()
    home = Path(tempfile.mkdtemp(prefix="backstay-savers-", dir=options.work))
    try:
        told, versions = measure(options, program, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    command = f"bench/savers.py --calls {options.calls} --rounds {options.rounds} --history {options.history}"
    text = section(told, options.history) + "\n" + report.preamble(command, versions)
    if str(options.output) == "-":
        print(text)
    else:
        report.document(options.output, SECTION, text)


if __name__ == "__main__":
    main()
