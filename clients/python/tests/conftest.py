"""What the tests share: a server of their own, and clients of it."""

import os
from pathlib import Path

import pytest
import pytest_asyncio
from running_server import RunningServer

from backstay import AsyncBackstay, Backstay


@pytest.fixture(scope="session")
def program():
    """The program under test."""
    path = os.environ.get("BACKSTAY_PROGRAM")
    if not path:
        pytest.fail("BACKSTAY_PROGRAM is not set: run `make test`, or `tools/with-services tools/test client`")
    return Path(path)


@pytest.fixture(scope="session")
def server(program, tmp_path_factory):
    """A server for all tests of the session."""
    # Executors of the tests are on this machine.
    environment = {"BACKSTAY_ALLOW_PRIVATE_WEBHOOKS": "true"}
    server = RunningServer(program, tmp_path_factory.mktemp("server"), environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(program, tmp_path):
    """A server for one test, which may stop and kill it. It is not started yet."""
    server = RunningServer(program, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def client(server):
    with Backstay(server.url, token=server.token) as client:
        yield client


@pytest_asyncio.fixture
async def async_client(server):
    async with AsyncBackstay(server.url, token=server.token) as client:
        yield client


@pytest.fixture
def directory(server, request):
    """A directory with a file, which the server may capture."""
    root = server.projects / request.node.name.translate(str.maketrans("[]/: ", "_____"))
    root.mkdir()
    (root / "README.md").write_text("An example.\n")
    return root
