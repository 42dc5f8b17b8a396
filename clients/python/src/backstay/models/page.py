"""One page of a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backstay._decode import decode
from backstay.errors import DecodeError

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its items, how many there are in all, and where the next page begins.

    `next` is `None` on the last page; otherwise it is the `cursor` of the next one.
    """

    items: tuple[T, ...]
    total: int
    next: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def to_page(kind: type[T], member: str, answer: Any) -> Page[T]:
    """The page in an answer whose items are the array `member`."""
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get(member), list)
        or not isinstance(answer.get("total"), int)
    ):
        raise DecodeError(f"a list lacks `{member}` or `total`")
    items = tuple(decode(kind, each) for each in answer[member])
    return Page(items, answer["total"], answer.get("next"))
