"""Waits until a step may act."""

from __future__ import annotations

import asyncio
import math
import time

from backstay._async.transport import AsyncTransport
from backstay._decode import decode
from backstay._executions import LONGEST_POLL_S, call_step, may_act
from backstay._request import from_json, time_of
from backstay.errors import WaitTimeoutError
from backstay.models.execution import Step


async def wait_until_it_may_act(
    transport: AsyncTransport, execution_id: str, step_id: str | None, checkpoint_name: str | None, timeout_s: float
) -> Step:
    """The step as soon as it may act. The server holds its answers, so that nothing is asked in vain.

    Raises `WaitTimeoutError` after `timeout_s`, and what `may_act` raises.
    """
    end = time.monotonic() + timeout_s
    poll_s = 0
    while True:
        query = {"timeout_s": poll_s}
        request = call_step(
            "GET", execution_id, step_id, checkpoint_name, "wait", query=query, extra_time_s=float(poll_s)
        )
        response = await transport.send(request)
        step, now = decode(Step, from_json(response)), time_of(response)
        if may_act(step, now):
            return step
        # From now on the same step, also when another one of its name begins.
        step_id, checkpoint_name = step.step_id, None
        left = end - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(
                f"checkpoint {step.checkpoint_name} of {execution_id} may not act after {timeout_s:g} seconds; "
                "it waits on at the server"
            )
        poll_s = min(LONGEST_POLL_S, int(left))
        if step.approval is not None and step.approval.deadline is not None:
            until = step.approval.deadline.timestamp() - now
            poll_s = min(poll_s, max(0, math.ceil(until)))
        if poll_s == 0:
            await asyncio.sleep(min(left, 0.1))
