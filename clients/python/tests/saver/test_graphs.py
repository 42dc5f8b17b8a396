"""Graphs of LangGraph with the saver beside the one that LangGraph keeps in memory."""

import operator
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from threads import checkpoint, config, metadata


class Counted(TypedDict):
    log: Annotated[list, operator.add]
    count: int
    answer: str


def counting():
    """Two steps, three parallel tasks, a question, an end."""

    def first(state):
        return {"log": ["first"], "count": state["count"] + 1}

    def fan(state):
        return [Send("work", {"number": number}) for number in range(3)]

    def work(state):
        return {"log": [f"work {state['number']}"]}

    def ask(state):
        return {"answer": interrupt("go on?")}

    graph = StateGraph(Counted)
    for node in (first, work, ask):
        graph.add_node(node)
    graph.add_edge(START, "first")
    graph.add_conditional_edges("first", fan, ["work"])
    graph.add_edge("work", "ask")
    graph.add_edge("ask", END)
    return graph


def history(graph, where):
    return [
        (each.values, each.next, each.metadata["step"], [(task.name, task.interrupts) for task in each.tasks])
        for each in graph.get_state_history(where)
    ]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("write", ["through", "behind"])
@pytest.mark.parametrize("read_cache", ["validated", "exclusive"])
def test_a_graph_runs_asks_and_resumes_as_in_memory(connect, thread, write, read_cache, durability):
    where = {"configurable": {"thread_id": thread}}
    told = []
    for saver in (InMemorySaver(), connect(write=write, read_cache=read_cache)):
        graph = counting().compile(checkpointer=saver)
        stopped = graph.invoke({"log": [], "count": 0}, where, durability=durability)
        done = graph.invoke(Command(resume="yes"), where, durability=durability)
        told.append((stopped["log"], done, [each[:3] for each in history(graph, where)]))
    assert told[0] == told[1]
    assert told[1][1]["answer"] == "yes"


async def test_a_graph_of_the_event_loop(connect, thread):
    where = {"configurable": {"thread_id": thread}}
    saver = connect()
    graph = counting().compile(checkpointer=saver)
    await graph.ainvoke({"log": [], "count": 0}, where)
    done = await graph.ainvoke(Command(resume="yes"), where)
    assert done["answer"] == "yes" and sorted(done["log"]) == ["first", "work 0", "work 1", "work 2"]
    await saver.aclose()


def test_time_travel(connect, thread):
    where = {"configurable": {"thread_id": thread}}
    told = []
    for saver in (InMemorySaver(), connect()):
        graph = counting().compile(checkpointer=saver)
        graph.invoke({"log": [], "count": 0}, where)
        asked = graph.get_state(where)
        graph.invoke(Command(resume="yes"), where)
        again = graph.invoke(Command(resume="no"), asked.config)
        changed = graph.update_state(asked.config, {"count": 41}, as_node="work")
        forked = graph.invoke(None, changed)
        told.append((again["answer"], forked["count"], forked["log"], [each[:3] for each in history(graph, where)]))
    assert told[0] == told[1]


class Talk(TypedDict):
    messages: Annotated[list, DeltaChannel(lambda old, new: old + [each for batch in new for each in batch], list,
                                           snapshot_frequency=10)]  # fmt: skip


def talking():
    graph = StateGraph(Talk)
    graph.add_node("reply", lambda state: {"messages": [f"reply {len(state['messages'])}"]})
    graph.add_edge(START, "reply")
    return graph


def talk(graph, where, turns):
    for turn in range(turns):
        graph.invoke({"messages": [f"say {turn}"]}, where)


@pytest.mark.parametrize("write", ["through", "behind"])
def test_delta_channels_are_rebuilt_as_in_memory(connect, thread, write):
    where = {"configurable": {"thread_id": thread}}
    told = []
    for saver in (
        InMemorySaver(),
        connect(write=write),
    ):
        graph = talking().compile(checkpointer=saver)
        talk(graph, where, 8)
        told.append([(each.values, each.next) for each in graph.get_state_history(where)])
    assert told[0] == told[1]


def test_the_history_of_a_delta_channel(connect, thread):
    where = {"configurable": {"thread_id": thread}}
    saver = connect()
    graph = talking().compile(checkpointer=saver)
    talk(graph, where, 8)
    latest = saver.get_tuple(where).config
    told = saver.get_delta_channel_history(config=latest, channels=["messages", "absent"])
    walked = super(type(saver), saver).get_delta_channel_history(config=latest, channels=["messages", "absent"])
    assert told == walked
    assert "seed" in told["messages"] and told["messages"]["writes"] and told["absent"] == {"writes": []}
    assert saver.get_delta_channel_history(config=latest, channels=[]) == {}


def test_pruning_keeps_what_delta_channels_need(connect, thread):
    where = {"configurable": {"thread_id": thread}}
    saver = connect()
    graph = talking().compile(checkpointer=saver)
    talk(graph, where, 15)
    before = graph.get_state(where).values
    saver.prune([thread])
    assert len(list(saver.list(where))) == 1
    assert graph.get_state(where).values == before and len(before["messages"]) == 30
    fresh = talking().compile(checkpointer=connect())
    assert fresh.get_state(where).values == before
    saver.copy_thread(thread, thread + "-copy")
    assert graph.get_state({"configurable": {"thread_id": thread + "-copy"}}).values == before
    talk(graph, where, 1)
    assert len(graph.get_state(where).values["messages"]) == 32


def test_deleting_runs_keeps_what_delta_channels_need(connect, thread):
    where = {"configurable": {"thread_id": thread}}
    runs = [f"{thread}-{number}" for number in range(3)]
    saver = connect()
    graph = talking().compile(checkpointer=saver)
    for run in runs:
        talk(graph, {**where, "metadata": {"run_id": run}}, 1)
    before = graph.get_state(where).values
    saver.delete_for_runs(runs[:2])
    assert {each.metadata["run_id"] for each in saver.list(where)} == {runs[2]}
    assert graph.get_state(where).values == before and len(before["messages"]) == 6


@dataclass
class Plain:
    """A type that no allowlist has by itself."""

    text: str


def test_an_allowlist_is_enforced_by_a_clone_on_the_same_connection(connect, thread):
    saver = connect(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    stored = saver.put(config(thread), checkpoint({"a": Plain("x")}), metadata(), {"a": 1})
    clone = saver.with_allowlist([(Plain.__module__, "Plain")])
    assert clone is not saver and clone._link is saver._link
    for _ in range(3):
        assert clone.get_tuple(stored).checkpoint["channel_values"]["a"] == Plain("x")
        assert not isinstance(saver.get_tuple(stored).checkpoint["channel_values"]["a"], Plain)
