"""Workspaces and their retention."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class RetentionRules:
    """Which snapshots to keep: one is kept when any rule keeps it. `keep_within` is like `30d`."""

    keep_last: int | None = None
    keep_hourly: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None
    keep_yearly: int | None = None
    keep_undo: int | None = None
    keep_within: str | None = None


@dataclass(frozen=True)
class Workspace:
    """A directory tree that can be captured. `state_serial` grows with every change of it."""

    id: str
    name: str
    root: str
    host: str
    tenant_id: str
    state_serial: int
    created_at: datetime.datetime
    retention: RetentionRules | None = None
    snapshot_count: int | None = None


@dataclass(frozen=True)
class DecisionReason:
    """Why a snapshot stays or goes."""

    code: str
    text: str


@dataclass(frozen=True)
class PruneDecision:
    """What becomes of one snapshot."""

    snapshot_id: str
    timestamp: datetime.datetime
    keep: bool
    reasons: tuple[DecisionReason, ...]


@dataclass(frozen=True)
class PruneResult:
    """A decision for every snapshot of a workspace. With `dry_run` nothing was deleted."""

    dry_run: bool
    kept: int
    removed: int
    decisions: tuple[PruneDecision, ...]
    task_id: str | None = None
