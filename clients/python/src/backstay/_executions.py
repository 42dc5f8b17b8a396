"""Requests about executions, and their answers: everything that does no input or output."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from backstay._request import Request, new_idempotency_key, request, without_none
from backstay.errors import ApprovalDeniedError, ApprovalExpiredError, ApprovalWithdrawnError, StepSkippedError
from backstay.models.execution import NewApproval, Step
from backstay.models.page import Page

T = TypeVar("T")

LONGEST_POLL_S = 30
"""How long the server is asked to hold one answer while a step waits."""


def call(method: str, *rest: str, **options: Any) -> Request:
    """A request about executions; one that changes something carries an idempotency key."""
    if method == "POST" and options.get("idempotency_key") is None:
        options["idempotency_key"] = new_idempotency_key()
    return request(method, "api", "v1", "executions", *rest, **options)


def call_step(
    method: str,
    execution_id: str,
    step_id: str | None,
    checkpoint_name: str | None,
    *rest: str,
    query: dict[str, Any] | None = None,
    **options: Any,
) -> Request:
    """A request about a step, which is named by its id or by its name."""
    if (step_id is None) == (checkpoint_name is None):
        raise ValueError("a step is named by `step_id` or by `checkpoint_name`")
    where = "-" if step_id is None else step_id
    query = {"checkpoint_name": checkpoint_name, **(query or {})}
    return call(method, execution_id, "checkpoints", where, *rest, query=query, **options)


def approval_body(approval: NewApproval) -> dict[str, Any]:
    """An approval that is asked for, without what is left to the server."""
    body = {each.name: getattr(approval, each.name) for each in dataclasses.fields(approval)}
    if approval.approvers is not None:
        body["approvers"] = {"roles": [*approval.approvers.roles], "users": [*approval.approvers.users]}
    return without_none(body)


def counted(page: Page[T], offset: int) -> Page[T]:
    """A page whose places are counted, not named: the number of the next one stands for a cursor."""
    following = offset + len(page)
    return dataclasses.replace(page, next=str(following) if len(page) and following < page.total else None)


def may_act(step: Step, now: float) -> bool:
    """Whether a step may act, or did. Raises the error that tells why one never will.

    `now` is the time of the server: an approval whose deadline decides nothing stays pending, and nobody can decide it
    any more.
    """
    approval = step.approval
    if step.state in ("active", "completed", "failed"):
        return True
    if step.state != "skipped":
        over = approval is not None and approval.deadline is not None and approval.deadline.timestamp() <= now
        if approval is not None and approval.status == "pending" and over and approval.default == "none":
            raise ApprovalExpiredError(step, "the deadline of its approval has passed, and nobody can decide any more")
        return False
    if approval is None or approval.status == "approved":
        raise StepSkippedError(step, "the execution has ended")
    if approval.status == "withdrawn":
        raise ApprovalWithdrawnError(step, "the execution ended before its approval was decided")
    decision = approval.decisions[-1]
    if (decision.actor.kind, decision.actor.id) == ("system", "deadline"):
        raise ApprovalExpiredError(step, "the deadline of its approval has passed")
    raise ApprovalDeniedError(step, decision.actor.name, decision.reason)
