# Generated from ../_async/execution.py by tools/generate_sync.py; change that instead.
"""One execution, and a step of it while it is open."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backstay.errors import BackstayError, ConflictError
from backstay.models import execution as models

if TYPE_CHECKING:
    from backstay._sync.executions import Executions

_LOG = logging.getLogger("backstay")


class Execution(models.Execution):
    """A run of a workflow, as it was when it was read. What changes it returns how it is then."""

    def __init__(self, calls: Executions, values: models.Execution) -> None:
        super().__init__(**vars(values))
        self._calls = calls

    @contextmanager
    def checkpoint(
        self,
        name: str,
        *,
        agent_id: str,
        input_data: dict[str, Any] | None = None,
        approval_required: bool = False,
        approval: models.NewApproval | None = None,
        metadata: dict[str, Any] | None = None,
        timeout_s: float = 300.0,
    ) -> Iterator[OpenStep]:
        """Begins a step, and completes it at the end of the block with what was given to `finish`.

        An exception of the block fails the step, and with it the execution, and goes on. The block begins when the step
        may act: while somebody has paused the execution it waits, at most `timeout_s`. A step that asks for an approval
        waits in the block, in `wait_for_approval`; to end the block before the approval is a conflict, and the step
        waits on.
        """
        step = self._calls.create_step(
            self.execution_id,
            name,
            agent_id,
            input_data=input_data,
            approval_required=approval_required,
            approval=approval,
            metadata=metadata,
        )
        if step.state == "pending":
            step = self._calls.wait_for_approval(self.execution_id, step.step_id, timeout_s=timeout_s)
        opened = OpenStep(self._calls, step)
        try:
            yield opened
        except BaseException as error:
            opened._fail(error)
            raise
        opened._complete()

    def reload(self) -> Execution:
        """The execution as it is now."""
        return self._calls.get(self.execution_id)

    def steps(self) -> Iterator[models.Step]:
        """All steps, oldest first, read page by page."""
        return self._calls.iterate_steps(self.execution_id)

    def fork(
        self, *, checkpoint_id: str | None = None, job_id: str | None = None, reason: str | None = None
    ) -> Execution:
        """Starts an execution from it, as `executions.fork` does: the way to try again."""
        return self._calls.fork(self.execution_id, checkpoint_id=checkpoint_id, job_id=job_id, reason=reason)

    def pause(self, *, reason: str | None = None) -> Execution:
        """Pauses it: active steps must not act until somebody resumes it."""
        return self._calls.pause(self.execution_id, reason=reason)

    def resume(self, *, reason: str | None = None) -> Execution:
        """Lets it go on when it is paused. While an approval is pending that is a conflict."""
        return self._calls.resume(self.execution_id, reason=reason)

    def complete(self, *, reason: str | None = None) -> Execution:
        """Ends it well. It must not have open steps."""
        return self._calls.complete(self.execution_id, reason=reason)

    def fail(self, *, reason: str | None = None) -> Execution:
        """Ends it as failed: open steps are skipped, pending approvals withdrawn."""
        return self._calls.fail(self.execution_id, reason=reason)

    def cancel(self, *, reason: str | None = None) -> Execution:
        """Ends it because somebody wants it: open steps are skipped, pending approvals withdrawn."""
        return self._calls.cancel(self.execution_id, reason=reason)


class OpenStep:
    """A step within its block. `step` is how it was when it was last read."""

    def __init__(self, calls: Executions, step: models.Step) -> None:
        self._calls = calls
        self.step = step
        self._output_data: dict[str, Any] | None = None
        self._state: dict[str, Any] | None = None

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return self.step.step_id

    def finish(self, output_data: dict[str, Any] | None = None, *, state: dict[str, Any] | None = None) -> None:
        """Says what the step made, and what the state of the job is after it; sent when the block ends."""
        self._output_data = output_data
        self._state = state

    def wait_for_approval(self, *, timeout_s: float = 300.0) -> models.Step:
        """Waits until the step may act and returns it, with `values` of the approval.

        Raises `ApprovalDeniedError`, `ApprovalExpiredError` or `ApprovalWithdrawnError` when it never will, and
        `WaitTimeoutError` when `timeout_s` is over: the step waits on at the server, also when that ends the block.
        """
        self.step = self._calls.wait_for_approval(self.step.execution_id, self.step_id, timeout_s=timeout_s)
        return self.step

    def _complete(self) -> None:
        self.step = self._calls.complete_step(
            self.step.execution_id, self.step_id, output_data=self._output_data, state=self._state
        )

    def _fail(self, error: BaseException) -> None:
        """Fails the step, unless it waits for an approval or has ended: then the exception alone tells."""
        why = {"error": f"{type(error).__name__}: {error}"[:2000]}
        try:
            self.step = self._calls.complete_step(self.step.execution_id, self.step_id, output_data=why, success=False)
        except ConflictError:
            return
        except (BackstayError, ValueError) as failed:
            _LOG.warning("step %s could not be failed: %s", self.step_id, failed)
