# Generated from ../_async/executions.py by tools/generate_sync.py; change that instead.
"""Executions of workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backstay._decode import decode
from backstay._executions import approval_body, call, call_step, counted
from backstay._request import without_none
from backstay._sync.execution import Execution
from backstay._sync.paging import every
from backstay._sync.step_wait import wait_until_it_may_act
from backstay._sync.transport import Transport
from backstay.models import execution as models
from backstay.models.event import Event
from backstay.models.page import Page, to_page


class Executions:
    """Runs of workflows: steps that are begun, approved and ended, with the state of the job after them.

    Everything that changes something carries an idempotency key, so that a lost answer does nothing twice; give your
    own `idempotency_key` when that must hold across a restart of your program too. What the state of an execution or a
    step does not allow raises `ConflictError` and changes nothing. A step is named by its id or, with
    `checkpoint_name`, by the name of the only open step of that name.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        correlation_id: str,
        workflow_name: str,
        *,
        initial_data: dict[str, Any] | None = None,
        job_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Starts an execution; two with the same correlation id are two. Without `job_id` it has a job of its own."""
        body = without_none(
            {
                "correlation_id": correlation_id,
                "workflow_name": workflow_name,
                "initial_data": initial_data,
                "job_id": job_id,
            }
        )
        return self._bound(self._transport.fetch(call("POST", body=body, idempotency_key=idempotency_key)))

    def list(
        self,
        *,
        state: models.ExecutionState | None = None,
        workflow_name: str | None = None,
        job_id: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[Execution]:
        """One page of the executions of the project, newest first."""
        query = {
            "state": state,
            "workflow_name": workflow_name,
            "job_id": job_id,
            "limit": limit,
            "offset": offset,
        }
        answer = self._transport.fetch(call("GET", query=query))
        page = counted(to_page(models.Execution, "executions", answer), offset)
        return Page(tuple(Execution(self, each) for each in page), page.total, page.next)

    def iterate(
        self,
        *,
        state: models.ExecutionState | None = None,
        workflow_name: str | None = None,
        job_id: str | None = None,
    ) -> Iterator[Execution]:
        """All executions of the project, newest first, read page by page.

        Pages are counted: one that comes or goes meanwhile can make another be met twice or not at all.
        """
        return every(
            lambda cursor: self.list(
                state=state, workflow_name=workflow_name, job_id=job_id, limit=500, offset=int(cursor or 0)
            )
        )

    def get(self, execution_id: str) -> Execution:
        """An execution, with how many steps it has and how many approvals are pending."""
        return self._bound(self._transport.fetch(call("GET", execution_id)))

    def create_step(
        self,
        execution_id: str,
        checkpoint_name: str,
        agent_id: str,
        *,
        input_data: dict[str, Any] | None = None,
        approval_required: bool = False,
        approval: models.NewApproval | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Step:
        """Begins a step. It may act when it is `active`: not before it is approved, and not while others keep it
        waiting.
        """
        body = without_none(
            {
                "checkpoint_name": checkpoint_name,
                "agent_id": agent_id,
                "input_data": input_data,
                "approval_required": approval_required or approval is not None,
                "approval": None if approval is None else approval_body(approval),
                "metadata": metadata,
            }
        )
        request = call("POST", execution_id, "checkpoints", body=body, idempotency_key=idempotency_key)
        return decode(models.Step, self._transport.fetch(request))

    def list_steps(self, execution_id: str, *, limit: int = 100, offset: int = 0) -> Page[models.Step]:
        """One page of the steps of an execution, oldest first."""
        request = call("GET", execution_id, "checkpoints", query={"limit": limit, "offset": offset})
        return counted(to_page(models.Step, "checkpoints", self._transport.fetch(request)), offset)

    def iterate_steps(self, execution_id: str) -> Iterator[models.Step]:
        """All steps of an execution, oldest first, read page by page."""
        return every(lambda cursor: self.list_steps(execution_id, limit=1000, offset=int(cursor or 0)))

    def get_step(
        self, execution_id: str, step_id: str | None = None, *, checkpoint_name: str | None = None
    ) -> models.Step:
        """A step."""
        request = call_step("GET", execution_id, step_id, checkpoint_name)
        return decode(models.Step, self._transport.fetch(request))

    def complete_step(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        checkpoint_name: str | None = None,
        output_data: dict[str, Any] | None = None,
        success: bool = True,
        state: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Step:
        """Ends a step. With `success=False`, why is `output_data["error"]`, and the execution fails too.

        `state` is the state of the job after the step: it is saved as a checkpoint together with the end of the step,
        or neither is.
        """
        body = without_none({"output_data": output_data, "success": success, "state": state})
        request = call_step(
            "POST", execution_id, step_id, checkpoint_name, "complete", body=body, idempotency_key=idempotency_key
        )
        return decode(models.Step, self._transport.fetch(request))

    def wait_step(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        checkpoint_name: str | None = None,
        timeout_s: int = 30,
    ) -> models.Step:
        """A step as soon as it may act or has ended, or as it is when `timeout_s` (at most 300) is over."""
        request = call_step(
            "GET",
            execution_id,
            step_id,
            checkpoint_name,
            "wait",
            query={"timeout_s": timeout_s},
            extra_time_s=timeout_s,
        )
        return decode(models.Step, self._transport.fetch(request))

    def wait_for_approval(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        checkpoint_name: str | None = None,
        timeout_s: float = 300.0,
    ) -> models.Step:
        """Waits until a step may act and returns it; the values of the approval are in `step.values`.

        Raises `ApprovalDeniedError` when it was denied, `ApprovalExpiredError` when its deadline passed,
        `ApprovalWithdrawnError` when the execution ended, and `WaitTimeoutError` when `timeout_s` is over: the approval
        is pending as before then, and waiting can be taken up again, by another program too.
        """
        return wait_until_it_may_act(self._transport, execution_id, step_id, checkpoint_name, timeout_s)

    def list_events(self, execution_id: str, *, limit: int = 100, after: int = 0) -> tuple[Event, ...]:
        """What happened to an execution, its steps and approvals, oldest first, from the event after number `after`."""
        return (self._events(execution_id, limit, after))[0]

    def iterate_events(self, execution_id: str, *, after: int = 0) -> Iterator[Event]:
        """The same, read page by page until the newest one."""
        following: int | None = after
        while following is not None:
            events, following = self._events(execution_id, 1000, following)
            for event in events:
                yield event

    def pause(self, execution_id: str, *, reason: str | None = None, checkpoint_name: str | None = None) -> Execution:
        """Pauses an execution: its active steps must not act until somebody resumes it."""
        return self._steer(execution_id, "pause", reason, checkpoint_name)

    def resume(self, execution_id: str, *, reason: str | None = None, checkpoint_name: str | None = None) -> Execution:
        """Lets a paused execution go on. While an approval is pending that is a conflict."""
        return self._steer(execution_id, "resume", reason, checkpoint_name)

    def complete(
        self, execution_id: str, *, reason: str | None = None, checkpoint_name: str | None = None
    ) -> Execution:
        """Ends an execution well. It must not have open steps."""
        return self._steer(execution_id, "complete", reason, checkpoint_name)

    def fail(self, execution_id: str, *, reason: str | None = None, checkpoint_name: str | None = None) -> Execution:
        """Ends an execution as failed: open steps are skipped, pending approvals withdrawn."""
        return self._steer(execution_id, "fail", reason, checkpoint_name)

    def cancel(self, execution_id: str, *, reason: str | None = None, checkpoint_name: str | None = None) -> Execution:
        """Ends an execution because somebody wants it: open steps are skipped, pending approvals withdrawn."""
        return self._steer(execution_id, "cancel", reason, checkpoint_name)

    def fork(
        self,
        execution_id: str,
        *,
        checkpoint_id: str | None = None,
        correlation_id: str | None = None,
        job_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Starts an execution with the data of another one and the state at which that stands, also when it has ended.

        `checkpoint_id` names another checkpoint of its job. The new one has a job of its own unless `job_id` names one,
        and no steps yet. While an approval of the job is pending it is a conflict.
        """
        body = without_none(
            {
                "checkpoint_id": checkpoint_id,
                "correlation_id": correlation_id,
                "job_id": job_id,
                "reason": reason,
            }
        )
        request = call("POST", execution_id, "fork", body=body, idempotency_key=idempotency_key)
        return self._bound(self._transport.fetch(request))

    def cleanup(self, *, max_age_days: int = 30, dry_run: bool = False) -> models.CleanedExecutions:
        """Removes executions of the project that ended more than so many days ago, at most 1000 at once.

        Their checkpoints and events stay.
        """
        body = {"max_age_days": max_age_days, "dry_run": dry_run}
        return decode(models.CleanedExecutions, self._transport.fetch(call("POST", "cleanup", body=body)))

    def _events(self, execution_id: str, limit: int, after: int) -> tuple[tuple[Event, ...], int | None]:
        request = call("GET", execution_id, "events", query={"limit": limit, "after": after})
        answer = self._transport.fetch(request)
        return tuple(decode(Event, each) for each in answer["events"]), answer["next"]

    def _steer(self, execution_id: str, what: str, reason: str | None, checkpoint_name: str | None) -> Execution:
        body = without_none({"reason": reason, "checkpoint_name": checkpoint_name})
        return self._bound(self._transport.fetch(call("POST", execution_id, what, body=body)))

    def _bound(self, answer: Any) -> Execution:
        return Execution(self, decode(models.Execution, answer))
