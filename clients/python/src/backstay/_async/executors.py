"""Executors: what lets jobs go on."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

import httpx

from backstay._async.transport import AsyncTransport
from backstay._decode import decode
from backstay._request import Request, new_idempotency_key, request, without_none
from backstay.models.executor import CreatedExecutor, Executor, Resume


def _call(method: str, *rest: str, **options: Any) -> Request:
    return request(method, "api", "v1", "executors", *rest, **options)


class AsyncExecutors:
    """Programs that let jobs of the project go on, registered by administrators. See `backstay.executor`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self,
        name: str,
        *,
        match: Iterable[str],
        url: str | None = None,
        timeout_s: int | None = None,
        capture: bool = False,
    ) -> CreatedExecutor:
        """Registers an executor for the jobs and workflows that the globs `match`; its secret is shown this once.

        It is called at `url`; without one it asks, as `backstay.executor.Receiver.poll` does. With `capture` it can
        also hand over the present state of a job.
        """
        body = without_none(
            {
                "name": name,
                "match": [*match],
                "url": url,
                "mode": "pull" if url is None else None,
                "timeout_s": timeout_s,
                "capabilities": ["resume", "capture"] if capture else None,
            }
        )
        # Without a key: the answer has a secret, which is nowhere kept to be repeated.
        return decode(CreatedExecutor, await self._transport.fetch(_call("POST", body=body)))

    async def list(self) -> builtins.list[Executor]:
        """The executors of the project by name."""
        return [decode(Executor, each) for each in (await self._transport.fetch(_call("GET")))["executors"]]

    async def get(self, executor_id: str) -> Executor:
        """An executor."""
        return decode(Executor, await self._transport.fetch(_call("GET", executor_id)))

    async def delete(self, executor_id: str) -> None:
        """Removes an executor. Jobs that named it are asked through the one that fits best."""
        await self._transport.delete(_call("DELETE", executor_id))

    async def name(self, job_id: str, executor: str | None) -> None:
        """Lets a job name its executor; `None`: the one whose globs fit best is asked."""
        body = {"job_id": job_id, "executor": executor}
        await self._transport.send(request("PUT", "api", "v1", "jobs", "executor", body=body))

    async def poll(self, executor_id: str, *, timeout_s: int = 30) -> httpx.Response | None:
        """The next message for an executor that asks, signed in its headers, or `None` when there was none in time."""
        query = {"timeout_s": timeout_s}
        response = await self._transport.send(_call("GET", executor_id, "poll", query=query, extra_time_s=timeout_s))
        return None if response.status_code == 204 else response

    async def get_resume(self, resume_id: str) -> Resume:
        """An attempt to let a job go on."""
        return decode(Resume, await self._transport.fetch(request("GET", "api", "v1", "resumes", resume_id)))

    async def confirm(self, resume_id: str, *, accepted: bool = True, reason: str | None = None) -> Resume:
        """Says that a job goes on, or does not; also late. `ConflictError`: another one goes on, this one must not."""
        body = without_none({"accepted": accepted, "reason": reason})
        sent = request(
            "POST", "api", "v1", "resumes", resume_id, "confirm", body=body, idempotency_key=new_idempotency_key()
        )
        return decode(Resume, await self._transport.fetch(sent))
