"""What `make run` runs: the demonstration, then a server that the printed login link opens."""

import json
import re
import subprocess
import threading

import pytest
import requests

from conftest import Server

START_SECONDS = 120


@pytest.fixture
def place(program, tmp_path):
    """A directory, a free address and a clean environment; its server is never started."""
    return Server(program, tmp_path)


def test_demonstration_ends_with_success(place):
    printed = place.command("demo", "--files", "60", "--json", "--directory", place.home / "demo")
    steps = [step["step"] for step in json.loads(printed)["steps"]]
    for verb in ("save", "diff", "restore", "undo", "verify"):
        assert any(step.startswith(f"backstay {verb}") for step in steps), steps


def test_served_demonstration_opens_by_its_login_link_once(place):
    command = [place.program, "demo", "--serve", "--files", "60", "--directory", place.home / "demo", "--listen", place.address]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=place.environment()
    )
    alarm = threading.Timer(START_SECONDS, process.kill)
    alarm.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if link := re.search(rf"http://{re.escape(place.address)}/\S*login\S*", line):
                break
        else:
            pytest.fail(f"no login link within {START_SECONDS} seconds: {''.join(lines)[-3000:]}")
        browser = requests.Session()
        assert browser.get(link[0], timeout=30).status_code == 200
        me = browser.get(f"{place.url}/api/v1/sessions/me", timeout=30)
        assert me.status_code == 200, me.text
        again = requests.Session()
        again.get(link[0], timeout=30)
        assert again.get(f"{place.url}/api/v1/sessions/me", timeout=30).status_code == 401
        process.terminate()
        process.stdout.read()
        assert process.wait(timeout=30) in (0, 130, 143)
    finally:
        alarm.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
