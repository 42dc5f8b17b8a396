//! What a task is to do, as it is stored.

use backstay_catalog::{NewTask, SourceRow, TaskRow};
use backstay_model::{Caller, OperationId, SnapshotId, SourceId, TaskId};
use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{NewCommandRun, NewDependencyChange, NewSnapshot, VerifyDepth, VerifyScope};

/// What a task is to do, for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// What it works on, for people.
    pub(crate) subject: String,
    /// On whose behalf.
    pub(crate) caller: Caller,
    /// For how many seconds after it was queued it waits for a lock that another operation holds; without it the worker decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lock_wait_s: Option<u32>,
    /// The work.
    pub(crate) work: Work,
}

/// The work of a task. The words are stored: they may be added to, not changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Work {
    /// Captures a snapshot whose row exists.
    Capture { snapshot: SnapshotId, new: NewSnapshot },
    /// Executes a plan as an operation whose row exists.
    Restore { operation: OperationId, plan: String },
    /// Undoes an operation.
    Undo { operation: OperationId, undoes: OperationId, force: bool },
    /// Executes the plan of an upgrade as an operation whose row exists.
    Upgrade { operation: OperationId, plan: String },
    /// Verifies.
    Verify {
        scope: VerifyScope,
        depth: VerifyDepth,
        #[serde(default)]
        restore_test: bool,
    },
    /// Ends unfinished operations of a source.
    Recover { source: SourceId, backward: bool },
    /// Collects garbage.
    Collect,
    /// Applies the retention of a source.
    Prune { source: SourceId },
    /// Captures the members of a group, whose rows exist.
    GroupCapture { group: String, group_snapshot: String, snapshots: Vec<SnapshotId>, label: String },
    /// Changes the dependencies of a workspace.
    ChangeDependencies { source: SourceId, change: NewDependencyChange },
    /// Runs a declared command as an operation whose row exists.
    RunCommand { operation: OperationId, command: NewCommandRun },
    /// Restores the members of a group as operations whose rows exist.
    GroupRestore { group: String, group_snapshot: String, operations: Vec<OperationId> },
}

impl Work {
    /// The word of the work.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Capture { .. } => "capture",
            Self::Restore { .. } => "restore",
            Self::Undo { .. } => "undo",
            Self::Upgrade { .. } => "upgrade",
            Self::Verify { .. } => "verify",
            Self::Recover { .. } => "recover",
            Self::Collect => "collect",
            Self::Prune { .. } => "prune",
            Self::GroupCapture { .. } => "group_capture",
            Self::ChangeDependencies { .. } => "change_dependencies",
            Self::RunCommand { .. } => "run_command",
            Self::GroupRestore { .. } => "group_restore",
        }
    }

    /// The operations that it carries out.
    pub(crate) fn operations(&self) -> Vec<OperationId> {
        match self {
            Self::Restore { operation, .. }
            | Self::Undo { operation, .. }
            | Self::Upgrade { operation, .. }
            | Self::RunCommand { operation, .. } => vec![operation.clone()],
            Self::GroupRestore { operations, .. } => operations.clone(),
            _ => Vec::new(),
        }
    }

    /// How often a worker may begin it. What changes a workspace is tried once: what a dead worker left is recovered, not repeated.
    const fn most_attempts(&self) -> u32 {
        match self {
            Self::Restore { .. }
            | Self::Undo { .. }
            | Self::Upgrade { .. }
            | Self::GroupRestore { .. }
            | Self::RunCommand { .. }
            | Self::ChangeDependencies { .. } => 1,
            _ => 3,
        }
    }
}

impl Payload {
    /// The payload of a stored task.
    pub(crate) fn of(task: &TaskRow) -> Result<Self> {
        serde_json::from_value(task.payload.clone())
            .map_err(|error| ServiceError::internal(format!("Task {} cannot be read", task.id), error))
    }
}

impl Service {
    /// What a task is to do for `caller`; `subject` tells people what it works on.
    pub(crate) fn payload(&self, subject: String, caller: &Caller, work: Work) -> Payload {
        Payload { subject, caller: caller.clone(), lock_wait_s: self.lock_wait_s(), work }
    }

    /// A task that is due at once.
    pub(crate) fn new_task(
        &self,
        id: TaskId,
        source: Option<&SourceRow>,
        payload: &Payload,
        idempotency_key: Option<String>,
    ) -> NewTask {
        let now = self.now();
        NewTask {
            id,
            tenant: source.map_or_else(|| payload.caller.tenant.clone(), |source| source.tenant.clone()),
            source: source.map(|source| source.id.clone()),
            kind: payload.work.kind().to_owned(),
            payload: serde_json::to_value(payload).expect("a payload can be written as JSON"),
            idempotency_key,
            priority: 0,
            max_attempts: payload.work.most_attempts(),
            run_at: now,
            created_by: payload.caller.actor.clone(),
            created_at: now,
        }
    }

    /// Queues `work`, which has no row of its own, for a worker, in a transaction of its own. `subject` is for people.
    pub(crate) async fn enqueue(
        &self,
        caller: &Caller,
        source: Option<&SourceRow>,
        subject: String,
        work: Work,
    ) -> Result<TaskId> {
        let payload = self.payload(subject, caller, work);
        let id = TaskId::generate(self.now(), &**self.rng());
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&self.new_task(id, source, &payload, None)).await?.into_row();
        tx.commit().await?;
        Ok(task.id)
    }
}
