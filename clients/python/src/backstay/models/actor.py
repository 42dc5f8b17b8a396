"""Who did something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A user, a token, the machine's own user, the system, or nobody known."""

    kind: str
    id: str
    name: str
