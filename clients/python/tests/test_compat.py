"""`CheckpointManager` against a real server."""

import pytest

from backstay.compat import CheckpointManager, project_of


@pytest.fixture
def manager(server, tmp_path):
    with CheckpointManager(storage_dir=tmp_path / "checkpoints", url=server.url, token=server.token) as manager:
        yield manager


def test_saving_listing_restoring_deleting(manager, tmp_path):
    made = [manager.save("job", f"step_{number}", {"iteration": number}) for number in range(12)]
    assert [each.step_name for each in manager.list("job")] == [f"step_{number}" for number in range(12)]
    assert manager.restore(made[2]) == {"iteration": 2}
    assert manager.delete(made[0]) is True and manager.delete(made[0]) is False
    assert manager.cleanup("job") == 1 and manager.cleanup("job", 3) == 7
    assert not (tmp_path / "checkpoints").exists()


def test_what_does_not_exist_is_a_file_not_found(manager):
    with pytest.raises(FileNotFoundError, match="Checkpoint step_1_1_00000000 not found"):
        manager.restore("step_1_1_00000000")


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
