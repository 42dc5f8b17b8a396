"""`CheckpointManager`, for programs that kept checkpoints in JSON files."""

from __future__ import annotations

import builtins
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from backstay._executions import call, call_step
from backstay._request import Request, request, without_none
from backstay._sync.client import Backstay
from backstay.errors import BadRequestError, InvalidError, NotFoundError, TooLargeError


class CheckpointManager:
    """Saves, lists, restores and deletes checkpoints as the file-based manager did; nothing is written to the path.

    `storage_dir` (or `storage_path`, its other name) picks a project, so that managers of different paths do not see
    each other's jobs: the same path is the same project on every machine. `url` and `token` default to the environment
    variables `BACKSTAY_SERVER` and `BACKSTAY_TOKEN`.

    Executions of workflows have the rest of the methods; what they return is as the server writes it in JSON.

    A checkpoint or an execution that does not exist is a `FileNotFoundError`. What the server does not accept, for
    example a state over the limit, and what cannot be restored because it is damaged or empty, is a `ValueError`.
    Everything else, such as a server that does not answer, or a step that must not act yet (`ConflictError`), is a
    `BackstayError`.
    """

    def __init__(
        self,
        storage_dir: str | PathLike[str] | None = None,
        *,
        storage_path: str | PathLike[str] | None = None,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        if storage_dir is not None and storage_path is not None and os.fspath(storage_dir) != os.fspath(storage_path):
            raise ValueError("storage_dir and storage_path are two names of one thing")
        path = storage_dir if storage_dir is not None else storage_path
        self.client = Backstay(
            url or os.environ.get("BACKSTAY_SERVER", "http://127.0.0.1:8470"),
            token=token or os.environ.get("BACKSTAY_TOKEN"),
            project=None if path is None else project_of(path),
        )

    def __enter__(self) -> CheckpointManager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self.client.close()

    def save(
        self,
        job_id: str,
        step_name: str,
        state: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
    ) -> str:
        """Saves the state of a job after a step and returns the id of the checkpoint."""
        with _plain_errors():
            made = self.client.checkpoints.create(
                job_id,
                step_name,
                state,
                metadata=metadata,
                workflow_name=workflow_name,
                workflow_version=workflow_version,
            )
        return made.checkpoint_id

    def list(self, job_id: str) -> builtins.list[dict[str, Any]]:
        """All checkpoints of a job, oldest first, without their states: as the server writes them in JSON."""
        found: builtins.list[dict[str, Any]] = []
        total = 1
        while len(found) < total:
            query = {"job_id": job_id, "limit": 1000, "offset": len(found)}
            with _plain_errors():
                page = self.client._transport.fetch(request("GET", "api", "checkpoints", query=query))
            found += page["checkpoints"]
            total = page["total"] if page["checkpoints"] else 0
        return found

    def restore(self, checkpoint_id: str) -> dict[str, Any]:
        """The state of a checkpoint."""
        with _plain_errors():
            state: dict[str, Any] = self.client.checkpoints.restore(checkpoint_id).state
        return state

    def delete(self, checkpoint_id: str) -> bool:
        """Deletes a checkpoint; `False` when there is none."""
        try:
            self.client.checkpoints.delete(checkpoint_id)
        except NotFoundError:
            return False
        return True

    def cleanup(self, job_id: str, keep_last: int = 10) -> int:
        """Deletes all but the newest checkpoints of a job and returns how many it deleted."""
        with _plain_errors():
            return self.client.checkpoints.cleanup(job_id, keep_last=keep_last).deleted_count

    def start_workflow_execution(
        self,
        correlation_id: str,
        workflow_name: str,
        initial_data: dict[str, Any] | None = None,
        job_id: str | None = None,
    ) -> str:
        """Starts an execution of a workflow and returns its id."""
        with _plain_errors():
            made = self.client.executions.create(
                correlation_id, workflow_name, initial_data=initial_data, job_id=job_id
            )
        return made.execution_id

    def create_checkpoint(
        self,
        execution_id: str,
        checkpoint_name: str,
        agent_id: str,
        input_data: dict[str, Any] | None = None,
        approval_required: bool = False,
        metadata: dict[str, Any] | None = None,
        approval: dict[str, Any] | None = None,
    ) -> str:
        """Begins a step of an execution and returns its id. It must not act before it is `active`.

        `approval` is as the server takes it in JSON: `title`, `approvers`, `timeout_s`, `form` and so on.
        """
        body = {
            "checkpoint_name": checkpoint_name,
            "agent_id": agent_id,
            "input_data": input_data,
            "approval_required": approval_required,
            "approval": approval,
            "metadata": metadata,
        }
        step_id: str = self._fetch(call("POST", execution_id, "checkpoints", body=without_none(body)))["step_id"]
        return step_id

    def complete_checkpoint(
        self,
        execution_id: str,
        checkpoint_name: str,
        output_data: dict[str, Any] | None = None,
        success: bool = True,
        state: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ends the one open step of this name, with the state of the job after it. A failure fails the execution."""
        body = without_none({"output_data": output_data, "success": success, "state": state})
        return self._fetch(call_step("POST", execution_id, None, checkpoint_name, "complete", body=body))

    def approve_checkpoint(
        self,
        execution_id: str,
        checkpoint_name: str,
        reason: str | None = None,
        values: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Approves the one open step of this name. A decision that comes too late is a `ConflictError`."""
        body = without_none({"reason": reason, "values": values})
        return self._fetch(call_step("POST", execution_id, None, checkpoint_name, "approve", body=body))

    def deny_checkpoint(self, execution_id: str, checkpoint_name: str, reason: str) -> dict[str, Any]:
        """Denies the one open step of this name, for a reason. A decision that comes too late is a `ConflictError`."""
        body = {"reason": reason}
        return self._fetch(call_step("POST", execution_id, None, checkpoint_name, "deny", body=body))

    def wait_checkpoint(self, execution_id: str, checkpoint_name: str, timeout_s: int = 30) -> dict[str, Any]:
        """The one open step of this name as soon as it may act or has ended, or as it is after `timeout_s`."""
        query = {"timeout_s": timeout_s}
        return self._fetch(
            call_step("GET", execution_id, None, checkpoint_name, "wait", query=query, extra_time_s=float(timeout_s))
        )

    def pause_execution(
        self, execution_id: str, reason: str | None = None, checkpoint_name: str | None = None
    ) -> dict[str, Any]:
        """Pauses an execution until it is resumed."""
        return self._steer(execution_id, "pause", reason, checkpoint_name)

    def resume_execution(
        self, execution_id: str, reason: str | None = None, checkpoint_name: str | None = None
    ) -> dict[str, Any]:
        """Lets a paused execution go on. While an approval is pending it is a `ConflictError`."""
        return self._steer(execution_id, "resume", reason, checkpoint_name)

    def complete_execution(
        self, execution_id: str, reason: str | None = None, checkpoint_name: str | None = None
    ) -> dict[str, Any]:
        """Ends an execution well. It must not have open steps."""
        return self._steer(execution_id, "complete", reason, checkpoint_name)

    def fail_execution(
        self, execution_id: str, reason: str | None = None, checkpoint_name: str | None = None
    ) -> dict[str, Any]:
        """Ends an execution as failed."""
        return self._steer(execution_id, "fail", reason, checkpoint_name)

    def cancel_execution(
        self, execution_id: str, reason: str | None = None, checkpoint_name: str | None = None
    ) -> dict[str, Any]:
        """Ends an execution because somebody wants it."""
        return self._steer(execution_id, "cancel", reason, checkpoint_name)

    def fork_execution(self, execution_id: str, reason: str | None = None, checkpoint_id: str | None = None) -> str:
        """Starts an execution from the state of another one, to try again, and returns its id."""
        with _plain_errors():
            made = self.client.executions.fork(execution_id, reason=reason, checkpoint_id=checkpoint_id)
        return made.execution_id

    def get_execution(self, execution_id: str) -> dict[str, Any]:
        """An execution with how many steps it has and how many approvals are pending."""
        return self._fetch(call("GET", execution_id))

    def list_executions(self, **query: Any) -> builtins.list[dict[str, Any]]:
        """Executions, newest first; `state`, `workflow_name`, `job_id`, `limit` (50) and `offset` choose."""
        found: builtins.list[dict[str, Any]] = self._fetch(call("GET", query=query))["executions"]
        return found

    def get_checkpoint_history(self, execution_id: str) -> builtins.list[dict[str, Any]]:
        """All steps of an execution, oldest first."""
        found: builtins.list[dict[str, Any]] = []
        total = 1
        while len(found) < total:
            query = {"limit": 1000, "offset": len(found)}
            page = self._fetch(call("GET", execution_id, "checkpoints", query=query))
            found += page["checkpoints"]
            total = page["total"] if page["checkpoints"] else 0
        return found

    def cleanup_executions(self, max_age_days: int = 30) -> int:
        """Removes executions that ended more than so many days ago and returns how many; at most 1000 at once."""
        with _plain_errors():
            return self.client.executions.cleanup(max_age_days=max_age_days).deleted_count

    def _steer(self, execution_id: str, what: str, reason: str | None, checkpoint_name: str | None) -> dict[str, Any]:
        body = without_none({"reason": reason, "checkpoint_name": checkpoint_name})
        return self._fetch(call("POST", execution_id, what, body=body))

    def _fetch(self, sent: Request) -> dict[str, Any]:
        with _plain_errors():
            answer: dict[str, Any] = self.client._transport.fetch(sent)
        return answer


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors as a file-based manager has them."""
    try:
        yield
    except NotFoundError as error:
        raise FileNotFoundError(error.detail) from error
    except (BadRequestError, InvalidError, TooLargeError) as error:
        raise ValueError(str(error)) from error


def project_of(path: str | PathLike[str]) -> str:
    """The project of a path: its last name, readable, and a hash of the whole."""
    whole = os.path.normpath(os.fspath(path))
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in os.path.basename(whole)).strip("-")
    return f"{name[:40] or 'path'}-{hashlib.sha256(os.fsencode(whole)).hexdigest()[:12]}"
