# Generated from ../_async/paging.py by tools/generate_sync.py; change that instead.
"""Reads a list page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from backstay.models.page import Page

T = TypeVar("T")


def every(read: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list; `read` gets the cursor of a page and returns the page."""
    cursor = None
    while True:
        page = read(cursor)
        for item in page.items:
            yield item
        if page.next is None:
            return
        cursor = page.next
