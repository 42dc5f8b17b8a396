"""The connections of a saver."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple

import httpx

from backstay._async.transport import AsyncTransport
from backstay._options import Options
from backstay._request import Request
from backstay._sync.transport import Transport
from backstay.errors import BackstayError
from backstay.langgraph import wire
from backstay.langgraph.batch import AsyncBatcher, Batcher, Outcome
from backstay.langgraph.connections import Connections
from backstay.langgraph.wire import Operation


class _OfLoop(NamedTuple):
    """What one event loop has."""

    transport: AsyncTransport
    batcher: AsyncBatcher
    keeper: AsyncGenerator[None, None]


async def _keeper(transport: AsyncTransport) -> AsyncGenerator[None, None]:
    """Closes the connections at the latest when the event loop ends: it closes its asynchronous generators then."""
    try:
        yield
    finally:
        await transport.aclose()


class Link:
    """One pool of connections for threads, and one for each event loop. Writes of each share requests."""

    def __init__(self, reach: Options) -> None:
        self._options = reach
        self._lock = threading.Lock()
        self._closed = False
        self._transport: Transport | None = None
        self._batcher = Batcher(self.send_batch)
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = weakref.WeakKeyDictionary()

    def send(self, request: Request) -> httpx.Response:
        return self._of_threads().send(request)

    def send_batch(self, operations: Sequence[Operation]) -> Any:
        return wire.answer(self.send(wire.batch(operations)))

    def write(self, operation: Operation) -> Outcome:
        return self._batcher.write(operation)

    async def asend(self, request: Request) -> httpx.Response:
        return await (await self._of_this_loop()).transport.send(request)

    async def awrite(self, operation: Operation) -> Outcome:
        return await (await self._of_this_loop()).batcher.write(operation)

    def _of_threads(self) -> Transport:
        with self._lock:
            self._check_open()
            if self._transport is None:
                base = self._options.base
                # TLS is left to httpx.
                plain = Connections(base.host, base.port or 80) if base.scheme == "http" else None
                self._transport = Transport(self._options, plain)
            return self._transport

    async def _of_this_loop(self) -> _OfLoop:
        loop = asyncio.get_running_loop()
        with self._lock:
            self._check_open()
            found = self._loops.get(loop)
            if found is not None:
                return found
            # Connections refer to their loop, so those of one that ended would stay with it.
            for ended in [each for each in self._loops if each.is_closed()]:
                del self._loops[ended]
            transport = AsyncTransport(self._options)

            async def send_batch(operations: Sequence[Operation]) -> Any:
                return wire.answer(await transport.send(wire.batch(operations)))

            made = self._loops[loop] = _OfLoop(transport, AsyncBatcher(send_batch), _keeper(transport))
        await made.keeper.__anext__()
        return made

    def _check_open(self) -> None:
        if self._closed:
            raise BackstayError("the saver is closed")

    def close(self) -> None:
        """Closes the connections of threads; those of an event loop are closed in it, when it ends."""
        with self._lock:
            self._closed = True
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Closes the connections of this event loop and of threads."""
        with self._lock:
            found = self._loops.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.keeper.aclose()
        self.close()
