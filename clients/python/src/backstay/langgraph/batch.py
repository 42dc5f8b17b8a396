"""Concurrent writes share a request. A lone one is sent at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from backstay.errors import BackstayError, BadRequestError, DecodeError, InvalidError, TooLargeError
from backstay.langgraph.wire import Operation, Skipped, outcome

Outcome = BackstayError | Skipped | None
"""What became of an operation: it is on disk (`None`), it failed, or it was not tried because of one before it."""

Queued = TypeVar("Queued", bound=tuple[Any, ...])
MAX_OPERATIONS = 1000
MAX_BYTES = 16 << 20
MAX_UNDER_WAY = 2

# A request of several operations is refused as a whole where one of them is no good.
_OF_ONE = (BadRequestError, TooLargeError, InvalidError)


def take(queue: deque[Queued]) -> list[Queued]:
    """What goes into the next request, in order: at least one. An item of the queue begins with its operation."""
    taken = [queue.popleft()]
    size = taken[0][0].size_bytes
    while queue and len(taken) < MAX_OPERATIONS and size + queue[0][0].size_bytes <= MAX_BYTES:
        taken.append(queue.popleft())
        size += taken[-1][0].size_bytes
    return taken


def store(send: Callable[[Sequence[Operation]], Any], operations: Sequence[Operation]) -> list[Outcome]:
    """Sends operations in one request and returns what became of each.

    When the request is refused because one of them is no good they are sent one by one, so that nobody fails for the
    mistake of another; after one that fails the rest of its thread is skipped.
    """
    try:
        return _outcomes(send(operations), len(operations))
    except _OF_ONE as error:
        if len(operations) == 1:
            return [error]
    except BackstayError as error:
        return [error] * len(operations)
    told: list[Outcome] = []
    failed: set[str] = set()
    for operation in operations:
        told += [Skipped()] if operation.thread_id in failed else store(send, [operation])
        if told[-1] is not None:
            failed.add(operation.thread_id)
    return told


async def astore(
    send: Callable[[Sequence[Operation]], Awaitable[Any]], operations: Sequence[Operation]
) -> list[Outcome]:
    """`store` for the event loop."""
    try:
        return _outcomes(await send(operations), len(operations))
    except _OF_ONE as error:
        if len(operations) == 1:
            return [error]
    except BackstayError as error:
        return [error] * len(operations)
    told: list[Outcome] = []
    failed: set[str] = set()
    for operation in operations:
        told += [Skipped()] if operation.thread_id in failed else await astore(send, [operation])
        if told[-1] is not None:
            failed.add(operation.thread_id)
    return told


def _outcomes(answer: Any, count: int) -> list[Outcome]:
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != count:
        raise DecodeError(f"the answer to {count} writes does not tell of each")
    return [outcome(each) for each in results]


class _Waiting:
    """A caller whose operation is queued. It is woken with the outcome, or with a batch: to send it for all in it."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.batch: list[tuple[Operation, _Waiting]] | None = None
        self.outcome: Outcome = None


class Batcher:
    """For threads: whoever finds a request free sends; what comes while none is free shares the next one.

    Two requests may be under way, so that one is prepared while the server works on the other.
    """

    def __init__(self, send: Callable[[Sequence[Operation]], Any]) -> None:
        self._send = send
        self._queue: deque[tuple[Operation, _Waiting]] = deque()
        self._under_way = 0
        self._lock = threading.Lock()

    def write(self, operation: Operation) -> Outcome:
        """Returns when the operation is on disk, failed or was skipped."""
        own = _Waiting()
        with self._lock:
            if self._under_way < MAX_UNDER_WAY:
                self._under_way += 1
                own.batch = [(operation, own)]
            else:
                self._queue.append((operation, own))
        try:
            if own.batch is None:
                own.woken.wait()
            if own.batch is not None:
                self._lead(own, own.batch)
        except BaseException:
            # An interruption (Ctrl-C) is of this thread; the others go on. Storing twice is the same as once, so one of
            # them sends theirs again.
            with self._lock:
                if own.batch is None:
                    self._queue = deque(each for each in self._queue if each[1] is not own)
                else:
                    self._queue.extendleft(each for each in reversed(own.batch) if each[1] is not own)
                    self._hand_over(own)
            raise
        return own.outcome

    def _lead(self, own: _Waiting, batch: list[tuple[Operation, _Waiting]]) -> None:
        results = store(self._send, [operation for operation, _ in batch])
        with self._lock:
            self._hand_over(own)
        for (_, waiting), result in zip(batch, results, strict=True):
            waiting.outcome = result
            waiting.woken.set()

    def _hand_over(self, own: _Waiting) -> None:
        """The request of `own` is over; who waits longest sends the next one."""
        own.batch = None
        if self._queue:
            batch = take(self._queue)
            following = batch[0][1]
            following.batch = batch
            following.woken.set()
        else:
            self._under_way -= 1


class AsyncBatcher:
    """The same for the tasks of one event loop."""

    def __init__(self, send: Callable[[Sequence[Operation]], Awaitable[Any]]) -> None:
        self._send = send
        self._queue: deque[tuple[Operation, asyncio.Future[Outcome]]] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._under_way = 0

    async def write(self, operation: Operation) -> Outcome:
        """Returns when the operation is on disk, failed or was skipped."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((operation, future))
        if self._under_way < MAX_UNDER_WAY:
            self._under_way += 1
            # A task of its own: a caller that is cancelled takes nobody with it.
            sender = asyncio.create_task(self._send_all())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await future

    async def _send_all(self) -> None:
        try:
            while self._queue:
                batch = take(self._queue)
                try:
                    results = await astore(self._send, [operation for operation, _ in batch])
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
            self._under_way -= 1
