"""Workspaces: directory trees that are captured and put back."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterable
from typing import Any

from backstay._async.operations import AsyncOperations
from backstay._async.paging import every
from backstay._async.snapshots import AsyncSnapshots
from backstay._async.tasks import AsyncTasks
from backstay._async.transport import AsyncTransport
from backstay._decode import decode
from backstay._request import Request, new_idempotency_key, request, without_none
from backstay._waiting import first_wait_s
from backstay.errors import OperationFailedError
from backstay.models.page import Page, to_page
from backstay.models.restore import Operation
from backstay.models.snapshot import Snapshot
from backstay.models.workspace import PruneResult, RetentionRules, Workspace


def _call(method: str, workspace_id: str, *rest: str, **options: Any) -> Request:
    return request(method, "api", "v1", "workspaces", workspace_id, *rest, **options)


class AsyncWorkspaces:
    """Workspaces: register, capture, put back, prune."""

    def __init__(
        self, transport: AsyncTransport, snapshots: AsyncSnapshots, operations: AsyncOperations, tasks: AsyncTasks
    ) -> None:
        self._transport = transport
        self._snapshots = snapshots
        self._operations = operations
        self._tasks = tasks

    async def create(self, name: str, root: str) -> Workspace:
        """Registers a directory. It lies below a root that the server allows, and is not registered yet."""
        body = {"name": name, "root": root}
        return decode(Workspace, await self._transport.fetch(request("POST", "api", "v1", "workspaces", body=body)))

    async def list(self, *, q: str | None = None, limit: int = 100, cursor: str | None = None) -> Page[Workspace]:
        """One page of workspaces by name."""
        query = {"q": q, "limit": limit, "cursor": cursor}
        answer = await self._transport.fetch(request("GET", "api", "v1", "workspaces", query=query))
        return to_page(Workspace, "workspaces", answer)

    def iterate(self, *, q: str | None = None) -> AsyncIterator[Workspace]:
        """All workspaces by name, read page by page."""
        return every(lambda cursor: self.list(q=q, cursor=cursor))

    async def get(self, workspace_id: str) -> Workspace:
        """A workspace."""
        return decode(Workspace, await self._transport.fetch(_call("GET", workspace_id)))

    async def update(
        self, workspace_id: str, *, name: str | None = None, retention: RetentionRules | None = None
    ) -> Workspace:
        """Changes the name or the rules of retention. What is `None` stays."""
        rules = None if retention is None else without_none(dataclasses.asdict(retention))
        body = without_none({"name": name, "retention": rules})
        return decode(Workspace, await self._transport.fetch(_call("PATCH", workspace_id, body=body)))

    async def delete(self, workspace_id: str) -> None:
        """Forgets a workspace. The directory itself is left alone."""
        await self._transport.delete(_call("DELETE", workspace_id))

    async def create_snapshot(
        self,
        workspace_id: str,
        *,
        label: str | None = None,
        description: str | None = None,
        paths: Iterable[str] | None = None,
        excludes: Iterable[str] | None = None,
        pin: bool = False,
        strict: bool = False,
        allow_unreadable: bool = False,
        respect_gitignore: bool = False,
        with_git: bool = False,
        cross_mounts: bool = False,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> Snapshot:
        """Captures the workspace, or only `paths` of it, and returns the snapshot when it is ready.

        Raises `OperationFailedError` when the capture failed, `WaitTimeoutError` when `timeout_s` is over; with
        `timeout_s=0` it returns at once, whatever the state. The same `idempotency_key` within a day is the same
        snapshot; without one a new key is made for every call, so that a lost answer does not capture twice.
        """
        body = without_none(
            {
                "label": label,
                "description": description,
                "paths": None if paths is None else [*paths],
                "excludes": None if excludes is None else [*excludes],
                "pin": pin,
                "strict": strict,
                "allow_unreadable": allow_unreadable,
                "respect_gitignore": respect_gitignore,
                "with_git": with_git,
                "cross_mounts": cross_mounts,
            }
        )
        wait_s = first_wait_s(timeout_s)
        accepted = await self._transport.fetch(
            _call(
                "POST",
                workspace_id,
                "snapshots",
                body=body,
                query={"wait": wait_s},
                idempotency_key=idempotency_key or new_idempotency_key(),
                extra_time_s=wait_s,
            )
        )
        if timeout_s != 0 and accepted["state"] == "creating":
            await self._tasks.wait(accepted["task_id"], timeout_s=timeout_s)
        snapshot = await self._snapshots.get(accepted["id"])
        if snapshot.state == "failed":
            raise OperationFailedError(f"snapshot {snapshot.id}", snapshot.state, snapshot.state_reason)
        return snapshot

    async def restore_snapshot(
        self,
        workspace_id: str,
        plan_id: str,
        *,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Carries out a plan of `snapshots.plan_restore` and returns the operation when it is done.

        The server takes a safety snapshot first; `operations.undo` puts that back. A plan that is stale raises
        `ConflictError`. Time limits and keys are those of `create_snapshot`.
        """
        wait_s = first_wait_s(timeout_s)
        accepted = await self._transport.fetch(
            _call(
                "POST",
                workspace_id,
                "restores",
                body={"plan_id": plan_id},
                query={"wait": wait_s},
                idempotency_key=idempotency_key or new_idempotency_key(),
                extra_time_s=wait_s,
            )
        )
        return await self._operations.wait(accepted["operation_id"], timeout_s=timeout_s)

    async def operations(self, workspace_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[Operation]:
        """One page of what changed a workspace, newest first."""
        query = {"limit": limit, "cursor": cursor}
        answer = await self._transport.fetch(_call("GET", workspace_id, "operations", query=query))
        return to_page(Operation, "operations", answer)

    async def prune(
        self, workspace_id: str, rules: RetentionRules | None = None, *, dry_run: bool = True
    ) -> PruneResult:
        """Decides about every snapshot, with reasons; deletes what no rule keeps only with `dry_run=False`.

        Without `rules` those of the workspace hold.
        """
        body: dict[str, Any] = {"dry_run": dry_run}
        if rules is not None:
            body["rules"] = without_none(dataclasses.asdict(rules))
        return decode(PruneResult, await self._transport.fetch(_call("POST", workspace_id, "prune", body=body)))
