"""Concurrent writes share a request. A lone one is sent at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from backstay.errors import ApiError, BackstayError, DecodeError
from backstay.langgraph.wire import Operation, Skipped, outcome

Outcome = ApiError | Skipped | None
MAX_OPERATIONS = 1000
MAX_BYTES = 16 << 20


def take(queue: deque[tuple[Operation, Any]]) -> list[tuple[Operation, Any]]:
    """The operations of the next request, in order: at least one."""
    taken = [queue.popleft()]
    size = taken[0][0].size_bytes
    while queue and len(taken) < MAX_OPERATIONS and size + queue[0][0].size_bytes <= MAX_BYTES:
        taken.append(queue.popleft())
        size += taken[-1][0].size_bytes
    return taken


def outcomes(answer: Any, count: int) -> list[Outcome]:
    """What became of each operation of a request."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != count:
        raise DecodeError(f"the answer to {count} writes does not tell of each")
    return [outcome(each) for each in results]


class _Waiting:
    """A caller whose operation is queued. It is woken with the outcome, or to send for all."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.done = False
        self.outcome: Outcome = None
        self.error: BaseException | None = None


class Batcher:
    """For threads: whoever finds nobody sending sends, for itself and for all who queue up meanwhile."""

    def __init__(self, send: Callable[[Sequence[Operation]], Any]) -> None:
        self._send = send
        self._queue: deque[tuple[Operation, _Waiting]] = deque()
        self._sending = False
        self._lock = threading.Lock()

    def write(self, operation: Operation) -> Outcome:
        """Returns when the operation is on disk or refused; raises when no answer came."""
        own = _Waiting()
        with self._lock:
            self._queue.append((operation, own))
            sends = not self._sending
            self._sending = True
        if not sends:
            own.woken.wait()
        if not own.done:
            self._send_next(own)
        if own.error is not None:
            raise own.error
        return own.outcome

    def _send_next(self, own: _Waiting) -> None:
        with self._lock:
            batch = take(self._queue)
        try:
            results = outcomes(self._send([operation for operation, _ in batch]), len(batch))
            for (_, waiting), result in zip(batch, results, strict=True):
                waiting.outcome = result
        except BaseException as error:
            # An interruption (Ctrl-C) is of the thread that sends; the others learn that theirs was not confirmed.
            others = error if isinstance(error, Exception) else BackstayError("the thread that sent it was interrupted")
            for _, waiting in batch:
                waiting.error = error if waiting is own else others
        with self._lock:
            following = self._queue[0][1] if self._queue else None
            self._sending = following is not None
        if following is not None:
            following.woken.set()
        for _, waiting in batch:
            waiting.done = True
            waiting.woken.set()


class AsyncBatcher:
    """The same for the tasks of one event loop."""

    def __init__(self, send: Callable[[Sequence[Operation]], Awaitable[Any]]) -> None:
        self._send = send
        self._queue: deque[tuple[Operation, asyncio.Future[Outcome]]] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def write(self, operation: Operation) -> Outcome:
        """Returns when the operation is on disk or refused; raises when no answer came."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((operation, future))
        if self._sender is None:
            # A task of its own: a caller that is cancelled takes nobody with it.
            self._sender = asyncio.create_task(self._send_all())
        return await future

    async def _send_all(self) -> None:
        try:
            while self._queue:
                batch = take(self._queue)
                try:
                    results = outcomes(await self._send([operation for operation, _ in batch]), len(batch))
                except BaseException as error:
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    for (_, future), result in zip(batch, results, strict=True):
                        if not future.done():
                            future.set_result(result)
        finally:
            self._sender = None
