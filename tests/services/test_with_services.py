"""`tools/with-services` starts what the tests need, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "tools" / "with-services"
REPORT = "import os; print(os.environ['BACKSTAY_TEST_POSTGRES_URL'], os.environ['BACKSTAY_TEST_S3_ENDPOINT'], flush=True)"


def ports(line):
    postgres, s3 = line.split()
    return [int(postgres.rsplit(":", 1)[1].split("/")[0]), int(s3.rsplit(":", 1)[1])]


def listening(port):
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_closed(open_ports):
    deadline = time.monotonic() + 20
    while any(listening(port) for port in open_ports):
        assert time.monotonic() < deadline, f"still listening: {open_ports}"
        time.sleep(0.05)


def test_exit_code_is_that_of_the_command_and_services_end():
    script = f"{REPORT}; raise SystemExit(7)"
    done = subprocess.run([PROGRAM, sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stderr
    wait_closed(ports(done.stdout))


def test_services_end_when_the_program_is_killed():
    script = f"{REPORT}; import sys; sys.stdin.read()"
    process = subprocess.Popen([PROGRAM, sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    open_ports = ports(process.stdout.readline())
    assert all(listening(port) for port in open_ports)
    os.kill(process.pid, signal.SIGKILL)
    process.stdin.close()
    process.wait(timeout=20)
    wait_closed(open_ports)
