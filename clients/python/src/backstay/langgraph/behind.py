"""Writes that are queued and sent by a thread of their own."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from backstay.errors import BackstayError, WaitTimeoutError
from backstay.langgraph.batch import Outcome, outcomes, take
from backstay.langgraph.wire import Operation, Skipped

LIMIT_BYTES = 16 << 20

Full = Callable[[], Operation] | None
"""Makes an operation that keeps nothing of its parent."""


class WriteBehindError(BackstayError):
    """Writes that had been queued are not stored. `lost` counts them by thread; the reason is in `__cause__`."""

    def __init__(self, lost: dict[str, int], reason: BaseException) -> None:
        count = sum(lost.values())
        threads = ", ".join(repr(thread) for thread in list(lost)[:3]) + (", …" if len(lost) > 3 else "")
        super().__init__(f"{count} queued write{'s' if count > 1 else ''} of {threads} not stored: {reason}")
        self.lost = lost
        self.__cause__ = reason


class WriteBehind:
    """A queue of at most `limit_bytes`, emptied in order. When it is full, adding waits.

    After a failure what is queued of the same thread is dropped and counted, because it stands on what failed; the next
    call of any kind raises `WriteBehindError` once. Then the thread may be written again.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Operation]], Any],
        lost: Callable[[str], None],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._send = send
        self._on_lost = lost
        self._limit_bytes = limit_bytes
        self._queue: deque[tuple[Operation, Full]] = deque()
        self._pending: Counter[str] = Counter()
        self._pending_bytes = 0
        self._failed: dict[str, int] = {}
        self._reason: BaseException | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def has_room(self, operation: Operation) -> bool:
        """Whether adding would not wait."""
        with self._changed:
            return self._fits(operation)

    def add(self, operation: Operation, full: Full = None) -> None:
        """Queues an operation; it is not on disk yet."""
        with self._changed:
            self._changed.wait_for(lambda: self._fits(operation) or self._failed)
            self._raise()
            if self._closed:
                raise BackstayError("the saver is closed")
            self._queue.append((operation, full))
            self._pending[operation.thread_id] += 1
            self._pending_bytes += operation.size_bytes
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="backstay-write-behind", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _fits(self, operation: Operation) -> bool:
        # One that is larger than the limit goes alone.
        return self._pending_bytes == 0 or self._pending_bytes + operation.size_bytes <= self._limit_bytes

    def is_pending(self, thread_id: str | None = None) -> bool:
        """Whether something, or something of a thread, is not on disk yet or a failure was not raised yet."""
        with self._changed:
            return bool(self._failed) or (self._pending_bytes > 0 if thread_id is None else thread_id in self._pending)

    def flush(self, thread_id: str | None = None, timeout_s: float | None = None) -> None:
        """Returns when all that was queued before, or that of one thread, is on disk.

        Raises `WriteBehindError` when some of it is not and will not be, `WaitTimeoutError` when the time is over.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            ended = self._changed.wait_for(
                lambda: self._failed or not (self._pending if thread_id is None else thread_id in self._pending),
                None if deadline is None else max(0.0, deadline - time.monotonic()),
            )
            self._raise()
            if not ended:
                raise WaitTimeoutError(f"{sum(self._pending.values())} queued writes are not on disk yet")

    def raise_failure(self) -> None:
        """Raises what failed since the last call, once."""
        with self._changed:
            self._raise()

    def _raise(self) -> None:
        if self._failed and self._reason is not None:
            lost, reason, self._failed, self._reason = self._failed, self._reason, {}, None
            raise WriteBehindError(lost, reason)

    def close(self) -> None:
        """Ends the thread when everything is sent. Raises as `flush`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        self.raise_failure()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                batch = take(self._queue)
            self._store(batch)

    def _store(self, batch: list[tuple[Operation, Full]]) -> None:
        operations = [operation for operation, _ in batch]
        try:
            results = outcomes(self._send(operations), len(operations))
        except Exception as error:
            self._end(batch, [error] * len(batch))
            return
        for position, ((operation, full), result) in enumerate(zip(batch, results, strict=True)):
            if isinstance(result, BackstayError) and getattr(result, "code", "") == "missing_channels" and full:
                # The parent is gone or another one: send all, then what was skipped for it, in order.
                self._end(batch[:position], list(results[:position]))
                rest = [(full(), None), *batch[position + 1 :]]
                with self._changed:
                    self._pending_bytes += rest[0][0].size_bytes - operation.size_bytes
                undone = [rest[0]] + [
                    each for each, told in zip(rest[1:], results[position + 1 :], strict=True) if told is not None
                ]
                done = [each for each, told in zip(rest[1:], results[position + 1 :], strict=True) if told is None]
                self._end(done, [None] * len(done))
                self._store(undone)
                return
        self._end(batch, list(results))

    def _end(self, batch: list[tuple[Operation, Full]], results: Sequence[Outcome | BaseException]) -> None:
        """Takes operations out of the accounts, and what stands on a failed one with it."""
        lost: set[str] = set()
        with self._changed:
            for (operation, _), result in zip(batch, results, strict=True):
                self._take_out(operation)
                if result is not None:
                    self._failed[operation.thread_id] = self._failed.get(operation.thread_id, 0) + 1
                    lost.add(operation.thread_id)
                    if self._reason is None and not isinstance(result, Skipped):
                        self._reason = result
            if lost:
                kept: deque[tuple[Operation, Full]] = deque()
                for each in self._queue:
                    if each[0].thread_id in lost:
                        self._take_out(each[0])
                        self._failed[each[0].thread_id] += 1
                    else:
                        kept.append(each)
                self._queue = kept
            self._changed.notify_all()
        for thread_id in lost:
            self._on_lost(thread_id)

    def _take_out(self, operation: Operation) -> None:
        self._pending[operation.thread_id] -= 1
        if not self._pending[operation.thread_id]:
            del self._pending[operation.thread_id]
        self._pending_bytes -= operation.size_bytes
