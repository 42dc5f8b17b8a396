"""A running `backstay serve` for tests and measurements; only the standard library is needed."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

START_SECONDS = 30


class ServerFailed(Exception):
    """The server did not start or stop as it should."""


class RunningServer:
    """A `backstay serve` with a data directory of its own on a free loopback port, and a token of a superadmin."""

    def __init__(self, program, home, environment=None):
        self.program = program
        self.home = home
        self.data = home / "data"
        self.projects = home / "projects"
        self.projects.mkdir()
        self.log = home / "server.log"
        self.extra_environment = environment or {}
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
                raise ServerFailed(f"the server did not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        if self.token is None:
            self.token = self.command("tokens", "create", "tests", "--role", "superadmin", "--data-directory", self.data).strip()

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def environment(self):
        """The environment without the settings of the user who runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
        return {**kept, "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"), **self.extra_environment}

    def command(self, *arguments):
        """Runs the program and returns what it printed."""
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, env=self.environment(), timeout=60)
        assert done.returncode == 0, f"backstay {arguments[0]} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def stop(self):
        """Ends the server as an operator does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise ServerFailed("the server did not stop within 20 seconds of SIGTERM") from None

    def kill(self):
        """Ends the server as a power cut does."""
        self.process.kill()
        self.process.wait()
