"""What the Python tests share: a server of their own, and a client that is allowed everything."""

import os
from pathlib import Path

import pytest
import requests

from running_server import RunningServer


class Server(RunningServer):
    """A running server that its superadmin can ask."""

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method, path, **options):
        """Sends one request as the superadmin."""
        return requests.request(method, self.url + path, headers=self.headers(), timeout=60, **options)


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
