"""Writing behind: order, reading back, failures, and what `flush` says."""

import threading

import pytest
from faulty_link import FaultyLink
from threads import chain, checkpoint, config, metadata

from backstay import NO_RETRIES
from backstay.errors import WaitTimeoutError
from backstay.langgraph import WriteBehindError
from backstay.langgraph.behind import WriteBehind
from backstay.langgraph.wire import Operation


def test_own_writes_are_read_back(connect, thread):
    saver = connect(write="behind")
    stored = chain(saver, thread, 20)
    saver.put_writes(stored[-1], [("a", 1)], "task")
    found = saver.get_tuple(config(thread))
    assert found.config == stored[-1] and found.pending_writes == [("task", "a", 1)]
    assert len(list(saver.list(config(thread)))) == 20


def test_after_a_flush_everything_is_stored(connect, thread):
    saver, other = connect(write="behind"), connect(read_cache="off")
    stored = chain(saver, thread, 50)
    saver.flush()
    found = list(other.list(config(thread)))
    assert [each.config for each in found] == stored[::-1]
    assert [each.checkpoint["channel_values"]["step"] for each in found] == [[step] for step in range(49, -1, -1)]
    saver.flush()


def test_closing_flushes(connect, thread):
    saver = connect(write="behind")
    chain(saver, thread, 5)
    saver.close()
    assert len(list(connect().list(config(thread)))) == 5


def test_a_failure_is_raised_once_by_the_next_call_and_names_what_is_lost(server, connect, thread):
    with FaultyLink(server.address, ["drop"]) as link:
        saver = connect(link.url, write="behind", retry=NO_RETRIES)
        first = saver.put(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
        with pytest.raises(WriteBehindError, match="1 queued write") as failed:
            saver.flush()
        assert failed.value.lost == {thread: 1} and failed.value.__cause__ is not None
        saver.flush()
        assert saver.get_tuple(first) is None
        again = saver.put(config(thread), checkpoint({"a": 2}), metadata(), {"a": 2})
        saver.flush()
        assert saver.get_tuple(config(thread)).config == again


def test_a_parent_that_is_gone_is_made_up_for(connect, thread):
    saver = connect(write="behind")
    parent = chain(saver, thread, 1)[0]
    saver.flush()
    connect().delete_thread(thread)
    values, versions = {"step": [0], "b": 2}, {"step": 1, "b": 1}
    second = saver.put(parent, checkpoint(values, versions), metadata(1), {"b": 1})
    saver.put_writes(second, [("a", 1)], "task")
    third = saver.put(second, checkpoint({**values, "b": 3}, {**versions, "b": 2}), metadata(2), {"b": 2})
    saver.flush()
    other = connect()
    assert other.get_tuple(second).pending_writes == [("task", "a", 1)]
    assert other.get_tuple(third).checkpoint["channel_values"] == {"step": [0], "b": 3}


async def test_the_event_loop_waits_for_a_flush_too(connect, thread):
    saver = connect(write="behind")
    stored = await saver.aput(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
    await saver.aflush()
    assert (await saver.aget_tuple(config(thread))).config == stored
    await saver.aclose()


# --- the queue by itself


class Gate:
    """A destination that takes nothing until it is opened, and refuses what it is told to."""

    def __init__(self, refuses=()):
        self.opened = threading.Event()
        self.stored = []
        self.refuses = refuses
        self.lost = []

    def send(self, operations):
        assert self.opened.wait(30)
        results = []
        failed = set()
        for operation in operations:
            if operation.thread_id in failed:
                results.append({"status": 424, "skipped": True})
            elif operation.body["n"] in self.refuses:
                failed.add(operation.thread_id)
                results.append({"status": 409, "error": {"detail": "no", "code": "conflict"}})
            else:
                self.stored.append(operation.body["n"])
                results.append({"status": 201})
        return {"results": results}


def queued(gate, count, limit_bytes=1 << 20, thread="t"):
    behind = WriteBehind(gate.send, gate.lost.append, limit_bytes)
    for number in range(count):
        behind.add(Operation(thread, {"n": number}, 10))
    return behind


def test_order_is_kept():
    gate = Gate()
    behind = queued(gate, 100)
    assert behind.is_pending("t") and not behind.is_pending("u")
    with pytest.raises(WaitTimeoutError, match="100 queued"):
        behind.flush(timeout_s=0)
    gate.opened.set()
    behind.close()
    assert gate.stored == list(range(100)) and not behind.is_pending()


def test_a_full_queue_waits():
    gate = Gate()
    behind = queued(gate, 3, limit_bytes=30)
    added = threading.Event()

    def add():
        behind.add(Operation("t", {"n": 3}, 10))
        added.set()

    waiting = threading.Thread(target=add)
    waiting.start()
    assert not behind.has_room(Operation("t", {}, 10)) and not added.is_set()
    gate.opened.set()
    assert added.wait(30)
    waiting.join()
    behind.close()
    assert gate.stored == [0, 1, 2, 3]


def test_what_stands_on_a_failure_is_dropped_and_counted():
    gate = Gate(refuses={2})
    behind = queued(gate, 6)
    behind.add(Operation("other", {"n": 100}, 10))
    gate.opened.set()
    with pytest.raises(WriteBehindError) as failed:
        behind.flush()
    behind.close()
    assert failed.value.lost == {"t": 4} and gate.stored == [0, 1, 100] and set(gate.lost) == {"t"}
    assert failed.value.__cause__.status == 409


def test_one_that_is_larger_than_the_queue_goes_alone():
    gate = Gate()
    gate.opened.set()
    behind = WriteBehind(gate.send, gate.lost.append, 10)
    behind.add(Operation("t", {"n": 1}, 1000))
    behind.close()
    assert gate.stored == [1]
