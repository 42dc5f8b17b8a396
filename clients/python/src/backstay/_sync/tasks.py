# Generated from ../_async/tasks.py by tools/generate_sync.py; change that instead.
"""Background work."""

from __future__ import annotations

from collections.abc import Iterator

from backstay._decode import decode
from backstay._request import request
from backstay._sync.paging import every
from backstay._sync.transport import Patience, Transport
from backstay.errors import OperationFailedError
from backstay.models.page import Page, to_page
from backstay.models.task import Task, TaskState


class Tasks:
    """Background work at the server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, state: TaskState | None = None, kind: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Task]:
        """One page of tasks, newest first."""
        query = {"state": state, "kind": kind, "limit": limit, "cursor": cursor}
        return to_page(Task, "tasks", self._transport.fetch(request("GET", "api", "v1", "tasks", query=query)))

    def iterate(self, *, state: TaskState | None = None, kind: str | None = None) -> Iterator[Task]:
        """All tasks, newest first, read page by page."""
        return every(lambda cursor: self.list(state=state, kind=kind, cursor=cursor))

    def get(self, task_id: str) -> Task:
        """A task with its progress."""
        return decode(Task, self._transport.fetch(request("GET", "api", "v1", "tasks", task_id)))

    def cancel(self, task_id: str) -> Task:
        """Asks a task to stop."""
        return decode(Task, self._transport.fetch(request("POST", "api", "v1", "tasks", task_id, "cancel")))

    def wait(self, task_id: str, *, timeout_s: float | None = None) -> Task:
        """Waits until a task has ended and returns it when it is done.

        Raises `OperationFailedError` when it failed or was cancelled, `WaitTimeoutError` when the time is over.
        """
        patience = Patience(timeout_s)
        while True:
            task = self.get(task_id)
            if task.state == "done":
                return task
            if task.state in ("failed", "cancelled"):
                raise OperationFailedError(f"task {task_id}", task.state, task.error)
            patience.wait(f"task {task_id}")
