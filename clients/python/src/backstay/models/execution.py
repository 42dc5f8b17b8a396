"""Executions of workflows, their steps and approvals."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal

from backstay.models.actor import Actor

ExecutionState = Literal["running", "paused", "completed", "failed", "cancelled"]
StepState = Literal["pending", "active", "paused", "completed", "failed", "skipped"]
ApprovalStatus = Literal["pending", "approved", "denied", "withdrawn"]


@dataclass(frozen=True)
class Execution:
    """An execution of a workflow, as it was when the server answered."""

    execution_id: str
    correlation_id: str
    workflow_name: str
    job_id: str
    state: ExecutionState
    pause_reasons: tuple[str, ...]
    global_data: dict[str, Any]
    started_at: datetime.datetime
    total_checkpoints: int
    completed_checkpoints: int
    failed_checkpoints: int
    pending_approvals: int
    current_checkpoint: str | None = None
    completed_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What one person decided; the actor `system:deadline` is the deadline."""

    actor: Actor
    decision: Literal["approved", "denied"]
    at: datetime.datetime
    reason: str | None = None
    values: Any = None


@dataclass(frozen=True)
class Approval:
    """What must be decided before a step may act, and what was decided."""

    title: str
    status: ApprovalStatus
    min_approvals: int
    four_eyes: bool
    requested_by: str
    decisions: tuple[Decision, ...]
    approvers: dict[str, Any]
    default: Literal["approve", "deny", "none"]
    on_deny: Literal["pause", "skip", "fail"]
    deadline: datetime.datetime | None = None
    form: dict[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """A step of an execution, as it was when the server answered. Only an `active` one may act."""

    step_id: str
    execution_id: str
    checkpoint_name: str
    attempt: int
    agent_id: str
    correlation_id: str
    state: StepState
    approval_required: bool
    created_at: datetime.datetime
    input_data: dict[str, Any] | None = None
    output_data: dict[str, Any] | None = None
    error_details: str | None = None
    approval_status: ApprovalStatus | None = None
    approval: Approval | None = None
    metadata: dict[str, Any] | None = None
    checkpoint_id: str | None = None
    completed_at: datetime.datetime | None = None


@dataclass(frozen=True)
class CleanedExecutions:
    """The old executions that went. At most 1000 go at once; `more` says whether there are others."""

    deleted_count: int
    deleted: tuple[str, ...]
    more: bool
