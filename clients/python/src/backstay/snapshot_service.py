"""Snapshots of one directory by a few plain calls, for programs that upgrade things in it."""

from backstay._async.snapshot_service import AsyncSnapshotService
from backstay._sync.snapshot_service import SnapshotService

__all__ = ["AsyncSnapshotService", "SnapshotService"]
