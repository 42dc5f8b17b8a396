"""Restores: the plan, and the operation that carries it out."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from backstay.models.actor import Actor
from backstay.models.snapshot import Change, ChangeSummary

OperationState = Literal["running", "done", "failed", "rolled_back", "needs_recovery"]


@dataclass(frozen=True)
class CannotRestore:
    """A path that a restore cannot put back, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class RestorePlan:
    """What a restore would change. It belongs to one state of the workspace, and is stale when that has changed."""

    plan_id: str
    snapshot_id: str
    workspace_id: str
    state_serial: int
    expires_at: datetime.datetime
    summary: ChangeSummary
    changes: tuple[Change, ...]
    truncated: bool
    cannot_restore: tuple[CannotRestore, ...]


@dataclass(frozen=True)
class Operation:
    """A change of a workspace. `snapshot_id` is the safety snapshot that an undo restores."""

    id: str
    workspace_id: str
    kind: str
    state: OperationState
    serial_before: int
    started_at: datetime.datetime
    actor: Actor
    not_restored: tuple[CannotRestore, ...]
    serial_after: int | None = None
    finished_at: datetime.datetime | None = None
    snapshot_id: str | None = None
    task_id: str | None = None
    changed_paths: ChangeSummary | None = None
    error: str | None = None
