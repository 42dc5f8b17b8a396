# Generated from ../_async/operations.py by tools/generate_sync.py; change that instead.
"""Operations: changes of workspaces."""

from __future__ import annotations

from backstay._decode import decode
from backstay._request import request
from backstay._sync.transport import Patience, Transport
from backstay._waiting import first_wait_s
from backstay.errors import OperationFailedError
from backstay.models.restore import Operation


class Operations:
    """Restores, undos and upgrades of workspaces."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, operation_id: str) -> Operation:
        """An operation."""
        answer = self._transport.fetch(request("GET", "api", "v1", "operations", operation_id))
        return decode(Operation, answer)

    def cancel(self, operation_id: str) -> Operation:
        """Asks a running operation to stop. After its commit point it finishes."""
        answer = self._transport.fetch(request("POST", "api", "v1", "operations", operation_id, "cancel"))
        return decode(Operation, answer)

    def undo(self, operation_id: str, *, force: bool = False, timeout_s: float | None = None) -> Operation:
        """Puts back what an operation changed, as a new operation, and returns that when it is done.

        `force` overwrites paths that were edited since. Undoing an undo is redo.
        """
        wait_s = first_wait_s(timeout_s)
        accepted = self._transport.fetch(
            request(
                "POST",
                "api",
                "v1",
                "operations",
                operation_id,
                "undo",
                body={"force": force},
                query={"wait": wait_s},
                extra_time_s=wait_s,
            )
        )
        return self.wait(accepted["operation_id"], timeout_s=timeout_s)

    def wait(self, operation_id: str, *, timeout_s: float | None = None) -> Operation:
        """Waits until an operation has ended and returns it when it is done; at once with `timeout_s=0`.

        Raises `OperationFailedError` when it ended otherwise, `WaitTimeoutError` when the time is over.
        """
        patience = Patience(timeout_s)
        while True:
            operation = self.get(operation_id)
            if operation.state == "done" or (operation.state == "running" and timeout_s == 0):
                return operation
            if operation.state != "running":
                raise OperationFailedError(f"operation {operation_id}", operation.state, operation.error)
            patience.wait(f"operation {operation_id}")
