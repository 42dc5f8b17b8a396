"""Executions and their steps against a real server."""

import threading

import pytest
from faulty_link import FaultyLink

from backstay import Backstay, RetryPolicy
from backstay.errors import (
    ApprovalDeniedError,
    ApprovalWithdrawnError,
    ConflictError,
    InvalidError,
    NotFoundError,
    StepSkippedError,
    WaitTimeoutError,
)
from backstay.models import Approvers, ForkedFrom, NewApproval


@pytest.fixture
def workflow(request):
    return request.node.name


@pytest.fixture
def execution(client, workflow):
    return client.executions.create("run-1", workflow, initial_data={"day": 1})


def test_a_workflow_runs_and_its_states_are_checkpoints(client, execution, workflow):
    assert (execution.state, execution.global_data, execution.pause_reasons) == ("running", {"day": 1}, ())
    with execution.checkpoint("load", agent_id="worker-1", input_data={"from": "a"}, metadata={"try": 1}) as step:
        assert (step.step.state, step.step.attempt) == ("active", 1)
        step.finish({"rows": 2**70}, state={"rows": 10})
    done = client.executions.get_step(execution.execution_id, step.step_id)
    assert done == step.step and done.is_over
    assert (done.state, done.output_data, done.input_data) == ("completed", {"rows": 2**70}, {"from": "a"})
    saved = client.checkpoints.get(done.checkpoint_id)
    assert (saved.state_snapshot, saved.job_id, saved.execution_id) == (
        {"rows": 10},
        execution.job_id,
        execution.execution_id,
    )
    ended = execution.complete(reason="all done")
    assert (ended.state, ended.total_checkpoints, ended.completed_checkpoints) == ("completed", 1, 1)
    assert execution.reload() == ended and ended.completed_at > execution.started_at
    actions = [event.action for event in client.executions.iterate_events(execution.execution_id)]
    assert actions[0] == "execution.running" and actions[-1] == "execution.completed"
    assert actions.index("step.active") < actions.index("step.completed")
    with pytest.raises(ConflictError, match="completed already"):
        execution.cancel()


def test_an_exception_fails_the_step_and_the_execution(client, execution):
    with pytest.raises(KeyError), execution.checkpoint("load", agent_id="a"):
        raise KeyError("day")
    failed = client.executions.get_step(execution.execution_id, checkpoint_name="load")
    assert (failed.state, failed.error_details) == ("failed", "KeyError: 'day'")
    assert execution.reload().state == "failed"


def test_the_exception_of_a_block_goes_on_when_the_step_cannot_be_failed(client, execution):
    with pytest.raises(KeyError), execution.checkpoint("load", agent_id="a"):
        execution.cancel()
        raise KeyError("day")
    assert execution.reload().state == "cancelled"


def test_two_executions_of_one_correlation_id_and_two_steps_of_one_name(client, workflow):
    first, second = (client.executions.create("same", workflow) for _ in range(2))
    assert first.execution_id != second.execution_id
    for attempt in (1, 2):
        with first.checkpoint("again", agent_id="a") as step:
            assert step.step.attempt == attempt
    assert [each.state for each in first.steps()] == ["completed", "completed"]


def test_listing_in_pages(client, workflow):
    made = [client.executions.create(f"run-{number}", workflow, job_id=workflow) for number in range(5)]
    made[0].cancel()
    page = client.executions.list(workflow_name=workflow, limit=2)
    assert (page.total, [each.correlation_id for each in page], page.next) == (5, ["run-4", "run-3"], "2")
    assert client.executions.list(workflow_name=workflow, limit=2, offset=4).next is None
    found = client.executions.iterate(job_id=workflow, state="running")
    assert [each.correlation_id for each in found] == ["run-4", "run-3", "run-2", "run-1"]
    for number in range(3):
        with made[1].checkpoint(f"s{number}", agent_id="a"):
            pass
    steps = client.executions.list_steps(made[1].execution_id, limit=2, offset=1)
    assert ([each.checkpoint_name for each in steps], steps.total, steps.next) == (["s1", "s2"], 3, None)
    events = client.executions.list_events(made[1].execution_id, limit=2)
    following = client.executions.list_events(made[1].execution_id, after=events[-1].seq)
    assert len(events) == 2 and following[0].seq > events[-1].seq
    page.items[0].cancel(reason="an item of a list can act")


