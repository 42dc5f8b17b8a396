"""How much is sent, how often, and what is answered from memory."""

import asyncio
import threading

import pytest
from faulty_link import FaultyLink
from threads import chain, checkpoint, config, metadata

from backstay.langgraph.batch import MAX_OPERATIONS, AsyncBatcher, Batcher, take
from backstay.langgraph.wire import Operation


@pytest.fixture
def link(server):
    with FaultyLink(server.address, []) as link:
        yield link


def big(changed=None):
    return {f"c{number:02}": ("new" if number == changed else "x") * 1024 for number in range(100)}


def test_only_changed_channels_are_sent(connect, link, thread):
    saver = connect(link.url)
    versions = dict.fromkeys(big(), 1)
    first = saver.put(config(thread), checkpoint(big(), versions), metadata(), versions)
    assert link.sent_bytes > 100 * 1024
    link.sent_bytes = 0
    versions = {**versions, "c07": 2}
    second = saver.put(first, checkpoint(big(7), versions), metadata(1), {"c07": 2})
    assert link.sent_bytes < 12 * 1024
    assert connect().get_tuple(second).checkpoint["channel_values"] == big(7)


def test_what_was_read_need_not_be_sent(connect, saver, link, thread):
    versions = dict.fromkeys(big(), 1)
    first = saver.put(config(thread), checkpoint(big(), versions), metadata(), versions)
    other = connect(link.url)
    other.get_tuple(config(thread))
    link.sent_bytes = 0
    other.put(first, checkpoint(big(7), {**versions, "c07": 2}), metadata(1), {"c07": 2})
    assert link.sent_bytes < 12 * 1024


def test_concurrent_writes_share_requests(connect, link, thread):
    saver = connect(link.url)
    stored = chain(saver, thread, 1)[0]
    before = link.requests
    barrier = threading.Barrier(16)

    def write(number):
        barrier.wait()
        for round in range(10):
            saver.put_writes(stored, [("a", number)], f"task-{number}-{round}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert link.requests - before < 120 and link.connections == 1
    assert len(connect().get_tuple(stored).pending_writes) == 160


async def test_concurrent_tasks_share_requests(connect, link, thread):
    saver = connect(link.url)
    stored = await saver.aput(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
    before = link.requests
    await asyncio.gather(*(saver.aput_writes(stored, [("a", number)], f"task-{number}") for number in range(100)))
    assert link.requests - before <= 3
    assert len((await saver.aget_tuple(stored)).pending_writes) == 100
    await saver.aclose()


def test_a_validated_read_is_short_and_never_stale(connect, link, saver, thread):
    versions = dict.fromkeys(big(), 1)
    first = saver.put(config(thread), checkpoint(big(), versions), metadata(), versions)
    reader = connect(link.url)
    for _ in range(3):
        assert reader.get_tuple(config(thread)).checkpoint["channel_values"] == big()
    saver.put_writes(first, [("a", 1)], "task")
    assert len(reader.get_tuple(config(thread)).pending_writes) == 1
    assert len(reader.get_tuple(first).pending_writes) == 1
    second = saver.put(first, checkpoint(big(7), {**versions, "c07": 2}), metadata(1), {"c07": 2})
    assert reader.get_tuple(config(thread)).config == second
    saver.delete_thread(thread)
    assert reader.get_tuple(config(thread)) is None and reader.get_tuple(first) is None


def test_an_exclusive_read_asks_once(connect, link, thread):
    saver = connect(link.url, read_cache="exclusive")
    stored = chain(saver, thread, 2)
    saver.get_tuple(config(thread))
    before = link.requests
    assert saver.get_tuple(config(thread)).config == stored[1]
    third = saver.put(stored[1], checkpoint({"step": [3]}, {"step": 9}), metadata(), {"step": 9})
    saver.put_writes(third, [("a", 1)], "task")
    found = saver.get_tuple(config(thread))
    assert found.config == third and found.pending_writes == [("task", "a", 1)]
    assert found.checkpoint["channel_values"] == {"step": [3]}
    assert link.requests - before == 2
    saver.delete_thread(thread)
    assert saver.get_tuple(config(thread)) is None


@pytest.mark.parametrize("read_cache", ["validated", "exclusive"])
def test_what_a_caller_does_with_an_answer_is_his_own(connect, thread, read_cache):
    saver = connect(read_cache=read_cache)
    chain(saver, thread, 1)
    for _ in range(4):
        found = saver.get_tuple(config(thread))
        assert found.checkpoint["channel_values"] == {"step": [0]} and found.metadata["step"] == 0
        found.checkpoint["channel_values"]["step"].append("changed")
        found.checkpoint["channel_versions"]["more"] = 1
        found.metadata["step"] = 99


def test_memory_has_a_limit(connect, thread):
    saver = connect(cache_bytes=100_000, read_cache="exclusive")
    for number in range(50):
        chain(saver, f"{thread}-{number}", 1, size=2000)
        saver.get_tuple(config(f"{thread}-{number}"))
    assert saver._cache._size_bytes <= 100_000 and len(saver._cache._latest) <= 50
    assert saver.get_tuple(config(f"{thread}-0")).checkpoint["channel_values"] == {"step": [0] * 2000}


def operation(thread="t", size=1):
    return Operation(thread, {}, size)


def test_a_request_has_a_limit():
    from collections import deque

    assert len(take(deque([(operation(), None)] * 1500))) == MAX_OPERATIONS
    assert len(take(deque([(operation(size=10 << 20), None)] * 3))) == 1
    assert len(take(deque([(operation(size=90 << 20), None)] * 2))) == 1


def test_a_failed_request_fails_all_its_writers_and_no_other():
    calls = []

    def send(operations):
        calls.append(len(operations))
        if len(calls) == 1:
            while len(batcher._queue) < 3:
                pass
            raise OSError("broken")
        return {"results": [{"status": 201}] * len(operations)}

    batcher = Batcher(send)
    ended = []

    def write():
        try:
            ended.append(batcher.write(operation()))
        except OSError:
            ended.append("broken")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert calls == [1, 3] and sorted(ended, key=str) == [None, None, None, "broken"]


async def test_a_caller_that_gives_up_takes_nobody_with_it():
    entered, go = asyncio.Event(), asyncio.Event()

    async def send(operations):
        entered.set()
        await go.wait()
        return {"results": [{"status": 201}] * len(operations)}

    batcher = AsyncBatcher(send)
    first = asyncio.create_task(batcher.write(operation()))
    await entered.wait()
    second = asyncio.create_task(batcher.write(operation()))
    first.cancel()
    go.set()
    assert await second is None
    with pytest.raises(asyncio.CancelledError):
        await first
