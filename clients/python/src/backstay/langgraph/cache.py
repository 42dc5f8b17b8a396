"""What the saver remembers of stored checkpoints."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Literal

from backstay.langgraph.entry import Entry, Write, merged
from backstay.langgraph.wire import Key

ReadCache = Literal["validated", "exclusive", "off"]

# Threads share counters, so that those of threads long gone need no memory.
_BUCKETS = 1024


class Cache:
    """The least recently used entries, up to `limit_bytes`. Safe for threads.

    An entry serves two purposes: to know what a parent has, so that only changed channels are sent (a mistake there
    costs one more request, since the server refuses to keep what it does not have), and to answer reads. With
    `exclusive` reads are answered without asking the server, so writes that come before their checkpoint are kept too.
    """

    def __init__(self, limit_bytes: int, *, exclusive: bool = False) -> None:
        self._limit_bytes = limit_bytes
        self._exclusive = exclusive
        self._size_bytes = 0
        self._entries: OrderedDict[Key, tuple[Entry, int]] = OrderedDict()
        self._latest: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._generations = [0] * _BUCKETS
        # The greatest id that was dropped: what is put later with a greater one has no writes that are not known here.
        self._dropped = [""] * _BUCKETS

    def generation(self, thread_id: str) -> int:
        """Grows with every change of the thread: what was asked for before one may not be stored after it."""
        return self._generations[_bucket(thread_id)]

    def get(self, key: Key) -> Entry | None:
        """A checkpoint, perhaps without all its writes."""
        with self._lock:
            found = self._entries.get(key)
            if found is None or not found[0].stored:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def latest(self, thread_id: str, checkpoint_ns: str) -> Entry | None:
        """The newest checkpoint of a namespace, where it is known which one that is."""
        with self._lock:
            identifier = self._latest.get((thread_id, checkpoint_ns))
        return None if identifier is None else self.get(Key(thread_id, checkpoint_ns, identifier))

    def read(self, entry: Entry, *, latest: bool, generation: int) -> None:
        """Keeps what the server answered, unless something was written or removed since it was asked."""
        with self._lock:
            if generation == self.generation(entry.key.thread_id):
                if latest:
                    self._latest[entry.key[:2]] = entry.key.checkpoint_id
                self._store(entry)

    def put(self, entry: Entry) -> None:
        """Keeps what was stored."""
        with self._lock:
            self._changed(entry.key.thread_id)
            old = self._entries.get(entry.key)
            if old is not None:
                entry = replace(entry, writes=old[0].writes, complete=old[0].complete)
            else:
                entry = replace(entry, complete=self._knows_all(entry.key))
            namespace = entry.key[:2]
            known = self._latest.get(namespace)
            if known is not None and known < entry.key.checkpoint_id:
                self._latest[namespace] = entry.key.checkpoint_id
            self._store(entry)

    def add_writes(self, key: Key, writes: tuple[Write, ...]) -> None:
        """Adds what was stored to its checkpoint, which may come later."""
        with self._lock:
            self._changed(key.thread_id)
            found = self._entries.get(key)
            if found is not None:
                self._store(replace(found[0], writes=merged(found[0].writes, writes), etag=None))
            elif self._exclusive:
                complete = self._knows_all(key)
                self._store(Entry(key, None, ("", b""), {}, {}, writes, stored=False, complete=complete))

    def forget(self, thread_id: str | None) -> None:
        """Drops a thread, or everything."""
        with self._lock:
            if thread_id is None:
                self._generations = [generation + 1 for generation in self._generations]
            else:
                self._changed(thread_id)
            for key in [key for key in self._entries if thread_id is None or key.thread_id == thread_id]:
                self._drop(key)
            for namespace in [each for each in self._latest if thread_id is None or each[0] == thread_id]:
                del self._latest[namespace]

    def _knows_all(self, key: Key) -> bool:
        """Whether nothing that was known of a new checkpoint was dropped."""
        return key.checkpoint_id > self._dropped[_bucket(key.thread_id)]

    def _changed(self, thread_id: str) -> None:
        self._generations[_bucket(thread_id)] += 1

    def _store(self, entry: Entry) -> None:
        # What is too large to keep goes at once, and is not the latest that is known any more.
        old = self._entries.pop(entry.key, None)
        size = entry.size_bytes
        self._size_bytes += size - (old[1] if old else 0)
        self._entries[entry.key] = (entry, size)
        while self._size_bytes > self._limit_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        self._size_bytes -= self._entries.pop(key)[1]
        bucket = _bucket(key.thread_id)
        self._dropped[bucket] = max(self._dropped[bucket], key.checkpoint_id)
        if self._latest.get(key[:2]) == key.checkpoint_id:
            del self._latest[key[:2]]


def _bucket(thread_id: str) -> int:
    return hash(thread_id) % _BUCKETS
