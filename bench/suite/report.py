"""Turns measurements into tables."""

import datetime
import os
import platform
import statistics
from pathlib import Path

STEPS = [
    ("first", "first save"), ("unchanged", "save with nothing changed"), ("changed", "save of the changed version"),
    ("restore", "restore of everything"), ("verify", "verify with all data read"),
]
# Ratio of us to the best peer, or a limit in seconds where the value is a tuple.
TARGETS = {
    "tree": {"first": 0.70, "unchanged": 0.60, "changed": 0.35, "added": 0.85, "restore": 0.95, "verify": 0.65, "size": 0.90},
    "disk": {"first": 0.60, "unchanged": (0.050,), "changed": 0.50, "added": 0.40, "restore": 0.80, "verify": 0.60, "size": 1.0},
    "tensors": {"first": 0.45, "unchanged": (0.050,), "changed": 0.50, "added": 1.05, "restore": 0.80, "verify": 0.60, "size": 1.0},
}
PEAK_LIMIT = 100 << 20
ARCHIVE_LIMIT = 1.1
PEERS = ("restic", "rustic", "borg", "bupstash")


def machine():
    """One line about where the numbers come from."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), platform.machine())
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return f"{os.cpu_count()} × {model}, {memory / (1 << 20):.0f} GiB memory, Linux {platform.release()}, {_system()}"


def _system():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def median(values):
    return statistics.median(values) if values else None


def _cell(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


def _mib(value):
    return "–" if value is None else f"{value / (1 << 20):.1f}"


def section(dataset, result):
    """The Markdown of one data set. `result` is what `run.py` collects and `--json` writes."""
    tools = result["tools"]
    facts = result["facts"]
    lines = [
        f"### {dataset}", "",
        f"{facts['files']} files, {facts['bytes'] / (1 << 20):.0f} MiB"
        + (f" ({facts['allocated_bytes'] / (1 << 20):.0f} MiB allocated, {facts['changed_bytes'] / (1 << 20):.1f} MiB changed)" if "changed_bytes" in facts else "")
        + f"; {result['rounds']} round{'s' if result['rounds'] > 1 else ''}, medians.", "",
    ]
    for title, key, show in (("Wall time, seconds", "wall", _cell), ("CPU time (user and system), seconds", "cpu", _cell), ("Peak memory, MiB", "peak", _mib)):
        lines += [f"**{title}**", "", "| step | " + " | ".join(tools) + " |", "|---|" + "--:|" * len(tools)]
        for step, label in STEPS:
            row = [show(median(tools[tool].get(step, {}).get(key))) for tool in tools]
            if any(cell != "–" for cell in row):
                lines.append(f"| {label} | " + " | ".join(row) + " |")
        lines.append("")
    lines += ["**Repository, MiB**", "", "| | " + " | ".join(tools) + " |", "|---|" + "--:|" * len(tools)]
    for step, label in (("size", "after the first save"), ("added", "added by the changed version")):
        lines.append(f"| {label} | " + " | ".join(_mib(median(tools[tool].get(step))) for tool in tools) + " |")
    lines.append("")
    if "backstay" in tools:
        lines += _targets(dataset, tools)
    return "\n".join(lines)


def _value(tools, tool, step):
    entry = tools.get(tool, {}).get(step)
    return median(entry["wall"]) if isinstance(entry, dict) else median(entry)


def targets(dataset, tools):
    """Yields `(what, ours, against, ratio or value, limit, met)` for every target of the data set."""
    labels = dict(STEPS) | {"added": "bytes added by the changed version", "size": "repository after the first save"}
    for step, limit in TARGETS[dataset].items():
        ours = _value(tools, "backstay", step)
        if ours is None:
            continue
        if isinstance(limit, tuple):
            yield labels[step], ours, "limit", ours, limit[0], ours <= limit[0]
            continue
        peers = {peer: _value(tools, peer, step) for peer in (("restic",) if step == "size" else PEERS)}
        peers = {peer: value for peer, value in peers.items() if value}
        if peers:
            best = min(peers, key=peers.get)
            yield labels[step], ours, best, ours / peers[best], limit, ours <= limit * peers[best]
    archive, ours = _value(tools, "tar+zstd", "first"), _value(tools, "backstay", "first")
    if archive and ours:
        yield "first save against `tar \\| zstd -1 -T2`", ours, "tar+zstd", ours / archive, ARCHIVE_LIMIT, ours <= ARCHIVE_LIMIT * archive
    peaks = [median(tools["backstay"][step]["peak"]) for step, _ in STEPS if step in tools["backstay"]]
    if peaks:
        yield "peak memory of every step", max(peaks), "limit", max(peaks) / (1 << 20), PEAK_LIMIT / (1 << 20), max(peaks) <= PEAK_LIMIT


def _targets(dataset, tools):
    lines = ["**Against the best peer**", "", "| | best | ratio or value | target | |", "|---|---|--:|--:|---|"]
    for what, _, against, value, limit, met in targets(dataset, tools):
        unit = " MiB" if "memory" in what else " s" if against == "limit" else ""
        digits = 3 if unit == " s" else 2 if not unit else 0
        lines.append(f"| {what} | {against} | {value:.{digits}f}{unit} | ≤ {limit:.{digits}f}{unit} | {'met' if met else '**missed**'} |")
    return [*lines, ""]


def document(path, name, text):
    """Replaces the section `name` of the results file, or appends it."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    block = f"{begin}\n{text.rstrip()}\n{end}\n"
    old = path.read_text() if path.exists() else "# Results\n\nWritten by the programs in this directory; see [README](README.md).\n"
    if begin in old:
        before, _, rest = old.partition(begin)
        path.write_text(before + block + rest.partition(end)[2].lstrip("\n"))
    else:
        path.write_text(old.rstrip("\n") + "\n\n" + block)


def preamble(command, versions):
    today = datetime.date.today().isoformat()
    tools = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"`{command}` on {today}, {machine()}. Warm page cache. {tools}."
