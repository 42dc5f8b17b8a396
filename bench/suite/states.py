"""States of LangGraph threads, and the graph, that the savers are measured with."""

import json
import os
import statistics
import time
from typing import TypedDict

from langgraph.checkpoint.base.id import uuid6
from langgraph.graph import END, START, StateGraph

CHANNELS = 100
CHANNEL_BYTES = 1000


def _text():
    """About 1 KB of text that does not compress to nothing."""
    return os.urandom(CHANNEL_BYTES // 2).hex()


def channels():
    """100 channels of 1 KB. Each is a list, as channels of messages are, because PostgresSaver copies plain text into
    every checkpoint."""
    return {f"channel_{number:03}": [_text()] for number in range(CHANNELS)}


def one_list():
    """One channel with a list of 100 items of 1 KB."""
    return {"messages": [_text() for _ in range(CHANNELS)]}


class Thread:
    """A thread of LangGraph that one saver keeps: `change` makes the next state, `put` stores it."""

    def __init__(self, saver, identifier, values):
        self.saver = saver
        self.identifier = identifier
        self.values = values
        self.versions = {name: saver.get_next_version(None, None) for name in values}
        self.new = dict(self.versions)
        self.seen = {"node": dict(self.versions)}
        self.parent = {"configurable": {"thread_id": identifier, "checkpoint_ns": ""}}
        self.step = 0

    def change(self):
        """Changes 1 % of the state: one channel of many, or one item of the only one."""
        self.step += 1
        if len(self.values) > 1:
            name = f"channel_{self.step % CHANNELS:03}"
            value = [_text()]
        else:
            (name,) = self.values
            value = list(self.values[name])
            value[self.step % CHANNELS] = _text()
        self.values = {**self.values, name: value}
        version = self.saver.get_next_version(self.versions[name], None)
        self.versions = {**self.versions, name: version}
        self.new = {name: version}
        self.seen = {"node": {**self.seen["node"], name: version}}

    def put(self):
        checkpoint = {
            "v": 4,
            "id": str(uuid6(clock_seq=self.step)),
            "ts": "2026-01-08T09:30:00.000000+00:00",
            "channel_values": self.values,
            "channel_versions": self.versions,
            "versions_seen": self.seen,
            "updated_channels": list(self.new),
        }
        self.parent = self.saver.put(self.parent, checkpoint, {"source": "loop", "step": self.step, "parents": {}}, self.new)


class Walk(TypedDict):
    text: str
    visited: int


def _graph():
    graph = StateGraph(Walk)
    previous = START
    for number in range(10):
        name = f"node_{number}"
        graph.add_node(name, lambda state: {"visited": state["visited"] + 1})
        graph.add_edge(previous, name)
        previous = name
    graph.add_edge(previous, END)
    return graph


def invocations(savers, rounds):
    """The milliseconds that each saver adds to one `invoke` of a graph of 10 nodes, the savers taking turns."""
    bare = _graph().compile()
    graphs = {name: _graph().compile(checkpointer=saver) for name, saver in savers.items()}
    samples = {name: [] for name in ["none", *graphs]}
    for number in range(rounds + 2):
        for name in samples:
            graph = bare if name == "none" else graphs[name]
            where = None if name == "none" else {"configurable": {"thread_id": f"invoke-{number}"}}
            started = time.perf_counter()
            done = graph.invoke({"text": "x" * CHANNEL_BYTES, "visited": 0}, where)
            samples[name].append(time.perf_counter() - started)
            assert done["visited"] == 10, json.dumps(done)
    # The first rounds open connections.
    medians = {name: statistics.median(each[2:]) * 1000 for name, each in samples.items()}
    return {name: medians[name] - medians["none"] for name in graphs}
