"""The plain calls, against a real server."""

import pytest

from backstay.errors import BackstayError, NotFoundError
from backstay.snapshot_service import AsyncSnapshotService, SnapshotService


@pytest.fixture
def service(client, directory):
    return SnapshotService(client, directory)


def test_a_snapshot_is_made_listed_put_back_and_deleted(service, directory):
    assert service.list_snapshots() == []
    first = service.create_snapshot(["README.md"], directory)
    (directory / "README.md").write_text("Changed.\n")
    second = service.create_snapshot()
    assert [each.id for each in service.list_snapshots()] == [second, first]
    service.restore_snapshot(first)
    assert (directory / "README.md").read_text() == "An example.\n"
    assert [each.id for each in service.list_snapshots()] == [second, first]
    assert service.snapshot_exists(first)
    service.delete_snapshot(first)
    assert not service.snapshot_exists(first)
    assert [each.id for each in service.list_snapshots()] == [second]


def test_an_upgrade_is_rolled_back_by_snapshot_and_by_operation(service, directory):
    snapshot = service.create_snapshot()
    (directory / "README.md").write_text("Upgraded.\n")
    operation = service.rollback_upgrade(snapshot)
    assert (directory / "README.md").read_text() == "An example.\n"
    service.rollback_upgrade(operation.id)
    assert (directory / "README.md").read_text() == "Upgraded.\n"


def test_cleaning_up_returns_what_it_deleted(service):
    made = [service.create_snapshot() for _ in range(7)]
    assert sorted(service.cleanup_old_snapshots()) == made[:2]
    assert [each.id for each in service.list_snapshots()] == made[:1:-1]
    assert sorted(service.cleanup_old_snapshots(keep=1)) == made[2:6]
    assert service.cleanup_old_snapshots(keep=1) == []


@pytest.mark.parametrize("call", ["restore_snapshot", "delete_snapshot", "rollback_upgrade"])
def test_an_unknown_id_raises(service, call):
    for unknown in ("snapshot-1767435330123456-aaaaaaaa", "op-1767435330123456-aaaaaaaa", "nothing"):
        with pytest.raises(NotFoundError):
            getattr(service, call)(unknown)
    assert not service.snapshot_exists("snapshot-1767435330123456-aaaaaaaa")


def test_a_missing_path_raises_and_leaves_no_snapshot(service):
    with pytest.raises(BackstayError, match="absent"):
        service.create_snapshot(["absent"])
    assert service.list_snapshots() == []


def test_a_path_outside_is_refused(service, directory):
    for outside in ("..", "../other", directory.parent / "other", "/etc/passwd"):
        with pytest.raises(ValueError, match="outside"):
            service.create_snapshot([outside])


async def test_the_asynchronous_service_does_the_same(async_client, directory):
    service = AsyncSnapshotService(async_client, directory)
    snapshot = await service.create_snapshot()
    (directory / "README.md").unlink()
    await service.restore_snapshot(snapshot)
    assert (directory / "README.md").exists()
    assert [each.id for each in await service.list_snapshots()] == [snapshot]
