"""Executions of workflows, their steps and approvals."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal

from backstay.models.actor import Actor
from backstay.models.checkpoint import StateChange

ExecutionState = Literal["running", "paused", "completed", "failed", "cancelled"]
StepState = Literal["pending", "active", "paused", "completed", "failed", "skipped"]
ApprovalStatus = Literal["pending", "approved", "denied", "withdrawn"]
DeadlineDefault = Literal["approve", "deny", "none"]
OnDeny = Literal["pause", "skip", "fail"]


@dataclass(frozen=True)
class ForkedFrom:
    """Where an execution was forked from: which one, and with the state of which checkpoint it began, if of any."""

    execution_id: str
    checkpoint_id: str | None = None


@dataclass(frozen=True)
class Execution:
    """A run of a workflow, as it was when it was read.

    `pause_reasons` are of `user`, `approval` and `denied`; there are some exactly while it is paused.
    """

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
    forked_from: ForkedFrom | None = None


@dataclass(frozen=True)
class Approvers:
    """Who may decide: `roles` and whoever may do more, `users` by name or id. Operators when nobody is named."""

    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewApproval:
    """What is asked for before a step may act. What is `None` is left to the server.

    `deadline` or `timeout_s` say until when it can be decided, `default` what happens then; `on_deny` what a denial
    does to the execution; `form` is a JSON Schema of the values that an approval gives.
    """

    title: str | None = None
    approvers: Approvers | None = None
    min_approvals: int | None = None
    four_eyes: bool | None = None
    timeout_s: int | None = None
    deadline: datetime.datetime | None = None
    default: DeadlineDefault | None = None
    on_deny: OnDeny | None = None
    form: dict[str, Any] | None = None


@dataclass(frozen=True)
class Decision:
    """What one person, or the deadline, decided."""

    actor: Actor
    decision: Literal["approved", "denied"]
    at: datetime.datetime
    reason: str | None = None
    values: Any = None


@dataclass(frozen=True)
class Approval:
    """What must be decided before a step may act, and what was."""

    title: str
    approvers: Approvers
    min_approvals: int
    four_eyes: bool
    default: DeadlineDefault
    on_deny: OnDeny
    requested_by: str
    status: ApprovalStatus
    decisions: tuple[Decision, ...]
    deadline: datetime.datetime | None = None
    form: Any = None


@dataclass(frozen=True)
class Step:
    """A step of an execution, as it was when it was read. Only one that is `active` may act."""

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

    @property
    def is_over(self) -> bool:
        """Whether nothing changes it any more."""
        return self.state in ("completed", "failed", "skipped")

    @property
    def values(self) -> Any:
        """The values that the last approval gave, if it gave some."""
        given = [each.values for each in self.approval.decisions if each.values is not None] if self.approval else []
        return given[-1] if given else None


@dataclass(frozen=True)
class RequestedApproval:
    """An approval in the inbox; `may_decide` says whether it is the caller's to decide.

    `state_diff` is what changed between the checkpoints `state_from` and `state_to`, when that was asked for.
    """

    step: Step
    project: str
    job_id: str
    workflow_name: str
    may_decide: bool
    state_from: str | None = None
    state_to: str | None = None
    state_diff: tuple[StateChange, ...] | None = None


@dataclass(frozen=True)
class NewDecision:
    """One of several decisions. A denial must give a reason."""

    execution_id: str
    step_id: str
    decision: Literal["approve", "deny"]
    reason: str | None = None
    values: Any = None


@dataclass(frozen=True)
class CleanedExecutions:
    """What removing old executions did or would do; `more` says that others are as old."""

    deleted_count: int
    deleted: tuple[str, ...]
    more: bool
