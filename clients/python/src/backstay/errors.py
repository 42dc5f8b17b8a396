"""What can go wrong. Everything that this package raises about a server is a `BackstayError`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstay.models.execution import Step


class BackstayError(Exception):
    """The base of all errors of this package."""


class TransportError(BackstayError):
    """No answer came: no connection, a time limit passed, or the connection broke.

    `may_have_happened` tells whether the server may have carried the request out. The reason is in `__cause__`.
    """

    def __init__(self, method: str, path: str, server: str, reason: str, *, may_have_happened: bool) -> None:
        super().__init__(f"{method} {path} at {server}: {reason}")
        self.method = method
        self.path = path
        self.server = server
        self.may_have_happened = may_have_happened


class DecodeError(BackstayError):
    """The server answered something that this version does not understand."""


class WaitTimeoutError(BackstayError, TimeoutError):
    """Work did not end within the time that the caller gave. It goes on at the server."""


class OperationFailedError(BackstayError):
    """Work that the server had accepted ended without success. `state` is how it ended."""

    def __init__(self, what: str, state: str, reason: str | None) -> None:
        super().__init__(f"{what} {state}" + (f": {reason}" if reason else ""))
        self.state = state
        self.reason = reason


class StepSkippedError(BackstayError):
    """A step will never act. `step` is how it stands."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(f"checkpoint {step.checkpoint_name} of {step.execution_id} will not act: {why}")
        self.step = step


class ApprovalDeniedError(StepSkippedError):
    """Somebody, `by`, denied the approval of a step, for `reason`."""

    def __init__(self, step: Step, by: str, reason: str | None) -> None:
        super().__init__(step, f"{by} denied it" + (f": {reason}" if reason else ""))
        self.by = by
        self.reason = reason


class ApprovalExpiredError(StepSkippedError):
    """The deadline of the approval of a step passed before it was approved."""


class ApprovalWithdrawnError(StepSkippedError):
    """The execution ended before the approval of a step was decided."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    detail: str


@dataclass(frozen=True)
class LockOwner:
    """Who holds a lock."""

    host: str | None = None
    pid: int | None = None
    started_at: str | None = None
    operation: str | None = None


class ApiError(BackstayError):
    """The server refused or failed: a problem details document (RFC 9457).

    `status` is the HTTP status, `code` a stable word, `detail` a sentence for a person, `hint` what to do next,
    `request_id` the name of the request in the server's log, `errors` what is wrong with which field,
    `retry_after_s` how long the server asks to wait, and `problem` the whole document.
    """

    def __init__(self, status: int, problem: dict[str, Any], *, request_id: str, retry_after_s: float | None) -> None:
        self.status = status
        self.problem = problem
        self.code = _text(problem, "code") or "unknown"
        self.title = _text(problem, "title") or ""
        self.detail = _text(problem, "detail") or self.title or f"the server answered {status}"
        self.hint = _text(problem, "hint")
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.errors = _field_errors(problem)
        message = f"{self.detail} ({status} {self.code})"
        if self.errors:
            message += ": " + "; ".join(f"{each.field}: {each.detail}" for each in self.errors)
        if self.hint:
            message += f". {self.hint}"
        super().__init__(message)


class BadRequestError(ApiError):
    """400: the server did not understand the request."""


class UnauthenticatedError(ApiError):
    """401: there is no token, or it is not valid."""


class ForbiddenError(ApiError):
    """403: the token is not allowed to do this."""


class NotFoundError(ApiError):
    """404: there is no such thing, or it is not visible to this token."""


class ConflictError(ApiError):
    """409: the state of the thing does not allow it."""


class BusyError(ConflictError):
    """409: another operation holds the lock; `owner` is who."""

    def __init__(self, status: int, problem: dict[str, Any], *, request_id: str, retry_after_s: float | None) -> None:
        super().__init__(status, problem, request_id=request_id, retry_after_s=retry_after_s)
        owner = problem.get("owner")
        known = owner if isinstance(owner, dict) else {}
        self.owner = LockOwner(**{name: known.get(name) for name in ("host", "pid", "started_at", "operation")})


class PreconditionFailedError(ApiError):
    """412 or 416: a condition of the request does not hold."""


class TooLargeError(ApiError):
    """413: the request is larger than the server takes."""


class InvalidError(ApiError):
    """422: understood and not acceptable; see `errors`."""


class TooManyRequestsError(ApiError):
    """429: too often; see `retry_after_s`."""


class ServerError(ApiError):
    """5xx: the server failed; look for `request_id` in its log."""


class DamagedError(ServerError):
    """500: stored content is damaged."""


class UnavailableError(ServerError):
    """502, 503, 504: something the server needs is not there now; see `retry_after_s`."""


class OutOfSpaceError(ServerError):
    """507: the server has no space left."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: TooLargeError,
    416: PreconditionFailedError,
    422: InvalidError,
    429: TooManyRequestsError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
    507: OutOfSpaceError,
}


def api_error(status: int, problem: dict[str, Any], *, request_id: str, retry_after_s: float | None) -> ApiError:
    """The exception for an answer of `status` with this document."""
    chosen = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    if chosen is ConflictError and problem.get("code") == "busy":
        chosen = BusyError
    elif status == 500 and problem.get("code") == "damaged":
        chosen = DamagedError
    return chosen(status, problem, request_id=request_id, retry_after_s=retry_after_s)


def _text(problem: dict[str, Any], member: str) -> str | None:
    value = problem.get(member)
    return value if isinstance(value, str) and value else None


def _field_errors(problem: dict[str, Any]) -> tuple[FieldError, ...]:
    listed = problem.get("errors")
    if not isinstance(listed, list):
        return ()
    return tuple(
        FieldError(str(each.get("field", "")), str(each.get("detail", ""))) for each in listed if isinstance(each, dict)
    )
