"""The client of one server."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from backstay._async.approvals import AsyncApprovals
from backstay._async.checkpoints import AsyncCheckpoints
from backstay._async.executions import AsyncExecutions
from backstay._async.executors import AsyncExecutors
from backstay._async.operations import AsyncOperations
from backstay._async.snapshots import AsyncSnapshots
from backstay._async.tasks import AsyncTasks
from backstay._async.transport import AsyncTransport
from backstay._async.workspaces import AsyncWorkspaces
from backstay._options import options
from backstay._request import request
from backstay.retry import RetryPolicy


class AsyncBackstay:
    """A client of the server at `url`, for example `http://127.0.0.1:8470`. Nothing is sent yet.

    `token` is an API token; it travels as a header only. `project` separates jobs of one tenant; `tenant` is for
    superadmins. `timeout_s` bounds one answer, `retry` says how often a request is sent again. Connections are reused;
    one client serves any number of concurrent callers. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        project: str | None = None,
        *,
        tenant: str | None = None,
        timeout_s: float = 40.0,
        retry: RetryPolicy | None = None,
        allow_cleartext_token: bool = False,
    ) -> None:
        self._transport = AsyncTransport(
            options(
                url,
                token=token,
                project=project,
                tenant=tenant,
                timeout_s=timeout_s,
                retry=retry,
                allow_cleartext_token=allow_cleartext_token,
            )
        )
        self.checkpoints = AsyncCheckpoints(self._transport)
        self.executions = AsyncExecutions(self._transport)
        self.approvals = AsyncApprovals(self._transport)
        self.executors = AsyncExecutors(self._transport)
        self.tasks = AsyncTasks(self._transport)
        self.operations = AsyncOperations(self._transport)
        self.snapshots = AsyncSnapshots(self._transport, self.tasks)
        self.workspaces = AsyncWorkspaces(self._transport, self.snapshots, self.operations, self.tasks)

    def __repr__(self) -> str:
        return f"<AsyncBackstay {self._transport.options.base}>"

    async def __aenter__(self) -> AsyncBackstay:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def me(self) -> dict[str, Any]:
        """Who the token stands for: `actor`, `role` and `tenant_id`."""
        answer: dict[str, Any] = await self._transport.fetch(request("GET", "api", "v1", "sessions", "me"))
        return answer
