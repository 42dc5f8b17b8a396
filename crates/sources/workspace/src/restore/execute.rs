//! Executing a plan in the workspace.

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::Reader;
use backstay_source::{RestoreContext, RestoreReport};

use super::of_plan::of_plan;
use super::plan::{Action, RestorePlan};
use super::stage_plan::stage_plan;
use crate::change_set::{Applied, ChangeSet, ChangeSetOptions, PathChangeKind, Steps};
use crate::error::Result;
use crate::lock::WorkspaceLock;

/// What an execution notes in the journal, so that it can be finished or explained after a crash.
#[derive(Debug)]
pub struct ExecuteOptions {
    /// The operation.
    pub operation: OperationId,
    /// The snapshot that is put back.
    pub snapshot: SnapshotId,
    /// The snapshot of the state before, taken under the same lock.
    pub safety_snapshot: Option<SnapshotId>,
    /// For tests.
    pub steps: Steps,
}

/// Executes `plan`, whose workspace the caller has locked.
///
/// Stages everything and checks every hash, then that nobody touched a planned path, then writes the journal. The
/// commit record is the commit point: an error before it leaves the workspace as it was; after it, [`crate::recover`]
/// finishes what an interruption left. The journal keeps a note until [`crate::acknowledge`].
pub fn execute(
    plan: &RestorePlan,
    reader: &Reader,
    lock: &WorkspaceLock,
    options: &ExecuteOptions,
    context: &RestoreContext,
) -> Result<RestoreReport> {
    let (set, written_bytes) = stage(plan, reader, lock, options, context)?;
    let applied = set.commit(serde_json::Value::Null)?;
    Ok(report_of(plan, written_bytes, applied))
}

/// Stages everything that `plan` changes. Returns the bytes that were written, too.
pub(super) fn stage(
    plan: &RestorePlan,
    reader: &Reader,
    lock: &WorkspaceLock,
    options: &ExecuteOptions,
    context: &RestoreContext,
) -> Result<(ChangeSet, u64)> {
    let options = ChangeSetOptions {
        operation: options.operation.clone(),
        kind: "restore".to_owned(),
        snapshot: Some(options.snapshot.clone()),
        safety_snapshot: options.safety_snapshot.clone(),
        steps: options.steps.clone(),
    };
    let mut set = ChangeSet::begin(&plan.root, lock, options)?;
    let written_bytes = set.take_plan(plan, reader, context)?;
    context.cancel.check()?;
    Ok((set, written_bytes))
}

impl ChangeSet {
    /// Takes over everything that `plan` changes: stages it, checking every hash. Returns the bytes that were written.
    pub fn take_plan(
        &mut self,
        plan: &RestorePlan,
        reader: &Reader,
        context: &RestoreContext,
    ) -> Result<u64> {
        context.progress.expect(plan.changes.len() as u64, plan.bytes());
        self.steps().pass()?;
        let written = stage_plan(self.stage()?, &self.target.root, plan, reader, &self.rights, context)?;
        self.planned.extend(of_plan(plan));
        for change in &plan.changes {
            let kind = match change.action {
                Action::Create => PathChangeKind::Added,
                Action::Replace | Action::Metadata => PathChangeKind::Modified,
                Action::Delete => PathChangeKind::Deleted,
            };
            self.changed(&change.path, kind);
        }
        Ok(written)
    }
}

pub(super) fn report_of(plan: &RestorePlan, written_bytes: u64, applied: Applied) -> RestoreReport {
    RestoreReport {
        created: plan.count(Action::Create),
        replaced: plan.count(Action::Replace),
        deleted: plan.count(Action::Delete),
        metadata: plan.count(Action::Metadata),
        written_bytes,
        not_restored: plan.cannot_restore.iter().cloned().chain(applied.not_applied).collect(),
    }
}
