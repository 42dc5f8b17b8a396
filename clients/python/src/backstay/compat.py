"""`CheckpointManager`, for programs that kept checkpoints in JSON files."""

from __future__ import annotations

import builtins
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from backstay._request import request
from backstay._sync.client import Backstay
from backstay.errors import BadRequestError, InvalidError, NotFoundError, TooLargeError


class CheckpointManager:
    """Saves, lists, restores and deletes checkpoints as the file-based manager did; nothing is written to the path.

    `storage_dir` (or `storage_path`, its other name) picks a project, so that managers of different paths do not see
    each other's jobs: the same path is the same project on every machine. `url` and `token` default to the environment
    variables `BACKSTAY_SERVER` and `BACKSTAY_TOKEN`.

    A checkpoint that does not exist is a `FileNotFoundError`. What the server does not accept, for example a state over
    the limit, and what cannot be restored because it is damaged or empty, is a `ValueError`. Everything else, such as a
    server that does not answer, is a `BackstayError`.
    """

    def __init__(
        self,
        storage_dir: str | PathLike[str] | None = None,
        *,
        storage_path: str | PathLike[str] | None = None,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        if storage_dir is not None and storage_path is not None and os.fspath(storage_dir) != os.fspath(storage_path):
            raise ValueError("storage_dir and storage_path are two names of one thing")
        path = storage_dir if storage_dir is not None else storage_path
        self.client = Backstay(
            url or os.environ.get("BACKSTAY_SERVER", "http://127.0.0.1:8470"),
            token=token or os.environ.get("BACKSTAY_TOKEN"),
            project=None if path is None else project_of(path),
        )

    def __enter__(self) -> CheckpointManager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self.client.close()

    def save(
        self,
        job_id: str,
        step_name: str,
        state: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
    ) -> str:
        """Saves the state of a job after a step and returns the id of the checkpoint."""
        with _plain_errors():
            made = self.client.checkpoints.create(
                job_id,
                step_name,
                state,
                metadata=metadata,
                workflow_name=workflow_name,
                workflow_version=workflow_version,
            )
        return made.checkpoint_id

    def list(self, job_id: str) -> builtins.list[dict[str, Any]]:
        """All checkpoints of a job, oldest first, without their states: as the server writes them in JSON."""
        found: builtins.list[dict[str, Any]] = []
        total = 1
        while len(found) < total:
            query = {"job_id": job_id, "limit": 1000, "offset": len(found)}
            with _plain_errors():
                page = self.client._transport.fetch(request("GET", "api", "checkpoints", query=query))
            found += page["checkpoints"]
            total = page["total"] if page["checkpoints"] else 0
        return found

    def restore(self, checkpoint_id: str) -> dict[str, Any]:
        """The state of a checkpoint."""
        with _plain_errors():
            state: dict[str, Any] = self.client.checkpoints.restore(checkpoint_id).state
        return state

    def delete(self, checkpoint_id: str) -> bool:
        """Deletes a checkpoint; `False` when there is none."""
        try:
            self.client.checkpoints.delete(checkpoint_id)
        except NotFoundError:
            return False
        return True

    def cleanup(self, job_id: str, keep_last: int = 10) -> int:
        """Deletes all but the newest checkpoints of a job and returns how many it deleted."""
        with _plain_errors():
            return self.client.checkpoints.cleanup(job_id, keep_last=keep_last).deleted_count


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors as a file-based manager has them."""
    try:
        yield
    except NotFoundError as error:
        raise FileNotFoundError(error.detail) from error
    except (BadRequestError, InvalidError, TooLargeError) as error:
        raise ValueError(str(error)) from error


def project_of(path: str | PathLike[str]) -> str:
    """The project of a path: its last name, readable, and a hash of the whole."""
    whole = os.path.normpath(os.fspath(path))
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in os.path.basename(whole)).strip("-")
    return f"{name[:40] or 'path'}-{hashlib.sha256(os.fsencode(whole)).hexdigest()[:12]}"
