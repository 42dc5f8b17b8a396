"""Background work."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal

TaskState = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class TaskProgress:
    """How far a task is."""

    bytes_done: int
    items_done: int
    bytes_total: int | None = None
    items_total: int | None = None
    current: str | None = None


@dataclass(frozen=True)
class Task:
    """A unit of background work."""

    id: str
    kind: str
    state: TaskState
    created_at: datetime.datetime
    attempts: int
    subject: str | None = None
    started_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None
    error: str | None = None
    progress: TaskProgress | None = None
    result: Any = None
