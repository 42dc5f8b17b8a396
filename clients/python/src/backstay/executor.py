"""Lets a program be resumed: it receives signed deliveries, checks them, and calls a function.

executor = Executor(secret, resume)
executor.serve(("127.0.0.1", 8471))          # or answer(headers, body) inside a web framework
"""

from __future__ import annotations

import http.server
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backstay._decode import decode
from backstay.errors import DecodeError
from backstay.webhook import SignatureError, verify

__all__ = ["Delivery", "Executor", "SignatureError", "resume_by_job_id", "verify"]

_REMEMBERED = 10_000
_LARGEST_BODY = 80 << 20


@dataclass(frozen=True)
class Delivery:
    """A job is to go on from a checkpoint.

    A state of more than 1 MiB is not in `state`: fetch it from `state_url` with a token, and compare `state_hash`.
    """

    delivery_id: str
    job_id: str
    checkpoint_id: str
    step_name: str
    form: str
    epoch: int
    key: dict[str, Any] | None = None
    state: Any = None
    state_url: str | None = None
    state_hash: str | None = None
    execution_id: str | None = None
    requested_by: Any = None
    reason: str | None = None


class Executor:
    """Answers the deliveries of one executor.

    `resume` gets a `Delivery`. When it returns `False` or raises, the resume is refused, with the exception as its
    reason; anything else confirms it. It should return soon: the server waits only as long as the executor's
    `timeout_s`. A delivery that comes again, because its answer was lost, is answered from memory and `resume` is not
    called twice.
    """

    def __init__(self, secret: str, resume: Callable[[Delivery], object]) -> None:
        self._secret = secret
        self._resume = resume
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._running: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def answer(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the JSON to answer a delivery with. It may be called by several threads."""
        try:
            verify(self._secret, headers, body)
        except SignatureError as error:
            return 401, {"accepted": False, "reason": str(error)}
        try:
            delivery = decode(Delivery, json.loads(body))
        except (ValueError, DecodeError) as error:
            return 400, {"accepted": False, "reason": f"not a delivery: {error}"}
        return 200, self._once(delivery)

    def _once(self, delivery: Delivery) -> dict[str, Any]:
        identifier = delivery.delivery_id
        while True:
            with self._lock:
                known = self._answers.get(identifier)
                if known is not None:
                    return known
                running = self._running.get(identifier)
                if running is None:
                    done = self._running[identifier] = threading.Event()
                    break
            running.wait()
        try:
            return self._remember(identifier, self._called(delivery))
        finally:
            with self._lock:
                del self._running[identifier]
            done.set()

    def _called(self, delivery: Delivery) -> dict[str, Any]:
        try:
            if self._resume(delivery) is False:
                return {"accepted": False, "reason": "the executor refused"}
        except Exception as error:
            return {"accepted": False, "reason": f"{type(error).__name__}: {error}"[:500]}
        return {"accepted": True}

    def _remember(self, identifier: str, answer: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._answers[identifier] = answer
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    def server(self, address: tuple[str, int]) -> http.server.ThreadingHTTPServer:
        """A listener on `address`, to be run with `serve_forever` and ended with `shutdown`. Put TLS in front of it."""
        answer = self.answer

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 60

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not length.isdigit() or int(length) > _LARGEST_BODY:
                    status, told = 413, {"accepted": False, "reason": "the body has no length or is too large"}
                else:
                    status, told = answer(dict(self.headers), self.rfile.read(int(length)))
                content = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *values: object) -> None:
                """A library is silent."""

        return http.server.ThreadingHTTPServer(address, Handler)

    def serve(self, address: tuple[str, int]) -> None:
        """Listens on `address` until the process is interrupted."""
        with self.server(address) as listener:
            listener.serve_forever()


def resume_by_job_id(resume_job: Callable[[str], object]) -> Callable[[Delivery], object]:
    """Makes a `resume` function from an older `resume_job(job_id)`."""
    return lambda delivery: resume_job(delivery.job_id)
