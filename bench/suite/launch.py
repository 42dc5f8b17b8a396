"""Starts one command, waits for it, and writes what it cost to a descriptor: `launch.py FD PROGRAM ARGUMENT…`."""

import os
import sys
import time


def main():
    report, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(report, False)
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    facts = '{"wall": %.6f, "cpu": %.6f, "peak": %d, "code": %d}'
    os.write(report, (facts % (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, code)).encode())


main()
