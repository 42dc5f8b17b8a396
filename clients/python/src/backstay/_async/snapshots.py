"""Snapshots of every kind."""

from __future__ import annotations

import builtins
import datetime
from collections.abc import AsyncIterator, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from backstay._async.paging import every
from backstay._async.tasks import AsyncTasks
from backstay._async.transport import AsyncTransport
from backstay._decode import decode
from backstay._request import Request, request, without_none
from backstay._waiting import first_wait_s
from backstay.models.page import Page, to_page
from backstay.models.restore import RestorePlan
from backstay.models.snapshot import Change, Entry, HistoryEntry, Hold, Kind, Snapshot, SnapshotState, Trigger
from backstay.models.task import Task


def _call(method: str, snapshot_id: str, *rest: str, **options: Any) -> Request:
    return request(method, "api", "v1", "snapshots", snapshot_id, *rest, **options)


class AsyncSnapshots:
    """Snapshots: find, read, compare, pin, hold, verify, delete."""

    def __init__(self, transport: AsyncTransport, tasks: AsyncTasks) -> None:
        self._transport = transport
        self._tasks = tasks

    async def list(
        self,
        *,
        kind: Kind | None = None,
        source: str | None = None,
        label: str | None = None,
        q: str | None = None,
        state: SnapshotState | None = None,
        trigger: Trigger | None = None,
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        pinned: bool | None = None,
        limit: int = 100,
        offset: int | None = None,
        cursor: str | None = None,
    ) -> Page[Snapshot]:
        """One page of snapshots, newest first. Deleted ones are left out unless `state` names them."""
        query = {
            "kind": kind, "source": source, "label": label, "q": q, "state": state, "trigger": trigger,
            "since": since, "until": until, "pinned": pinned, "limit": limit, "offset": offset, "cursor": cursor,
        }  # fmt: skip
        answer = await self._transport.fetch(request("GET", "api", "v1", "snapshots", query=query))
        return to_page(Snapshot, "snapshots", answer)

    def iterate(self, **filters: Any) -> AsyncIterator[Snapshot]:
        """All snapshots that match, newest first, read page by page. The filters are those of `list`."""
        return every(lambda cursor: self.list(**filters, cursor=cursor))

    async def history(
        self,
        *,
        action: Literal["create", "restore", "delete"] | None = None,
        source: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[HistoryEntry]:
        """What was created, restored and deleted, newest first."""
        query = {"action": action, "source": source, "limit": limit, "cursor": cursor}
        answer = await self._transport.fetch(request("GET", "api", "v1", "snapshots", "history", query=query))
        return to_page(HistoryEntry, "history", answer)

    async def get(self, snapshot_id: str) -> Snapshot:
        """A snapshot with its counts and warnings."""
        return decode(Snapshot, await self._transport.fetch(_call("GET", snapshot_id)))

    async def update(self, snapshot_id: str, *, label: str | None = None, description: str | None = None) -> Snapshot:
        """Changes label or description. What is `None` stays."""
        body = without_none({"label": label, "description": description})
        return decode(Snapshot, await self._transport.fetch(_call("PATCH", snapshot_id, body=body)))

    async def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot. A pinned or held one raises `ConflictError`."""
        await self._transport.delete(_call("DELETE", snapshot_id))

    async def pin(self, snapshot_id: str) -> Snapshot:
        """Forbids deletion until it is unpinned."""
        return decode(Snapshot, await self._transport.fetch(_call("PUT", snapshot_id, "pin")))

    async def unpin(self, snapshot_id: str) -> Snapshot:
        """Removes the pin."""
        return decode(Snapshot, await self._transport.fetch(_call("DELETE", snapshot_id, "pin")))

    async def holds(self, snapshot_id: str) -> builtins.list[Hold]:
        """The holds on a snapshot, its pin among them."""
        answer = await self._transport.fetch(_call("GET", snapshot_id, "holds", query={"limit": 1000}))
        return builtins.list(to_page(Hold, "holds", answer).items)

    async def place_hold(self, snapshot_id: str, reason: str, *, expires_at: datetime.datetime | None = None) -> Hold:
        """Forbids deletion, with a reason and perhaps an end."""
        body = without_none({"reason": reason, "expires_at": expires_at})
        return decode(Hold, await self._transport.fetch(_call("POST", snapshot_id, "holds", body=body)))

    async def release_hold(self, hold_id: str) -> None:
        """Releases a hold."""
        await self._transport.delete(request("DELETE", "api", "v1", "holds", hold_id))

    async def entries(
        self,
        snapshot_id: str,
        path: str | None = None,
        *,
        recursive: bool = False,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Page[Entry]:
        """One page of a directory of a snapshot, or of everything below it."""
        query = {"path": path, "recursive": recursive, "limit": limit, "cursor": cursor}
        return to_page(Entry, "entries", await self._transport.fetch(_call("GET", snapshot_id, "entries", query=query)))

    def iterate_entries(
        self, snapshot_id: str, path: str | None = None, *, recursive: bool = False
    ) -> AsyncIterator[Entry]:
        """Every entry of a directory of a snapshot, or of everything below it."""
        return every(lambda cursor: self.entries(snapshot_id, path, recursive=recursive, cursor=cursor))

    async def read(self, snapshot_id: str, path: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of a file, or `length` of them from `start`, in memory."""
        headers = {"Accept": "*/*"}
        if start or length is not None:
            if start < 0 or (length is not None and length < 1):
                raise ValueError("a range begins at 0 or later and has at least one byte")
            headers["Range"] = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
        response = await self._transport.send(
            _call("GET", snapshot_id, "content", query={"path": path}, headers=headers)
        )
        return response.content

    async def download(self, snapshot_id: str, path: str, target: str | PathLike[str]) -> int:
        """Writes a file of a snapshot to `target` and returns its size in bytes.

        `target` must not exist. It is removed again when the transfer breaks off, as it does when the server finds its
        copy damaged.
        """
        call = _call("GET", snapshot_id, "content", query={"path": path}, headers={"Accept": "*/*"})
        return await self._save(call, Path(target))

    async def download_archive(self, snapshot_id: str, target: str | PathLike[str], path: str | None = None) -> int:
        """Writes a directory of a snapshot to `target` as `.tar.zst`; otherwise as `download`."""
        call = _call("GET", snapshot_id, "archive", query={"path": path}, headers={"Accept": "*/*"})
        return await self._save(call, Path(target))

    async def _save(self, call: Request, target: Path) -> int:
        async with self._transport.stream(call) as response:
            with target.open("xb") as file:
                try:
                    async for part in response.aiter_bytes():
                        file.write(part)
                    return file.tell()
                except BaseException:
                    target.unlink()
                    raise

    async def diff(
        self,
        snapshot_id: str,
        against: str | None = None,
        *,
        path: str | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Page[Change]:
        """One page of what differs from the snapshot `against`; without it, from the live workspace."""
        query = {"against": against, "path": path, "limit": limit, "cursor": cursor}
        return to_page(Change, "changes", await self._transport.fetch(_call("GET", snapshot_id, "diff", query=query)))

    def iterate_diff(
        self, snapshot_id: str, against: str | None = None, *, path: str | None = None
    ) -> AsyncIterator[Change]:
        """Every difference."""
        return every(lambda cursor: self.diff(snapshot_id, against, path=path, cursor=cursor))

    async def plan_restore(
        self, snapshot_id: str, *, paths: Iterable[str] | None = None, keep_new: bool = False
    ) -> RestorePlan:
        """What a restore would change. `keep_new` deletes nothing that the snapshot lacks."""
        body = without_none({"paths": None if paths is None else [*paths], "keep_new": keep_new})
        return decode(RestorePlan, await self._transport.fetch(_call("POST", snapshot_id, "restore-plans", body=body)))

    async def verify(
        self,
        snapshot_id: str,
        *,
        depth: Literal["structure", "sample", "full"] = "structure",
        sample_percent: int | None = None,
        timeout_s: float | None = None,
    ) -> Task:
        """Reads back what a snapshot stands on and checks every hash, then returns the task.

        Raises `OperationFailedError` when something is damaged, `WaitTimeoutError` when the time is over.
        """
        body = without_none({"depth": depth, "sample_percent": sample_percent})
        wait_s = first_wait_s(timeout_s)
        call = _call("POST", snapshot_id, "verify", body=body, query={"wait": wait_s}, extra_time_s=wait_s)
        accepted = await self._transport.fetch(call)
        return await self._tasks.wait(accepted["task_id"], timeout_s=timeout_s)
