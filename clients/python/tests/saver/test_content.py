"""What is stored is what was put: channels, forks, writes, lists."""

import pytest
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME
from threads import chain, checkpoint, config, metadata

from backstay.errors import ApiError, BackstayError
from backstay.langgraph import BackstaySaver


def values(saver, stored):
    return saver.get_tuple(stored).checkpoint["channel_values"]


def test_every_part_comes_back(saver, thread):
    made = checkpoint({"a": {"x": [1, 2]}, "n": None, "b": b"\x00\xff"}, {"a": 1, "n": 2.5, "b": "00.1", "none": 7})
    made["versions_seen"] = {"node": {"a": 1}}
    made["updated_channels"] = ["a"]
    stored = saver.put(config(thread), made, metadata(3, score=1.0, note="ü"), made["channel_versions"])
    found = saver.get_tuple(stored)
    assert found.checkpoint == made and found.config == stored and found.parent_config is None
    assert found.metadata == metadata(3, score=1.0, note="ü")
    kinds = {name: type(version) for name, version in found.checkpoint["channel_versions"].items()}
    assert kinds == {"a": int, "n": float, "b": str, "none": int}


def test_an_unversioned_value_is_kept_too(saver, thread):
    made = checkpoint({"a": 1, "loose": [2]}, {"a": 1})
    stored = saver.put(config(thread), made, metadata(), {"a": 1})
    assert values(saver, stored) == {"a": 1, "loose": [2]}


def test_two_forks_with_one_version_keep_their_own_values(connect, saver, thread):
    root = saver.put(config(thread), checkpoint({"x": "root", "y": "root"}), metadata(), {"x": 1, "y": 1})
    left = saver.put(root, checkpoint({"x": "left", "y": "root"}, {"x": 2, "y": 1}), metadata(1), {"x": 2})
    right = saver.put(root, checkpoint({"x": "right", "y": "root"}, {"x": 2, "y": 1}), metadata(1), {"x": 2})
    after = saver.put(left, checkpoint({"x": "left", "y": "new"}, {"x": 2, "y": 2}), metadata(2), {"y": 2})
    fresh = connect(read_cache="off")
    assert values(fresh, left) == {"x": "left", "y": "root"}
    assert values(fresh, right) == {"x": "right", "y": "root"}
    assert values(fresh, after) == {"x": "left", "y": "new"}


def test_a_copy_beside_its_original_has_its_values(connect, saver, thread):
    """What time travel does: the copy's parent is that of the original, and no version is new."""
    root = saver.put(config(thread), checkpoint({"x": "old", "gone": 1}), metadata(), {"x": 1, "gone": 1})
    made = checkpoint({"x": "new"}, {"x": 2, "gone": 2})
    saver.put(root, made, metadata(1), {"x": 2, "gone": 2})
    copied = saver.put(root, {**made, "id": checkpoint({})["id"]}, metadata(2), {})
    assert values(connect(read_cache="off"), copied) == {"x": "new"}


def test_a_parent_that_is_gone_costs_only_a_request(connect, saver, thread):
    parent = chain(saver, thread, 1)[0]
    connect().delete_thread(thread)
    stored = saver.put(parent, checkpoint({"step": [0], "b": 2}, {"step": 1, "b": 1}), metadata(1), {"b": 1})
    assert values(connect(), stored) == {"step": [0], "b": 2}


def test_putting_a_checkpoint_again_replaces_it_and_keeps_its_writes(connect, saver, thread):
    made = checkpoint({"a": 1})
    stored = saver.put(config(thread), made, metadata(), {"a": 1})
    saver.put_writes(stored, [("a", 2)], "task")
    saver.put(config(thread), {**made, "channel_values": {"a": 9}}, metadata(5), {"a": 1})
    for each in (saver, connect()):
        found = each.get_tuple(stored)
        assert found.checkpoint["channel_values"] == {"a": 9} and found.metadata["step"] == 5
        assert found.pending_writes == [("task", "a", 2)]


def test_writes_are_ordered_and_special_ones_overwrite(connect, saver, thread):
    stored = chain(saver, thread, 1)[0]
    saver.put_writes(stored, [("a", 1), ("b", 2)], "task-1", "~2")
    saver.put_writes(stored, [("a", "ignored"), ("b", 2), ("c", 3)], "task-1", "~2")
    saver.put_writes(stored, [("a", 0)], "task-2", "~1")
    saver.put_writes(stored, [(ERROR, "first")], "task-1", "~2")
    saver.put_writes(stored, [(ERROR, "second"), (RESUME, [1])], "task-1", "~2")
    saver.put_writes(stored, [(INTERRUPT, "ask")], "task-2", "~1")
    expected = [
        ("task-2", INTERRUPT, "ask"), ("task-2", "a", 0), ("task-1", RESUME, [1]), ("task-1", ERROR, "second"),
        ("task-1", "a", 1), ("task-1", "b", 2), ("task-1", "c", 3),
    ]  # fmt: skip
    for each in (saver, connect(), connect(read_cache="exclusive")):
        assert each.get_tuple(stored).pending_writes == expected


def test_writes_may_come_before_their_checkpoint(connect, saver, thread):
    made = checkpoint({"a": 1})
    stored = config(thread, made["id"])
    saver.put_writes(stored, [("a", 2)], "task")
    assert saver.get_tuple(stored) is None
    saver.put(config(thread), made, metadata(), {"a": 1})
    for each in (saver, connect()):
        assert each.get_tuple(stored).pending_writes == [("task", "a", 2)]


