"""Retries, time limits and errors, over a link that breaks before a real server."""

import time

import pytest
from faulty_link import FaultyLink

from backstay import NO_RETRIES, AsyncBackstay, Backstay, RetryPolicy
from backstay.errors import (
    ConflictError,
    DecodeError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    TransportError,
    UnauthenticatedError,
    UnavailableError,
)

QUICK = RetryPolicy(first_pause_s=0.001, longest_pause_s=2)
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LATER = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MUCH_LATER = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 300\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOT_JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope"


def over(link, server, retry=QUICK):
    return Backstay(link.url, token=server.token, retry=retry)


@pytest.mark.parametrize("faults", [["drop"], ["drop", BUSY, "drop"], [BUSY, BUSY, BUSY], ["lose"]])
def test_reading_is_tried_again(server, faults):
    with FaultyLink(server.address, faults) as link, over(link, server) as client:
        assert client.me()["role"] == "superadmin"
        assert link.connections == len(faults) + 1


def test_trying_ends(server):
    with FaultyLink(server.address, [BUSY] * 9) as link, over(link, server) as client:
        with pytest.raises(UnavailableError) as failed:
            client.me()
        assert failed.value.status == 503 and link.connections == 4


def test_the_pause_that_the_server_names_is_kept(server):
    with FaultyLink(server.address, [LATER]) as link, over(link, server) as client:
        started = time.monotonic()
        client.me()
        assert time.monotonic() - started >= 1


def test_a_long_pause_is_left_to_the_caller(server):
    with FaultyLink(server.address, [MUCH_LATER]) as link, over(link, server) as client:
        with pytest.raises(Exception) as failed:
            client.me()
        assert failed.value.retry_after_s == 300 and link.connections == 1


def test_what_is_not_safe_to_repeat_is_not_repeated(server, directory):
    with FaultyLink(server.address, ["lose"]) as link, over(link, server) as client:
        with pytest.raises(TransportError) as failed:
            client.workspaces.create("lost", str(directory))
        assert failed.value.may_have_happened and link.connections == 1
        # It had happened: that is why sending it again by itself would have been wrong.
        with pytest.raises(ConflictError):
            client.workspaces.create("lost", str(directory))


def test_a_refused_creation_is_repeated(server, directory):
    with FaultyLink(server.address, [BUSY]) as link, over(link, server) as client:
        assert client.workspaces.create("later", str(directory)).root == str(directory)


def test_a_capture_whose_answer_is_lost_happens_once(server, client, directory):
    workspace = client.workspaces.create("once", str(directory))
    with FaultyLink(server.address, ["lose", "drop"]) as link, over(link, server) as unlucky:
        snapshot = unlucky.workspaces.create_snapshot(workspace.id)
    assert [each.id for each in client.snapshots.list(source=workspace.id)] == [snapshot.id]


def test_a_deletion_whose_answer_is_lost_succeeds(server, client, directory):
    workspace = client.workspaces.create("gone", str(directory))
    snapshot = client.workspaces.create_snapshot(workspace.id)
    with FaultyLink(server.address, ["lose"]) as link, over(link, server) as unlucky:
        unlucky.snapshots.delete(snapshot.id)
        with pytest.raises(NotFoundError):
            unlucky.snapshots.delete(snapshot.id)


def test_without_retries_the_first_failure_is_final(server):
    with FaultyLink(server.address, ["drop"]) as link, over(link, server, NO_RETRIES) as client:
        with pytest.raises(TransportError):
            client.me()
        assert link.connections == 1


def test_connections_are_reused(server):
    with FaultyLink(server.address, []) as link, over(link, server) as client:
        for _ in range(20):
            client.me()
        assert link.connections == 1


def test_an_answer_that_is_no_json_is_named(server):
    with FaultyLink(server.address, [NOT_JSON]) as link, over(link, server) as client:
        with pytest.raises(DecodeError, match="/api/v1/sessions/me is not JSON"):
            client.me()


def test_nobody_listens(server):
    with FaultyLink(server.address, []) as link:
        url = link.url
    with Backstay(url, token="t", retry=QUICK) as client, pytest.raises(TransportError) as failed:
        client.me()
    assert not failed.value.may_have_happened and url in str(failed.value)


def test_a_server_that_comes_back_is_found(own_server):
    own_server.start()
    with Backstay(own_server.url, token=own_server.token) as client:
        client.me()
        own_server.kill()
        own_server.start()
        assert client.me()["role"] == "superadmin"


def test_an_error_carries_all_that_the_server_says(server, client, directory):
    with pytest.raises(InvalidError) as refused:
        client.workspaces.create("", str(directory))
    error = refused.value
    assert (error.status, error.code) == (422, "invalid") and error.errors[0].field == "name"
    assert error.request_id.startswith("req-") and "name" in str(error)
    with pytest.raises(NotFoundError) as absent:
        client.snapshots.get("snapshot-1767435330123456-aaaaaaaa")
    assert absent.value.code == "not_found" and absent.value.detail
    with pytest.raises(ForbiddenError, match="Root is not allowed"):
        client.workspaces.create("outside", "/")
    with pytest.raises(TooLargeError):
        client.workspaces.create("x" * (2 << 20), str(directory))


def test_a_wrong_token_is_refused_and_never_shown(server):
    secret = "not-a-token-5e0c"
    with Backstay(server.url, token=secret, retry=NO_RETRIES) as client:
        with pytest.raises(UnauthenticatedError) as refused:
            client.me()
        shown = f"{client!r} {refused.value!r} {refused.value} {vars(refused.value)} {client._transport.options!r}"
    assert secret not in shown


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8470", "ftp://localhost", "http://", "http://u:p@localhost", "http://localhost?x=1", "http://[::1"],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError):
        Backstay(url)


def test_a_token_is_not_sent_in_clear_text_over_a_network():
    with pytest.raises(ValueError, match="clear text") as refused:
        Backstay("http://example.org", token="s3cret")
    assert "s3cret" not in str(refused.value)
    Backstay("https://example.org", token="s3cret").close()
    Backstay("http://example.org", token="s3cret", allow_cleartext_token=True).close()


@pytest.mark.parametrize("token", ["a\nb", " x", "ü", ""])
def test_a_token_that_no_header_can_carry_is_refused(token):
    if token:
        with pytest.raises(ValueError, match="token") as refused:
            Backstay("http://127.0.0.1:1", token=token)
        assert token not in str(refused.value)
    with pytest.raises(ValueError, match="project"):
        Backstay("http://127.0.0.1:1", project=token)


async def test_the_asynchronous_client_tries_again_too(server):
    with FaultyLink(server.address, ["drop", BUSY]) as link:
        async with AsyncBackstay(link.url, token=server.token, retry=QUICK) as client:
            assert (await client.me())["role"] == "superadmin"
