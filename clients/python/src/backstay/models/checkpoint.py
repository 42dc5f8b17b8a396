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
    integrity: Literal["ok", "damaged", "unchecked"]
    size_bytes: int
    workflow_name: str | None = None
    metadata: dict[str, Any] | None = None
    parent_id: str | None = None
    execution_id: str | None = None
    epoch: int | None = None
    expires_at: datetime.datetime | None = None


@dataclass(frozen=True)
class SavedCheckpoint(Checkpoint):
    """A checkpoint with its state."""

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