def test_what_is_wrong_is_told(client, execution):
    with pytest.raises(InvalidError):
        client.executions.create("", "w")
    with pytest.raises(NotFoundError, match="Execution not found: exec_x"):
        client.executions.get("exec_x")
    with pytest.raises(NotFoundError, match="Checkpoint not found: x"):
        client.executions.get_step(execution.execution_id, checkpoint_name="x")
    for wrong in ({}, {"step_id": "a", "checkpoint_name": "b"}):
        with pytest.raises(ValueError, match="step_id"):
            client.executions.get_step(execution.execution_id, **wrong)
    with pytest.raises(ConflictError, match="not paused"):
        execution.resume()


def test_one_name_for_two_open_steps_is_a_conflict(client, execution):
    for _ in range(2):
        client.executions.create_step(execution.execution_id, "twin", "a")
    with pytest.raises(ConflictError):
        client.executions.complete_step(execution.execution_id, checkpoint_name="twin")
    client.executions.fail(execution.execution_id, reason="mixed up")


def test_a_lost_answer_does_nothing_twice(server, client, workflow):
    with FaultyLink(server.address, ["lose"] * 3) as link:
        with Backstay(link.url, token=server.token, retry=RetryPolicy(first_pause_s=0.001)) as unlucky:
            execution = unlucky.executions.create("run", workflow)
    with FaultyLink(server.address, ["lose", "lose"]) as link:
        with Backstay(link.url, token=server.token, retry=RetryPolicy(first_pause_s=0.001)) as unlucky:
            step = unlucky.executions.create_step(execution.execution_id, "load", "a")
    with FaultyLink(server.address, ["lose"]) as link:
        with Backstay(link.url, token=server.token, retry=RetryPolicy(first_pause_s=0.001)) as unlucky:
            done = unlucky.executions.complete_step(execution.execution_id, step.step_id, state={"n": 1})
    assert done.state == "completed" and client.executions.list(workflow_name=workflow).total == 1
    assert (
        client.executions.list_steps(execution.execution_id).total == 1
        and client.checkpoints.list(execution.job_id).total == 1
    )


def test_a_paused_execution_keeps_a_block_from_beginning(client, execution):
    execution.pause(reason="a look first")
    with pytest.raises(WaitTimeoutError, match="may not act after 0 seconds"):
        with execution.checkpoint("load", agent_id="a", timeout_s=0):
            pytest.fail("the block must not begin")
    resumed = threading.Timer(0.3, execution.resume)
    resumed.start()
    with execution.checkpoint("second", agent_id="a") as step:
        assert step.step.state == "active"
    resumed.join()


def test_a_block_does_not_begin_when_the_execution_ends(client, execution):
    execution.pause()
    ended = threading.Timer(0.3, execution.cancel)
    ended.start()
    with pytest.raises(StepSkippedError, match="the execution has ended"):
        with execution.checkpoint("load", agent_id="a"):
            pytest.fail("the block must not begin")
    ended.join()


def test_an_approval_lets_a_step_act(client, execution):
    form = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    asked = NewApproval(title="Send it?", form=form, approvers=Approvers(roles=("admin",)), timeout_s=3600)
    with execution.checkpoint("send", agent_id="a", approval=asked) as step:
        assert (step.step.state, step.step.approval.title, step.step.approval.deadline is None) == (
            "paused",
            "Send it?",
            False,
        )
        with pytest.raises(WaitTimeoutError, match="waits on at the server"):
            step.wait_for_approval(timeout_s=0.2)
        with pytest.raises(ConflictError, match="Checkpoint send is waiting for approval"):
            client.executions.complete_step(execution.execution_id, step.step_id)
        approved = threading.Timer(
            0.3, client.approvals.approve, (execution.execution_id, step.step_id), {"values": {"to": "all"}}
        )
        approved.start()
        assert step.wait_for_approval(timeout_s=30).values == {"to": "all"}
        approved.join()
    assert step.step.state == "completed"
    assert [each.decision for each in step.step.approval.decisions] == ["approved"]


def test_a_denied_step_raises_and_its_block_ends(client, execution):
    with pytest.raises(ApprovalDeniedError, match="tests denied it: not today") as caught:
        with execution.checkpoint("send", agent_id="a", approval_required=True) as step:
            client.approvals.deny(execution.execution_id, step.step_id, reason="not today")
            step.wait_for_approval()
    assert (caught.value.by, caught.value.reason, caught.value.step.state) == ("tests", "not today", "skipped")
    paused = execution.reload()
    assert (paused.state, paused.pause_reasons) == ("paused", ("denied",))
    assert execution.resume().state == "running"


