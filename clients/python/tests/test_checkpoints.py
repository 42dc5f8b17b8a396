"""Checkpoints of jobs against a real server."""

import threading

import pytest
from faulty_link import FaultyLink

from backstay import Backstay, RetryPolicy
from backstay.errors import ApiError, ConflictError, InvalidError, NotFoundError, TooLargeError
from backstay.models import Checkpoint, NewCheckpoint


@pytest.fixture
def job(request):
    return request.node.name


def saved(client, job, count):
    return [client.checkpoints.create(job, f"step_{number}", {"iteration": number}) for number in range(count)]


def test_five_steps_are_saved_listed_and_one_is_deleted(client, job):
    made = saved(client, job, 5)
    assert [each.sequence for each in made] == [1, 2, 3, 4, 5]
    listed = client.checkpoints.list(job)
    assert listed.total == 5 and [each.step_name for each in listed] == [f"step_{number}" for number in range(5)]
    client.checkpoints.delete(made[0].checkpoint_id)
    assert client.checkpoints.list(job).total == 4
    with pytest.raises(NotFoundError, match="not found"):
        client.checkpoints.delete(made[0].checkpoint_id)


def test_a_state_comes_back_as_it_was(client, job):
    state = {"z": 1, "a": [None, True, 1.0, 2**70, -0.5, "\x00ü😀"], "deep": {"b": {}, "": []}}
    made = client.checkpoints.create(job, "../../evil", state, metadata={"by": "test"}, workflow_name="w")
    found = client.checkpoints.get(made.checkpoint_id)
    assert found.state_snapshot == state and list(found.state_snapshot) == ["z", "a", "deep"]
    assert (found.step_name, found.metadata, found.workflow_name) == ("../../evil", {"by": "test"}, "w")
    assert found.workflow_version == "1.0" and found.form == "json"


@pytest.mark.parametrize("state", [None, [], "text", 1])
def test_what_is_no_object_is_refused(client, job, state):
    with pytest.raises(InvalidError):
        client.checkpoints.create(job, "s", state)


@pytest.mark.parametrize("state", [{"x": float("nan")}, {"x": "\ud800"}])
def test_what_is_no_json_is_not_sent(client, job, state):
    with pytest.raises(ValueError):
        client.checkpoints.create(job, "s", state)


def test_a_state_over_the_limit_is_told_with_the_limit(client, job):
    with pytest.raises(TooLargeError, match="the limit is 67108864"):
        client.checkpoints.create(job, "s", {"x": "x" * (65 << 20)})
    assert client.checkpoints.list(job).total == 0


def test_restoring_gives_the_state(client, job):
    made = saved(client, job, 5)
    restored = client.checkpoints.restore(made[2].checkpoint_id)
    assert restored.state == {"iteration": 2}
    assert (restored.job_status, restored.message) == ("restored", "Checkpoint restored successfully")


def test_without_an_executor_nothing_resumes(client, job):
    made = saved(client, job, 1)
    restored = client.checkpoints.restore(made[0].checkpoint_id, resume=True)
    assert restored.job_status == "restored"
    assert restored.message == "Checkpoint restored (resume not supported by executor)"


def test_cleaning_up_keeps_the_newest(client, job):
    made = saved(client, job, 5)
    shown = client.checkpoints.cleanup(job, keep_last=3, dry_run=True)
    assert (shown.deleted_count, shown.kept_count) == (2, 3) and client.checkpoints.list(job).total == 5
    done = client.checkpoints.cleanup(job, keep_last=3)
    assert set(done.deleted) == {each.checkpoint_id for each in made[:2]}
    assert [each.checkpoint_id for each in client.checkpoints.list(job)] == [each.checkpoint_id for each in made[2:]]
    assert client.checkpoints.cleanup(job).deleted_count == 0
    with pytest.raises(InvalidError):
        client.checkpoints.cleanup(job, keep_last=0)


def test_a_batch_is_saved_whole_or_not_at_all(client, job):
    good = [NewCheckpoint(job, f"s{number}", {"n": number}) for number in range(3)]
    bad = NewCheckpoint(job, "", {})
    with pytest.raises(InvalidError):
        client.checkpoints.create_batch([*good, bad])
    assert client.checkpoints.list(job).total == 0
    assert [each.step_name for each in client.checkpoints.create_batch(good)] == ["s0", "s1", "s2"]
    results = client.checkpoints.create_each([good[0], bad, good[1]])
    assert [type(each) for each in results] == [Checkpoint, InvalidError, Checkpoint]
    assert isinstance(results[1], ApiError) and results[1].status == 422
    assert client.checkpoints.list(job).total == 5


