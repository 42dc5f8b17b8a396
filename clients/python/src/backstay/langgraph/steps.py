"""What a method of the saver does, step by step, and the two ways to carry the steps out.

A method is written once, as a generator that yields a step wherever it waits for the server or for the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from backstay._request import Request
from backstay.langgraph.behind import WriteBehind
from backstay.langgraph.link import Link
from backstay.langgraph.wire import Operation

T = TypeVar("T")


class Send(NamedTuple):
    """Send a request, and go on with the answer."""

    request: Request


class Write(NamedTuple):
    """Store something, and go on with the outcome."""

    operation: Operation


class Queue(NamedTuple):
    """Queue something. `full` makes an operation for when the parent turns out not to have what it should."""

    operation: Operation
    full: Callable[[], Operation] | None = None


class Settle(NamedTuple):
    """Wait until what is queued of a thread, or everything, is on disk."""

    thread_id: str | None


Step = Send | Write | Queue | Settle
Steps = Generator[Step, Any, T]


class Runner:
    """Carries steps out: in the thread that calls, or in its event loop. Only with `behind` there is a queue."""

    def __init__(self, link: Link, behind: WriteBehind | None) -> None:
        self._link = link
        self._behind = behind

    def run(self, steps: Steps[T]) -> T:
        """Carries all steps out and returns what the method returns."""
        try:
            step = next(steps)
            while True:
                try:
                    result = self._perform(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as stop:
            done: T = stop.value
            return done

    async def arun(self, steps: Steps[T]) -> T:
        """`run` without blocking the event loop."""
        try:
            step = next(steps)
            while True:
                try:
                    result = await self._aperform(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as stop:
            done: T = stop.value
            return done

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Send):
            return self._link.send(step.request)
        if isinstance(step, Write):
            return self._link.write(step.operation)
        assert self._behind is not None
        if isinstance(step, Queue):
            self._behind.add(step.operation, step.full)
        else:
            self._behind.settle(step.thread_id)
        return None

    async def _aperform(self, step: Step) -> Any:
        if isinstance(step, Send):
            return await self._link.asend(step.request)
        if isinstance(step, Write):
            return await self._link.awrite(step.operation)
        assert self._behind is not None
        if isinstance(step, Settle):
            await asyncio.to_thread(self._behind.settle, step.thread_id)
        elif not self._behind.add(step.operation, step.full, wait=False):
            await asyncio.to_thread(self._behind.add, step.operation, step.full)
        return None
