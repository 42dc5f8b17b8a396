"""Writing behind: order, reading back, failures, and what `flush` says."""

import os
import subprocess
import sys
import threading

import pytest
from faulty_link import FaultyLink
from threads import chain, checkpoint, config, metadata

from backstay import NO_RETRIES
from backstay.errors import BackstayError, WaitTimeoutError
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


def test_a_failure_names_what_is_lost_and_the_thread_goes_on(server, connect, thread):
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


def test_the_next_call_is_told_and_what_is_lost_is_not_read(server, connect, thread):
    with FaultyLink(server.address, ["drop"]) as link:
        saver = connect(link.url, write="behind", read_cache="exclusive", retry=NO_RETRIES)
        first = saver.put(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
        with pytest.raises(WriteBehindError, match="1 queued write"):
            saver.get_tuple(first)
        assert saver.get_tuple(first) is None
        with pytest.raises(WriteBehindError):
            saver.flush()
        saver.close()


def test_a_saver_that_is_closed_takes_nothing(connect, thread):
    saver = connect(write="behind")
    saver.close()
    with pytest.raises(BackstayError, match="closed"):
        chain(saver, thread, 1)


PROGRAM = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from threads import chain
from backstay.langgraph import BackstaySaver

saver = BackstaySaver(os.environ["BACKSTAY_SERVER"], token=os.environ["BACKSTAY_TOKEN"], write="behind")
chain(saver, sys.argv[3], 30)
"""


def test_a_program_that_ends_without_closing_sends_what_is_queued(server, saver, thread):
    import threads

    import backstay

    paths = [os.path.dirname(os.path.dirname(backstay.__file__)), os.path.dirname(threads.__file__)]
    variables = {**os.environ, "BACKSTAY_SERVER": server.url, "BACKSTAY_TOKEN": server.token}
    subprocess.run([sys.executable, "-c", PROGRAM, *paths, thread], env=variables, check=True, timeout=60)
    assert len(list(saver.list(config(thread)))) == 30


async def test_the_event_loop_waits_for_a_flush_too(connect, thread):
    saver = connect(write="behind")
    stored = await saver.aput(config(thread), checkpoint({"a": 1}), metadata(), {"a": 1})
    await saver.aflush()
    assert (await saver.aget_tuple(config(thread))).config == stored
    await saver.aclose()


# --- the queue by itself


def operation(number, size=10, thread="t"):
    return Operation(thread, str(number).encode().rjust(size))


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
        for each in operations:
            number = int(each.packed)
            if each.thread_id in failed:
                results.append({"status": 424, "skipped": True})
            elif number in self.refuses:
                failed.add(each.thread_id)
                results.append({"status": 409, "error": {"detail": "no", "code": "conflict"}})
            else:
                self.stored.append(number)
                results.append({"status": 201})
        return {"results": results}


def queued(gate, count, limit_bytes=1 << 20):
    behind = WriteBehind(gate.send, gate.lost.append, limit_bytes)
    for number in range(count):
        behind.add(operation(number))
    return behind


def test_order_is_kept():
    gate = Gate()
    behind = queued(gate, 100)
    assert behind.is_pending("t") and behind.is_pending(None) and not behind.is_pending("u")
    with pytest.raises(WaitTimeoutError, match="100 queued"):
        behind.flush(timeout_s=0)
    gate.opened.set()
    behind.close()
    assert gate.stored == list(range(100)) and not behind.is_pending(None) and not behind.is_pending("t")


def test_a_full_queue_waits():
    gate = Gate()
    behind = queued(gate, 3, limit_bytes=30)
    added = threading.Event()

    def add():
        behind.add(operation(3))
        added.set()

    assert behind.add(operation(4), wait=False) is False
    waiting = threading.Thread(target=add)
    waiting.start()
    assert not added.is_set()
    gate.opened.set()
    assert added.wait(30)
    waiting.join()
    behind.close()
    assert gate.stored == [0, 1, 2, 3]


def test_the_limit_is_16_mib(connect):
    assert connect(write="behind")._behind._limit_bytes == 16 << 20


def test_a_flush_waits_for_what_was_queued_before_it_and_no_more():
    asked, first, second = (threading.Event() for _ in range(3))

    def send(operations):
        assert (second if int(operations[0].packed) else first).wait(30)
        return {"results": [{"status": 201}] * len(operations)}

    behind = WriteBehind(send, [].append)
    oldest = behind._oldest

    def told():
        asked.set()
        return oldest()

    behind._oldest = told
    behind.add(operation(0))
    flushing = threading.Thread(target=behind.flush)
    flushing.start()
    assert asked.wait(30)
    behind.add(operation(1))
    first.set()
    flushing.join(30)
    assert not flushing.is_alive() and behind.is_pending("t")
    second.set()
    behind.close()


def test_what_stands_on_a_failure_is_dropped_and_counted():
    gate = Gate(refuses={2})
    behind = queued(gate, 6)
    behind.add(operation(100, thread="other"))
    gate.opened.set()
    with pytest.raises(WriteBehindError) as failed:
        behind.flush()
    behind.close()
    assert failed.value.lost == {"t": 4} and gate.stored == [0, 1, 100] and set(gate.lost) == {"t"}
    assert failed.value.__cause__.status == 409


def failed_of_two():
    """A queue that lost something of thread `a` and nothing of `b`."""
    gate = Gate(refuses={1})
    behind = WriteBehind(gate.send, gate.lost.append)
    behind.add(operation(1, thread="a"))
    behind.add(operation(2, thread="b"))
    gate.opened.set()
    with behind._changed:
        assert behind._changed.wait_for(lambda: behind._losses.concern("a"), 30)
    return behind


def test_any_call_then_one_of_the_thread_then_a_flush_is_told():
    behind = failed_of_two()
    for told in (lambda: behind.settle("b"), lambda: behind.add(operation(3, thread="a")), behind.flush):
        with pytest.raises(WriteBehindError) as failed:
            told()
        assert failed.value.lost == {"a": 1}
    behind.add(operation(3, thread="a"))
    behind.flush()
    behind.close()


def test_one_call_of_the_thread_does_for_both():
    behind = failed_of_two()
    with pytest.raises(WriteBehindError):
        behind.settle("a")
    behind.settle("a")
    behind.settle(None)
    behind.close()


def test_closing_tells_what_nobody_was_told():
    behind = failed_of_two()
    with pytest.raises(WriteBehindError):
        behind.close()
    behind.close()


def test_a_flush_that_told_does_for_all():
    behind = failed_of_two()
    with pytest.raises(WriteBehindError):
        behind.flush()
    behind.flush()
    behind.settle("a")
    behind.close()


def test_whatever_goes_wrong_is_told():
    def send(operations):
        raise RuntimeError("a mistake")

    behind = WriteBehind(send, [].append)
    behind.add(operation(1))
    with pytest.raises(WriteBehindError, match="a mistake"):
        behind.flush()
    behind.close()


def test_one_that_is_larger_than_the_queue_goes_alone():
    gate = Gate()
    gate.opened.set()
    behind = WriteBehind(gate.send, gate.lost.append, 10)
    behind.add(operation(1, size=1000))
    behind.close()
    assert gate.stored == [1]
