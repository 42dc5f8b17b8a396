"""The history of delta channels, the ninth capability: LangGraph's suite has no tests of it."""

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from threads import checkpoint, config, metadata

from backstay.errors import ConflictError


def thread_of_turns(saver, thread, turns, snapshot_every):
    """A thread whose channel `log` is written at each checkpoint and stored whole at some; its configs."""
    stored = []
    parent = config(thread)
    for turn in range(turns):
        snapshot = turn % snapshot_every == snapshot_every - 1
        values = {"turn": turn, **({"log": _DeltaSnapshot([f"until {turn}"])} if snapshot else {})}
        made = checkpoint(values, {"turn": turn + 1, "log": turn + 1})
        counters = {} if snapshot else {"log": [turn % snapshot_every + 1, turn % snapshot_every + 1]}
        about = metadata(turn, run_id=f"{thread}-{turn}", counters_since_delta_snapshot=counters)
        parent = saver.put(parent, made, about, {"turn": turn + 1, "log": turn + 1})
        # Two tasks whose order is that of their paths, not of their ids.
        saver.put_writes(parent, [("log", f"{turn}b"), ("other", 1)], "task-1", "~2")
        saver.put_writes(parent, [("log", f"{turn}a")], "task-2", "~1")
        stored.append(parent)
    return stored


def written(history):
    return [value for _, _, value in history["log"]["writes"]]


@pytest.mark.parametrize("write", ["through", "behind"])
@pytest.mark.parametrize("read_cache", ["validated", "exclusive"])
async def test_it_is_what_walking_the_parents_gives(connect, thread, write, read_cache):
    saver = connect(write=write, read_cache=read_cache)
    stored = thread_of_turns(saver, thread, 15, 10)
    for place in (stored[0], stored[5], stored[10], stored[14], config(thread)):
        walked = BaseCheckpointSaver.get_delta_channel_history(saver, config=place, channels=["log", "none"])
        assert saver.get_delta_channel_history(config=place, channels=["log", "none"]) == walked
        assert await saver.aget_delta_channel_history(config=place, channels=["log", "none"]) == walked
    last = saver.get_delta_channel_history(config=stored[14], channels=["log"])
    assert last["log"]["seed"] == _DeltaSnapshot(["until 9"])
    assert written(last) == [f"{turn}{task}" for turn in range(9, 14) for task in "ab"]
    await saver.aclose()


def test_pruning_leaves_one_and_its_whole_history(connect, saver, thread):
    stored = thread_of_turns(saver, thread, 15, 10)
    before = saver.get_delta_channel_history(config=stored[14], channels=["log"])
    saver.prune([thread])
    assert [each.config for each in saver.list(config(thread))] == [stored[14]]
    for each in (saver, connect()):
        assert each.get_delta_channel_history(config=stored[14], channels=["log"]) == before
        assert each.get_tuple(stored[13]) is None
    saver.copy_thread(thread, f"{thread}-copy")
    copied = config(f"{thread}-copy", stored[14]["configurable"]["checkpoint_id"])
    assert saver.get_delta_channel_history(config=copied, channels=["log"]) == before


def test_deleting_runs_leaves_what_later_ones_need(saver, thread):
    stored = thread_of_turns(saver, thread, 8, 10)
    before = saver.get_delta_channel_history(config=stored[7], channels=["log"])
    saver.delete_for_runs([f"{thread}-{turn}" for turn in range(5)])
    assert len(list(saver.list(config(thread)))) == 3
    assert saver.get_delta_channel_history(config=stored[7], channels=["log"]) == before


def test_a_history_that_was_cut_is_a_conflict_and_never_empty(saver, client, thread):
    from backstay._request import request

    stored = thread_of_turns(saver, thread, 8, 10)
    body = {"thread_ids": [thread], "strategy": "keep_latest", "force": True}
    client._transport.fetch(request("POST", "api", "v1", "threads", "prune", body=body))
    with pytest.raises(ConflictError, match="History of channel log is incomplete"):
        saver.get_delta_channel_history(config=stored[7], channels=["log"])
