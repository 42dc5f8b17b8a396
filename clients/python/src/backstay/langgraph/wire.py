"""Threads on the wire: requests in MessagePack, and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import ormsgpack

from backstay._request import Request, new_idempotency_key, request
from backstay.errors import ApiError, DecodeError, api_error

_MSGPACK = "application/msgpack"
_HEADERS = {"Content-Type": _MSGPACK, "Accept": f"{_MSGPACK}, application/problem+json"}
_PATH = ("api", "v1", "threads")


class Key(NamedTuple):
    """Names a checkpoint of a thread."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str

    def body(self) -> dict[str, str]:
        return self._asdict()


class Operation(NamedTuple):
    """One write, as it goes over the wire. It is packed where it is made, so that a mistake in it is its caller's."""

    thread_id: str
    packed: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.packed)


def operation(thread_id: str, body: Mapping[str, Any]) -> Operation:
    return Operation(thread_id, ormsgpack.packb(body))


def get_tuple(thread_id: str, checkpoint_ns: str, checkpoint_id: str | None, etag: str | None) -> Request:
    query = {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns, "checkpoint_id": checkpoint_id}
    headers = {"Accept": _HEADERS["Accept"]}
    if etag is not None:
        headers["If-None-Match"] = etag
    return request("GET", *_PATH, "tuple", query=query, headers=headers)


def list_checkpoints(
    *,
    thread_id: str | None,
    checkpoint_ns: str | None,
    filter: Mapping[str, Any] | None,
    before: str | None,
    limit: int,
    cursor: str | None,
) -> Request:
    query = {
        "thread_id": thread_id,
        "checkpoint_ns": checkpoint_ns,
        "filter": json.dumps(filter, allow_nan=False) if filter else None,
        "before": before,
        "limit": limit,
        "cursor": cursor,
    }
    return request("GET", *_PATH, "checkpoints", query=query, headers={"Accept": _HEADERS["Accept"]})


def batch(operations: Sequence[Operation]) -> Request:
    """Several writes. Each names what it stores, so that sending it again needs no key by which to recognize it."""
    packed = [each.packed for each in operations]
    content = b"".join([_BATCH, b"\xdc", len(packed).to_bytes(2, "big"), *packed])
    return Request("POST", _path("batch"), content, _HEADERS, idempotent=True)


# The MessagePack of an object with one member, whose array follows: `dc` and its length in two bytes.
_BATCH = b"\x81\xaaoperations"


def delta_history(thread_id: str, checkpoint_ns: str, checkpoint_id: str | None, channels: Sequence[str]) -> Request:
    key = {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns, "checkpoint_id": checkpoint_id}
    return _post("delta-history", {"key": key, "channels": list(channels)})


def copy_thread(source: str, target: str) -> Request:
    return _post("copy", {"from": source, "to": target})


def prune(thread_ids: Sequence[str], strategy: str) -> Request:
    return _post("prune", {"thread_ids": list(thread_ids), "strategy": strategy})


def delete_runs(run_ids: Sequence[str]) -> Request:
    return _post("delete-runs", {"run_ids": list(run_ids)})


def delete_thread(thread_id: str) -> Request:
    return request("DELETE", *_PATH, query={"thread_id": thread_id}, headers={"Accept": _HEADERS["Accept"]})


def _post(name: str, body: Mapping[str, Any]) -> Request:
    headers = {**_HEADERS, "Idempotency-Key": new_idempotency_key()}
    return Request("POST", _path(name), ormsgpack.packb(body), headers)


def _path(name: str) -> str:
    return "/" + "/".join((*_PATH, name))


def answer(response: httpx.Response) -> Any:
    """The decoded body of a successful answer."""
    try:
        if response.headers.get("Content-Type", "").startswith(_MSGPACK):
            return ormsgpack.unpackb(response.content)
        return json.loads(response.content)
    except ValueError as error:
        raise DecodeError(f"the answer to {response.request.url.path} is not readable: {error}") from error


class Skipped(Exception):
    """An operation was not tried, because an earlier one of its thread failed."""

    def __init__(self) -> None:
        super().__init__("an earlier write of the thread failed")


def outcome(result: Any) -> ApiError | Skipped | None:
    """What became of one operation of a batch; `None` when it is on disk."""
    status = result.get("status") if isinstance(result, dict) else None
    if not isinstance(status, int):
        raise DecodeError("the answer to several writes does not tell of one")
    if status < 300:
        return None
    if result.get("skipped"):
        return Skipped()
    problem = result.get("error") or {}
    return api_error(status, problem, request_id=str(problem.get("request_id", "")), retry_after_s=None)
