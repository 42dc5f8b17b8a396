# Generated from ../_async/approvals.py by tools/generate_sync.py; change that instead.
"""The inbox of approvals."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from backstay._decode import decode
from backstay._executions import call_step, counted
from backstay._request import new_idempotency_key, request, without_none
from backstay._sync.paging import every
from backstay._sync.step_wait import wait_until_it_may_act
from backstay._sync.transport import Transport
from backstay.errors import ApiError, api_error
from backstay.models.execution import ApprovalStatus, NewDecision, RequestedApproval, Step
from backstay.models.page import Page, to_page


class Approvals:
    """What waits for a person, over all executions of the tenant.

    The first decision that is committed counts; another one raises `ConflictError`, which says who decided. Whoever is
    not an approver gets `ForbiddenError`. A step is named by its id or, with `checkpoint_name`, by the name of the only
    open step of that name.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        status: ApprovalStatus = "pending",
        project: str | None = None,
        diff: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> Page[RequestedApproval]:
        """One page of the approvals of the tenant, newest first, 100 when `limit` is `None`.

        With `diff` each says what changed in the state of its job since somebody last approved; a page has at most 20
        then.
        """
        query = {"status": status, "project": project, "diff": diff, "limit": limit, "offset": offset}
        answer = self._transport.fetch(request("GET", "api", "v1", "approvals", query=query))
        return counted(to_page(RequestedApproval, "approvals", answer), offset)

    def iterate(
        self, *, status: ApprovalStatus = "pending", project: str | None = None, diff: bool = False
    ) -> Iterator[RequestedApproval]:
        """All approvals of the tenant, newest first, read page by page.

        Pages are counted, so read all pending ones before you decide: what is decided meanwhile moves the others up.
        """
        return every(lambda cursor: self.list(status=status, project=project, diff=diff, offset=int(cursor or 0)))

    def approve(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        checkpoint_name: str | None = None,
        reason: str | None = None,
        values: Any = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Approves; `values` are what the form of the approval asks for. The step may act when enough have approved."""
        body = {"reason": reason, "values": values}
        return self._decide("approve", execution_id, step_id, checkpoint_name, body, idempotency_key)

    def deny(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        reason: str,
        checkpoint_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Denies, for a reason. One denial is enough; what it does to the execution says the approval."""
        body = {"reason": reason}
        return self._decide("deny", execution_id, step_id, checkpoint_name, body, idempotency_key)

    def decide(
        self, decisions: Iterable[NewDecision], *, idempotency_key: str | None = None
    ) -> builtins.list[Step | ApiError]:
        """Decides about 1 to 100 approvals, each for itself, and returns for each, in order, the step or the error."""
        body = {"decisions": [without_none(dataclasses.asdict(each)) for each in decisions]}
        key = idempotency_key or new_idempotency_key()
        sent = request("POST", "api", "v1", "approvals", "decisions", body=body, idempotency_key=key)
        return [_result(each) for each in (self._transport.fetch(sent))["results"]]

    def wait_for_approval(
        self,
        execution_id: str,
        step_id: str | None = None,
        *,
        checkpoint_name: str | None = None,
        timeout_s: float = 300.0,
    ) -> Step:
        """Waits until a step may act and returns it, as `executions.wait_for_approval` does."""
        return wait_until_it_may_act(self._transport, execution_id, step_id, checkpoint_name, timeout_s)

    def _decide(
        self,
        what: str,
        execution_id: str,
        step_id: str | None,
        checkpoint_name: str | None,
        body: dict[str, Any],
        idempotency_key: str | None,
    ) -> Step:
        sent = call_step(
            "POST",
            execution_id,
            step_id,
            checkpoint_name,
            what,
            body=without_none(body),
            idempotency_key=idempotency_key,
        )
        return decode(Step, self._transport.fetch(sent))


def _result(each: Any) -> Step | ApiError:
    if each["status"] < 300:
        return decode(Step, each["step"])
    problem = each["error"]
    return api_error(each["status"], problem, request_id=str(problem.get("request_id", "")), retry_after_s=None)
