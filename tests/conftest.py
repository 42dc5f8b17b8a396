"""What the Python tests share: a server of their own, and a client that is allowed everything."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

START_SECONDS = 30


class Server:
    """A running `backstay serve` with a fresh data directory, and a token of a superadmin."""

    def __init__(self, program, home):
        self.program = program
        self.home = home
        self.data = home / "data"
        self.projects = home / "projects"
        self.projects.mkdir()
        self.log = home / "server.log"
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % listener.getsockname()[1]
        self.url = f"http://{self.address}"
        self.process = None
        self.token = None

    def start(self):
        command = [self.program, "serve", "--data-directory", self.data, "--listen", self.address, "--allowed-root", self.projects]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"the server did not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        if self.token is None:
            self.token = self.command("tokens", "create", "tests", "--role", "superadmin", "--data-directory", self.data).strip()

    def _ready(self):
        try:
            return requests.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def environment(self):
        """The environment without the settings of the user who runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
        return {**kept, "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config")}

    def command(self, *arguments):
        """Runs the program and returns what it printed."""
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, env=self.environment(), timeout=60)
        assert done.returncode == 0, f"backstay {arguments[0]} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method, path, **options):
        """Sends one request as the superadmin."""
        return requests.request(method, self.url + path, headers=self.headers(), timeout=60, **options)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail("the server did not stop within 20 seconds of SIGTERM")


@pytest.fixture(scope="session")
def program():
    """The program under test."""
    path = os.environ.get("BACKSTAY_PROGRAM")
    if not path:
        pytest.fail("BACKSTAY_PROGRAM is not set: run `make test`, or `tools/with-services tools/test python`")
    return Path(path)


@pytest.fixture(scope="module")
def server(program, tmp_path_factory):
    """A server for the tests of one file, so that no file meets limits on signing in that another has reached."""
    server = Server(program, tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def workspace(server):
    """A registered workspace with two snapshots that differ: `(workspace id, [snapshot ids])`."""
    root = server.projects / "example"
    (root / "src").mkdir(parents=True)
    (root / "src" / "main.rs").write_text("fn main() {}\n")
    (root / "README.md").write_text("An example.\n" * 100)
    made = server.call("POST", "/api/v1/workspaces", json={"name": "example", "root": str(root)})
    assert made.status_code == 201, made.text
    identifier = made.json()["id"]
    snapshots = []
    for number in (1, 2):
        (root / "src" / "main.rs").write_text(f"fn main() {{ println!(\"{number}\"); }}\n")
        saved = server.call("POST", f"/api/v1/workspaces/{identifier}/snapshots?wait=30", json={"label": f"number {number}"})
        assert saved.status_code in (200, 201, 202), saved.text
        snapshots.append(saved.json()["id"])
        shown = server.call("GET", f"/api/v1/snapshots/{snapshots[-1]}").json()
        assert shown["state"] == "ready", shown
    return identifier, snapshots
