"""Snapshots and what is in them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Literal

from backstay.models.actor import Actor

Kind = Literal["workspace", "job", "training", "volume", "room"]
SnapshotState = Literal["creating", "ready", "failed", "deleting", "deleted"]
Trigger = Literal[
    "manual", "safety", "upgrade", "scheduled", "group", "import", "round", "best", "schedule", "shutdown"
]
EntryKind = Literal["file", "directory", "symlink", "fifo", "socket", "device", "unreadable"]
ChangeKind = Literal["added", "deleted", "modified", "type", "metadata", "renamed"]


@dataclass(frozen=True)
class Counts:
    """How many entries of each sort a snapshot has."""

    files: int
    directories: int
    symlinks: int
    hard_links: int
    skipped: int


@dataclass(frozen=True)
class Warning:
    """Something that was not captured as it should be."""

    path: str
    code: str
    detail: str
    path_b64: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """An immutable captured state of one source. `state` is `ready` when it can be put back."""

    id: str
    kind: Kind
    name: str
    timestamp: datetime.datetime
    state: SnapshotState
    source_id: str
    source_name: str
    tenant_id: str
    label: str
    description: str
    trigger: Trigger
    size_bytes: int
    added_bytes: int
    counts: Counts
    pinned: bool
    holds: int
    partial: bool
    damaged: bool
    scope: tuple[str, ...]
    path: str
    warning_count: int
    warnings: tuple[Warning, ...] | None = None
    state_reason: str | None = None
    completed_at: datetime.datetime | None = None
    verified_at: datetime.datetime | None = None
    created_by: Actor | None = None
    workspace_id: str | None = None
    operation_id: str | None = None
    group_id: str | None = None
    attributes: dict[str, Any] | None = None


@dataclass(frozen=True)
class Entry:
    """A file, directory or link in a snapshot. A path that is not UTF-8 comes with `path_b64`."""

    path: str
    kind: EntryKind
    mode: str
    mtime_ns: str
    uid: int
    gid: int
    size_bytes: int | None = None
    target: str | None = None
    modified_at: datetime.datetime | None = None
    hard_link_group: int | None = None
    xattrs: tuple[str, ...] = ()
    path_b64: str | None = None


@dataclass(frozen=True)
class EntryFacts:
    """What an entry was before or after a change."""

    kind: EntryKind
    mode: str
    mtime_ns: str
    size_bytes: int | None = None
    target: str | None = None


@dataclass(frozen=True)
class Change:
    """A difference between two states."""

    path: str
    change: ChangeKind
    before: EntryFacts | None = None
    after: EntryFacts | None = None
    from_path: str | None = None
    path_b64: str | None = None


@dataclass(frozen=True)
class ChangeSummary:
    """How many entries differ, and how."""

    added: int
    modified: int
    deleted: int
    bytes: int


@dataclass(frozen=True)
class Hold:
    """Forbids the deletion of a snapshot until it is released or `expires_at`."""

    id: str
    snapshot_id: str
    reason: str
    pin: bool
    created_at: datetime.datetime
    expires_at: datetime.datetime | None = None
    placed_by: Actor | None = None


@dataclass(frozen=True)
class HistoryEntry:
    """A snapshot was created, restored or deleted."""

    timestamp: datetime.datetime
    action: Literal["create", "restore", "delete"]
    snapshot_id: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
