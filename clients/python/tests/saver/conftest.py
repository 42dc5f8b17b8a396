"""Savers of the server of the session."""

import pytest

from backstay.langgraph import BackstaySaver


@pytest.fixture
def thread(request):
    """The name of a thread of this test's own."""
    return f"thread of {request.node.name}"


@pytest.fixture
def connect(server):
    """Makes savers, and closes them in the end."""
    made = []

    def connect(url=None, **settings):
        saver = BackstaySaver(url or server.url, token=server.token, **settings)
        made.append(saver)
        return saver

    yield connect
    for saver in made:
        saver.close()


@pytest.fixture
def saver(connect):
    return connect()
