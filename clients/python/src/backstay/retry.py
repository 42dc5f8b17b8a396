"""How often and when a request is sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backstay.errors import ApiError, BackstayError, TransportError

_TEMPORARY = frozenset({429, 502, 503, 504})
# The server did not carry out what it answered so; 502 and 504 come from something in between.
_REFUSED = frozenset({429, 503})


@dataclass(frozen=True)
class RetryPolicy:
    """A request is sent at most `attempts` times.

    The pause before an attempt is drawn between half of and all of `first_pause_s`, doubled with every attempt and at
    most `longest_pause_s` (exponential back-off with jitter). A server that names a pause (`Retry-After`) gets exactly
    that, unless it is longer than `longest_pause_s`: then the error reaches the caller, who knows better how long to
    wait.
    """

    attempts: int = 4
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_pause_s < 0 or self.longest_pause_s < 0:
            raise ValueError("a retry policy has at least one attempt and no negative pause")

    def pause_s(
        self, attempt: int, error: BackstayError, *, repeatable: bool, random: Callable[[], float]
    ) -> float | None:
        """The pause after `attempt` (counted from 1) failed with `error`; `None` to give up.

        `repeatable` says that carrying the request out twice is the same as once. `random` returns numbers of [0, 1).
        """
        if attempt >= self.attempts or not may_be_sent_again(error, repeatable=repeatable):
            return None
        if isinstance(error, ApiError) and error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= self.longest_pause_s else None
        full = min(self.longest_pause_s, self.first_pause_s * 2.0 ** (attempt - 1))
        return full * (0.5 + random() / 2)


NO_RETRIES = RetryPolicy(attempts=1)
"""Every request is sent once."""


def may_be_sent_again(error: BackstayError, *, repeatable: bool) -> bool:
    """Whether another attempt can succeed and does no harm."""
    if isinstance(error, TransportError):
        return repeatable or not error.may_have_happened
    if isinstance(error, ApiError):
        return error.status in (_TEMPORARY if repeatable else _REFUSED)
    return False
