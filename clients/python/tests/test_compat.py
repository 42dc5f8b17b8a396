"""`CheckpointManager` against a real server."""

import contextlib
import sqlite3

import pytest

from backstay.compat import CheckpointManager, project_of
from backstay.errors import ConflictError
from backstay.models import NewCheckpoint


@pytest.fixture
def manager(server, tmp_path):
    with CheckpointManager(storage_dir=tmp_path / "checkpoints", url=server.url, token=server.token) as manager:
        yield manager


def test_saving_listing_restoring_deleting(manager, tmp_path):
    made = [manager.save("job", f"step_{number}", {"iteration": number}) for number in range(12)]
    listed = manager.list("job")
    assert [each["step_name"] for each in listed] == [f"step_{number}" for number in range(12)]
    assert [each["checkpoint_id"] for each in listed] == made and listed[0]["timestamp"].endswith("Z")
    assert manager.restore(made[2]) == {"iteration": 2}
    assert manager.delete(made[0]) is True and manager.delete(made[0]) is False
    assert manager.cleanup("job") == 1 and manager.cleanup("job", 3) == 7
    assert not (tmp_path / "checkpoints").exists()


def test_what_does_not_exist_is_a_file_not_found(manager):
    with pytest.raises(FileNotFoundError, match="Checkpoint step_1_1_00000000 not found"):
        manager.restore("step_1_1_00000000")


def test_all_are_listed_however_many_there_are(manager):
    for _ in range(3):
        manager.client.checkpoints.create_batch([NewCheckpoint("many", "s", {"n": n}) for n in range(400)])
    assert [each["sequence"] for each in manager.list("many")] == list(range(1, 1201))
    assert manager.list("none") == []


def test_what_is_not_acceptable_is_a_value_error(manager):
    for call in (
        lambda: manager.save("job", "s", {"x": float("nan")}),
        lambda: manager.save("", "s", {}),
        lambda: manager.save("job", "s", [1]),
        lambda: manager.cleanup("job", 0),
        lambda: manager.cleanup("job", 101),
    ):
        with pytest.raises(ValueError):
            call()


def test_a_damaged_checkpoint_is_a_value_error(own_server):
    own_server.start()
    with CheckpointManager(url=own_server.url, token=own_server.token) as manager:
        good, bad = manager.save("job", "good", {"n": 1}), manager.save("job", "bad", {"text": "x" * 5000})
        own_server.stop()
        with contextlib.closing(sqlite3.connect(own_server.data / "catalog.db")) as catalog, catalog:
            (body,) = catalog.execute("SELECT body FROM checkpoints ORDER BY sequence DESC LIMIT 1").fetchone()
            changed = body[:-1] + bytes([body[-1] ^ 1])
            assert catalog.execute("UPDATE checkpoints SET body = ? WHERE body = ?", (changed, body)).rowcount == 1
        own_server.start()
        with pytest.raises(ValueError, match=f"Invalid checkpoint data: content of {bad} is damaged"):
            manager.restore(bad)
        assert manager.restore(good) == {"n": 1}


def test_paths_are_apart_and_the_same_path_is_the_same(server, tmp_path):
    def opened(**path):
        return CheckpointManager(**path, url=server.url, token=server.token)

    with opened(storage_dir=tmp_path / "a") as first, opened(storage_path=f"{tmp_path}/a/") as same:
        with opened(storage_path=tmp_path / "b") as other:
            first.save("job", "s", {})
            assert (len(same.list("job")), len(other.list("job"))) == (1, 0)


def test_both_names_of_the_path_agree():
    with pytest.raises(ValueError, match="two names"):
        CheckpointManager("a", storage_path="b")


@pytest.mark.parametrize("path", ["/var/x", "../x", "ü", "/", "a" * 300])
def test_a_project_is_a_plain_name(path):
    name = project_of(path)
    assert name.isascii() and len(name) <= 53 and all(char.isalnum() or char == "-" for char in name)


def test_a_workflow(manager):
    execution = manager.start_workflow_execution("run-1", "nightly", {"day": 1})
    step = manager.create_checkpoint(execution, "load", "agent", {"from": "a"}, metadata={"n": 1})
    assert step.startswith("step_load_")
    done = manager.complete_checkpoint(execution, "load", {"rows": 10}, state={"rows": 10})
    assert (done["step_id"], done["state"], done["output_data"]) == (step, "completed", {"rows": 10})
    assert manager.restore(done["checkpoint_id"]) == {"rows": 10}
    manager.create_checkpoint(execution, "send", "agent", approval_required=True)
    assert manager.get_execution(execution)["pending_approvals"] == 1
    for bypass in (
        lambda: manager.complete_checkpoint(execution, "send"),
        lambda: manager.resume_execution(execution),
        lambda: manager.complete_execution(execution),
    ):
        with pytest.raises(ConflictError, match="waiting for approval"):
            bypass()
    assert manager.wait_checkpoint(execution, "send", 0)["state"] == "paused"
    assert manager.approve_checkpoint(execution, "send", "fine")["state"] == "active"
    with pytest.raises(ConflictError, match="already decided"):
        manager.deny_checkpoint(execution, "send", "no")
    manager.complete_checkpoint(execution, "send")
    assert manager.pause_execution(execution, "a look")["pause_reasons"] == ["user"]
    assert manager.resume_execution(execution)["state"] == "running"
    assert manager.complete_execution(execution)["completed_checkpoints"] == 2
    assert [each["checkpoint_name"] for each in manager.get_checkpoint_history(execution)] == ["load", "send"]
    assert [each["execution_id"] for each in manager.list_executions(state="completed")] == [execution]
    assert manager.cleanup_executions(0) == 1 and manager.list_executions() == []
    with pytest.raises(FileNotFoundError, match="Execution not found"):
        manager.get_execution(execution)


def test_a_workflow_that_does_not_go_well(manager):
    failed = manager.start_workflow_execution("run-1", "nightly", job_id="job")
    manager.create_checkpoint(failed, "load", "agent")
    step = manager.complete_checkpoint(failed, "load", {"error": "no rows"}, success=False)
    assert (step["state"], step["error_details"]) == ("failed", "no rows")
    assert manager.get_execution(failed)["state"] == "failed"
    again = manager.fork_execution(failed, "more rows")
    assert manager.get_execution(again)["forked_from"] == {"execution_id": failed, "checkpoint_id": None}
    denied = manager.start_workflow_execution("run-2", "nightly")
    manager.create_checkpoint(denied, "send", "agent", approval={"title": "Send?", "on_deny": "skip"})
    assert manager.deny_checkpoint(denied, "send", "no")["state"] == "skipped"
    assert manager.fail_execution(denied, "no use")["state"] == "failed"
    other = manager.start_workflow_execution("run-3", "nightly")
    assert manager.cancel_execution(other)["state"] == "cancelled"
    with pytest.raises(ValueError):
        manager.start_workflow_execution("", "nightly")
    with pytest.raises(FileNotFoundError, match="Checkpoint not found: none"):
        manager.complete_checkpoint(other, "none")
