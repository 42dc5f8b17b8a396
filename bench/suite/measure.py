"""Runs one command and reports what it cost."""

import os
import resource
import subprocess
import time
from dataclasses import dataclass


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
    largest process; the kernel starts the count at the size of this program, about 15 MiB, so no value is below.
    """
    log = os.memfd_create("output")
    errors = os.memfd_create("errors")
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, shell=shell,
        stdin=subprocess.DEVNULL, stdout=log, stderr=errors,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    output, complaint = _text(log), _text(errors)
    if process.returncode not in accept:
        raise CommandFailed(f"{command} ended with {process.returncode}\n{output[-3000:]}\n{complaint[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024), output


def _text(descriptor):
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode(errors="replace")


def floor():
    """The resident size of this program, below which no peak can be measured."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def stored(path):
    """The bytes of all files below `path`."""
    total = 0
    for root, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(root, name)).st_size
    return total
