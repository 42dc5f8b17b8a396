"""Reads a list page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from backstay.models.page import Page

T = TypeVar("T")


async def every(read: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Every item of a list; `read` gets the cursor of a page and returns the page."""
    cursor = None
    while True:
        page = await read(cursor)
        for item in page.items:
            yield item
        if page.next is None:
            return
        cursor = page.next