def test_a_list_is_read_over_many_pages(saver, thread):
    stored = chain(saver, thread, 230)
    ids = [each["configurable"]["checkpoint_id"] for each in stored]
    listed = [each.checkpoint["id"] for each in saver.list(config(thread))]
    assert listed == ids[::-1]
    assert [each.checkpoint["id"] for each in saver.list(config(thread), limit=150)] == ids[:79:-1]
    assert [each.checkpoint["id"] for each in saver.list(config(thread), limit=0)] == []
    before = list(saver.list(config(thread), before=stored[3], limit=2))
    assert [each.checkpoint["id"] for each in before] == [ids[2], ids[1]]
    assert before[0].checkpoint["channel_values"] == {"step": [2]} and before[0].parent_config == stored[1]


def test_a_list_of_one_checkpoint(saver, thread):
    stored = chain(saver, thread, 3)
    assert [each.config for each in saver.list(stored[1])] == [stored[1]]
    assert list(saver.list(stored[1], filter={"step": 2})) == []
    assert list(saver.list(stored[1], before=stored[1])) == []
    assert [each.config for each in saver.list(stored[1], before=stored[2])] == [stored[1]]


def test_a_list_over_namespaces_and_threads(saver, thread):
    for namespace in ("", "child:1", "child:2"):
        made = checkpoint({"a": namespace})
        saver.put(config(thread, namespace=namespace), made, metadata(mark=thread), {"a": 1})
    found = list(saver.list({"configurable": {"thread_id": thread}}))
    assert {each.config["configurable"]["checkpoint_ns"] for each in found} == {"", "child:1", "child:2"}
    assert len(list(saver.list(None, filter={"mark": thread}))) == 3
    assert len(list(saver.list(None, filter={"mark": thread}, limit=2))) == 2


def test_a_filter_looks_into_objects(saver, thread):
    saver.put(config(thread), checkpoint({"a": 1}), metadata(tags={"env": "prod", "n": 1}), {"a": 1})
    assert len(list(saver.list(config(thread), filter={"tags": {"env": "prod"}}))) == 1
    assert list(saver.list(config(thread), filter={"tags": {"env": "test"}})) == []
    assert list(saver.list(config(thread), filter={"absent": None})) == []


def test_copying_needs_an_empty_target(saver, thread):
    chain(saver, thread, 2)
    saver.copy_thread(thread, thread + "-copy")
    with pytest.raises(ApiError) as refused:
        saver.copy_thread(thread, thread + "-copy")
    assert refused.value.status == 409


@pytest.mark.parametrize("name", ["../x", "a/b", "?&#", "ü😀", " ", "x" * 512])
def test_any_name_of_a_thread_works(saver, name, thread):
    stored = chain(saver, name, 1)[0]
    assert values(saver, stored) == {"step": [0]}
    saver.delete_thread(name)
    assert saver.get_tuple(stored) is None


def test_projects_are_apart(connect, saver, thread):
    other = connect(project="elsewhere")
    chain(saver, thread, 1)
    assert other.get_tuple(config(thread)) is None


def test_a_strategy_that_is_none_is_refused(saver):
    with pytest.raises(ValueError, match="strategy"):
        saver.prune(["x"], strategy="all")
    with pytest.raises(ValueError, match="checkpoint_id"):
        saver.put_writes(config("t"), [("a", 1)], "task")


async def test_both_kinds_of_methods_side_by_side(saver, thread):
    first = saver.put(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
    second = await saver.aput(first, checkpoint({"a": 1, "b": 2}), metadata(1), {"b": 1})
    assert values(saver, second) == {"a": 1, "b": 2}
    assert [each.config async for each in saver.alist(config(thread))] == [second, first]
    assert (await saver.aget_tuple(config(thread))).parent_config == first
    await saver.aclose()


def test_versions_grow_and_those_of_two_forks_differ(saver):
    versions = [saver.get_next_version(None, None)]
    for _ in range(30):
        versions.append(saver.get_next_version(versions[-1], None))
    assert all(isinstance(each, str) for each in versions) and sorted(versions) == versions
    assert len({saver.get_next_version(versions[3], None) for _ in range(10)}) == 10
    # A thread may have been begun by a checkpointer whose versions are numbers.
    assert saver.get_next_version(7, None).startswith("00000000000000000000000000000008.")
    assert saver.get_next_version(7.0, None) < saver.get_next_version(8, None)


def test_a_saver_of_a_connection_string_takes_the_token_of_the_environment(server, thread, monkeypatch):
    monkeypatch.setenv("BACKSTAY_TOKEN", server.token)
    with BackstaySaver.from_conn_string(server.url) as opened:
        stored = chain(opened, thread, 2)
        assert opened.get_tuple(config(thread)).config == stored[1]
    with pytest.raises(BackstayError, match="closed"):
        opened.get_tuple(config(thread))
    with pytest.raises(ValueError, match="token belongs into `token`"):
        BackstaySaver.from_conn_string(server.url.replace("http://", "http://name:secret@"))


async def test_the_same_for_the_event_loop(server, thread):
    async with BackstaySaver.from_conn_string(server.url, token=server.token, project="loops") as opened:
        stored = await opened.aput(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
        assert (await opened.aget_tuple(config(thread))).config == stored
    with pytest.raises(BackstayError, match="closed"):
        await opened.aget_tuple(config(thread))
    with BackstaySaver.from_conn_string(server.url, token=server.token) as other:
        assert other.get_tuple(config(thread)) is None


def test_metadata_that_is_no_json_is_refused_before_it_is_sent(saver, thread):
    for wrong in (object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            saver.put(config(thread), checkpoint({"a": 1}), metadata(wrong=wrong), {"a": 1})
    assert saver.get_tuple(config(thread)) is None
