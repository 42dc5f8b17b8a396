"""A list that is read page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig

from backstay._request import Request
from backstay.langgraph import wire
from backstay.langgraph.entry import Entry, from_tuple, thread_of

_FIRST_PAGE = 10
_LARGEST_PAGE = 1000
_SEARCHED_PAGE = 200
"""At least so many are asked for where a filter goes through all threads: each part of the search asks every thread."""
_PAGE_BYTES = 4 << 20
"""About how much one answer should bring."""


class Pages:
    """What `list` was asked for, and where it is. The size of a page follows from what the checkpoints are like."""

    def __init__(
        self,
        config: RunnableConfig | None,
        filter: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> None:
        configurable = config["configurable"] if config is not None else {}
        thread, namespace = configurable.get("thread_id"), configurable.get("checkpoint_ns")
        self.thread_id = None if thread is None else str(thread)
        self._namespace = None if namespace is None else str(namespace)
        self._only: str | None = configurable.get("checkpoint_id") or None
        self._filter = filter
        self._before = None if before is None else thread_of(before)[2]
        self._left = limit
        self._page = _FIRST_PAGE
        self._cursor: str | None = None
        self.unread = limit is None or limit > 0
        if self._only is not None and (self._before is None or self._only < self._before):
            # The list begins at that checkpoint: nothing lies between an id and the same with a space.
            self._before = self._only + " "
        elif self._only is not None:
            self.unread = False

    def next_request(self) -> Request:
        limit = self._page if self._left is None else min(self._left, self._page)
        if self._filter and self.thread_id is None:
            limit = max(limit, _SEARCHED_PAGE)
        return wire.list_checkpoints(
            thread_id=self.thread_id,
            checkpoint_ns=self._namespace,
            filter=self._filter,
            before=self._before,
            limit=limit,
            cursor=self._cursor,
        )

    def accept(self, answer: Any) -> Sequence[Entry]:
        entries = [from_tuple(each) for each in answer["checkpoints"]]
        if entries:
            average = sum(each.state_bytes for each in entries) // len(entries)
            self._page = max(1, min(_LARGEST_PAGE, _PAGE_BYTES // (average + 1)))
        self._cursor = answer.get("next")
        self.unread = self._cursor is not None
        if self._only is not None:
            mine = [entry for entry in entries if entry.key.checkpoint_id == self._only]
            self.unread = self.unread and len(mine) == len(entries)
            entries = mine
        if self._left is not None:
            entries = entries[: self._left]
            self._left -= len(entries)
            self.unread = self.unread and self._left > 0
        return entries
