"""What the server answers, as immutable values."""

from backstay.models.actor import Actor
from backstay.models.checkpoint import (
    Checkpoint,
    CheckpointNode,
    Cleanup,
    KeptCheckpoint,
    NewCheckpoint,
    PointerValue,
    RestoredCheckpoint,
    SavedCheckpoint,
    StateChange,
    StateDiff,
)
from backstay.models.page import Page
from backstay.models.restore import CannotRestore, Operation, RestorePlan
from backstay.models.snapshot import (
    Change,
    ChangeSummary,
    Counts,
    Entry,
    EntryFacts,
    HistoryEntry,
    Hold,
    Snapshot,
    Warning,
)
from backstay.models.task import Task, TaskProgress
from backstay.models.workspace import DecisionReason, PruneDecision, PruneResult, RetentionRules, Workspace

__all__ = [
    "Actor",
    "CannotRestore",
    "Change",
    "ChangeSummary",
    "Checkpoint",
    "CheckpointNode",
    "Cleanup",
    "Counts",
    "DecisionReason",
    "Entry",
    "EntryFacts",
    "HistoryEntry",
    "Hold",
    "KeptCheckpoint",
    "NewCheckpoint",
    "Operation",
    "Page",
    "PointerValue",
    "PruneDecision",
    "PruneResult",
    "RestorePlan",
    "RestoredCheckpoint",
    "RetentionRules",
    "SavedCheckpoint",
    "Snapshot",
    "StateChange",
    "StateDiff",
    "Task",
    "TaskProgress",
    "Warning",
    "Workspace",
]
