"""An executor over real HTTP, with deliveries signed as the specification lays down."""

import base64
import hashlib
import hmac
import json
import threading
import time

import httpx
import pytest

from backstay.executor import Executor, resume_by_job_id

KEY = b"0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
DELIVERY = {
    "delivery_id": "d-1",
    "job_id": "job",
    "checkpoint_id": "step_1_1_00000000",
    "step_name": "step",
    "form": "json",
    "epoch": 2,
    "state": {"iteration": 2},
    "requested_by": {"kind": "user", "id": "u", "name": "n"},
    "reason": None,
}


def signed(body, key=KEY, identifier="msg_1"):
    timestamp = str(int(time.time()))
    digest = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": signature}


@pytest.fixture
def listening():
    """Starts executors, and returns what posts a delivery to the last one."""
    running = []

    def start(resume):
        listener = Executor(SECRET, resume).server(("127.0.0.1", 0))
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        running.append((listener, thread))

        def post(delivery=DELIVERY, key=KEY):
            body = json.dumps(delivery).encode()
            return httpx.post(f"http://127.0.0.1:{listener.server_port}/", content=body, headers=signed(body, key))

        return post

    yield start
    for listener, thread in running:
        listener.shutdown()
        thread.join()
        listener.server_close()


def test_a_delivery_reaches_the_function_once(listening):
    seen = []
    post = listening(seen.append)
    for _ in range(3):
        answer = post()
        assert (answer.status_code, answer.json()) == (200, {"accepted": True})
    assert [each.state for each in seen] == [{"iteration": 2}] and seen[0].epoch == 2
    post({**DELIVERY, "delivery_id": "d-2"})
    assert len(seen) == 2


def test_the_same_delivery_at_the_same_time_is_one(listening):
    entered, go = threading.Event(), threading.Event()
    seen = []

    def resume(delivery):
        seen.append(delivery)
        entered.set()
        assert go.wait(30)

    post = listening(resume)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(post().json())) for _ in range(4)]
    for each in threads:
        each.start()
    assert entered.wait(30)
    go.set()
    for each in threads:
        each.join()
    assert answers == [{"accepted": True}] * 4 and len(seen) == 1


def test_false_and_exceptions_refuse(listening):
    assert listening(lambda _: False)().json() == {"accepted": False, "reason": "the executor refused"}

    def fails(_):
        raise RuntimeError("no worker")

    assert listening(fails)().json() == {"accepted": False, "reason": "RuntimeError: no worker"}


def test_what_is_not_signed_does_nothing(listening):
    seen = []
    assert listening(seen.append)(key=b"another").status_code == 401
    assert seen == []


@pytest.mark.parametrize("delivery", [[], {}, {**DELIVERY, "job_id": 1}])
def test_what_is_no_delivery_does_nothing(listening, delivery):
    seen = []
    assert listening(seen.append)(delivery).status_code == 400
    assert seen == []


def test_an_older_function_is_wrapped(listening):
    seen = []
    post = listening(resume_by_job_id(seen.append))
    assert post().json() == {"accepted": True} and seen == ["job"]
