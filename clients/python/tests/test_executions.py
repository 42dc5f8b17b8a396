"""Executions and approvals against a real server."""

import threading

import pytest

from backstay import Backstay
from backstay.errors import ApprovalDeniedError, ConflictError, WaitTimeoutError


@pytest.fixture
def execution(client, request):
    return client.executions.start("nightly", request.node.name, initial_data={"day": 1}).execution_id


def test_steps_run_and_save_the_state_of_the_job(client, execution):
    with client.executions.checkpoint(execution, "load", "agent") as step:
        assert step.step.state == "active"
        step.result, step.state = {"rows": 10}, {"rows": 10}
    (done,) = client.executions.iterate_checkpoints(execution)
    assert (done.state, done.output_data) == ("completed", {"rows": 10})
    assert client.checkpoints.get(done.checkpoint_id).state_snapshot == {"rows": 10}
    ended = client.executions.complete(execution)
    assert (ended.state, ended.completed_checkpoints, ended.global_data) == ("completed", 1, {"day": 1})
    with pytest.raises(ConflictError, match="completed already"):
        client.executions.cancel(execution)


def test_an_exception_fails_the_step_and_the_execution(client, execution):
    with pytest.raises(RuntimeError), client.executions.checkpoint(execution, "load", "agent"):
        raise RuntimeError("no such table")
    (failed,) = client.executions.list_checkpoints(execution)
    assert (failed.state, failed.error_details) == ("failed", "no such table")
    assert client.executions.get(execution).state == "failed"


def test_a_step_waits_for_somebody_else(client, server, execution):
    with client.executions.checkpoint(execution, "send", "agent", approval={"title": "Send it?"}) as step:
        assert step.step.state == "paused"
        with pytest.raises(ConflictError, match="send is waiting for approval"):
            client.executions.resume(execution)
        with pytest.raises(WaitTimeoutError):
            step.wait_for_approval(timeout_s=0)

        def decide():
            with Backstay(server.url, token=server.token) as approver:
                assert step.step.step_id in [each.step_id for each in approver.approvals.list()]
                approver.approvals.approve(execution, step.step.step_id, reason="fine")

        approver = threading.Thread(target=decide)
        approver.start()
        assert step.wait_for_approval(timeout_s=60).approval_status == "approved"
        approver.join()
    assert client.executions.get(execution).completed_checkpoints == 1


def test_a_denied_step_is_skipped(client, execution):
    with pytest.raises(ApprovalDeniedError), client.executions.checkpoint(
        execution, "send", "agent", approval={"on_deny": "skip"}
    ) as step:
        client.approvals.deny(execution, step.step.step_id, reason="not today")
        with pytest.raises(ConflictError, match="Approval already decided: denied by"):
            client.approvals.approve(execution, step.step.step_id)
        step.wait_for_approval()
    (skipped,) = client.executions.list_checkpoints(execution)
    assert (skipped.state, skipped.approval.decisions[0].reason) == ("skipped", "not today")
    assert client.executions.get(execution).state == "running"


async def test_the_asynchronous_twin(async_client):
    started = await async_client.executions.start("nightly", "twin")
    async with async_client.executions.checkpoint(started.execution_id, "load", "agent") as step:
        step.result = {"rows": 1}
    paused = await async_client.executions.pause(started.execution_id, reason="lunch")
    assert paused.pause_reasons == ("user",)
    await async_client.executions.resume(started.execution_id)
    assert (await async_client.executions.complete(started.execution_id)).state == "completed"
