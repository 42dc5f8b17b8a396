"""What of the queued writes was lost, and who has not been told."""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.langgraph.wire import Skipped


class WriteBehindError(BackstayError):
    """Writes that had been queued are not stored. `lost` counts them by thread; the reason is in `__cause__`."""

    def __init__(self, lost: dict[str, int], reason: BaseException) -> None:
        count = sum(lost.values())
        threads = ", ".join(repr(thread) for thread in list(lost)[:3]) + (", …" if len(lost) > 3 else "")
        super().__init__(f"{count} queued write{'s' if count > 1 else ''} of {threads} not stored: {reason}")
        self.lost = lost
        self.__cause__ = reason


class Losses:
    """Losses by thread. Each is told three times: to any call, to a call of its thread, and to a flush.

    One error may do for several of these. It is not safe for threads by itself.
    """

    def __init__(self) -> None:
        self._untold: dict[str, int] = {}
        self._by_thread: dict[str, int] = {}
        self._unflushed: dict[str, int] = {}
        self._reasons: dict[str, BaseException] = {}

    def add(self, thread_id: str, reason: BaseException) -> None:
        """Notes that one write of a thread is lost."""
        for told in (self._untold, self._by_thread, self._unflushed):
            told[thread_id] = told.get(thread_id, 0) + 1
        if not isinstance(reason, Skipped):
            self._reasons[thread_id] = reason

    def concern(self, thread_id: str | None) -> bool:
        """Whether the next call of a thread, or of all, has to be told something."""
        return bool(self._untold) or (bool(self._by_thread) if thread_id is None else thread_id in self._by_thread)

    def tell(self, thread_id: str | None) -> None:
        """Raises what a call of a thread, or of all, has to be told, once."""
        told = dict(self._untold)
        if thread_id is None:
            told.update(self._by_thread)
            self._by_thread.clear()
        elif thread_id in self._by_thread:
            told[thread_id] = self._by_thread.pop(thread_id)
        self._untold.clear()
        self._raise(told)

    def tell_flush(self) -> None:
        """Raises what was lost since the last flush, once."""
        told = dict(self._unflushed)
        for each in (self._untold, self._by_thread, self._unflushed):
            each.clear()
        self._raise(told)

    def tell_untold(self) -> None:
        """Raises what nobody was told of, once."""
        told = dict(self._untold)
        self._untold.clear()
        self._raise(told)

    def _raise(self, told: dict[str, int]) -> None:
        if not told:
            return
        reason = next((self._reasons[each] for each in told if each in self._reasons), Skipped())
        if not self._unflushed and not self._by_thread:
            self._reasons.clear()
        raise WriteBehindError(told, reason)
