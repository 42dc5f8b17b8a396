"""Requests before they are sent, and answers before they are decoded: everything that does no input or output."""

from __future__ import annotations

import datetime
import email.utils
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from backstay.errors import ApiError, DecodeError, TransportError, api_error

Query = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One call of the API. It can be sent more than once."""

    method: str
    path: str
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    extra_time_s: float = 0.0
    """How much longer than usual the answer may take."""
    idempotent: bool = False
    """Whether carrying it out twice is the same as once although neither its method nor a key says so."""

    @property
    def repeatable(self) -> bool:
        """Whether carrying it out twice is the same as once."""
        return self.idempotent or self.method in ("GET", "HEAD", "PUT", "DELETE") or "Idempotency-Key" in self.headers


def request(
    method: str,
    *segments: str,
    query: Query | None = None,
    body: object = None,
    idempotency_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    extra_time_s: float = 0.0,
) -> Request:
    """A request whose path is made of `segments`, each encoded, so that no id can leave its place.

    Query parameters that are `None` are left out.
    """
    sent = dict(headers or {})
    content = None
    if body is not None:
        content = to_json(body)
        sent["Content-Type"] = "application/json"
    if idempotency_key is not None:
        sent["Idempotency-Key"] = idempotency_key
    path = "/" + "/".join(map(_segment, segments))
    pairs = [(name, _parameter(value)) for name, value in (query or {}).items() if value is not None]
    return Request(method, f"{path}?{urlencode(pairs)}" if pairs else path, content, sent, extra_time_s)


def _segment(value: str) -> str:
    if value in ("", ".", ".."):
        raise ValueError(f"{value!r} is no id")
    return quote(value, safe="")


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return to_time(value)
    return str(value)


def new_idempotency_key() -> str:
    """A key by which the server recognizes a request that is sent twice."""
    return secrets.token_hex(16)


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a body that the caller gave."""
    return {name: value for name, value in members.items() if value is not None}


def to_time(value: datetime.datetime) -> str:
    """RFC 3339. A time without a zone would mean something else elsewhere, so it is refused."""
    if value.tzinfo is None:
        raise ValueError("a time needs a zone: use datetime.now(timezone.utc)")
    return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def to_json(value: object) -> bytes:
    """Compact JSON in UTF-8. NaN, infinities and lone surrogates are no JSON and raise `ValueError`."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_time_as_text)
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"text with a lone surrogate cannot be sent: {error.reason}") from None
    except ValueError as error:
        raise ValueError(f"this cannot be sent as JSON: {error}") from None


def _time_as_text(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return to_time(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent as JSON")


def from_json(response: httpx.Response) -> Any:
    """The JSON of a successful answer."""
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise DecodeError(f"the answer to {_named(response.request)} is not JSON: {error}") from error


def failure(response: httpx.Response) -> ApiError:
    """The exception for an answer that is no success and whose body is read."""
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    request_id = problem.get("request_id") or response.headers.get("X-Request-Id") or ""
    return api_error(response.status_code, problem, request_id=str(request_id), retry_after_s=_retry_after_s(response))


def _retry_after_s(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After")
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (at - datetime.datetime.now(datetime.timezone.utc)).total_seconds())


def time_of(response: httpx.Response) -> float:
    """What time it was at the server when it answered, in Unix seconds; here when it does not say."""
    try:
        return email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


# With these the request did not leave, or not whole: the server cannot have acted on it.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


_REASONS: dict[type[httpx.HTTPError], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ReadTimeout: "no answer in time",
    httpx.PoolTimeout: "no free connection in time",
}


def no_answer(sent: httpx.Request, error: httpx.HTTPError) -> TransportError:
    """The exception for a request that got no whole answer."""
    reason = str(error) or _REASONS.get(type(error), type(error).__name__)
    server = f"{sent.url.scheme}://{sent.url.netloc.decode('ascii')}"
    return TransportError(
        sent.method, sent.url.path, server, reason, may_have_happened=not isinstance(error, _NOT_SENT)
    )


def _named(sent: httpx.Request) -> str:
    return f"{sent.method} {sent.url.path}"
