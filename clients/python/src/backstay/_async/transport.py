"""Sends requests, again where that helps and harms nothing."""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from backstay._options import Options
from backstay._request import Request, failure, from_json, no_answer
from backstay.errors import ApiError, BackstayError, NotFoundError, WaitTimeoutError


class AsyncTransport:
    """One pool of connections to one server: those of `http`, or else its own."""

    def __init__(self, options: Options, http: httpx.AsyncBaseTransport | None = None) -> None:
        self.options = options
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=30)
        # The transport of httpx without its client: cookies, redirects, proxies and authentication flows are not wanted
        # here, and looking for them takes as long as all the rest of a request.
        self._http = http or httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._prefix = str(options.base).rstrip("/")
        self._url = functools.lru_cache(maxsize=256)(httpx.URL)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def fetch(self, request: Request) -> Any:
        """Sends the request and returns the JSON of the answer."""
        return from_json(await self.send(request))

    async def delete(self, request: Request) -> None:
        """Sends a deletion. When an earlier attempt may have been carried out, it is no error that nothing is left."""
        attempt = 1
        unsure = False
        while True:
            try:
                await self._send_once(request)
                return
            except NotFoundError:
                if unsure:
                    return
                raise
            except BackstayError as error:
                unsure = unsure or not isinstance(error, ApiError)
                await self._pause(attempt, error, request)
            attempt += 1

    async def send(self, request: Request) -> httpx.Response:
        """Sends the request and returns the answer of a success, its body read."""
        attempt = 1
        while True:
            try:
                return await self._send_once(request)
            except BackstayError as error:
                await self._pause(attempt, error, request)
            attempt += 1

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[httpx.Response]:
        """The answer of a success while its body is still coming. A broken transfer raises `TransportError`."""
        attempt = 1
        sent = self._built(request)
        while True:
            try:
                response = await self._opened(sent)
                break
            except BackstayError as error:
                await self._pause(attempt, error, request)
            attempt += 1
        try:
            yield response
        except httpx.HTTPError as error:
            raise no_answer(sent, error) from error
        finally:
            await response.aclose()

    async def _opened(self, sent: httpx.Request) -> httpx.Response:
        try:
            response = await self._answer(sent)
            if not response.is_success:
                await response.aread()
        except httpx.HTTPError as error:
            raise no_answer(sent, error) from error
        if not response.is_success:
            raise failure(response)
        return response

    async def _send_once(self, request: Request) -> httpx.Response:
        sent = self._built(request)
        try:
            response = await self._answer(sent)
            await response.aread()
        except httpx.HTTPError as error:
            raise no_answer(sent, error) from error
        if response.is_success or response.status_code == 304:
            return response
        raise failure(response)

    async def _answer(self, sent: httpx.Request) -> httpx.Response:
        """The answer, its body unread."""
        response = await self._http.handle_async_request(sent)
        response.request = sent
        return response

    def _built(self, request: Request) -> httpx.Request:
        timeout = self.options.timeout.as_dict()
        if request.extra_time_s:
            timeout["read"] = (timeout["read"] or 0) + request.extra_time_s
        return httpx.Request(
            request.method,
            self._url(self._prefix + request.path),
            headers={**self.options.headers, **request.headers},
            content=request.content,
            extensions={"timeout": timeout},
        )

    async def _pause(self, attempt: int, error: BackstayError, request: Request) -> None:
        """Waits before the next attempt, or raises `error` when there is none."""
        pause = self.options.retry.pause_s(attempt, error, repeatable=request.repeatable, random=random.random)
        if pause is None:
            raise error
        await asyncio.sleep(pause)


class Patience:
    """Waits between looks at work that goes on at the server, longer every time, until a deadline."""

    def __init__(self, timeout_s: float | None) -> None:
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._pause_s = 0.05

    async def wait(self, what: str) -> None:
        """Waits; raises `WaitTimeoutError` when the deadline has passed."""
        left = float("inf") if self._deadline is None else self._deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(f"{what} did not end in time; it goes on at the server")
        await asyncio.sleep(min(self._pause_s, left))
        self._pause_s = min(1.0, self._pause_s * 1.5)
