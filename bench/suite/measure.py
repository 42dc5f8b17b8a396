"""Runs one command and reports what it cost."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass
class Cost:
    """Wall seconds, CPU seconds (user and system), and the largest resident size of any process, in bytes."""

    wall: float
    cpu: float
    peak: int


class CommandFailed(Exception):
    """A measured command ended with an error; the message holds its output."""


def run(command, cwd=None, environment=None, shell=False, accept=(0,)):
    """Runs `command` to its end and returns `(Cost, stdout)`.

    The processor time is that of the command and of every child it waited for (`wait4`). The peak is that of the
    largest process. The kernel starts counting it at the size of the process that starts the command, so that is
    `launch.py`, which imports next to nothing: no peak below about 10 MiB can be seen.
    """
    if shell:
        command = ["/bin/sh", "-c", command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", LAUNCHER, str(writing), *command], cwd=cwd, env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, pass_fds=[writing],
        )
        os.close(writing)
        with os.fdopen(reading) as report:
            text = report.read()
        process.wait()
        output.seek(0)
        errors.seek(0)
        said, complaint = output.read().decode(errors="replace"), errors.read().decode(errors="replace")
    if not text:
        raise CommandFailed(f"{command} could not be started\n{complaint[-3000:]}")
    facts = json.loads(text)
    if facts["code"] not in accept:
        raise CommandFailed(f"{command} ended with {facts['code']}\n{said[-3000:]}\n{complaint[-3000:]}")
    return Cost(facts["wall"], facts["cpu"], facts["peak"]), said


def stored(path):
    """The bytes of all files below `path`."""
    total = 0
    for root, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(root, name)).st_size
    return total
