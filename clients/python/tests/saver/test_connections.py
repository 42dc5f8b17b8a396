"""Connections of the saver: kept, found broken, bounded in time."""

import socket

import pytest
from faulty_link import FaultyLink
from threads import chain, checkpoint, config, metadata

from backstay import NO_RETRIES, RetryPolicy
from backstay.errors import TransportError
from backstay.langgraph import BackstaySaver


def test_one_connection_serves_a_thread(server, connect, thread):
    with FaultyLink(server.address, []) as link:
        saver = connect(link.url)
        chain(saver, thread, 10)
        saver.get_tuple(config(thread))
        assert link.connections == 1 and link.requests == 11


@pytest.mark.parametrize(
    "fault", ["drop", "lose", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"nonsense\r\n\r\n"]
)
def test_a_broken_answer_is_asked_for_again(server, connect, thread, fault):
    with FaultyLink(server.address, [fault]) as link:
        saver = connect(link.url, retry=RetryPolicy(first_pause_s=0.001))
        stored = chain(saver, thread, 1)
        assert saver.get_tuple(config(thread)).config == stored[0] and link.connections == 2
    with FaultyLink(server.address, [fault]) as link:
        with pytest.raises(TransportError) as failed:
            connect(link.url, retry=NO_RETRIES).get_tuple(config(thread))
        assert failed.value.may_have_happened and str(failed.value)


def test_a_server_that_comes_back_is_found(own_server):
    own_server.start()
    with BackstaySaver(own_server.url, token=own_server.token) as saver:
        stored = chain(saver, "t", 2)
        own_server.kill()
        own_server.start()
        assert saver.get_tuple(config("t")).config == stored[1]
        own_server.kill()
        with pytest.raises(TransportError) as failed:
            saver.put(stored[1], checkpoint({"a": 1}), metadata(), {"a": 1})
        assert not failed.value.may_have_happened


def test_no_answer_has_an_end(thread):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with BackstaySaver(url, token="t", timeout_s=0.1, retry=NO_RETRIES) as saver:
            with pytest.raises(TransportError, match="no answer in time") as failed:
                saver.get_tuple(config(thread))
            assert failed.value.may_have_happened
