"""Entries of the log."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from backstay.models.actor import Actor


@dataclass(frozen=True)
class EventSubject:
    """What an event is about."""

    type: str
    id: str


@dataclass(frozen=True)
class Event:
    """Something that happened, or that was refused. `seq` grows in the order of the commits."""

    seq: int
    timestamp: datetime.datetime
    action: str
    actor: Actor
    subject: EventSubject
    outcome: str
    data: Any
    source_id: str | None = None
    request_id: str | None = None
