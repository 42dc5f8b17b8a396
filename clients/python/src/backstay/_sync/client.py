# Generated from ../_async/client.py by tools/generate_sync.py; change that instead.
"""The client of one server."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from backstay._options import options
from backstay._request import request
from backstay._sync.approvals import Approvals
from backstay._sync.checkpoints import Checkpoints
from backstay._sync.executions import Executions
from backstay._sync.executors import Executors
from backstay._sync.operations import Operations
from backstay._sync.snapshots import Snapshots
from backstay._sync.tasks import Tasks
from backstay._sync.transport import Transport
from backstay._sync.workspaces import Workspaces
from backstay.retry import RetryPolicy


class Backstay:
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
        self._transport = Transport(
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
        self.checkpoints = Checkpoints(self._transport)
        self.executions = Executions(self._transport)
        self.approvals = Approvals(self._transport)
        self.executors = Executors(self._transport)
        self.tasks = Tasks(self._transport)
        self.operations = Operations(self._transport)
        self.snapshots = Snapshots(self._transport, self.tasks)
        self.workspaces = Workspaces(self._transport, self.snapshots, self.operations, self.tasks)

    def __repr__(self) -> str:
        return f"<Backstay {self._transport.options.base}>"

    def __enter__(self) -> Backstay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self._transport.close()

    def me(self) -> dict[str, Any]:
        """Who the token stands for: `actor`, `role` and `tenant_id`."""
        answer: dict[str, Any] = self._transport.fetch(request("GET", "api", "v1", "sessions", "me"))
        return answer
