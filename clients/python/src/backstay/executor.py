"""The inside of an executor: receives the signed message by which a server lets a job go on from a restored state.

    receiver = Receiver(secret, resume)
    ExecutorServer(receiver, port=8480).serve_forever()

Within another web server, `Receiver.handle` takes the headers and the body of a request and gives the answer; a program
that no server can reach calls `Receiver.poll`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from backstay._decode import decode
from backstay._request import request, to_json
from backstay._sync.client import Backstay
from backstay.errors import BackstayError, DecodeError
from backstay.webhook import SignatureError, verify

_REMEMBER_S = 3600.0
_MOST_BYTES = 4 << 20
_LONGEST_REASON = 200


@dataclass(frozen=True)
class ResumeRequest:
    """A job is to go on from a checkpoint. Save with `epoch`, so that a writer that was replaced meanwhile is refused.

    `state` is the restored state. One of more than 1 MiB is read from the server, and its hash checked, when the
    receiver has a client; without one it is `None`, and `state_url` says where it is. A typed one has its `key`.
    """

    delivery_id: str
    job_id: str
    project: str
    checkpoint_id: str
    step_name: str
    form: Literal["json", "typed"]
    epoch: int
    requested_by: str
    state: Any = None
    state_url: str | None = None
    state_hash: str | None = None
    key: dict[str, str] | None = None
    execution_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class CaptureRequest:
    """The present state of a job is wanted, before it is resumed from another one."""

    delivery_id: str
    job_id: str
    project: str
    epoch: int
    requested_by: str


@dataclass(frozen=True)
class Answer:
    """What to answer over HTTP: a status and a JSON body."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class Receiver:
    """Checks each message, calls a function with it, and answers what the function says. For any number of threads.

    `secret` is as it was shown when the executor was registered. `resume` lets the job go on; it refuses by returning
    `False` or by raising an exception, whose text becomes the reason. The same message may come more than once: it is
    carried out once, and answered the same for an hour. `capture` returns the present state of a job, or `None`.
    """

    def __init__(
        self,
        secret: str,
        resume: Callable[[ResumeRequest], object],
        *,
        capture: Callable[[CaptureRequest], dict[str, Any] | None] | None = None,
        client: Backstay | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._resume = resume
        self._capture = capture
        self._client = client
        self._now = now
        self._deliveries = _Deliveries(now)

    def handle(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a request with these headers and this body, as they came.

        401 when it is not signed, 400 when it is not understood; in both cases nothing was done.
        """
        try:
            said = self._said(headers, body)
        except SignatureError as error:
            return _answer(401, {"accepted": False, "reason": str(error)})
        except DecodeError as error:
            return _answer(400, {"accepted": False, "reason": str(error)})
        return _answer(200, said)

    def poll(self, client: Backstay, executor_id: str, *, timeout_s: int = 30) -> bool:
        """Asks the server for a message, carries it out, and confirms; `False` when there was none in time.

        The executor is one that was registered without a URL. `ConflictError`: the job was resumed elsewhere
        meanwhile, and must not go on here.
        """
        message = client.executors.poll(executor_id, timeout_s=timeout_s)
        if message is None:
            return False
        said = self._said(message.headers, message.content)
        client.executors.confirm(message.headers["webhook-id"], accepted=said["accepted"], reason=said.get("reason"))
        return True

    def _said(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        identifier = verify(self._secret, headers, body, now=self._now)
        try:
            message = json.loads(body)
        except ValueError:
            raise DecodeError("the message is not JSON") from None
        if not isinstance(message, dict):
            raise DecodeError("the message is not an object")
        wanted = _wanted(message.get("type"), message.get("data"))
        return self._deliveries.once(identifier, lambda: self._carried_out(wanted))

    def _carried_out(self, wanted: ResumeRequest | CaptureRequest) -> dict[str, Any]:
        try:
            if isinstance(wanted, CaptureRequest):
                state = None if self._capture is None else self._capture(wanted)
                return _refusal("there is no state") if state is None else {"accepted": True, "state": state}
            if self._resume(self._with_state(wanted)) is False:
                return _refusal("the executor refused")
        except Exception as error:
            return _refusal(str(error) or type(error).__name__)
        return {"accepted": True}

    def _with_state(self, wanted: ResumeRequest) -> ResumeRequest:
        if wanted.state_url is None or self._client is None:
            return wanted
        response = self._client._transport.send(request("GET", "api", "checkpoints", wanted.checkpoint_id))
        text = _member(response.text, "state_snapshot")
        if wanted.state_hash != "sha256:" + hashlib.sha256(text.encode()).hexdigest():
            raise BackstayError(f"the state of {wanted.checkpoint_id} is not the one that was signed")
        return replace(wanted, state=json.loads(text))


class ExecutorServer(ThreadingHTTPServer):
    """A small HTTP server for a receiver, for this machine or behind a proxy that speaks TLS. Every POST is a message.

    `port` 0 takes a free one. Call `serve_forever`, or use it in a `with` statement: a thread serves until its end.
    """

    daemon_threads = True

    def __init__(self, receiver: Receiver, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Handler)
        self.receiver = receiver
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"

    def __enter__(self) -> ExecutorServer:
        self._thread = threading.Thread(target=self.serve_forever, name="backstay-executor", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        if self._thread is not None:
            self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: ExecutorServer

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._send(_answer(411, _refusal("the length of the body is missing")), close=True)
        elif len(length) > 12 or int(length) > _MOST_BYTES:
            self._send(_answer(413, _refusal(f"a message has at most {_MOST_BYTES} bytes")), close=True)
        else:
            body = self.rfile.read(int(length))
            self._send(self.server.receiver.handle(dict(self.headers.items()), body))

    def log_message(self, *_: object) -> None:
        """Nothing: what is done tells the function that does it."""

    def _send(self, answer: Answer, *, close: bool = False) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)


class _Deliveries:
    """What was said to each message, so that each is carried out once, however many threads it comes in by.

    A signature is too old long before what was said is forgotten.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Future[dict[str, Any]]]] = OrderedDict()

    def once(self, identifier: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with self._lock:
            self._forget()
            known = self._known.get(identifier)
            mine: Future[dict[str, Any]] = Future()
            if known is None:
                self._known[identifier] = (self._now(), mine)
        if known is not None:
            return known[1].result()
        try:
            said = act()
        except BaseException as stopped:
            # The program is being ended: nothing was said.
            mine.set_exception(stopped)
            raise
        mine.set_result(said)
        return said

    def _forget(self) -> None:
        oldest = self._now() - _REMEMBER_S
        while self._known:
            identifier, (since, said) = next(iter(self._known.items()))
            if since > oldest or not said.done():
                return
            del self._known[identifier]


def by_job_id(resume_job: Callable[[str], object]) -> Callable[[ResumeRequest], object]:
    """A function for `Receiver` from one that takes the id of a job and finds its state by itself."""
    return lambda wanted: resume_job(wanted.job_id)


def _wanted(kind: object, data: object) -> ResumeRequest | CaptureRequest:
    if kind == "job.resume":
        return decode(ResumeRequest, data)
    if kind == "job.capture":
        return decode(CaptureRequest, data)
    raise DecodeError(f"not a message for an executor: {kind!r:.100}")


def _refusal(reason: str) -> dict[str, Any]:
    return {"accepted": False, "reason": reason[:_LONGEST_REASON]}


def _answer(status: int, said: dict[str, Any]) -> Answer:
    try:
        return Answer(status, to_json(said))
    except (TypeError, ValueError) as error:
        return Answer(status, to_json(_refusal(f"the state cannot be sent: {error}")))


def _member(text: str, name: str) -> str:
    """The JSON text of one member of an object, as it stands there."""
    decoder = json.JSONDecoder()
    place = _after_space(text, 0)
    if text[place : place + 1] != "{":
        raise DecodeError("the answer is not an object")
    while text[place : place + 1] in ("{", ","):
        key, end = decoder.raw_decode(text, _after_space(text, place + 1))
        start = _after_space(text, _after_space(text, end) + 1)
        _, end = decoder.raw_decode(text, start)
        if key == name:
            return text[start:end]
        place = _after_space(text, end)
    raise DecodeError(f"the answer lacks `{name}`")


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\n", "\r", "\t"):
        place += 1
    return place
