"""Databases of LangGraph's saver for SQLite become threads that `BackstaySaver` reads as that one would."""

import json
import os
import sqlite3
import subprocess
from typing import Any

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph

SERDE = JsonPlusSerializer()

TABLES = """
    CREATE TABLE checkpoints (thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '',
        checkpoint_id TEXT NOT NULL,
        parent_checkpoint_id TEXT, type TEXT, checkpoint BLOB, metadata BLOB,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id));
    CREATE TABLE writes (thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL,
        task_id TEXT NOT NULL, task_path TEXT NOT NULL DEFAULT '', idx INTEGER NOT NULL, channel TEXT NOT NULL,
        type TEXT, value BLOB, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx));
"""


def configurable(thread: str, checkpoint_id: str | None = None) -> Any:
    extra = {} if checkpoint_id is None else {"checkpoint_id": checkpoint_id}
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **extra}}


def graph(saver: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("answer", lambda state: {"messages": [("ai", f"to {len(state['messages'])}")]})
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def write_database(path: Any, tuples: list[Any]) -> None:
    """What the saver for SQLite would have written."""
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        for each in tuples:
            key = each.config["configurable"]
            names = (key["thread_id"], key["checkpoint_ns"], key["checkpoint_id"])
            parent = each.parent_config and each.parent_config["configurable"]["checkpoint_id"]
            type_, data = SERDE.dumps_typed(each.checkpoint)
            row = (*names, parent, type_, data, json.dumps(each.metadata).encode())
            database.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for index, (task, channel, value) in enumerate(each.pending_writes):
                write = (*names, task, "~path", index, channel, *SERDE.dumps_typed(value))
                database.execute("INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", write)


def run_import(program: Any, server: Any, path: Any) -> Any:
    environment = {**os.environ, "BACKSTAY_SERVER": server.url, "BACKSTAY_TOKEN": server.token}
    command = [program, "checkpoint", "import", path, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_threads_of_a_database_are_read_as_they_were(program, server, saver, thread, tmp_path):
    memory = InMemorySaver()
    first = graph(memory)
    for text in ("one", "two", "three"):
        first.invoke({"messages": [("user", text)]}, configurable(thread))
    tuples = list(memory.list(configurable(thread)))
    path = tmp_path / "checkpoints.sqlite"
    write_database(path, tuples)
    before = path.read_bytes()
    code, report = run_import(program, server, path)
    assert (code, report["imported"], report["skipped"], report["left_out"]) == (0, len(tuples), [], [])
    assert path.read_bytes() == before

    found = {each.config["configurable"]["checkpoint_id"]: each for each in saver.list(configurable(thread))}
    assert len(found) == len(tuples)
    for each in tuples:
        here = found[each.config["configurable"]["checkpoint_id"]]
        assert here.checkpoint == each.checkpoint
        assert here.metadata == each.metadata
        assert here.parent_config == each.parent_config
        assert sorted(map(repr, here.pending_writes)) == sorted(map(repr, each.pending_writes))
    # The graph goes on where it was.
    state = graph(saver).invoke({"messages": [("user", "four")]}, configurable(thread))
    assert [message.content for message in state["messages"]][-2:] == ["four", "to 7"]
    # A repetition adds nothing.
    code, report = run_import(program, server, path)
    assert (code, report["imported"]) == (0, len(tuples))
    assert len(list(saver.list(configurable(thread)))) == len(tuples) + 3


def test_what_cannot_be_taken_apart_is_named(program, server, saver, thread, tmp_path):
    path = tmp_path / "checkpoints.sqlite"
    good = empty_checkpoint()
    good["channel_versions"] = {"a": 1}
    good["channel_values"] = {"a": {"deep": [1, 2.5, None]}}
    whole = SERDE.dumps_typed(good)
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        rows = [
            ("1", None, "pickle", b"cos\nsystem\n(S'false'\ntR.", b"{}"),
            ("2", None, "msgpack", b"\x81", b"{}"),
            ("3", "2", *whole, b"no json"),
            ("4", "3", "msgpack", None, b"{}"),
        ]
        for row in rows:
            database.execute("INSERT INTO checkpoints VALUES (?, '', ?, ?, ?, ?, ?)", (thread, *row))
        lone = (thread, "9", "task", "", 0, "a", "null", b"")
        database.execute("INSERT INTO writes VALUES (?, '', ?, ?, ?, ?, ?, ?, ?)", lone)
    code, report = run_import(program, server, path)
    assert (code, report["imported"]) == (3, 1)
    reasons = {told["file"].rpartition(" ")[2]: told["reason"] for told in report["skipped"]}
    assert "pickle" in reasons["1"]
    assert "no checkpoint" in reasons["2"]
    assert "absent" in reasons["4"]
    assert any("belong to no checkpoint" in reason for reason in reasons.values())
    assert len(report["left_out"]) == 1
    found = saver.get_tuple(configurable(thread))
    assert found.checkpoint == good
    assert found.metadata == {}