def test_nothing_bypasses_a_pending_approval(client, execution):
    with pytest.raises(ConflictError, match="waiting for approval"):
        with execution.checkpoint("send", agent_id="a", approval_required=True):
            pass  # whoever forgets to wait does not get past it
    for bypass in (execution.resume, execution.complete):
        with pytest.raises(ConflictError, match="waiting for approval"):
            bypass()
    with pytest.raises(RuntimeError), execution.checkpoint("other", agent_id="a", approval_required=True) as step:
        raise RuntimeError("while it waits")
    assert client.executions.get_step(execution.execution_id, step.step_id).approval_status == "pending"
    execution.cancel(reason="enough")
    with pytest.raises(ApprovalWithdrawnError):
        client.executions.wait_for_approval(execution.execution_id, step.step_id)


def test_waiting_goes_on_in_another_program(server, client, execution):
    client.executions.create_step(execution.execution_id, "send", "a", approval_required=True)
    with Backstay(server.url, token=server.token) as other:
        waiting = threading.Timer(0.2, other.approvals.approve, (execution.execution_id,), {"checkpoint_name": "send"})
        waiting.start()
        step = client.approvals.wait_for_approval(execution.execution_id, checkpoint_name="send", timeout_s=30)
        assert step.state == "active"
        assert client.executions.wait_step(execution.execution_id, step.step_id, timeout_s=0) == step
        waiting.join()


def test_what_failed_is_forked_to_try_again(client, execution):
    with execution.checkpoint("load", agent_id="a") as step:
        step.finish(state={"rows": 10})
    with pytest.raises(KeyError), execution.checkpoint("parse", agent_id="a"):
        raise KeyError("day")
    forked = execution.fork(reason="the day is there now")
    assert (forked.state, forked.global_data, forked.total_checkpoints) == ("running", {"day": 1}, 0)
    assert forked.forked_from == ForkedFrom(execution.execution_id, step.step.checkpoint_id)
    (saved,) = client.checkpoints.list(forked.job_id)
    assert client.checkpoints.get(saved.checkpoint_id).state_snapshot == {"rows": 10}
    same = client.executions.fork(
        execution.execution_id,
        checkpoint_id=step.step.checkpoint_id,
        job_id=execution.job_id,
        correlation_id="run-2",
        idempotency_key=f"fork-{execution.execution_id}",
    )
    assert (same.job_id, same.correlation_id) == (execution.job_id, "run-2")
    with pytest.raises(InvalidError, match="no checkpoint with this id"):
        execution.fork(checkpoint_id=saved.checkpoint_id)
    client.executions.create_step(forked.execution_id, "send", "a", approval_required=True)
    with pytest.raises(ConflictError, match="waiting for approval"):
        forked.fork()


def test_cleaning_up(client, execution):
    execution.cancel()
    shown = client.executions.cleanup(max_age_days=0, dry_run=True)
    assert execution.execution_id in shown.deleted and not shown.more
    assert execution.reload().state == "cancelled"
    assert client.executions.cleanup(max_age_days=30).deleted_count == 0


def test_executions_and_approvals_survive_a_kill(own_server):
    own_server.start()
    with Backstay(own_server.url, token=own_server.token) as client:
        execution = client.executions.create("run", "nightly")
        with execution.checkpoint("load", agent_id="a") as step:
            step.finish(state={"n": 1})
        waits = client.executions.create_step(execution.execution_id, "send", "a", approval_required=True)
        before = execution.reload()
        own_server.kill()
        own_server.start()
        assert execution.reload() == before
        assert client.executions.get_step(execution.execution_id, waits.step_id) == waits
        client.approvals.approve(execution.execution_id, waits.step_id)
        client.executions.complete_step(execution.execution_id, waits.step_id)
        assert execution.complete().state == "completed"


async def test_the_asynchronous_client_does_the_same(async_client, workflow):
    execution = await async_client.executions.create("run-1", workflow)
    async with execution.checkpoint("send", agent_id="a", approval_required=True) as step:
        await async_client.approvals.approve(execution.execution_id, step.step_id, reason="fine")
        assert (await step.wait_for_approval(timeout_s=5)).state == "active"
        step.finish({"sent": True}, state={"sent": True})
    with pytest.raises(KeyError):
        async with execution.checkpoint("load", agent_id="a"):
            raise KeyError("day")
    assert [each.state async for each in execution.steps()] == ["completed", "failed"]
    assert (await execution.reload()).state == "failed"
    assert [each.execution_id async for each in async_client.executions.iterate(workflow_name=workflow)] == [
        execution.execution_id
    ]
