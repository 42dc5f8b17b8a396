"""Executors, and their attempts to let a job go on."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from backstay.models.actor import Actor


@dataclass(frozen=True)
class Executor:
    """What lets jobs go on: a program that is called at `url`, or that asks (`mode` is `pull`)."""

    executor_id: str
    project: str
    name: str
    match: tuple[str, ...]
    timeout_s: int
    capabilities: tuple[str, ...]
    created_at: datetime.datetime
    url: str | None = None
    mode: str | None = None


@dataclass(frozen=True)
class CreatedExecutor:
    """A new executor with its secret, which is shown this once."""

    executor: Executor
    secret: str


@dataclass(frozen=True)
class Resume:
    """An attempt to let a job go on. A failed one can still be confirmed."""

    resume_id: str
    job_id: str
    checkpoint_id: str
    state: Literal["delivering", "confirmed", "refused", "failed"]
    epoch: int
    requested_by: Actor
    created_at: datetime.datetime
    safety_checkpoint_id: str | None = None
    reason: str | None = None
    failure: str | None = None
    ended_at: datetime.datetime | None = None
