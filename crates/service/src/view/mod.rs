//! What the use cases take and return: plain values, free of how they are stored or sent.

mod access;
mod change;
mod checkpoint;
mod command;
mod dependency;
mod entry;
mod event;
mod execution;
mod executor;
mod group;
mod hook;
mod layout;
mod operation;
mod probe;
mod reports;
mod snapshot;
mod source;
mod task;
mod thread;
mod training;
mod training_control;
mod upgrade;
mod webhook;

pub use access::{
    CreatedToken, LoginLink, NewTenant, NewToken, NewUser, Session, SignedIn, Tenant, Token, User, UserChange,
};
pub use change::{Against, Change, ChangeKind, ChangePage, ChangeSummary, DiffOptions, EntryFacts};
pub use checkpoint::{
    Checkpoint, CheckpointFilter, CheckpointPage, CheckpointState, Cleaned, ForkCheckpoint, Job, JobPlan,
    JobRetention, NewCheckpoint, PointerValue, TreeNode,
};
pub use command::{CommandList, CommandPlan, CommandReport, DeclaredCommand, NewCommandRun, RanCommand};
pub use dependency::{
    ChangeCommand, DeclaredChange, Dependency, DependencyAction, DependencyChangeFilter, DependencyChanges,
    DependencyList, DependencyReport, DependencyResult, DependencyState, DependencyTree, DependencyUpdates,
    DependencyValidation, FileValidation, IntegrityResult, NewDependencyChange, ShownChange, Validated,
};
pub use entry::{Entry, EntryKind, EntryOptions};
pub use event::{AuditReport, EventFilter, EventPage, HistoryAction, HistoryEntry, HistoryFilter};
pub use execution::{
    Approval, ApprovalFilter, CleanedExecutions, Counted, Execution, ExecutionEvents, ExecutionFilter,
    ForkExecution, NewApproval, NewDecision, NewExecution, NewStep, OneDecision, PendingState,
    RequestedApproval, Steer, Step, StepEnd, WhichStep,
};
pub use executor::{CreatedExecutor, Executor, NewExecutor, Resume, SignedMessage};
pub use group::{Group, GroupRestore, GroupSnapshot, NewGroup};
pub use hook::{DeclaredHook, HookTrust};
pub use layout::{Layout, NewLayout};
pub use operation::{
    CannotRestore, Operation, OperationState, QueuedOperation, RestorePlan, RestoreReport, RestoreRequest,
};
pub use probe::{Probe, ProbeStatus};
pub use reports::{
    CollectReport, CopyReport, DamageReport, Growth, KeyView, PruneResult, RebuildReport, ReconcileReport,
    RecoverReport, RepairReport, RestoreTest, SourceStatistics, Statistics, VerifyDepth, VerifyReport,
    VerifyScope,
};
pub use snapshot::{
    Counts, Hold, NewHold, NewSnapshot, QueuedSnapshot, Snapshot, SnapshotChange, SnapshotFilter,
    SnapshotWarning,
};
pub use source::{NewSource, Source, SourceChange, SourceFilter};
pub use task::{Task, TaskFilter, TaskProgress, TaskState};
pub use thread::{
    ChangedChannel, ChannelValue, DeltaHistory, NewThreadCheckpoint, NewThreadWrites, PendingWrite,
    ThreadAnswer, ThreadCopy, ThreadDone, ThreadFilter, ThreadKey, ThreadOperation, ThreadPage, ThreadPlace,
    ThreadRemoval, ThreadTuple, ThreadWrite, TypedValue,
};
pub use training::{
    AutoSnapshot, LineageNode, NewTrainingRun, NewTrainingSnapshot, OnBest, RestoredTraining, SavedTraining,
    TrainingCleanup, TrainingRun, TrainingRunChange, TrainingSnapshot, TrainingTrigger,
};
pub use training_control::{NewBuiltinRun, NewTrainingData, ParameterChange, TrainingCommand, TrainingRows};
pub use upgrade::{
    PathCounts, RefCommit, Rollback, UpgradeChange, UpgradeDigests, UpgradeEvent, UpgradeMove, UpgradePlan,
    UpgradeReport, UpgradeRequest, UpgradeStep,
};
pub use webhook::{CreatedWebhook, Delivery, NewWebhook, Webhook, WebhookChange};
