"""A stored checkpoint as its parts, and what LangGraph makes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import ormsgpack
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from backstay.errors import DecodeError
from backstay.langgraph.wire import Key, Operation, operation

EMPTY = "empty"
"""The type of a channel that has a version and no value."""

Version = str | int | float


class Channel(NamedTuple):
    """The stored value of one channel."""

    version: Version
    type: str
    data: bytes


class Write(NamedTuple):
    """A pending write. Sorted by the first three."""

    task_path: str
    task_id: str
    idx: int
    channel: str
    type: str
    data: bytes


@dataclass(frozen=True)
class Entry:
    """A checkpoint with its writes, as bytes.

    `stored` is false for one of which only writes are known: they may come before their checkpoint. `complete` is false
    where it may have more writes than are known here.
    """

    key: Key
    parent: str | None
    head: tuple[str, bytes]
    metadata: dict[str, Any]
    channels: Mapping[str, Channel]
    writes: tuple[Write, ...]
    etag: str | None = None
    stored: bool = True
    complete: bool = True
    whole: dict[int, tuple[SerializerProtocol, tuple[str, bytes]]] = field(default_factory=dict, compare=False)
    """The checkpoint in one piece, by the serializer (and its `id`) that packed it: quicker to read again."""

    @property
    def state_bytes(self) -> int:
        """About what the state takes in memory."""
        return len(self.head[1]) + sum(len(channel.data) + 100 for channel in self.channels.values())

    @property
    def size_bytes(self) -> int:
        """About what all takes in memory, with the state in one piece beside it."""
        return 2 * self.state_bytes + sum(len(write.data) + 200 for write in self.writes) + 1000


def thread_of(config: RunnableConfig) -> tuple[str, str, str | None]:
    """`thread_id`, `checkpoint_ns` and perhaps `checkpoint_id` of a config."""
    configurable = config["configurable"]
    identifier = configurable.get("checkpoint_id")
    thread, namespace = str(configurable["thread_id"]), str(configurable.get("checkpoint_ns") or "")
    return thread, namespace, None if not identifier else str(identifier)


def config_of(key: Key) -> RunnableConfig:
    return {"configurable": key._asdict()}


def from_tuple(answer: Any, etag: str | None = None) -> Entry:
    """An entry from a `Tuple` of the wire."""
    try:
        key = answer["key"]
        return Entry(
            key=Key(key["thread_id"], key["checkpoint_ns"], key["checkpoint_id"]),
            parent=answer.get("parent"),
            head=(answer["head"]["type"], data_of(answer["head"])),
            metadata=answer["metadata"],
            channels={
                name: Channel(each["version"], each["type"], data_of(each)) for name, each in answer["channels"].items()
            },
            writes=tuple(write_of(each) for each in answer["writes"]),
            etag=etag,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DecodeError(f"a checkpoint of a thread lacks something: {error!r}") from error


def write_of(each: Any) -> Write:
    return Write(each["task_path"], each["task_id"], each["idx"], each["channel"], each["type"], data_of(each))


def data_of(value: Any) -> bytes:
    """Bytes, as MessagePack or JSON carries them."""
    data = value["data"]
    return data if isinstance(data, bytes) else base64.b64decode(data)


def new_entry(
    serde: SerializerProtocol,
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    new_versions: ChannelVersions,
    parent: Entry | None,
) -> tuple[Entry, list[str]]:
    """A checkpoint to be stored, and the names of its channels that are the same as in `parent`.

    A channel is the same when this step did not write it and the parent has it at the same version, with a value or
    without one like here. Anything less is no proof: a fork may carry values that its parent in storage never had, and
    two forks may give the same version to different values.
    """
    thread, namespace, parent_id = thread_of(config)
    values = checkpoint["channel_values"]
    versions = checkpoint["channel_versions"]
    channels: dict[str, Channel] = {}
    kept: list[str] = []
    stored = parent.channels if parent is not None else {}
    for name, version in versions.items():
        has_value = name in values
        known = stored.get(name)
        if known is not None and name not in new_versions and _same(known, version, has_value):
            channels[name] = known
            kept.append(name)
        elif has_value:
            channels[name] = Channel(version, *serde.dumps_typed(values[name]))
        else:
            channels[name] = Channel(version, EMPTY, b"")
    head: dict[str, Any] = {
        name: value for name, value in checkpoint.items() if name not in ("channel_values", "channel_versions")
    }
    if len(values) > len(versions) or not values.keys() <= versions.keys():
        head["channel_values"] = {name: value for name, value in values.items() if name not in versions}
    entry = Entry(
        key=Key(thread, namespace, checkpoint["id"]),
        parent=parent_id,
        head=serde.dumps_typed(head),
        metadata=_plain(get_serializable_checkpoint_metadata(config, metadata)),
        channels=channels,
        writes=(),
    )
    return entry, kept


def _plain(metadata: CheckpointMetadata) -> dict[str, Any]:
    """Metadata as the server keeps it: JSON. Raises `TypeError` or `ValueError` for what is none."""
    plain: dict[str, Any] = json.loads(json.dumps(metadata, allow_nan=False))
    return plain


def _same(known: Channel, version: Version, has_value: bool) -> bool:
    return known.version == version and type(known.version) is type(version) and (known.type != EMPTY) == has_value


def put_operation(entry: Entry, kept: Iterable[str], delta_snapshots: Iterable[str]) -> Operation:
    """Stores an entry; the channels `kept` are taken from its parent."""
    kept = list(kept)
    unchanged = frozenset(kept)
    snapshots = frozenset(delta_snapshots)
    changed = {}
    for name, channel in entry.channels.items():
        if name in unchanged:
            continue
        changed[name] = {"version": channel.version, "type": channel.type, "data": channel.data}
        if name in snapshots:
            changed[name]["delta_snapshot"] = True
    body = {
        "op": "put",
        "key": entry.key.body(),
        "parent": entry.parent,
        "head": {"type": entry.head[0], "data": entry.head[1]},
        "metadata": entry.metadata,
        "changed": changed,
        "keep": kept,
    }
    return operation(entry.key.thread_id, body)


def delta_snapshots(checkpoint: Checkpoint) -> list[str]:
    """The channels whose value is a snapshot of a delta channel."""
    return [name for name, value in checkpoint["channel_values"].items() if isinstance(value, _DeltaSnapshot)]


def new_writes(
    serde: SerializerProtocol, writes: Iterable[tuple[str, Any]], task_id: str, task_path: str
) -> tuple[Write, ...]:
    """Writes to be stored. Special channels have an index of their own, so that they never meet ordinary ones."""
    return tuple(
        Write(task_path, task_id, WRITES_IDX_MAP.get(channel, idx), channel, *serde.dumps_typed(value))
        for idx, (channel, value) in enumerate(writes)
    )


def writes_operation(key: Key, writes: tuple[Write, ...], task_id: str, task_path: str) -> Operation:
    sent = [{"idx": write.idx, "channel": write.channel, "type": write.type, "data": write.data} for write in writes]
    body = {"op": "put_writes", "key": key.body(), "task_id": task_id, "task_path": task_path, "writes": sent}
    return operation(key.thread_id, body)


def merged(old: tuple[Write, ...], new: tuple[Write, ...]) -> tuple[Write, ...]:
    """What is stored after a call with `new`: one of special channels only overwrites, any other only adds."""
    by_key = {(write.task_id, write.idx): write for write in old}
    overwrites = all(write.channel in WRITES_IDX_MAP for write in new)
    for write in new:
        if overwrites:
            by_key[write.task_id, write.idx] = write
        else:
            by_key.setdefault((write.task_id, write.idx), write)
    return tuple(sorted(by_key.values(), key=lambda write: write[:3]))


def loaded(serde: SerializerProtocol, entry: Entry) -> CheckpointTuple:
    """The objects of an entry, new ones at every call."""
    packed = entry.whole.get(id(serde))
    checkpoint: Checkpoint = _assembled(serde, entry) if packed is None else serde.loads_typed(packed[1])
    parent = None if not entry.parent else config_of(Key(*entry.key[:2], entry.parent))
    writes: list[PendingWrite] = [
        (write.task_id, write.channel, serde.loads_typed((write.type, write.data))) for write in entry.writes
    ]
    # The quickest way to a copy that shares nothing.
    metadata = cast(CheckpointMetadata, ormsgpack.unpackb(ormsgpack.packb(entry.metadata)))
    return CheckpointTuple(config_of(entry.key), checkpoint, metadata, parent, writes)


def _assembled(serde: SerializerProtocol, entry: Entry) -> Checkpoint:
    head: dict[str, Any] = serde.loads_typed(entry.head)
    values = head.pop("channel_values", {})
    values.update(_loaded_values(serde, entry.channels))
    head["channel_values"] = values
    head["channel_versions"] = {name: channel.version for name, channel in entry.channels.items()}
    return cast(Checkpoint, head)


def _loaded_values(serde: SerializerProtocol, channels: Mapping[str, Channel]) -> dict[str, Any]:
    """The values of all channels that have one."""
    values: dict[str, Any] = {}
    joined = [name for name, channel in channels.items() if channel.type == "msgpack"]
    # LangGraph's own serializer reads the values of many channels several times as fast as one object.
    if type(serde) is JsonPlusSerializer and len(joined) > 1:
        parts = [b"\xdf", len(joined).to_bytes(4, "big")]
        for name in joined:
            parts += (ormsgpack.packb(name), channels[name].data)
        values = serde.loads_typed(("msgpack", b"".join(parts)))
    for name, channel in channels.items():
        if channel.type != EMPTY and name not in values:
            values[name] = serde.loads_typed((channel.type, channel.data))
    return values


def pack(serde: SerializerProtocol, entry: Entry) -> None:
    """Makes reading `entry` again quicker."""
    if id(serde) not in entry.whole:
        entry.whole[id(serde)] = (serde, serde.dumps_typed(_assembled(serde, entry)))
