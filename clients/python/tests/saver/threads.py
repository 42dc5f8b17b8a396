"""Checkpoints for the tests of the saver."""

import itertools

from langgraph.checkpoint.base.id import uuid6

_CLOCK = itertools.count()


def config(thread, checkpoint_id=None, namespace=""):
    named = {"thread_id": thread, "checkpoint_ns": namespace}
    if checkpoint_id is not None:
        named["checkpoint_id"] = checkpoint_id
    return {"configurable": named}


def checkpoint(values, versions=None):
    """A checkpoint with these channels; without versions all have version 1."""
    return {
        "v": 4,
        "id": str(uuid6(clock_seq=next(_CLOCK))),
        "ts": "2026-01-08T09:30:00+00:00",
        "channel_values": values,
        "channel_versions": versions if versions is not None else dict.fromkeys(values, 1),
        "versions_seen": {},
        "updated_channels": None,
    }


def metadata(step=0, **more):
    return {"source": "loop", "step": step, "parents": {}, **more}


def chain(saver, thread, count, size=1):
    """A thread of `count` checkpoints with one channel, and their configs."""
    stored = []
    parent = config(thread)
    for step in range(count):
        made = checkpoint({"step": [step] * size}, {"step": step + 1})
        parent = saver.put(parent, made, metadata(step), {"step": step + 1})
        stored.append(parent)
    return stored
