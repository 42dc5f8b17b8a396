"""Workspaces and snapshots against a real server."""

import datetime

import pytest

from backstay.errors import ConflictError, InvalidError, NotFoundError, OperationFailedError, WaitTimeoutError
from backstay.models import RetentionRules


@pytest.fixture
def workspace(client, directory):
    return client.workspaces.create(directory.name[:100], str(directory))


def test_a_directory_is_saved_changed_compared_and_put_back(client, workspace, directory):
    before = client.workspaces.create_snapshot(workspace.id, label="before")
    assert before.state == "ready" and before.counts.files == 1 and before.label == "before"
    (directory / "README.md").write_text("Changed.\n")
    (directory / "new.txt").write_text("new\n")
    changes = {change.path: change.change for change in client.snapshots.iterate_diff(before.id)}
    assert changes == {"README.md": "modified", "new.txt": "added"}

    plan = client.snapshots.plan_restore(before.id)
    assert plan.workspace_id == workspace.id and not plan.cannot_restore
    operation = client.workspaces.restore_snapshot(workspace.id, plan.plan_id)
    assert operation.state == "done"
    assert (directory / "README.md").read_text() == "An example.\n" and not (directory / "new.txt").exists()

    undone = client.operations.undo(operation.id)
    assert undone.state == "done" and (directory / "new.txt").read_text() == "new\n"
    assert [each.id for each in client.workspaces.operations(workspace.id)][:2] == [undone.id, operation.id]


def test_a_stale_plan_is_refused(client, workspace, directory):
    snapshot = client.workspaces.create_snapshot(workspace.id)
    (directory / "README.md").write_text("Changed.\n")
    plan = client.snapshots.plan_restore(snapshot.id)
    client.workspaces.restore_snapshot(workspace.id, plan.plan_id)
    with pytest.raises(ConflictError) as refused:
        client.workspaces.restore_snapshot(workspace.id, plan.plan_id)
    assert refused.value.status == 409 and refused.value.request_id


def test_one_idempotency_key_makes_one_snapshot(client, workspace):
    first = client.workspaces.create_snapshot(workspace.id, idempotency_key="once")
    again = client.workspaces.create_snapshot(workspace.id, idempotency_key="once")
    other = client.workspaces.create_snapshot(workspace.id)
    assert first.id == again.id != other.id


