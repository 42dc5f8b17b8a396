# Generated from ../_async/checkpoints.py by tools/generate_sync.py; change that instead.
"""Checkpoints of jobs."""

from __future__ import annotations

import builtins
import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from backstay._decode import decode
from backstay._request import Request, new_idempotency_key, request, without_none
from backstay._sync.paging import every
from backstay._sync.transport import Transport
from backstay.errors import ApiError, api_error
from backstay.models.checkpoint import (
    Checkpoint,
    CheckpointNode,
    Cleanup,
    NewCheckpoint,
    PointerValue,
    RestoredCheckpoint,
    SavedCheckpoint,
    StateDiff,
)
from backstay.models.page import Page, to_page


def _call(method: str, *rest: str, **options: Any) -> Request:
    if method == "POST" and options.get("idempotency_key") is None:
        options["idempotency_key"] = new_idempotency_key()
    return request(method, "api", "checkpoints", *rest, **options)


def _look(method: str, what: str, **options: Any) -> Request:
    return request(method, "api", "v1", "checkpoints", what, **options)


def _body(new: NewCheckpoint) -> dict[str, Any]:
    body = {name: getattr(new, name) for name in _OPTIONAL if getattr(new, name) is not None}
    return {"job_id": new.job_id, "step_name": new.step_name, "state": new.state, **body}


_OPTIONAL = [each.name for each in dataclasses.fields(NewCheckpoint) if each.default is None]


