"""Checkpoints of jobs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Checkpoint:
    """The saved state of a job at one step. `sequence` is the order of the checkpoints of a job."""

    checkpoint_id: str
    job_id: str
    step_name: str
    sequence: int
    timestamp: datetime.datetime
    workflow_version: str
    form: Literal["json", "typed"]
    pinned: bool
    held: bool
    integrity: Literal["ok", "damaged"]
    size_bytes: int
    workflow_name: str | None = None
    metadata: dict[str, Any] | None = None
    parent_id: str | None = None
    execution_id: str | None = None
    epoch: int | None = None
    expires_at: datetime.datetime | None = None


@dataclass(frozen=True)
class SavedCheckpoint(Checkpoint):
    """A checkpoint with its state: a JSON object. Of a typed one it is a view that may lose something."""

    state_snapshot: Any = None


@dataclass(frozen=True)
class RestoredCheckpoint:
    """A restored state. `job_status` is `resumed` only when it was confirmed that the job goes on from there."""

    checkpoint_id: str
    job_id: str
    state: Any
    job_status: Literal["restored", "resumed"]
    message: str
    timestamp: datetime.datetime
    resume_id: str | None = None
    safety_checkpoint_id: str | None = None


@dataclass(frozen=True)
class KeptCheckpoint:
    """A checkpoint that a clean-up leaves, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Cleanup:
    """What a clean-up deleted and kept. With a dry run nothing was deleted."""

    job_id: str
    deleted_count: int
    kept_count: int
    deleted: tuple[str, ...]
    kept: tuple[KeptCheckpoint, ...]
    timestamp: datetime.datetime | None = None


@dataclass(frozen=True)
class StateChange:
    """One change between two states. `path` is a JSON pointer (RFC 6901); `old` and `new` are the values there."""

    op: Literal["add", "remove", "replace"]
    path: str
    old: Any = None
    new: Any = None


@dataclass(frozen=True)
class StateDiff:
    """The difference of two states: a JSON Patch (RFC 6902) from the old to the new one, and the same for people."""

    identical: bool
    patch: tuple[dict[str, Any], ...]
    changes: tuple[StateChange, ...]


@dataclass(frozen=True)
class CheckpointNode:
    """A checkpoint in the tree of its job. `head` says that nothing follows it: it is the end of a branch."""

    checkpoint_id: str
    sequence: int
    step_name: str
    timestamp: datetime.datetime
    head: bool
    parent_id: str | None = None


@dataclass(frozen=True)
class PointerValue:
    """A value that one place of a state had, since which checkpoint. `present` is false where there was none."""

    checkpoint_id: str
    sequence: int
    timestamp: datetime.datetime
    present: bool
    value: Any = None


@dataclass(frozen=True)
class NewCheckpoint:
    """A checkpoint to be saved in a batch. What is `None` is left to the server."""

    job_id: str
    step_name: str
    state: Any
    metadata: dict[str, Any] | None = None
    workflow_name: str | None = None
    workflow_version: str | None = None
    parent_id: str | None = None
    execution_id: str | None = None
    ttl_s: int | None = None
    pinned: bool | None = None
    epoch: int | None = None
