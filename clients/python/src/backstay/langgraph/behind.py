"""Writes that are queued and sent by a thread of their own."""

from __future__ import annotations

import atexit
import logging
import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from backstay.errors import ApiError, BackstayError, WaitTimeoutError
from backstay.langgraph.batch import Outcome, store, take
from backstay.langgraph.losses import Losses
from backstay.langgraph.wire import Operation, Skipped

LIMIT_BYTES = 16 << 20
_IDLE_S = 5.0
"""How long the thread waits for more before it ends; it is started again when it is needed."""

Full = Callable[[], Operation] | None
"""Makes an operation that keeps nothing of its parent."""


class _Queued(NamedTuple):
    operation: Operation
    number: int
    full: Full


class WriteBehind:
    """A queue of at most `limit_bytes`, emptied in order. When it is full, adding waits.

    After a failure what is queued of the same thread is dropped and counted, because it stands on what failed.
    `WriteBehindError` tells of it: the next call of any kind, the next call of that thread if this was another one, and
    the next `flush`. Then the thread may be written again. `forget` is called with each thread that lost something.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Operation]], Any],
        forget: Callable[[str], None],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._send = send
        self._forget = forget
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._queue: deque[_Queued] = deque()
        self._sending: list[_Queued] = []
        self._pending_bytes = 0
        self._last = 0
        self._last_of: dict[str, int] = {}
        self._losses = Losses()
        self._closed = False
        self._thread: threading.Thread | None = None
        _UNCLOSED.add(self)

    def add(self, operation: Operation, full: Full = None, *, wait: bool = True) -> bool:
        """Queues an operation, which is not on disk then. Without `wait` it returns `False` where it would wait."""
        thread_id = operation.thread_id
        with self._changed:
            if not wait and not self._fits(operation):
                return False
            self._changed.wait_for(lambda: self._fits(operation) or self._losses.concern(thread_id))
            self._losses.tell(thread_id)
            if self._closed:
                raise BackstayError("the saver is closed")
            self._last += 1
            self._queue.append(_Queued(operation, self._last, full))
            self._last_of[thread_id] = self._last
            self._pending_bytes += operation.size_bytes
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="backstay-write-behind", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return True

    def _fits(self, operation: Operation) -> bool:
        # One that is larger than the limit goes alone.
        return self._pending_bytes == 0 or self._pending_bytes + operation.size_bytes <= self._limit_bytes

    def is_pending(self, thread_id: str | None) -> bool:
        """Whether `settle` would wait or raise."""
        with self._changed:
            pending = self._pending_bytes > 0 if thread_id is None else thread_id in self._last_of
            return pending or self._losses.concern(thread_id)

    def settle(self, thread_id: str | None) -> None:
        """Returns when what is queued of a thread, or all, is on disk, and raises what any call raises."""
        with self._changed:
            last = self._last if thread_id is None else self._last_of.get(thread_id, 0)
            self._changed.wait_for(lambda: self._oldest() > last or self._losses.concern(thread_id))
            self._losses.tell(thread_id)

    def flush(self, timeout_s: float | None = None) -> None:
        """Returns when all that was queued before is on disk.

        Raises `WriteBehindError` when something that was queued since the last `flush` is not and will not be, whether
        another call told of it or not; `WaitTimeoutError` when the time is over.
        """
        with self._changed:
            last = self._last
            ended = self._changed.wait_for(lambda: self._oldest() > last, timeout_s)
            self._losses.tell_flush()
            if not ended:
                left = sum(each.number <= last for each in (*self._sending, *self._queue))
                raise WaitTimeoutError(f"{left} queued write{'s' if left > 1 else ''} not on disk yet")

    def close(self) -> None:
        """Ends the thread when everything is sent. Raises what nothing told of yet."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        with self._changed:
            self._losses.tell_untold()

    def _oldest(self) -> float:
        """The number of the oldest that is not on disk."""
        if self._sending:
            return self._sending[0].number
        return self._queue[0].number if self._queue else math.inf

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed, _IDLE_S)
                if not self._queue:
                    self._thread = None
                    return
                self._sending = take(self._queue)
            outcomes = self._stored(self._sending)
            with self._changed:
                self._account(outcomes)
                self._changed.notify_all()

    def _stored(self, batch: Sequence[_Queued]) -> dict[int, Outcome | Exception]:
        """What became of each, by number."""
        told: dict[int, Outcome | Exception] = {}
        left = list(batch)
        while left:
            try:
                outcomes: Sequence[Outcome | Exception] = store(self._send, [each.operation for each in left])
            except Exception as error:
                outcomes = [error] * len(left)
            again: list[_Queued] = []
            threads: set[str] = set()
            for each, outcome in zip(left, outcomes, strict=True):
                thread_id = each.operation.thread_id
                if each.full is not None and isinstance(outcome, ApiError) and outcome.code == "missing_channels":
                    # The parent is gone, or another one than was known: send all.
                    again.append(each._replace(operation=each.full(), full=None))
                    threads.add(thread_id)
                elif isinstance(outcome, Skipped) and thread_id in threads:
                    again.append(each)
                else:
                    told[each.number] = outcome
            left = again
        return told

    def _account(self, outcomes: dict[int, Outcome | Exception]) -> None:
        """Takes what was sent out of the accounts, and what stands on a failure out of the queue."""
        lost: set[str] = set()
        for each in self._sending:
            self._take_out(each)
            outcome = outcomes[each.number]
            if outcome is not None:
                self._losses.add(each.operation.thread_id, outcome)
                lost.add(each.operation.thread_id)
        self._sending = []
        if not lost:
            return
        kept: deque[_Queued] = deque()
        for each in self._queue:
            if each.operation.thread_id in lost:
                self._take_out(each)
                self._losses.add(each.operation.thread_id, Skipped())
            else:
                kept.append(each)
        self._queue = kept
        for thread_id in lost:
            self._forget(thread_id)

    def _take_out(self, queued: _Queued) -> None:
        thread_id = queued.operation.thread_id
        self._pending_bytes -= queued.operation.size_bytes
        if self._last_of.get(thread_id) == queued.number:
            del self._last_of[thread_id]


_UNCLOSED: weakref.WeakSet[WriteBehind] = weakref.WeakSet()


@atexit.register
def _finish() -> None:
    """Sends what is still queued when a program ends in an orderly way without closing its savers."""
    for behind in list(_UNCLOSED):
        try:
            behind.close()
        except BackstayError as error:
            logging.getLogger("backstay").error("%s", error)
