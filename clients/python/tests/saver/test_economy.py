"""How much is sent, how often, and what is answered from memory."""

import asyncio
import itertools
import threading
from collections import deque

import pytest
from faulty_link import FaultyLink
from threads import chain, checkpoint, config, metadata

from backstay import NO_RETRIES
from backstay.errors import InvalidError, NotFoundError, TransportError
from backstay.langgraph import batch
from backstay.langgraph.batch import MAX_OPERATIONS, MAX_UNDER_WAY, AsyncBatcher, Batcher, store, take
from backstay.langgraph.entry import new_writes, writes_operation
from backstay.langgraph.wire import Key, Operation, Skipped


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
    assert link.requests - before < 120 and link.connections <= MAX_UNDER_WAY
    assert len(connect().get_tuple(stored).pending_writes) == 160


async def test_concurrent_tasks_share_requests(connect, link, thread):
    saver = connect(link.url)
    stored = await saver.aput(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
    before = link.requests
    await asyncio.gather(*(saver.aput_writes(stored, [("a", number)], f"task-{number}") for number in range(100)))
    assert link.requests - before <= 3
    assert len((await saver.aget_tuple(stored)).pending_writes) == 100
    await saver.aclose()


def test_event_loops_come_and_go(connect, link, thread):
    saver = connect(link.url)
    stored = [config(thread)]

    async def put(number):
        for _ in range(2):
            stored.append(await saver.aput(stored[-1], checkpoint({"a": number}), metadata(number), {"a": 1}))

    for number in range(3):
        asyncio.run(put(number))
    workers = [threading.Thread(target=lambda: asyncio.run(put(9))) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(list(saver.list(config(thread)))) == 12
    # One for each loop and one for threads, and of loops that ended only the last are remembered.
    assert link.connections == 7 and len(saver._link._loops) <= 3


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


@pytest.mark.parametrize("cache_bytes", [64 << 20, 30_000])
def test_an_exclusive_read_has_the_writes_that_came_before_their_checkpoint(connect, thread, cache_bytes):
    saver = connect(read_cache="exclusive", cache_bytes=cache_bytes)
    made = checkpoint({"a": 1})
    early = config(thread, made["id"])
    saver.put_writes(early, [("a", 2)], "task-1")
    chain(saver, f"{thread}-other", 3, size=9000)
    saver.put_writes(early, [("a", 3)], "task-2")
    stored = saver.put(config(thread), made, metadata(), {"a": 1})
    assert saver.get_tuple(stored).pending_writes == [("task-1", "a", 2), ("task-2", "a", 3)]


def test_what_may_have_happened_is_asked_for(server, connect, thread):
    with FaultyLink(server.address, [None, "lose"]) as link:
        saver = connect(link.url, read_cache="exclusive", retry=NO_RETRIES)
        first = chain(saver, thread, 1)[0]
        assert saver.get_tuple(config(thread)).config == first
        # The next connection is the one whose answer is lost.
        saver._link._transport.close()
        saver._link._transport = None
        made = checkpoint({"step": [9]}, {"step": 9})
        with pytest.raises(TransportError):
            saver.put(first, made, metadata(1), {"step": 9})
        assert saver.get_tuple(config(thread)).checkpoint["id"] == made["id"]


def test_that_a_thread_is_empty_is_believed_of_a_server_alone(connect, server, thread):
    other = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with FaultyLink(server.address, [other]) as link:
        saver = connect(link.url)
        with pytest.raises(NotFoundError):
            saver.get_tuple(config(thread))
        assert saver.get_tuple(config(thread)) is None


@pytest.mark.parametrize("read_cache", ["validated", "exclusive"])
def test_what_a_caller_does_with_an_answer_is_his_own(connect, thread, read_cache):
    saver = connect(read_cache=read_cache)
    chain(saver, thread, 1)
    for _ in range(4):
        found = saver.get_tuple(config(thread))
        assert found.checkpoint["channel_values"] == {"step": [0]} and found.metadata == metadata(0)
        found.checkpoint["channel_values"]["step"].append("changed")
        found.checkpoint["channel_versions"]["more"] = 1
        found.metadata["step"] = 99
        found.metadata["parents"]["more"] = "x"


def test_memory_has_a_limit(connect, thread):
    saver = connect(cache_bytes=100_000, read_cache="exclusive")
    for number in range(50):
        chain(saver, f"{thread}-{number}", 1, size=2000)
        saver.get_tuple(config(f"{thread}-{number}"))
    assert saver._cache._size_bytes <= 100_000 and len(saver._cache._latest) <= 50
    assert saver.get_tuple(config(f"{thread}-0")).checkpoint["channel_values"] == {"step": [0] * 2000}


def operation(thread="t", size=1):
    return Operation(thread, b"x" * size)


def test_a_request_has_a_limit():
    assert len(take(deque([(operation(), None)] * 1500))) == MAX_OPERATIONS
    assert len(take(deque([(operation(size=10 << 20), None)] * 3))) == 1
    assert len(take(deque([(operation(size=20 << 20), None)] * 2))) == 1


def test_one_writer_s_mistake_is_not_the_others(connect, thread):
    """The server refuses a request with a name that cannot be one; the others of the request do not fail for it."""
    saver = connect()
    stored = chain(saver, thread, 1)[0]
    identifier = stored["configurable"]["checkpoint_id"]
    operations = [
        writes_operation(Key(name, "", identifier), new_writes(saver.serde, [("a", 1)], task, ""), task, "")
        for name, task in ((thread, "t1"), ("x" * 600, "t2"), (thread, "t3"), ("x" * 600, "t4"))
    ]
    told = store(saver._link.send_batch, operations)
    assert [type(each) for each in told] == [type(None), InvalidError, type(None), Skipped]
    assert len(saver.get_tuple(stored).pending_writes) == 2


def written(batcher, count):
    """What `count` threads that write at the same time are told; `None` is success."""
    told = []

    def write():
        try:
            told.append(batcher.write(operation()))
        except BaseException as error:
            told.append(error)

    threads = [threading.Thread(target=write) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return told


def test_a_failed_request_fails_all_its_writers_and_no_other():
    calls, turn, three = [], itertools.count(), threading.Event()

    def wait_for_three():
        while not three.is_set():
            if len(batcher._queue) == 3:
                three.set()

    def send(operations):
        calls.append(len(operations))
        number = next(turn)
        if number < MAX_UNDER_WAY:
            wait_for_three()
        if number == 0:
            raise TransportError("POST", "/", "here", "broken", may_have_happened=True)
        return {"results": [{"status": 201}] * len(operations)}

    batcher = Batcher(send)
    told = written(batcher, MAX_UNDER_WAY + 3)
    assert sorted(calls) == [1] * MAX_UNDER_WAY + [3]
    assert sorted(type(each).__name__ for each in told) == ["NoneType"] * (len(told) - 1) + ["TransportError"]


def test_an_interrupted_writer_takes_nobody_with_it():
    calls, turn, three = [], itertools.count(), threading.Event()

    def wait_for_three():
        while not three.is_set():
            if len(batcher._queue) == 3:
                three.set()

    def send(operations):
        calls.append(len(operations))
        number = next(turn)
        if number < MAX_UNDER_WAY:
            wait_for_three()
        elif number == MAX_UNDER_WAY:
            raise KeyboardInterrupt
        return {"results": [{"status": 201}] * len(operations)}

    batcher = Batcher(send)
    told = written(batcher, MAX_UNDER_WAY + 3)
    assert calls == [1] * MAX_UNDER_WAY + [3, 2]
    assert sorted(type(each).__name__ for each in told) == ["KeyboardInterrupt"] + ["NoneType"] * (len(told) - 1)
    assert batcher.write(operation()) is None


def test_a_writer_that_is_interrupted_while_it_waits_is_not_waited_for(monkeypatch):
    waits = []

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            waits.append(self)
            if len(waits) == 1:
                raise KeyboardInterrupt
            return super().wait(timeout)

    class Waiting(batch._Waiting):
        def __init__(self):
            super().__init__()
            self.woken = Interrupted()

    monkeypatch.setattr(batch, "_Waiting", Waiting)

    def send(operations):
        while len(waits) < 3:
            pass
        return {"results": [{"status": 201}] * len(operations)}

    batcher = Batcher(send)
    told = written(batcher, MAX_UNDER_WAY + 3)
    assert sorted(type(each).__name__ for each in told) == ["KeyboardInterrupt"] + ["NoneType"] * (len(told) - 1)
    assert batcher.write(operation()) is None


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
