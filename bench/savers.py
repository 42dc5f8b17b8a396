#!/usr/bin/env python3
"""Compares BackstaySaver with the official SqliteSaver and PostgresSaver of LangGraph.

    tools/with-services --durable bench/savers.py               everything; the result goes into bench/RESULTS.md
    tools/with-services --durable bench/savers.py --output -    printed instead
    bench/savers.py --only sqlite,backstay            without PostgreSQL

All savers run in one process with the same script, take turns step by step, and commit durably: SQLite with
`synchronous=FULL` in WAL mode, PostgreSQL with `fsync` and `synchronous_commit` on, Backstay as it always does, over
HTTP on loopback, with its default SQLite catalog. The program is built in the release profile unless `--backstay` names
one. Needs the packages of bench/savers-requirements.txt.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent / "clients" / "python" / "src")]

from suite import report, savers, states  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(savers.ALL), help="savers, separated by commas")
    parser.add_argument("--rounds", type=int, default=300, help="measured calls of each kind and saver")
    parser.add_argument("--history", type=int, default=1000, help="checkpoints of a thread where disk is measured")
    parser.add_argument("--backstay", type=Path, help="the program to measure; built in the release profile when absent")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    parser.add_argument("--json", type=Path, help="also write all measurements here")
    return parser.parse_args()


def timed(action):
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def p50(samples):
    return statistics.median(samples) * 1000


def put_alone(opened, rounds):
    """The median of one put of a state of which 1 % is new, the savers taking turns."""
    threads = {name: states.Thread(saver, f"alone-{name}", states.channels()) for name, saver in opened.items()}
    samples = {name: [] for name in opened}
    for thread in threads.values():
        thread.put()
    for _ in range(rounds):
        for name, thread in threads.items():
            thread.change()
            samples[name].append(timed(thread.put))
    return {name: p50(each) for name, each in samples.items()}


def put_together(opened, rounds, workers):
    """Puts per second of `workers` threads of the process, each with its own thread of LangGraph."""
    rates = {}
    for name, saver in opened.items():
        threads = [states.Thread(saver, f"together-{workers}-{name}-{number}", states.channels()) for number in range(workers)]
        for thread in threads:
            thread.put()
        each = max(20, rounds // workers)
        barrier = threading.Barrier(workers + 1)

        def work(thread, barrier=barrier, each=each):
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
        rates[name] = workers * each / (time.perf_counter() - started)
    return rates


def read(opened, rounds, action):
    """The median of `action(saver, thread id)` on a thread with some history, the savers taking turns."""
    samples = {name: [] for name in opened}
    for name, saver in opened.items():
        thread = states.Thread(saver, f"read-{name}", states.channels())
        for _ in range(30):
            thread.put()
            thread.change()
        action(saver, thread.identifier)
    for _ in range(rounds):
        for name, saver in opened.items():
            samples[name].append(timed(lambda saver=saver, name=name: action(saver, f"read-{name}")))
    return {name: p50(each) for name, each in samples.items()}


def latest(saver, thread):
    assert saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}}) is not None


def listed(saver, thread):
    assert len(list(saver.list({"configurable": {"thread_id": thread, "checkpoint_ns": ""}}, limit=10))) == 10


def disk(kinds, home, history, program):
    """Bytes on disk after a thread of `history` checkpoints of 100 KB, each in an empty database, and `list` there."""
    sizes, lists = {}, {}
    for shape, values in (("channels", states.channels), ("list", states.one_list)):
        for name in kinds:
            with savers.ALL[name](home / f"disk-{shape}-{name}", program) as place:
                thread = states.Thread(place.saver, "history", values())
                for _ in range(history):
                    thread.put()
                    thread.change()
                if shape == "channels":
                    lists[name] = p50([timed(lambda place=place: listed(place.saver, "history")) for _ in range(20)])
                sizes.setdefault(name, {})[shape] = place.settled_bytes()
    return sizes, lists


def measure(options, program, home):
    kinds = [name for name in savers.ALL if name in options.only.split(",")]
    told = {name: {} for name in kinds}

    def note(what, results):
        for name, value in results.items():
            told.setdefault(name, {})[what] = value
            print(f"  {what:28} {name:18} {value:10.2f}", flush=True)

    with contextlib.ExitStack() as stack:
        places = {name: stack.enter_context(savers.ALL[name](home / name, program)) for name in kinds}
        opened = {name: place.saver for name, place in places.items()}
        note("put_ms", put_alone(opened, options.rounds))
        note("put_per_s_1", put_together(opened, options.rounds, 1))
        note("put_per_s_8", put_together(opened, options.rounds, 8))
        note("get_ms", read(opened, options.rounds, latest))
        note("list_ms", read(opened, max(20, options.rounds // 10), listed))
        if "backstay" in places:
            place = places["backstay"]
            for cache in ("validated", "exclusive"):
                note("get_ms", read({f"backstay, {cache}": place.another(read_cache=cache)}, options.rounds, latest))
            note("put_per_s_8", put_together({"backstay, behind": place.another(write="behind")}, options.rounds, 8))
        note("invoke_ms", states.invocations(opened, max(10, options.rounds // 10)))
    sizes, lists = disk(kinds, home, options.history, program)
    for name in kinds:
        note("disk_channels_mb", {name: sizes[name]["channels"] / 1e6})
        note("disk_list_mb", {name: sizes[name]["list"] / 1e6})
    note("list_long_ms", lists)
    return told


ROWS = (
    ("put_ms", "put, 1 % changed, p50", "ms"),
    ("put_per_s_1", "puts, 1 thread", "1/s"),
    ("put_per_s_8", "puts, 8 threads", "1/s"),
    ("get_ms", "get latest, p50", "ms"),
    ("list_ms", "list(limit=10), 30 checkpoints, p50", "ms"),
    ("list_long_ms", "list(limit=10), {history} checkpoints, p50", "ms"),
    ("disk_channels_mb", "disk, {history} checkpoints, 100 channels", "MB"),
    ("disk_list_mb", "disk, {history} checkpoints, one list of 100", "MB"),
    ("invoke_ms", "one invoke of 10 nodes, added to none", "ms"),
)


def section(told, history):
    """The table of the results."""
    names = list(told)
    lines = [
        "## Checkpointers of LangGraph",
        "",
        "| | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for key, title, unit in ROWS:
        if any(key in told[name] for name in names):
            cells = [f"{told[name][key]:,.2f} {unit}" if key in told[name] else "" for name in names]
            lines.append(f"| {title.format(history=history)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def build():
    """Builds the release program and returns its path."""
    command = ["cargo", "build", "--release", "-p", "backstay", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "backstay":
            return Path(message["executable"])
    sys.exit("bench: cargo built no program named backstay")


def main():
    options = arguments()
    program = options.backstay.resolve() if options.backstay else build()
    home = Path(tempfile.mkdtemp(prefix="backstay-savers-"))
    try:
        told = measure(options, program, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    text = section(told, options.history)
    if str(options.output) == "-":
        print(text)
        return
    command = f"bench/savers.py --rounds {options.rounds} --history {options.history}"
    report.document(options.output, "savers", text + "\n" + report.preamble(command, savers.versions(program)))


if __name__ == "__main__":
    main()
