"""The checkpointer."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal

import httpx
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    PendingWrite,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from backstay._options import options
from backstay._request import Request
from backstay.errors import ApiError, NotFoundError
from backstay.langgraph import wire
from backstay.langgraph.batch import Outcome
from backstay.langgraph.behind import WriteBehind
from backstay.langgraph.cache import Cache, ReadCache
from backstay.langgraph.entry import (
    Entry,
    config_of,
    delta_snapshots,
    from_tuple,
    loaded,
    new_entry,
    new_writes,
    pack,
    put_operation,
    thread_of,
    write_of,
    writes_operation,
)
from backstay.langgraph.link import Link
from backstay.langgraph.pages import Pages
from backstay.langgraph.steps import Queue, Runner, Send, Settle, Steps, Write
from backstay.langgraph.wire import Key, Operation, Skipped
from backstay.retry import RetryPolicy


class BackstaySaver(BaseCheckpointSaver[str]):
    """Keeps the checkpoints of LangGraph threads at a Backstay server; each thread is a job.

    Synchronous and asynchronous methods may be used side by side, by any number of threads and event loops. Writes that
    are made at the same time share a request. Only channels that changed are sent.

    `write="through"` (the default): a call returns when its data is on disk. `write="behind"`: it returns when the data
    is queued (at most 16 MiB, then it waits); the order within a thread is kept, a read waits for what is queued of its
    thread, and a failure is raised as `WriteBehindError` by the next call, by the next call of the thread that lost
    something, and by the next `flush`. What is queued when the process dies is lost.

    `read_cache="validated"` (the default): a read that would bring what was read before is answered from memory after
    the server confirmed that nothing changed. `"exclusive"`: without asking, which is right only where this saver is
    the only writer of its threads. `"off"`: every read brings everything.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        project: str | None = None,
        serde: SerializerProtocol | None = None,
        write: Literal["through", "behind"] = "through",
        read_cache: ReadCache = "validated",
        cache_bytes: int = 64 << 20,
        timeout_s: float = 40.0,
        retry: RetryPolicy | None = None,
        allow_cleartext_token: bool = False,
    ) -> None:
        super().__init__(serde=serde)
        if write not in ("through", "behind") or read_cache not in ("validated", "exclusive", "off"):
            raise ValueError('write is "through" or "behind", and read_cache "validated", "exclusive" or "off"')
        self._read_cache = read_cache
        self._cache = Cache(cache_bytes, exclusive=read_cache == "exclusive")
        self._link = Link(
            options(
                url,
                token=token,
                project=project,
                tenant=None,
                timeout_s=timeout_s,
                retry=retry,
                allow_cleartext_token=allow_cleartext_token,
            )
        )
        self._behind = WriteBehind(self._link.send_batch, self._cache.forget) if write == "behind" else None
        self._runner = Runner(self._link, self._behind)

    @classmethod
    def from_conn_string(cls, url: str, **settings: Any) -> BackstaySaver:
        """A saver for the server at `url`, to be used in `with` or `async with`, which close it.

        Without `token` it takes the one of the environment variable `BACKSTAY_TOKEN`; a token never belongs into the
        address. The other settings are those of the class.
        """
        settings.setdefault("token", os.environ.get("BACKSTAY_TOKEN"))
        return cls(url, **settings)

    def __enter__(self) -> BackstaySaver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> BackstaySaver:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def close(self) -> None:
        """Sends what is queued, then closes the connections. Raises `WriteBehindError` for losses not yet told."""
        try:
            if self._behind is not None:
                self._behind.close()
        finally:
            self._link.close()

    async def aclose(self) -> None:
        """`close` for the event loop; connections of other loops are closed when those end."""
        try:
            if self._behind is not None:
                await asyncio.to_thread(self._behind.close)
        finally:
            await self._link.aclose()

    def flush(self, timeout_s: float | None = None) -> None:
        """Returns when everything that was written before is on disk.

        Raises `WriteBehindError` when something that was written since the last `flush` is not and will not be, even if
        another call raised that already, and `WaitTimeoutError` when the time is over. With `write="through"` there is
        nothing to wait for.
        """
        if self._behind is not None:
            self._behind.flush(timeout_s)

    async def aflush(self, timeout_s: float | None = None) -> None:
        """`flush`, without blocking the event loop."""
        if self._behind is not None:
            await asyncio.to_thread(self._behind.flush, timeout_s)

    # --- the methods of a checkpointer, each twice over the same steps

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that `config` names, or the newest of its namespace; `None` when there is none."""
        return self._runner.run(self._get_tuple(config))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See `get_tuple`."""
        return await self._runner.arun(self._get_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first: of a thread and namespace, or of all where `config` does not say.

        `filter` selects by metadata: equal values, objects by what they contain.
        """
        pages = Pages(config, filter, before, limit)
        while pages.unread:
            for entry in self._runner.run(self._list_page(pages)):
                yield loaded(self.serde, entry)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """See `list`."""
        pages = Pages(config, filter, before, limit)
        while pages.unread:
            for entry in await self._runner.arun(self._list_page(pages)):
                yield loaded(self.serde, entry)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint whose parent is the one that `config` names, and returns its own config."""
        return self._runner.run(self._put(config, checkpoint, metadata, new_versions))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See `put`."""
        return await self._runner.arun(self._put(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task wrote on the checkpoint that `config` names. Storing it again changes nothing."""
        self._runner.run(self._put_writes(config, writes, task_id, task_path))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See `put_writes`."""
        await self._runner.arun(self._put_writes(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Deletes all of a thread."""
        self._runner.run(self._remove(wire.delete_thread(str(thread_id)), [str(thread_id)]))

    async def adelete_thread(self, thread_id: str) -> None:
        """See `delete_thread`."""
        await self._runner.arun(self._remove(wire.delete_thread(str(thread_id)), [str(thread_id)]))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Deletes the checkpoints that these runs made. What a later one needs of delta channels stays, unlisted."""
        self._runner.run(self._delete_for_runs(run_ids))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """See `delete_for_runs`."""
        await self._runner.arun(self._delete_for_runs(run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies all of a thread, with its ids, into one that is empty."""
        self._runner.run(self._copy_thread(str(source_thread_id), str(target_thread_id)))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """See `copy_thread`."""
        await self._runner.arun(self._copy_thread(str(source_thread_id), str(target_thread_id)))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keeps the newest checkpoint of each namespace, or nothing (`"delete"`).

        What that checkpoint needs of delta channels stays too, unlisted.
        """
        self._runner.run(self._prune(thread_ids, strategy))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """See `prune`."""
        await self._runner.arun(self._prune(thread_ids, strategy))

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What delta channels are rebuilt from: the nearest stored value and the writes since, oldest first."""
        return self._runner.run(self._get_delta_channel_history(config, channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """See `get_delta_channel_history`."""
        return await self._runner.arun(self._get_delta_channel_history(config, channels))

    def get_next_version(self, current: str | None, channel: None) -> str:  # noqa: ARG002
        """A version greater than `current`. A random part tells those apart that two forks make of the same one."""
        number = 0 if current is None else int(str(current).split(".")[0])
        return f"{number + 1:032}.{random.random():.16f}"

    # --- the steps

    def _get_tuple(self, config: RunnableConfig) -> Steps[CheckpointTuple | None]:
        thread, namespace, identifier = thread_of(config)
        yield from self._settled(thread)
        known = self._known(thread, namespace, identifier)
        if known is not None and known.complete and self._read_cache == "exclusive":
            return self._reloaded(known)
        generation = self._cache.generation(thread)
        etag = known.etag if known is not None else None
        try:
            response: httpx.Response = yield Send(wire.get_tuple(thread, namespace, identifier, etag))
        except NotFoundError as error:
            _require_word_of_server(error)
            return None
        if response.status_code == 304 and known is not None:
            return self._reloaded(known)
        entry = from_tuple(wire.answer(response), response.headers.get("ETag"))
        self._cache.read(entry, latest=identifier is None, generation=generation)
        return loaded(self.serde, entry)

    def _known(self, thread: str, namespace: str, identifier: str | None) -> Entry | None:
        if self._read_cache == "off":
            return None
        if identifier is None:
            return self._cache.latest(thread, namespace)
        return self._cache.get(Key(thread, namespace, identifier))

    def _reloaded(self, entry: Entry) -> CheckpointTuple:
        pack(self.serde, entry)
        return loaded(self.serde, entry)

    def _list_page(self, pages: Pages) -> Steps[Sequence[Entry]]:
        yield from self._settled(pages.thread_id)
        response = yield Send(pages.next_request())
        return pages.accept(wire.answer(response))

    def _put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> Steps[RunnableConfig]:
        thread, namespace, parent_id = thread_of(config)
        parent = None if parent_id is None else self._cache.get(Key(thread, namespace, parent_id))
        entry, kept = new_entry(self.serde, config, checkpoint, metadata, new_versions, parent)
        snapshots = delta_snapshots(checkpoint)
        operation = put_operation(entry, kept, snapshots)

        def full() -> Operation:
            return put_operation(entry, (), snapshots)

        with self._remembered(thread):
            if self._behind is not None:
                # Before it is queued, so that it is forgotten when it is lost.
                self._cache.put(entry)
                yield Queue(operation, full)
            else:
                outcome = yield from self._written(operation)
                if isinstance(outcome, ApiError) and outcome.code == "missing_channels":
                    # The parent is gone, or another one than was known here.
                    self._cache.forget(thread)
                    outcome = yield from self._written(full())
                if outcome is not None:
                    raise outcome
                self._cache.put(entry)
        return config_of(entry.key)

    def _put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
    ) -> Steps[None]:
        if not writes:
            return
        thread, namespace, identifier = thread_of(config)
        if identifier is None:
            raise ValueError("writes belong to a checkpoint: `checkpoint_id` is missing")
        key = Key(thread, namespace, identifier)
        stored = new_writes(self.serde, writes, task_id, task_path)
        operation = writes_operation(key, stored, task_id, task_path)
        with self._remembered(thread):
            if self._behind is not None:
                self._cache.add_writes(key, stored)
                yield Queue(operation)
            else:
                outcome = yield from self._written(operation)
                if outcome is not None:
                    raise outcome
                self._cache.add_writes(key, stored)

    @contextmanager
    def _remembered(self, thread_id: str) -> Iterator[None]:
        """After a failure (a lost answer, a cancelled caller) it is not known what the thread has."""
        try:
            yield
        except BaseException:
            self._cache.forget(thread_id)
            raise

    def _written(self, operation: Operation) -> Steps[Outcome]:
        """Stores an operation; again when it was skipped because that of another caller failed."""
        outcome: Outcome = Skipped()
        while isinstance(outcome, Skipped):
            outcome = yield Write(operation)
        return outcome

    def _remove(self, request: Request, threads: Sequence[str]) -> Steps[None]:
        yield from self._settled(None)
        try:
            yield Send(request)
        finally:
            # Also after a failure: it may have happened.
            for thread in threads:
                self._cache.forget(thread)

    def _delete_for_runs(self, run_ids: Sequence[str]) -> Steps[None]:
        if not run_ids:
            return
        yield from self._settled(None)
        try:
            yield Send(wire.delete_runs([str(run_id) for run_id in run_ids]))
        finally:
            self._cache.forget(None)

    def _copy_thread(self, source: str, target: str) -> Steps[None]:
        yield from self._remove(wire.copy_thread(source, target), [target])

    def _prune(self, thread_ids: Sequence[str], strategy: str) -> Steps[None]:
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f'the strategy is "keep_latest" or "delete", not {strategy!r}')
        if thread_ids:
            threads = [str(thread) for thread in thread_ids]
            yield from self._remove(wire.prune(threads, strategy), threads)

    def _get_delta_channel_history(
        self, config: RunnableConfig, channels: Sequence[str]
    ) -> Steps[Mapping[str, DeltaChannelHistory]]:
        if not channels:
            return {}
        thread, namespace, identifier = thread_of(config)
        yield from self._settled(thread)
        try:
            response = yield Send(wire.delta_history(thread, namespace, identifier, channels))
        except NotFoundError as error:
            _require_word_of_server(error)
            return {name: {"writes": []} for name in channels}
        found = wire.answer(response)["channels"]
        return {name: self._history(name, found[name]) for name in channels}

    def _history(self, channel: str, found: Any) -> DeltaChannelHistory:
        writes: list[PendingWrite] = [
            (each.task_id, channel, self.serde.loads_typed((each.type, each.data)))
            for each in map(write_of, found["writes"])
        ]
        history: DeltaChannelHistory = {"writes": writes}
        if (seed := found.get("seed")) is not None:
            history["seed"] = self.serde.loads_typed((seed["type"], seed["data"]))
        return history

    def _settled(self, thread_id: str | None) -> Steps[None]:
        """Own writes are read back: what is queued of the thread has to be there first."""
        if self._behind is not None and self._behind.is_pending(thread_id):
            yield Settle(thread_id)


def _require_word_of_server(error: NotFoundError) -> None:
    """That there is nothing is believed of a Backstay server alone: at a wrong address a thread would begin anew."""
    if error.code != "not_found":
        raise error
