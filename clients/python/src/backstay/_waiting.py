"""How long a request may ask the server to hold its answer."""

from __future__ import annotations

LONGEST_WAIT_S = 60


def first_wait_s(timeout_s: float | None) -> int:
    """Whole seconds for `?wait=`: as long as the caller waits at all, within what the server allows."""
    return LONGEST_WAIT_S if timeout_s is None else max(0, min(LONGEST_WAIT_S, int(timeout_s)))
