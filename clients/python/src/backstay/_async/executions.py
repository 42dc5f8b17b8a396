"""Executions of workflows, their steps and approvals."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from backstay._async.paging import every
from backstay._async.transport import AsyncTransport, Patience
from backstay._decode import decode
from backstay._request import Request, new_idempotency_key, request, without_none
from backstay.errors import ApprovalDeniedError
from backstay.models.execution import ApprovalStatus, CleanedExecutions, Execution, ExecutionState, Step
from backstay.models.page import Page, to_page

_LONGEST_WAIT_S = 30


def _call(method: str, *rest: str, **options: Any) -> Request:
    if method == "POST" and options.get("idempotency_key") is None:
        options["idempotency_key"] = new_idempotency_key()
    return request(method, "api", "v1", *rest, **options)


def _counted(page: Page[Any], offset: int) -> Page[Any]:
    # Places are counted, not named: the number of the next one stands for a cursor.
    following = offset + len(page)
    return dataclasses.replace(page, next=str(following) if len(page) and following < page.total else None)


class AsyncOpenStep:
    """A step that was begun. `result` is what it made; set it inside `with`, together with `state` when the job has one."""

    def __init__(self, executions: AsyncExecutions, step: Step) -> None:
        self._executions = executions
        self.step = step
        self.result: dict[str, Any] | None = None
        self.state: dict[str, Any] | None = None

    async def wait_for_approval(self, *, timeout_s: float | None = None) -> Step:
        """Waits until the step may act.

        Raises `ApprovalDeniedError` when it never will, `WaitTimeoutError` when the time is over.
        """
        self.step = await self._executions.wait(self.step.execution_id, self.step.step_id, timeout_s=timeout_s)
        if self.step.state != "active":
            raise ApprovalDeniedError(self.step.checkpoint_name, self.step.state, self.step.approval_status)
        return self.step


class AsyncExecutions:
    """Executions of workflows: their steps, and what is done to them as a whole."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def start(
        self,
        workflow_name: str,
        correlation_id: str,
        *,
        initial_data: dict[str, Any] | None = None,
        job_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Starts an execution. Two with the same `correlation_id` are two executions."""
        given = {"correlation_id": correlation_id, "workflow_name": workflow_name}
        body = without_none({**given, "initial_data": initial_data, "job_id": job_id})
        call = _call("POST", "executions", body=body, idempotency_key=idempotency_key)
        return decode(Execution, await self._transport.fetch(call))

    async def list(
        self,
        *,
        state: ExecutionState | None = None,
        workflow_name: str | None = None,
        job_id: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[Execution]:
        """One page of executions, newest first."""
        query = {"state": state, "workflow_name": workflow_name, "job_id": job_id, "limit": limit, "offset": offset}
        answer = await self._transport.fetch(_call("GET", "executions", query=query))
        return _counted(to_page(Execution, "executions", answer), offset)

    async def get(self, execution_id: str) -> Execution:
        """An execution."""
        return decode(Execution, await self._transport.fetch(_call("GET", "executions", execution_id)))

    async def pause(self, execution_id: str, *, reason: str | None = None) -> Execution:
        """Pauses: its active steps must not act until `resume`."""
        return await self._steer(execution_id, "pause", reason)

    async def resume(self, execution_id: str, *, reason: str | None = None) -> Execution:
        """Lets a paused execution go on. `ConflictError` while an approval is pending."""
        return await self._steer(execution_id, "resume", reason)

    async def complete(self, execution_id: str, *, reason: str | None = None) -> Execution:
        """Ends an execution well, when it runs and every step has ended."""
        return await self._steer(execution_id, "complete", reason)

    async def fail(self, execution_id: str, *, reason: str | None = None) -> Execution:
        """Ends an execution with an error: open steps are skipped, pending approvals withdrawn."""
        return await self._steer(execution_id, "fail", reason)

    async def cancel(self, execution_id: str, *, reason: str | None = None) -> Execution:
        """Ends an execution: open steps are skipped, pending approvals withdrawn."""
        return await self._steer(execution_id, "cancel", reason)

    async def cleanup(self, *, max_age_days: int = 30, dry_run: bool = False) -> CleanedExecutions:
        """Removes executions that ended more than so many days ago; their checkpoints stay."""
        body = {"max_age_days": max_age_days, "dry_run": dry_run}
        return decode(CleanedExecutions, await self._transport.fetch(_call("POST", "executions", "cleanup", body=body)))

    async def create_checkpoint(
        self,
        execution_id: str,
        checkpoint_name: str,
        agent_id: str,
        *,
        input_data: dict[str, Any] | None = None,
        approval_required: bool = False,
        approval: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Begins a step. It may act when its state is `active`.

        `approval` says who decides and how (`title`, `approvers`, `min_approvals`, `four_eyes`, `timeout_s` or
        `deadline`, `default`, `on_deny`, `form`); what it leaves out has its default.
        """
        body = without_none(
            {
                "checkpoint_name": checkpoint_name,
                "agent_id": agent_id,
                "input_data": input_data,
                "approval_required": approval_required,
                "approval": approval,
                "metadata": metadata,
            }
        )
        call = _call("POST", "executions", execution_id, "checkpoints", body=body, idempotency_key=idempotency_key)
        return decode(Step, await self._transport.fetch(call))

    async def complete_checkpoint(
        self,
        execution_id: str,
        step_id: str,
        *,
        output_data: dict[str, Any] | None = None,
        success: bool = True,
        state: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Ends a step; with `state` a checkpoint of the job is saved with it, both or neither.

        A step that failed fails its execution; `error` of its output says why.
        """
        body = without_none({"output_data": output_data, "success": success, "state": state})
        rest = ("executions", execution_id, "checkpoints", step_id, "complete")
        call = _call("POST", *rest, body=body, idempotency_key=idempotency_key)
        return decode(Step, await self._transport.fetch(call))

    async def get_checkpoint(self, execution_id: str, step_id: str) -> Step:
        """A step of an execution."""
        call = _call("GET", "executions", execution_id, "checkpoints", step_id)
        return decode(Step, await self._transport.fetch(call))

    async def list_checkpoints(self, execution_id: str, *, limit: int = 100, offset: int = 0) -> Page[Step]:
        """One page of the steps of an execution, oldest first."""
        query = {"limit": limit, "offset": offset}
        answer = await self._transport.fetch(_call("GET", "executions", execution_id, "checkpoints", query=query))
        return _counted(to_page(Step, "checkpoints", answer), offset)

    def iterate_checkpoints(self, execution_id: str) -> AsyncIterator[Step]:
        """All steps of an execution, read page by page."""
        return every(lambda cursor: self.list_checkpoints(execution_id, offset=int(cursor or 0)))

    async def wait(self, execution_id: str, step_id: str, *, timeout_s: float | None = None) -> Step:
        """Waits until a step may act or has ended. Raises `WaitTimeoutError` when the time is over."""
        patience = Patience(timeout_s)
        while True:
            query = {"timeout_s": _LONGEST_WAIT_S if timeout_s is None else int(min(timeout_s, _LONGEST_WAIT_S))}
            rest = ("executions", execution_id, "checkpoints", step_id, "wait")
            call = _call("GET", *rest, query=query, extra_time_s=_LONGEST_WAIT_S)
            step = decode(Step, await self._transport.fetch(call))
            if step.state in ("active", "completed", "failed", "skipped"):
                return step
            await patience.wait(f"step {step_id}")

    @asynccontextmanager
    async def checkpoint(
        self,
        execution_id: str,
        checkpoint_name: str,
        agent_id: str,
        *,
        input_data: dict[str, Any] | None = None,
        approval: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> AsyncIterator[AsyncOpenStep]:
        """A step around a block: it is completed at the end of the block, and an exception fails it.

        A step whose approval was denied has ended already: `ApprovalDeniedError` passes and nothing is completed.
        """
        step = await self.create_checkpoint(
            execution_id, checkpoint_name, agent_id, input_data=input_data, approval=approval, metadata=metadata
        )
        opened = AsyncOpenStep(self, step)
        try:
            yield opened
        except ApprovalDeniedError:
            raise
        except Exception as error:
            failed = {"error": str(error) or type(error).__name__}
            await self.complete_checkpoint(execution_id, step.step_id, output_data=failed, success=False)
            raise
        await self.complete_checkpoint(execution_id, step.step_id, output_data=opened.result, state=opened.state)

    async def _steer(self, execution_id: str, verb: str, reason: str | None) -> Execution:
        call = _call("POST", "executions", execution_id, verb, body=without_none({"reason": reason}))
        return decode(Execution, await self._transport.fetch(call))


class AsyncApprovals:
    """Approvals that steps of executions wait for."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self, *, status: ApprovalStatus = "pending", limit: int = 100, offset: int = 0) -> Page[Step]:
        """One page of steps with such an approval over all executions, newest first."""
        query = {"status": status, "limit": limit, "offset": offset}
        answer = await self._transport.fetch(_call("GET", "approvals", query=query))
        return _counted(to_page(Step, "approvals", answer), offset)

    async def approve(
        self, execution_id: str, step_id: str, *, reason: str | None = None, values: dict[str, Any] | None = None
    ) -> Step:
        """Approves. `ForbiddenError` for who may not, `ConflictError` when it is decided or too late."""
        return await self._decide(execution_id, step_id, "approve", {"reason": reason, "values": values})

    async def deny(self, execution_id: str, step_id: str, *, reason: str) -> Step:
        """Denies; the reason is for those who asked."""
        return await self._decide(execution_id, step_id, "deny", {"reason": reason})

    async def _decide(self, execution_id: str, step_id: str, verb: str, body: dict[str, Any]) -> Step:
        call = _call("POST", "executions", execution_id, "checkpoints", step_id, verb, body=without_none(body))
        return decode(Step, await self._transport.fetch(call))
