#!/usr/bin/env python3
"""Compares Backstay with restic, rustic, borg and bupstash on generated data.

    bench/run.py                        everything, and the result goes into bench/RESULTS.md
    bench/run.py --only disk --rounds 3 --tools backstay,restic

Every round runs all tools step by step, one after the other and in turning order, each on a fresh repository:
first save, save with nothing changed, save of the changed version, restore, verify. All repositories lie on the
file system of `--work`. Only the Python standard library is needed here; what else is missing gets installed
(Debian packages, crates.io, PyPI). `BACKSTAY_BENCH_PEERS` and `BACKSTAY_BENCH_VENV` name ready-made ones.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from suite import compare, data, measure, report, setup, tools

HERE = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(data.DATASETS), help="data sets: tree,disk,tensors")
    parser.add_argument("--tools", default=",".join(tools.ALL), help="tools, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1, help="size of the data; below 1 for a quick look")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where data and repositories go")
    parser.add_argument("--backstay", type=Path, help="the program to measure; built in the release profile when absent")
    parser.add_argument("--json", type=Path, help="also write all measurements here")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    parser.add_argument("--data-only", action="store_true", help="make the data and stop")
    return parser.parse_args()


def build():
    """Builds the release program and returns its path."""
    command = ["cargo", "build", "--release", "-p", "backstay", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "backstay":
            return Path(message["executable"])
    sys.exit("bench: cargo built no program named backstay")


def record(result, tool, step, cost):
    entry = result["tools"][tool].setdefault(step, {"wall": [], "cpu": [], "peak": []})
    for key in entry:
        entry[key].append(getattr(cost, key))
    print(f"  {step:10} {tool:9} {cost.wall:7.2f} s wall {cost.cpu:7.2f} s cpu {cost.peak / (1 << 20):6.0f} MiB", flush=True)


def one_round(number, dataset, chosen, work, programs, result):
    """Runs every step for every tool, in an order that turns with the round.

    Trees that are restored stay until the end of the data set: ext4 without a journal searches past the inodes that
    were deleted in the last minutes, so that whoever restores after a deletion would pay for it.
    """
    order = chosen[number % len(chosen) :] + chosen[: number % len(chosen)]
    home = work / "repositories" / dataset.name
    restored = work / "restored" / dataset.name
    running = [tools.ALL[name](home / name.replace("+", "-"), programs, dataset) for name in order]
    for tool in running:
        tool.initialise()
    dataset.warm()
    os.sync()

    def step(tool, key, action):
        tool.before()
        try:
            cost, _ = action()
        finally:
            tool.after()
        record(result, tool.name, key, cost)
        os.sync()

    for tool in running:
        step(tool, "first", tool.save)
        result["tools"][tool.name].setdefault("size", []).append(tool.stored())
    running = [tool for tool in running if tool.name != tools.TarZstd.name]
    for tool in running:
        step(tool, "unchanged", tool.save)
    dataset.apply()
    dataset.warm()
    try:
        for tool in running:
            before = tool.stored()
            step(tool, "changed", tool.save)
            result["tools"][tool.name].setdefault("added", []).append(tool.stored() - before)
        for tool in running:
            target = restored / f"{number}-{tool.name}"
            target.mkdir(parents=True)
            step(tool, "restore", lambda: tool.restore(target))
            if number == 0:
                different = compare.differences(dataset.root, target)
                if different:
                    print(f"  {tool.name}: the restore differs: {different[:5]}", flush=True)
                    result["tools"][tool.name]["differences"] = different
            if dataset.name != "tree":
                shutil.rmtree(target)
        for tool in running:
            step(tool, "verify", tool.verify)
    finally:
        dataset.revert()
    shutil.rmtree(home, ignore_errors=True)


def refuse_without_room(sets, rounds, count, work):
    """Ends the program when what the tools write would not fit: the restored trees of all rounds, and the repositories of one."""
    for dataset in sets:
        facts = dataset.facts()
        restored = facts["allocated_bytes"] * count * (rounds if dataset.name == "tree" else 1)
        needed, free = restored + facts["bytes"] * count, shutil.disk_usage(work).free
        if needed > free:
            sys.exit(f"bench: {dataset.name} takes up to {needed / 1e9:.0f} GB in {work}, where {free / 1e9:.0f} GB are free; fewer --rounds take less")


def main():
    options = arguments()
    work = options.work.resolve()
    names = [name for name in data.DATASETS if name in options.only.split(",")]
    chosen = [name for name in tools.ALL if name in options.tools.split(",")]
    backstay = None
    if "backstay" in chosen and not options.data_only:
        backstay = options.backstay.resolve() if options.backstay else build()
    programs = setup.programs(backstay, chosen)
    sources = data.Dataset("tree", work, programs.python, options.scale)
    if "tree" in names or "disk" in names:
        sources.prepare(None)
    sets = []
    for name in names:
        dataset = sources if name == "tree" else data.Dataset(name, work, programs.python, options.scale)
        dataset.prepare(sources)
        sets.append(dataset)
    if options.data_only:
        return
    refuse_without_room(sets, options.rounds, len(chosen), work)
    versions = setup.versions(programs, chosen)
    everything = {"machine": report.machine(), "versions": versions, "datasets": {}}
    missed = 0
    for dataset in sets:
        print(f"{dataset.name}: {dataset.facts()}", flush=True)
        result = {"facts": dataset.facts(), "rounds": options.rounds, "tools": {name: {} for name in chosen}}
        shutil.rmtree(work / "restored", ignore_errors=True)
        for number in range(options.rounds):
            one_round(number, dataset, chosen, work, programs, result)
        shutil.rmtree(work / "restored", ignore_errors=True)
        everything["datasets"][dataset.name] = result
        text = report.section(dataset.name, result)
        if str(options.output) == "-":
            print(text)
        else:
            scale = "" if options.scale == 1 else f" --scale {options.scale:g}"
            command = f"bench/run.py --only {dataset.name} --rounds {options.rounds}{scale}"
            report.document(options.output, dataset.name, text + "\n" + report.preamble(command, versions))
        if "backstay" in chosen:
            missed += sum(1 for *_, met in report.targets(dataset.name, result["tools"]) if not met)
        if options.json:
            options.json.write_text(json.dumps(everything, indent=1))
    print(f"bench: {missed} target{'' if missed == 1 else 's'} missed")


if __name__ == "__main__":
    main()
