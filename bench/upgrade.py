#!/usr/bin/env python3
"""Measures an upgrade on a workspace of 50,000 files, about 1 GiB, whose migration touches 100 files.

    bench/upgrade.py                                  the result goes into bench/RESULTS.md
    bench/upgrade.py --files 5000 --rounds 1 --output -

Beside it the manual ways: a copy of the tree by `cp -a` to go back to, and `git stash` with `git worktree`. What is
compared is the time that each adds to the migration and its check, the bytes it gives the file system to write (what the
kernel counts for the processes, the migration's own included), and the way back after a failure. One more upgrade, whose
time does not count, tells who wrote the bytes: Backstay, git, or the migration and its check.
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from suite import report

HERE = Path(__file__).resolve().parent
SECTION = "Upgrade of a dependency"
TOUCHED = 100

# Stands before git in the path and adds what git wrote to a file.
GIT_THAT_COUNTS = """#!{python}
import resource, subprocess, sys
ended = subprocess.run(["{git}", *sys.argv[1:]])
with open("{counts}", "a") as counts:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock * 512, file=counts)
sys.exit(ended.returncode)
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=HERE.parent / "target" / "release" / "backstay")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="`-` prints instead")
    return parser.parse_args()


class Bench:
    """A dependency with versions, and a workspace that uses it."""

    def __init__(self, options, home):
        self.options = options
        self.home = home
        self.root = home / "workspace"
        self.source = home / "dependency"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "BACKSTAY_", "GRAFT_"))},
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def git(self, *words, at=None):
        command = ["git", "-c", "protocol.file.allow=always", "-c", "gc.auto=0", *map(str, words)]
        done = subprocess.run(command, cwd=at or self.root, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"upgrade: {' '.join(command)}: {done.stderr}")
        return done.stdout.strip()

    def make(self):
        """v1, then for each round one version for an upgrade beside the workspace and one for an upgrade in place; and beside
        each round's first, one whose check fails."""
        self.source.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", at=self.source)
        declared = []
        self.version(declared, "v1", None)
        for number in range(1, self.options.rounds + 3):
            self.git("checkout", "--quiet", "--detach", at=self.source)
            self.version(list(declared), f"bad{number}", "exit 1")
            self.git("checkout", "--quiet", "main", at=self.source)
            for name in (f"good{number}", f"placed{number}"):
                self.version(declared, name, "sh .graft/kb/check.sh")
        self.fill()

    def version(self, declared, name, check):
        """Commits and tags a version whose migration, if it has a check, is followed by that."""
        declared.append((name, check))
        changes, commands = "", ""
        for name, check in declared:
            changes += f"  {name}:\n"
            if check:
                changes += f"    migration: m-{name}\n    verify: c-{name}\n"
                commands += f"  m-{name}:\n    run: sh .graft/kb/migrate.sh {name}\n  c-{name}:\n    run: {check}\n"
        text = f"apiVersion: graft/v0\nchanges:\n{changes}" + (f"commands:\n{commands}" if commands else "")
        (self.source / "graft.yaml").write_text(text)
        (self.source / "migrate.sh").write_text(self.migration())
        (self.source / "check.sh").write_text("test -f d0/f0\n")
        self.git("add", "--all", at=self.source)
        self.git("commit", "--quiet", "-m", name, at=self.source)
        self.git("tag", name, at=self.source)

    def migration(self):
        step = max(1, self.options.files // TOUCHED)
        touch = f"n=0\nwhile [ $n -lt {TOUCHED} ]; do f=$((n * {step})); echo $1 >> d$((f / 500))/f$f; n=$((n + 1)); done\n"
        # What the kernel counts for this shell, copies that it makes for it included.
        count = 'while read -r key value; do [ "$key" != write_bytes: ] || echo "$value" >> "$COUNT"; done < /proc/self/io\n'
        return touch + '[ -z "$COUNT" ] || ' + count

    def fill(self):
        self.root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        noise = random.Random(1)
        size = self.options.bytes // self.options.files
        for number in range(self.options.files):
            directory = self.root / f"d{number // 500}"
            if number % 500 == 0:
                directory.mkdir()
            (directory / f"f{number}").write_bytes(noise.randbytes(size // 2) + b"text " * (size // 10))
        self.git("submodule", "--quiet", "add", "--name", ".graft/kb", "--", self.source, ".graft/kb")
        self.git("checkout", "--quiet", "--detach", "v1", at=self.root / ".graft/kb")
        commit = self.git("rev-parse", "v1", at=self.source)
        (self.root / "graft.yaml").write_text(f'apiVersion: graft/v0\ndeps:\n  kb: "{self.source}#v1"\n')
        (self.root / "graft.lock").write_text(
            "apiVersion: graft/v0\ndependencies:\n  kb:\n"
            f'    source: "{self.source}"\n    ref: "v1"\n    commit: "{commit}"\n    consumed_at: "2026-01-03T10:00:00Z"\n'
        )
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "begin")

    def backstay(self, *words, code=0):
        command = [str(self.options.binary.resolve()), "-C", str(self.root), *map(str, words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode != code:
            sys.exit(f"upgrade: {' '.join(command)} returned {done.returncode}: {done.stdout}{done.stderr}")

    def upgrade(self, name, code, *flags):
        """The way back is the time from the end of the last command, which is told live, to the end of the program."""
        command = [str(self.options.binary.resolve()), "-C", str(self.root), "upgrade", "kb", "--to", name, "--offline", *flags]
        command += ["--format", "ndjson"]
        with written() as count, subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as running:
            began, commands_ended, lines = count.began, 0.0, []
            for line in running.stdout:
                lines.append(json.loads(line))
                if lines[-1]["type"] == "step" and lines[-1]["step"]["event"] == "ended":
                    commands_ended = time.perf_counter()
            running.wait()
            ended = time.perf_counter()
        if running.returncode != code or lines[-1]["type"] != "result":
            sys.exit(f"upgrade: {' '.join(command)} returned {running.returncode}: {lines[-1:]}")
        commands = sum(step["duration_ms"] for step in lines[-1]["result"]["steps"]) / 1000
        return {
            "added_s": ended - began - commands,
            "written_bytes": count.bytes,
            "back_s": ended - commands_ended,
        }

    def by_hand(self):
        """What a migration writes when it is run by hand."""
        with written() as alone:
            subprocess.run(["sh", ".graft/kb/migrate.sh", "hand"], cwd=self.root, env=self.environment, check=True)
        return alone.bytes

    def parts(self, name, *flags):
        """Who writes the bytes of an upgrade."""
        self.backstay("save")
        tools, counts, migrated = self.home / "tools", self.home / "counts", self.home / "migrated"
        tools.mkdir(exist_ok=True)
        for counted in (counts, migrated):
            counted.unlink(missing_ok=True)
        text = GIT_THAT_COUNTS.format(python=sys.executable, git=shutil.which("git"), counts=counts)
        (tools / "git").write_text(text)
        (tools / "git").chmod(0o755)
        environment = {**self.environment, "PATH": f"{tools}:{os.environ['PATH']}", "COUNT": str(migrated)}
        command = [str(self.options.binary.resolve()), "-C", str(self.root), "upgrade", "kb", "--to", name, "--offline", *flags]
        with written() as count:
            ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        if ended.returncode:
            sys.exit(f"upgrade: {' '.join(command)} returned {ended.returncode}: {ended.stderr}")
        git, commands = (sum(map(int, file.read_text().split())) for file in (counts, migrated))
        return {
            "backstay": count.bytes - git - commands,
            "git": git,
            "index": (self.root / ".git/index").stat().st_size,
            "commands": commands,
            "all": count.bytes,
        }

    def fetch(self):
        self.git("fetch", "--quiet", "--tags", "origin", at=self.root / ".graft/kb")

    def ended(self, command):
        with written() as count:
            subprocess.run(command, cwd=self.root, env=self.environment, check=True, capture_output=True)
        return count

    def by_copy(self):
        """A copy to go back to before the migration; after a failure the tree is removed and the copy takes its place."""
        copy, failed = self.home / "copy", self.home / "failed"
        copying = self.ended(["cp", "-a", str(self.root), str(copy)])
        began = time.perf_counter()
        self.root.rename(failed)
        copy.rename(self.root)
        shutil.rmtree(failed)
        back = time.perf_counter() - began
        return {"added_s": copying.seconds, "written_bytes": copying.bytes, "back_s": back}

    def by_git(self):
        """A stash of what is not committed and a worktree in which to migrate; after a failure both go."""
        tree = self.home / "worktree"
        (self.root / "README").write_text("dirty\n")
        with written() as adding:
            self.git("add", "README")
            self.git("stash", "push", "--quiet")
            self.git("worktree", "add", "--quiet", "--detach", tree)
        began = time.perf_counter()
        self.git("worktree", "remove", "--force", tree)
        self.git("stash", "pop", "--quiet")
        back = time.perf_counter() - began
        self.git("rm", "--quiet", "--force", "README")
        return {"added_s": adding.seconds, "written_bytes": adding.bytes, "back_s": back}


class written:
    """How long the processes took that were started and waited for inside, and how much they gave the file system to write.

    The kernel counts a page when it becomes dirty. On a file system in memory it counts nothing.
    """

    def __enter__(self):
        self.before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
        self.began = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.began
        self.bytes = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - self.before) * 512


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def table(options, good, bad, placed, put_back, copied, git, parts, alone):
    mib = 1 << 20
    row = lambda way, done, failed: (
        f"| {way} | {median(done, 'added_s'):.2f} s | {median(done, 'written_bytes') / mib:.2f} MiB | {median(failed, 'back_s'):.2f} s |"
    )
    who = lambda what, key: f"| {what} | {parts[0][key] / mib:.2f} MiB | {parts[1][key] / mib:.2f} MiB |"
    lines = [
        f"{options.files} files, {options.bytes / mib:.0f} MiB; the migration appends to {TOUCHED} files. Medians of "
        f"{options.rounds} rounds. Nothing changed since the last snapshot.",
        "",
        "| way | added to migration and check | bytes written | back after a failure |",
        "|---|---|---|---|",
        row("`backstay upgrade`", good, bad),
        row("`backstay upgrade --in-place`", placed, put_back),
        row("`cp -a`", copied, copied),
        row("`git stash` and `git worktree`", git, git),
        "",
        f"A failed upgrade adds {median(bad, 'added_s'):.2f} s in all, in place {median(put_back, 'added_s'):.2f} s: snapshot, private copy, and the "
        "way back, which is the time from the end of the failed check, as it is told live, to the end of the program. What the "
        "kernel counts as written includes what the migration itself writes, for the upgrades alone. Neither manual way makes the "
        "change of the tree, of the pin and of the submodule one step, and neither keeps what git does not track (`git worktree`).",
        "",
        "Who wrote the bytes of one such upgrade:",
        "",
        "| who | with a private copy | in place |",
        "|---|---|---|",
        who("Backstay: snapshot, private copy but for its content, journal, catalog", "backstay"),
        who(f"git: the new `.git/index`, which it writes whole and which has {parts[0]['index'] / mib:.2f} MiB; objects", "git"),
        who("the migration, with the private copies that the kernel makes of the files it changes", "commands"),
        who("in all", "all"),
        f"| for comparison: the migration run by hand | | {alone / mib:.2f} MiB |",
    ]
    return "\n".join(lines)


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="upgrade-", dir=options.work)).resolve()
    try:
        bench = Bench(options, home)
        bench.make()
        bench.fetch()
        bench.backstay("save")
        bench.upgrade("good1", 0)
        good, bad, placed, put_back, copied, git = [], [], [], [], [], []
        for number in range(2, options.rounds + 2):
            for measured, name, code, *flags in (
                (bad, f"bad{number}", 1),
                (put_back, f"bad{number}", 1, "--in-place"),
                (good, f"good{number}", 0),
                (placed, f"placed{number}", 0, "--in-place"),
            ):
                bench.backstay("save")
                measured.append(bench.upgrade(name, code, *flags))
            copied.append(bench.by_copy())
            bench.git("add", "--all")
            bench.git("commit", "--quiet", "-m", f"round {number}")
            git.append(bench.by_git())
        alone = bench.by_hand()
        last = options.rounds + 2
        parts = [bench.parts(f"good{last}"), bench.parts(f"placed{last}", "--in-place")]
        body = table(options, good, bad, placed, put_back, copied, git, parts, alone)
        if str(options.output) == "-":
            print(body)
        else:
            report.document(options.output, SECTION, body)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
