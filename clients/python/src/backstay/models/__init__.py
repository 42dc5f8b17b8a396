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
from backstay.models.event import Event, EventSubject
from backstay.models.execution import (
    Approval,
    Approvers,
    CleanedExecutions,
    Decision,
    Execution,
    ForkedFrom,
    NewApproval,
    NewDecision,
    RequestedApproval,
    Step,
)
from backstay.models.executor import CreatedExecutor, Executor, Resume
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
    "Approval",
    "Approvers",
    "CannotRestore",
    "Change",
    "ChangeSummary",
    "Checkpoint",
    "CheckpointNode",
    "CleanedExecutions",
    "Cleanup",
    "Counts",
    "CreatedExecutor",
    "Decision",
    "DecisionReason",
    "Entry",
    "EntryFacts",
    "Event",
    "EventSubject",
    "Execution",
    "Executor",
    "ForkedFrom",
    "HistoryEntry",
    "Hold",
    "KeptCheckpoint",
    "NewApproval",
    "NewCheckpoint",
    "NewDecision",
    "Operation",
    "Page",
    "PointerValue",
    "PruneDecision",
    "PruneResult",
    "RequestedApproval",
    "RestorePlan",
    "RestoredCheckpoint",
    "Resume",
    "RetentionRules",
    "SavedCheckpoint",
    "Snapshot",
    "StateChange",
    "StateDiff",
    "Step",
    "Task",
    "TaskProgress",
    "Warning",
    "Workspace",
]