def test_content_is_read_whole_in_part_and_into_a_file(client, workspace, directory, tmp_path):
    (directory / "strange ?#%.bin").write_bytes(bytes(range(256)) * 40)
    snapshot = client.workspaces.create_snapshot(workspace.id)
    assert client.snapshots.read(snapshot.id, "README.md") == b"An example.\n"
    assert client.snapshots.read(snapshot.id, "strange ?#%.bin", start=254, length=4) == bytes([254, 255, 0, 1])
    assert client.snapshots.read(snapshot.id, "README.md", start=3) == b"example.\n"
    target = tmp_path / "copy"
    assert client.snapshots.download(snapshot.id, "strange ?#%.bin", target) == 10240
    assert target.read_bytes() == (directory / "strange ?#%.bin").read_bytes()
    with pytest.raises(FileExistsError):
        client.snapshots.download(snapshot.id, "README.md", target)
    assert target.stat().st_size == 10240
    assert client.snapshots.download_archive(snapshot.id, tmp_path / "all.tar.zst") > 0
    assert {entry.path for entry in client.snapshots.iterate_entries(snapshot.id)} == {"README.md", "strange ?#%.bin"}
    with pytest.raises(NotFoundError):
        client.snapshots.download(snapshot.id, "absent", tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_pins_and_holds_forbid_deletion(client, workspace):
    snapshot = client.workspaces.create_snapshot(workspace.id, pin=True)
    assert snapshot.pinned
    with pytest.raises(ConflictError, match="Snapshot is pinned"):
        client.snapshots.delete(snapshot.id)
    assert not client.snapshots.unpin(snapshot.id).pinned
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    hold = client.snapshots.place_hold(snapshot.id, "an audit", expires_at=ends)
    assert hold.expires_at == ends and client.snapshots.holds(snapshot.id) == [hold]
    with pytest.raises(ConflictError):
        client.snapshots.delete(snapshot.id)
    client.snapshots.release_hold(hold.id)
    client.snapshots.delete(snapshot.id)
    with pytest.raises(NotFoundError):
        client.snapshots.delete(snapshot.id)


def test_a_list_is_read_page_by_page(client, workspace):
    made = [client.workspaces.create_snapshot(workspace.id, label=f"n{number}").id for number in range(5)]
    page = client.snapshots.list(source=workspace.id, limit=2)
    assert (len(page), page.total) == (2, 5) and page.next
    second = client.snapshots.list(source=workspace.id, limit=2, cursor=page.next)
    assert [each.id for each in (*page, *second)] == made[:0:-1]
    assert [each.id for each in client.snapshots.iterate(source=workspace.id, limit=2)] == made[::-1]
    assert [each.id for each in client.snapshots.iterate(source=workspace.id, label="n3")] == [made[3]]


def test_pruning_shows_reasons_and_deletes_only_when_told(client, workspace):
    made = [client.workspaces.create_snapshot(workspace.id).id for _ in range(3)]
    shown = client.workspaces.prune(workspace.id, RetentionRules(keep_last=1))
    assert shown.dry_run and (shown.kept, shown.removed) == (1, 2)
    assert all(decision.reasons for decision in shown.decisions)
    assert client.snapshots.list(source=workspace.id).total == 3
    client.workspaces.prune(workspace.id, RetentionRules(keep_last=1), dry_run=False)
    assert [each.id for each in client.snapshots.list(source=workspace.id)] == [made[-1]]


def test_verification_and_its_task(client, workspace):
    snapshot = client.workspaces.create_snapshot(workspace.id)
    task = client.snapshots.verify(snapshot.id, depth="full")
    assert task.state == "done" and client.tasks.get(task.id) == task
    assert client.snapshots.get(snapshot.id).verified_at is not None


def test_a_capture_that_fails_says_why(client, workspace):
    with pytest.raises((OperationFailedError, InvalidError, NotFoundError), match="absent"):
        client.workspaces.create_snapshot(workspace.id, paths=["absent"])


def test_waiting_has_an_end(client, workspace, directory):
    with (directory / "large").open("wb") as file:
        for block in range(64):
            file.write(bytes([block]) * (1 << 20))
    accepted = client.workspaces.create_snapshot(workspace.id, timeout_s=0)
    if accepted.state == "creating":
        with pytest.raises(WaitTimeoutError):
            client.tasks.wait(client.tasks.list(limit=1).items[0].id, timeout_s=0)


def test_rules_of_a_workspace_are_kept(client, workspace):
    changed = client.workspaces.update(workspace.id, retention=RetentionRules(keep_last=3, keep_within="30d"))
    assert changed.retention == RetentionRules(keep_last=3, keep_within="30d")
    assert client.workspaces.get(workspace.id) == changed
    assert workspace.id in [each.id for each in client.workspaces.iterate()]


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_what_is_no_id_is_not_sent(client, identifier):
    with pytest.raises(ValueError, match="no id"):
        client.snapshots.get(identifier)


@pytest.mark.parametrize("identifier", ["../workspaces", "a/b", "a?b=c", "a#b", "ü", "%2e%2e"])
def test_an_id_cannot_leave_its_place(client, identifier):
    with pytest.raises((NotFoundError, InvalidError)):
        client.snapshots.get(identifier)


async def test_the_asynchronous_client_does_the_same(async_client, directory):
    workspace = await async_client.workspaces.create("async", str(directory))
    snapshot = await async_client.workspaces.create_snapshot(workspace.id)
    (directory / "README.md").unlink()
    changes = [change async for change in async_client.snapshots.iterate_diff(snapshot.id)]
    assert [(change.path, change.change) for change in changes] == [("README.md", "deleted")]
    plan = await async_client.snapshots.plan_restore(snapshot.id)
    await async_client.workspaces.restore_snapshot(workspace.id, plan.plan_id)
    assert (directory / "README.md").read_text() == "An example.\n"
