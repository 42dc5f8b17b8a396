"""Snapshots of one directory by a few plain calls, for programs that upgrade things in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from os import PathLike

from backstay._async.client import AsyncBackstay
from backstay.errors import NotFoundError
from backstay.models.restore import Operation
from backstay.models.snapshot import Snapshot
from backstay.models.workspace import RetentionRules, Workspace


class AsyncSnapshotService:
    """Saves, lists, puts back and cleans up snapshots of the directory `base_dir`.

    The server runs on this machine and may reach the directory. A directory that is no workspace yet becomes one with
    its first snapshot. An unknown id raises `NotFoundError`, a path that does not exist an error of the capture.
    """

    def __init__(self, client: AsyncBackstay, base_dir: str | PathLike[str] = ".") -> None:
        self._client = client
        self._base_dir = base_dir
        self._known: dict[str, Workspace] = {}

    async def create_snapshot(
        self, paths: Iterable[str | PathLike[str]] = (), base_dir: str | PathLike[str] | None = None
    ) -> str:
        """Captures `paths`, or everything, below `base_dir` and returns the id of the snapshot when it is ready."""
        root = self._root(base_dir)
        scope = [_below(root, path) for path in paths]
        workspace = await self._workspace(root) or await self._created(root)
        snapshot = await self._client.workspaces.create_snapshot(workspace.id, paths=scope or None)
        return snapshot.id

    async def restore_snapshot(self, snapshot_id: str) -> Operation:
        """Puts a snapshot back exactly; what is there now is saved first, and `operations.undo` returns to it."""
        plan = await self._client.snapshots.plan_restore(snapshot_id)
        return await self._client.workspaces.restore_snapshot(plan.workspace_id, plan.plan_id)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """Deletes a snapshot."""
        await self._client.snapshots.delete(snapshot_id)

    async def snapshot_exists(self, snapshot_id: str) -> bool:
        """Whether there is a snapshot of this id that can be put back."""
        try:
            snapshot = await self._client.snapshots.get(snapshot_id)
        except NotFoundError:
            return False
        return snapshot.state == "ready"

    async def list_snapshots(self, base_dir: str | PathLike[str] | None = None) -> list[Snapshot]:
        """The snapshots of the directory that can be put back, newest first, without those that restores took."""
        workspace = await self._workspace(self._root(base_dir))
        if workspace is None:
            return []
        found = self._client.snapshots.iterate(source=workspace.id, state="ready")
        return [snapshot async for snapshot in found if snapshot.trigger != "safety"]

    async def cleanup_old_snapshots(self, keep: int = 5, base_dir: str | PathLike[str] | None = None) -> list[str]:
        """Deletes all but the newest `keep` snapshots and returns the ids of the deleted ones.

        Pinned and held ones stay, and so does the last one that can be put back.
        """
        workspace = await self._workspace(self._root(base_dir))
        if workspace is None:
            return []
        pruned = await self._client.workspaces.prune(workspace.id, RetentionRules(keep_last=keep), dry_run=False)
        return [decision.snapshot_id for decision in pruned.decisions if not decision.keep]

    async def rollback_upgrade(self, upgrade_id: str) -> Operation:
        """Returns to before an upgrade: `upgrade_id` is its operation, or the snapshot taken before it."""
        if upgrade_id.startswith("op-"):
            return await self._client.operations.undo(upgrade_id)
        return await self.restore_snapshot(upgrade_id)

    def _root(self, base_dir: str | PathLike[str] | None) -> str:
        return os.path.realpath(self._base_dir if base_dir is None else base_dir)

    async def _workspace(self, root: str) -> Workspace | None:
        if root not in self._known:
            async for workspace in self._client.workspaces.iterate():
                if workspace.root == root:
                    self._known[root] = workspace
        return self._known.get(root)

    async def _created(self, root: str) -> Workspace:
        name = re.sub(r"[^A-Za-z0-9 ._-]", "-", os.path.basename(root))[:100] or "workspace"
        self._known[root] = await self._client.workspaces.create(name, root)
        return self._known[root]


def _below(root: str, path: str | PathLike[str]) -> str:
    """The path relative to the root; `ValueError` for one outside."""
    relative = os.path.relpath(os.path.join(root, path), root)
    if relative == ".." or relative.startswith("../"):
        raise ValueError(f"{os.fspath(path)!r} lies outside {root!r}")
    return relative