def test_one_key_makes_one_checkpoint(client, job):
    first = client.checkpoints.create(job, "s", {"n": 1}, idempotency_key=f"key-{job}")
    assert client.checkpoints.create(job, "s", {"n": 1}, idempotency_key=f"key-{job}") == first
    with pytest.raises(InvalidError):
        client.checkpoints.create(job, "s", {"n": 2}, idempotency_key=f"key-{job}")
    assert client.checkpoints.list(job).total == 1


def test_a_lost_answer_makes_no_second_checkpoint(server, client, job):
    with FaultyLink(server.address, ["lose", "lose"]) as link:
        with Backstay(link.url, token=server.token, retry=RetryPolicy(first_pause_s=0.001)) as unlucky:
            unlucky.checkpoints.create(job, "s", {"n": 1})
    assert client.checkpoints.list(job).total == 1


def test_pages_and_order(client, job):
    client.checkpoints.create_batch([NewCheckpoint(job, f"s{number % 2}", {}) for number in range(25)])
    page = client.checkpoints.list(job, limit=10, offset=20)
    assert (len(page), page.total, page.next) == (5, 25, None)
    assert [each.sequence for each in client.checkpoints.list(job, order="desc", limit=3)] == [25, 24, 23]
    assert [each.sequence for each in client.checkpoints.iterate(job, step_name="s1")] == list(range(2, 26, 2))
    assert client.checkpoints.list("nobody").total == 0


def test_projects_are_apart(server, client, job):
    with Backstay(server.url, token=server.token, project="other") as other:
        made = other.checkpoints.create(job, "s", {})
        assert other.checkpoints.list(job).total == 1 and client.checkpoints.list(job).total == 0
        assert made.sequence == 1


def test_a_fork_is_changed_by_a_patch_and_the_difference_is_that_patch(client, job):
    made = saved(client, job, 3)
    patch = [{"op": "replace", "path": "/iteration", "value": 40}]
    forked = client.checkpoints.fork(made[1].checkpoint_id, f"{job}-fork", patch=patch, metadata={"why": "retry"})
    assert (forked.job_id, forked.step_name, forked.metadata) == (f"{job}-fork", "step_1", {"why": "retry"})
    assert client.checkpoints.get(forked.checkpoint_id).state_snapshot == {"iteration": 40}
    found = client.checkpoints.diff(made[1].checkpoint_id, forked.checkpoint_id)
    assert not found.identical and found.patch == tuple(patch)
    assert [(each.op, each.path, each.old, each.new) for each in found.changes] == [("replace", "/iteration", 1, 40)]
    assert client.checkpoints.diff(made[1].checkpoint_id, made[1].checkpoint_id).identical


def test_looking_back(client, job):
    made = saved(client, job, 3)
    branch = client.checkpoints.create(job, "branch", {"iteration": 1}, parent_id=made[0].checkpoint_id)
    tree = client.checkpoints.tree(job)
    first, second = made[0].checkpoint_id, made[1].checkpoint_id
    assert [(each.sequence, each.parent_id, each.head) for each in tree] == [
        (1, None, False),
        (2, first, False),
        (3, second, True),
        (4, first, True),
    ]
    assert client.checkpoints.at(job, branch.timestamp).checkpoint_id == branch.checkpoint_id
    with pytest.raises(NotFoundError):
        client.checkpoints.at(job, made[0].timestamp.replace(year=2001))
    values = [(each.sequence, each.value) for each in client.checkpoints.history(job, "/iteration")]
    assert values == [(1, 0), (2, 1), (3, 2), (4, 1)]


def test_pinned_and_held_ones_stay(client, job):
    made = saved(client, job, 3)
    assert client.checkpoints.pin(made[0].checkpoint_id).pinned
    assert client.checkpoints.hold(made[1].checkpoint_id, "a dispute").held
    with pytest.raises(ConflictError):
        client.checkpoints.delete(made[1].checkpoint_id)
    assert client.checkpoints.cleanup(job, keep_last=1).deleted_count == 0
    assert not client.checkpoints.unpin(made[0].checkpoint_id).pinned
    assert not client.checkpoints.release(made[1].checkpoint_id).held
    assert client.checkpoints.cleanup(job, keep_last=1).deleted_count == 2


def test_many_writers_of_one_client(client, job):
    errors = []

    def write(number):
        try:
            for step in range(10):
                client.checkpoints.create(job, f"w{number}-{step}", {"n": step})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [each.sequence for each in client.checkpoints.list(job)] == list(range(1, 81))


async def test_the_asynchronous_client_does_the_same(async_client, job):
    made = await async_client.checkpoints.create(job, "s", {"n": 1})
    assert (await async_client.checkpoints.get(made.checkpoint_id)).state_snapshot == {"n": 1}
    assert [each.step_name async for each in async_client.checkpoints.iterate(job)] == ["s"]
    assert (await async_client.checkpoints.restore(made.checkpoint_id)).state == {"n": 1}
    await async_client.checkpoints.delete(made.checkpoint_id)