class Checkpoints:
    """The states of jobs: save, list, go back, resume, clean up.

    A call that saves returns when the state is on disk. Each carries an idempotency key, so that a lost answer never
    makes a second checkpoint; give your own `idempotency_key` when that must hold across a restart of your program too.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        job_id: str,
        step_name: str,
        state: dict[str, Any],
        *,
        metadata: dict[str, Any] | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
        parent_id: str | None = None,
        execution_id: str | None = None,
        ttl_s: int | None = None,
        pinned: bool | None = None,
        epoch: int | None = None,
        idempotency_key: str | None = None,
    ) -> Checkpoint:
        """Saves the state of a job after a step.

        `epoch` fences writers that a resume has replaced: `ConflictError` when the job was resumed since.
        """
        new = NewCheckpoint(
            job_id,
            step_name,
            state,
            metadata,
            workflow_name,
            workflow_version,
            parent_id,
            execution_id,
            ttl_s,
            pinned,
            epoch,
        )
        answer = self._transport.fetch(_call("POST", body=_body(new), idempotency_key=idempotency_key))
        return decode(Checkpoint, answer)

    def create_batch(
        self, checkpoints: Iterable[NewCheckpoint], *, idempotency_key: str | None = None
    ) -> builtins.list[Checkpoint]:
        """Saves 1 to 1000 checkpoints, all or none. `InvalidError` names the one that is wrong."""
        body = {"checkpoints": [_body(new) for new in checkpoints], "atomic": True}
        answer = self._transport.fetch(_call("POST", "batch", body=body, idempotency_key=idempotency_key))
        return [decode(Checkpoint, item) for item in answer["items"]]

    def create_each(
        self, checkpoints: Iterable[NewCheckpoint], *, idempotency_key: str | None = None
    ) -> builtins.list[Checkpoint | ApiError]:
        """Saves 1 to 1000 checkpoints, each for itself, and returns for each, in order, the checkpoint or the error."""
        body = {"checkpoints": [_body(new) for new in checkpoints], "atomic": False}
        answer = self._transport.fetch(_call("POST", "batch", body=body, idempotency_key=idempotency_key))
        return [_result(each) for each in answer["results"]]

    def list(
        self,
        job_id: str,
        *,
        step_name: str | None = None,
        order: Literal["asc", "desc"] = "asc",
        limit: int = 1000,
        offset: int = 0,
    ) -> Page[Checkpoint]:
        """One page of the checkpoints of a job by `sequence`. An unknown job has none."""
        query = {"job_id": job_id, "step_name": step_name, "order": order, "limit": limit, "offset": offset}
        answer = self._transport.fetch(_call("GET", query=query))
        page = to_page(Checkpoint, "checkpoints", answer)
        following = offset + len(page)
        # Places are counted, not named: the number of the next one stands for a cursor.
        return dataclasses.replace(page, next=str(following) if len(page) and following < page.total else None)

    def iterate(
        self, job_id: str, *, step_name: str | None = None, order: Literal["asc", "desc"] = "asc"
    ) -> Iterator[Checkpoint]:
        """All checkpoints of a job, read page by page."""
        return every(lambda cursor: self.list(job_id, step_name=step_name, order=order, offset=int(cursor or 0)))

    def get(self, checkpoint_id: str) -> SavedCheckpoint:
        """A checkpoint with its state."""
        return decode(SavedCheckpoint, self._transport.fetch(_call("GET", checkpoint_id)))

    def restore(
        self,
        checkpoint_id: str,
        *,
        resume: bool = False,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> RestoredCheckpoint:
        """The state of a checkpoint; with `resume` whoever runs the job is also asked to go on from there.

        `job_status` is `resumed` only when that was confirmed; otherwise `message` says why not. Servers that know of
        nobody to ask say `resume not supported by executor`. `BadRequestError` when the state is damaged.
        """
        body = without_none({"resume": resume, "reason": reason})
        call = _call("POST", checkpoint_id, "restore", body=body, idempotency_key=idempotency_key)
        return decode(RestoredCheckpoint, self._transport.fetch(call))

    def delete(self, checkpoint_id: str) -> None:
        """Deletes a checkpoint. One that is held or that another needs raises `ConflictError`."""
        self._transport.delete(_call("DELETE", checkpoint_id))

    def cleanup(
        self, job_id: str, *, keep_last: int = 10, dry_run: bool = False, idempotency_key: str | None = None
    ) -> Cleanup:
        """Deletes all but the newest `keep_last` (1 to 100) checkpoints of a job, except protected ones.

        It is one transaction; with `dry_run` only the decisions are returned.
        """
        body = {"job_id": job_id, "keep_last": keep_last, "dry_run": dry_run}
        answer = self._transport.fetch(_call("POST", "cleanup", body=body, idempotency_key=idempotency_key))
        return decode(Cleanup, answer)

    def fork(
        self,
        checkpoint_id: str,
        job_id: str,
        *,
        step_name: str | None = None,
        patch: Sequence[dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Checkpoint:
        """Saves the state of a checkpoint to another job, changed by a JSON Patch (RFC 6902) if one is given."""
        body = without_none(
            {
                "checkpoint_id": checkpoint_id,
                "job_id": job_id,
                "step_name": step_name,
                "patch": None if patch is None else [*patch],
                "metadata": metadata,
            }
        )
        key = idempotency_key or new_idempotency_key()
        return decode(Checkpoint, self._transport.fetch(_look("POST", "fork", body=body, idempotency_key=key)))

    def diff(self, old_id: str, new_id: str) -> StateDiff:
        """What changed between the states of two checkpoints."""
        query = {"from": old_id, "to": new_id}
        return decode(StateDiff, self._transport.fetch(_look("GET", "diff", query=query)))

    def tree(self, job_id: str) -> builtins.list[CheckpointNode]:
        """The checkpoints of a job, oldest first, each with the one that it follows."""
        answer = self._transport.fetch(_look("GET", "tree", query={"job_id": job_id}))
        return [decode(CheckpointNode, each) for each in answer["nodes"]]

    def at(self, job_id: str, time: datetime.datetime) -> Checkpoint:
        """The newest checkpoint that a job had at a time. `NotFoundError` when it had none."""
        query = {"job_id": job_id, "time": time}
        return decode(Checkpoint, self._transport.fetch(_look("GET", "at", query=query)))

    def history(self, job_id: str, pointer: str) -> builtins.list[PointerValue]:
        """The values that one place of the state had, oldest first; `pointer` is a JSON pointer (RFC 6901)."""
        query = {"job_id": job_id, "pointer": pointer}
        answer = self._transport.fetch(_look("GET", "history", query=query))
        return [decode(PointerValue, each) for each in answer["values"]]

    def pin(self, checkpoint_id: str) -> Checkpoint:
        """Keeps a checkpoint from retention and clean-ups."""
        return self._set(checkpoint_id, "pin", {"pinned": True})

    def unpin(self, checkpoint_id: str) -> Checkpoint:
        """Undoes `pin`."""
        return self._set(checkpoint_id, "pin", {"pinned": False})

    def hold(self, checkpoint_id: str, reason: str) -> Checkpoint:
        """Forbids the deletion of a checkpoint, for administrators."""
        return self._set(checkpoint_id, "hold", {"reason": reason})

    def release(self, checkpoint_id: str) -> Checkpoint:
        """Undoes `hold`."""
        return self._set(checkpoint_id, "release", {})

    def _set(self, checkpoint_id: str, what: str, how: dict[str, Any]) -> Checkpoint:
        body = {"checkpoint_id": checkpoint_id, **how}
        call = _look("POST", what, body=body, idempotency_key=new_idempotency_key())
        return decode(Checkpoint, self._transport.fetch(call))


def _result(each: Any) -> Checkpoint | ApiError:
    if each["status"] < 300:
        return decode(Checkpoint, each["checkpoint"])
    problem = each["error"]
    return api_error(each["status"], problem, request_id=str(problem.get("request_id", "")), retry_after_s=None)
