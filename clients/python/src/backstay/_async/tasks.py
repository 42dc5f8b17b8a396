"""Background work."""

from __future__ import annotations

from collections.abc import AsyncIterator

from backstay._async.paging import every
from backstay._async.transport import AsyncTransport, Patience
from backstay._decode import decode
from backstay._request import request
from backstay.errors import OperationFailedError
from backstay.models.page import Page, to_page
from backstay.models.task import Task, TaskState


class AsyncTasks:
    """Background work at the server."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self, *, state: TaskState | None = None, kind: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Task]:
        """One page of tasks, newest first."""
        query = {"state": state, "kind": kind, "limit": limit, "cursor": cursor}
        return to_page(Task, "tasks", await self._transport.fetch(request("GET", "api", "v1", "tasks", query=query)))

    def iterate(self, *, state: TaskState | None = None, kind: str | None = None) -> AsyncIterator[Task]:
        """All tasks, newest first, read page by page."""
        return every(lambda cursor: self.list(state=state, kind=kind, cursor=cursor))

    async def get(self, task_id: str) -> Task:
        """A task with its progress."""
        return decode(Task, await self._transport.fetch(request("GET", "api", "v1", "tasks", task_id)))

    async def cancel(self, task_id: str) -> Task:
        """Asks a task to stop."""
        return decode(Task, await self._transport.fetch(request("POST", "api", "v1", "tasks", task_id, "cancel")))

    async def wait(self, task_id: str, *, timeout_s: float | None = None) -> Task:
        """Waits until a task has ended and returns it when it is done.

        Raises `OperationFailedError` when it failed or was cancelled, `WaitTimeoutError` when the time is over.
        """
        patience = Patience(timeout_s)
        while True:
            task = await self.get(task_id)
            if task.state == "done":
                return task
            if task.state in ("failed", "cancelled"):
                raise OperationFailedError(f"task {task_id}", task.state, task.error)
            await patience.wait(f"task {task_id}")
