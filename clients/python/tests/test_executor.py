"""Executors: the signed message against a real server, and what must not be believed."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from backstay.errors import BadRequestError, ConflictError, InvalidError, NotFoundError
from backstay.executor import ExecutorServer, Receiver, ResumeRequest, by_job_id
from backstay.webhook import SignatureError

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
RESUME = {
    "delivery_id": "resume_1",
    "job_id": "nightly",
    "project": "default",
    "checkpoint_id": "step_1_1_00000000",
    "step_name": "step_1",
    "form": "json",
    "state": {"n": 2**70},
    "epoch": 1,
    "requested_by": "tests",
    "reason": None,
}


def message(data=RESUME, kind="job.resume", identifier="resume_1"):
    body = json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()
    return signed(body, identifier)


def signed(body, identifier="resume_1", at=None):
    at = str(int(time.time() if at is None else at))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = hmac.new(key, f"{identifier}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Webhook-Id": identifier,
        "webhook-timestamp": at,
        "WEBHOOK-SIGNATURE": "v1," + base64.b64encode(signature).decode(),
    }
    return headers, body


def said(answer):
    return answer.status, json.loads(answer.body)


@pytest.fixture
def job(request):
    return "".join(char if char.isalnum() else "-" for char in request.node.name)


@pytest.fixture
def registered(client, job):
    """Registers an executor for the job of the test, and removes it."""
    made = []

    def register(**how):
        made.append(client.executors.create(job, match=[job], **how))
        return made[-1]

    yield register
    for each in made:
        client.executors.delete(each.executor.executor_id)


@pytest.fixture
def executor(client, job, registered):
    """An executor that is called: what it got, and what it is to answer."""

    class Called:
        def __init__(self):
            self.got = []
            self.answer = True

    called = Called()

    def resume(wanted):
        called.got.append(wanted)
        if isinstance(called.answer, Exception):
            raise called.answer
        return called.answer

    # The secret is known only when the address is: the receiver is made after its server.
    with ExecutorServer(Receiver(SECRET, resume)) as server:
        created = registered(url=server.url, timeout_s=10)
        server.receiver = Receiver(created.secret, resume, client=client)
        yield called


def test_a_job_goes_on_from_the_restored_state_once(client, job, executor):
    made = [client.checkpoints.create(job, f"step_{n}", {"iteration": n}) for n in range(3)]
    restored = client.checkpoints.restore(made[1].checkpoint_id, resume=True, reason="a wrong turn")
    assert (restored.job_status, restored.message) == (
        "resumed",
        "Checkpoint restored and job resumed successfully",
    )
    (wanted,) = executor.got
    assert (wanted.job_id, wanted.state, wanted.step_name, wanted.epoch) == (job, {"iteration": 1}, "step_1", 1)
    assert (wanted.delivery_id, wanted.requested_by, wanted.reason) == (restored.resume_id, "tests", "a wrong turn")
    assert client.executors.get_resume(restored.resume_id).state == "confirmed"
    assert client.checkpoints.create(job, "next", {}, epoch=wanted.epoch).epoch == 1
    with pytest.raises(ConflictError, match="was resumed as epoch 1; this writer has 0"):
        client.checkpoints.create(job, "next", {}, epoch=0)


@pytest.mark.parametrize(
    ("answer", "reason"), [(False, "the executor refused"), (RuntimeError("out of order"), "out of order")]
)
def test_what_refuses_is_not_resumed(client, job, executor, answer, reason):
    executor.answer = answer
    made = client.checkpoints.create(job, "s", {"n": 1})
    restored = client.checkpoints.restore(made.checkpoint_id, resume=True)
    assert (restored.job_status, restored.state) == ("restored", {"n": 1})
    assert restored.message == f"Checkpoint restored but failed to resume: {reason}"
    assert client.executors.get_resume(restored.resume_id).failure == reason


def test_a_large_state_is_read_and_checked(client, job, executor):
    state = {"text": "ü\x00" * (1 << 20), "number": 2**70, "float": 1e300, "deep": {"state_snapshot": [{}]}}
    made = client.checkpoints.create(job, "s", state)
    assert client.checkpoints.restore(made.checkpoint_id, resume=True).job_status == "resumed"
    assert executor.got[0].state == state and executor.got[0].state_url is not None


def test_a_large_state_that_is_not_the_signed_one_is_refused(client, job):
    made = client.checkpoints.create(job, "s", {"n": 1})
    data = {**RESUME, "checkpoint_id": made.checkpoint_id, "state": None, "state_url": "/x", "state_hash": "sha256:00"}
    receiver = Receiver(SECRET, lambda _: pytest.fail("must not be called"), client=client)
    status, answer = said(receiver.handle(*message(data)))
    assert (status, answer["accepted"]) == (200, False) and "not the one that was signed" in answer["reason"]


def test_an_executor_hands_over_the_present_state(client, job, registered):
    with ExecutorServer(Receiver(SECRET, lambda _: True)) as server:
        created = registered(url=server.url, capture=True)
        server.receiver = Receiver(created.secret, lambda _: True, capture=lambda wanted: {"of": wanted.job_id})
        made = client.checkpoints.create(job, "s", {"n": 1})
        restored = client.checkpoints.restore(made.checkpoint_id, resume=True)
    safety = client.checkpoints.get(restored.safety_checkpoint_id)
    assert (restored.job_status, safety.state_snapshot, safety.pinned) == ("resumed", {"of": job}, True)


@pytest.mark.parametrize("accepts", [True, False])
def test_an_executor_that_asks(client, job, registered, accepts):
    created = registered(timeout_s=20)
    made = client.checkpoints.create(job, "s", {"n": 1})
    got = []

    def resume(wanted):
        got.append(wanted)
        return accepts

    receiver = Receiver(created.secret, resume)
    assert not receiver.poll(client, created.executor.executor_id, timeout_s=0)
    done = []
    asking = threading.Thread(
        target=lambda: done.append(receiver.poll(client, created.executor.executor_id, timeout_s=20))
    )
    asking.start()
    restored = client.checkpoints.restore(made.checkpoint_id, resume=True)
    asking.join()
    assert restored.job_status == ("resumed" if accepts else "restored")
    assert done == [True] and got[0].state == {"n": 1}


def test_a_message_that_another_signed_is_not_answered(client, job, registered):
    created = registered(timeout_s=30)
    made = client.checkpoints.create(job, "s", {"n": 1})
    restored = []
    restoring = threading.Thread(
        target=lambda: restored.append(client.checkpoints.restore(made.checkpoint_id, resume=True))
    )
    restoring.start()
    stranger = Receiver(SECRET, lambda _: pytest.fail("must not be called"))
    with pytest.raises(SignatureError):
        stranger.poll(client, created.executor.executor_id, timeout_s=20)
    # It waits on, and is given out again to whoever has the secret.
    receiver = Receiver(created.secret, lambda _: True)
    assert receiver.poll(client, created.executor.executor_id, timeout_s=20)
    restoring.join()
    assert restored[0].job_status == "resumed"


def test_executors_are_registered_listed_and_removed(client, job, registered):
    created = registered()
    found = client.executors.get(created.executor.executor_id)
    assert found == created.executor and (found.mode, found.url, found.match) == ("pull", None, (job,))
    assert found in client.executors.list()
    client.checkpoints.create(job, "s", {})
    client.executors.name(job, job)
    client.executors.name(job, None)
    with pytest.raises(NotFoundError):
        client.executors.name(job, "nobody")
    with pytest.raises((InvalidError, BadRequestError)):
        client.executors.create("bad", match=["["])


def test_a_message_is_carried_out_once_however_often_it_comes():
    got = []
    inside, go_on = threading.Event(), threading.Event()

    def resume(wanted):
        got.append(wanted)
        inside.set()
        assert go_on.wait(30)

    receiver = Receiver(SECRET, resume)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(said(receiver.handle(*message())))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    go_on.set()
    for thread in threads:
        thread.join()
    assert answers == [(200, {"accepted": True})] * 5 and len(got) == 1
    assert got[0] == ResumeRequest(**RESUME)
    receiver.handle(*message(identifier="resume_2"))
    assert len(got) == 2


def test_a_refusal_is_repeated_too():
    answers = [RuntimeError("first"), True]

    def resume(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer

    receiver = Receiver(SECRET, resume)
    assert said(receiver.handle(*message())) == said(receiver.handle(*message()))
    assert len(answers) == 1


def test_what_was_said_is_forgotten_only_when_the_signature_is_too_old():
    clock = [time.time()]
    got = []
    receiver = Receiver(SECRET, got.append, now=lambda: clock[0])
    headers, body = message()
    receiver.handle(headers, body)
    clock[0] += 299
    assert receiver.handle(headers, body).status == 200
    clock[0] += 4000
    assert receiver.handle(headers, body).status == 401
    assert len(got) == 1
    receiver.handle(*signed(body, at=clock[0]))
    assert len(got) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda headers, body: (headers, body + b" "),
        lambda headers, body: ({**headers, "Webhook-Id": "resume_2"}, body),
        lambda _, body: ({}, body),
        lambda _, body: signed(body, at=time.time() - 400),
    ],
)
def test_what_is_not_signed_is_not_done(change):
    receiver = Receiver(SECRET, lambda _: pytest.fail("must not be called"))
    status, answer = said(receiver.handle(*change(*message())))
    assert status == 401 and answer["accepted"] is False


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"type":"job.resume"}', b'{"type":"job.resume","data":{"job_id":1}}']
)
def test_what_is_not_understood_is_not_done(body):
    receiver = Receiver(SECRET, lambda _: pytest.fail("must not be called"))
    status, answer = said(receiver.handle(*signed(body)))
    assert status == 400 and answer["accepted"] is False


def test_a_state_that_cannot_be_sent_is_a_refusal():
    data = {name: RESUME[name] for name in ("delivery_id", "job_id", "project", "epoch", "requested_by")}
    for state in ({"x": float("nan")}, {"x": object()}, None):
        receiver = Receiver(SECRET, lambda _: True, capture=lambda _, state=state: state)
        assert said(receiver.handle(*message(data, "job.capture")))[1]["accepted"] is False
    without = Receiver(SECRET, lambda _: True)
    assert said(without.handle(*message(data, "job.capture")))[1]["accepted"] is False


def test_a_function_of_a_job_id():
    got = []
    receiver = Receiver(SECRET, by_job_id(got.append))
    assert said(receiver.handle(*message())) == (200, {"accepted": True})
    assert got == ["nightly"]


def test_the_server_takes_only_what_has_a_length_and_is_small():
    with ExecutorServer(Receiver(SECRET, lambda _: True)) as server:
        host, port = server.server_address[:2]
        for head, status in [
            (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n", b"413"),
            (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"501"),
        ]:
            with socket.create_connection((host, port)) as connection:
                connection.sendall(head)
                assert connection.makefile("rb").readline().split()[1] == status
        headers, body = message()
        with urllib.request.urlopen(urllib.request.Request(server.url, body, headers)) as answer:
            assert json.loads(answer.read()) == {"accepted": True}
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(server.url, body + b" ", headers))
        with caught.value as error:
            assert error.code == 401
