"""The inbox of approvals against a real server."""

import datetime

import pytest

from backstay import Backstay
from backstay.errors import (
    ApiError,
    ApprovalExpiredError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    WaitTimeoutError,
)
from backstay.models import Approvers, NewApproval, NewDecision, Step


@pytest.fixture
def execution(client, request):
    return client.executions.create("run-1", request.node.name)


@pytest.fixture
def ask(client, execution):
    def ask(name="send", **approval):
        return client.executions.create_step(execution.execution_id, name, "a", approval=NewApproval(**approval))

    return ask


@pytest.fixture
def project_client(server, request):
    with Backstay(server.url, token=server.token, project=request.node.name[:40]) as client:
        yield client


def test_the_inbox_shows_what_changed(project_client):
    client, project = project_client, project_client._transport.options.headers["Backstay-Project"]
    execution = client.executions.create("run", "nightly")
    with execution.checkpoint("load", agent_id="a") as step:
        step.finish(state={"rows": 10})
    asked = [
        client.executions.create_step(execution.execution_id, f"s{n}", "a", approval_required=True) for n in (1, 2)
    ]
    page = client.approvals.list(project=project, limit=1)
    assert (page.total, len(page), page.next) == (2, 1, "1")
    found = list(client.approvals.iterate(project=project, diff=True))
    assert [each.step.step_id for each in found] == [asked[1].step_id, asked[0].step_id]
    assert found[0].may_decide and (found[0].project, found[0].job_id) == (project, execution.job_id)
    assert [(each.op, each.path, each.new) for each in found[0].state_diff] == [("add", "/rows", 10)]
    client.approvals.approve(execution.execution_id, asked[0].step_id, reason="fine")
    assert [each.step.step_id for each in client.approvals.iterate(project=project)] == [asked[1].step_id]
    assert (
        client.approvals.list(project=project, status="approved").items[0].step.approval.decisions[0].reason == "fine"
    )


def test_a_decision_is_made_once(client, execution, ask):
    step = ask()
    denied = client.approvals.deny(execution.execution_id, step.step_id, reason="no")
    assert (denied.state, denied.approval_status) == ("skipped", "denied")
    for again in (
        lambda: client.approvals.approve(execution.execution_id, step.step_id),
        lambda: client.approvals.deny(execution.execution_id, step.step_id, reason="no"),
    ):
        with pytest.raises(ConflictError, match="Approval already decided: denied by tests"):
            again()


def test_only_approvers_decide(server, client, execution, ask):
    step = ask(four_eyes=True)
    with pytest.raises(ForbiddenError):
        client.approvals.approve(execution.execution_id, step.step_id)
    named = ask("named", approvers=Approvers(users=("boss",)))
    boss = server.command("tokens", "create", "boss", "--role", "viewer", "--data-directory", server.data).strip()
    with Backstay(server.url, token=boss) as other:
        assert other.approvals.approve(execution.execution_id, named.step_id).state == "active"
        with pytest.raises(ForbiddenError):
            other.approvals.approve(execution.execution_id, step.step_id)


def test_values_must_fit_the_form(client, execution, ask):
    form = {"type": "object", "properties": {"rows": {"type": "integer"}}, "required": ["rows"]}
    step = ask(form=form)
    for wrong in (None, {"rows": "many"}):
        with pytest.raises(InvalidError):
            client.approvals.approve(execution.execution_id, step.step_id, values=wrong)
    approved = client.approvals.approve(execution.execution_id, step.step_id, values={"rows": 3})
    assert approved.values == {"rows": 3}


def test_several_are_decided_each_for_itself(client, execution, ask):
    steps = [ask(f"s{number}") for number in range(3)]
    decisions = [
        NewDecision(execution.execution_id, steps[0].step_id, "approve", reason="fine"),
        NewDecision(execution.execution_id, steps[1].step_id, "deny"),
        NewDecision(execution.execution_id, steps[2].step_id, "deny", reason="no"),
    ]
    results = client.approvals.decide(decisions)
    assert [type(each) for each in results] == [Step, InvalidError, Step]
    assert isinstance(results[1], ApiError) and "reason" in str(results[1])
    assert results[0].approval_status == "approved" and results[2].state == "skipped"


def test_more_than_one_can_be_needed(server, client, execution, ask):
    step = ask(min_approvals=2)
    assert client.approvals.approve(execution.execution_id, step.step_id).approval_status == "pending"
    second = server.command("tokens", "create", "second", "--role", "operator", "--data-directory", server.data).strip()
    with Backstay(server.url, token=second) as other:
        assert other.approvals.approve(execution.execution_id, step.step_id).state == "active"


@pytest.mark.parametrize("default", ["deny", "none"])
def test_a_deadline_that_passes_is_told(client, execution, ask, default):
    step = ask(timeout_s=1, default=default, on_deny="skip")
    with pytest.raises(ApprovalExpiredError, match="deadline of its approval has passed") as caught:
        client.approvals.wait_for_approval(execution.execution_id, step.step_id, timeout_s=60)
    assert caught.value.step.state == ("skipped" if default == "deny" else "paused")


def test_a_deadline_can_approve(client, execution, ask):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    step = ask(deadline=soon, default="approve")
    assert client.approvals.wait_for_approval(execution.execution_id, step.step_id, timeout_s=60).state == "active"


def test_waiting_is_bounded(client, execution, ask):
    step = ask()
    with pytest.raises(WaitTimeoutError):
        client.approvals.wait_for_approval(execution.execution_id, step.step_id, timeout_s=1.1)


async def test_the_asynchronous_client_does_the_same(async_client):
    execution = await async_client.executions.create("run", "async-approvals")
    step = await async_client.executions.create_step(execution.execution_id, "send", "a", approval_required=True)
    mine = [each async for each in async_client.approvals.iterate() if each.step.step_id == step.step_id]
    assert len(mine) == 1
    with pytest.raises(WaitTimeoutError):
        await async_client.approvals.wait_for_approval(execution.execution_id, step.step_id, timeout_s=0.1)
    (result,) = await async_client.approvals.decide([NewDecision(execution.execution_id, step.step_id, "approve")])
    assert result == await async_client.approvals.wait_for_approval(execution.execution_id, step.step_id)
