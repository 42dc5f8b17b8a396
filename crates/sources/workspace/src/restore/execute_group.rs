//! Executing plans in several workspaces with one commit record.

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::Reader;
use backstay_source::{RestoreContext, RestoreReport};

use super::execute::{ExecuteOptions, report_of, stage};
use super::plan::RestorePlan;
use crate::change_set::{Decision, Prepared, Steps, commit_group};
use crate::error::{Result, WorkspaceError};
use crate::lock::WorkspaceLock;

/// One workspace of a group that is restored together.
#[derive(Debug)]
pub struct GroupMember<'a> {
    /// What is changed in it.
    pub plan: &'a RestorePlan,
    /// Its lock.
    pub lock: &'a WorkspaceLock,
    /// Its operation.
    pub operation: OperationId,
    /// The snapshot that is put back.
    pub snapshot: SnapshotId,
    /// The snapshot of the state before, taken under the same lock.
    pub safety_snapshot: Option<SnapshotId>,
}

/// Executes the plans of several workspaces, which the caller has locked: in all of them or in none.
///
/// Stages everything, checks every hash and looks for conflicts in all members. Then **one commit record** decides for all
/// of them. After an error before it every workspace is as it was. After it, an error is [`WorkspaceError::Unfinished`], and
/// [`crate::recover`] in each workspace that did not get there finishes it.
pub fn execute_group(
    members: &[GroupMember<'_>],
    reader: &Reader,
    steps: &Steps,
    context: &RestoreContext,
) -> Result<Vec<RestoreReport>> {
    let Some(first) = members.first() else { return Ok(Vec::new()) };
    let decision = Decision::at(&first.plan.root, &first.operation);
    let mut ready: Vec<Prepared> = Vec::with_capacity(members.len());
    let mut written = Vec::with_capacity(members.len());
    for member in members {
        let prepared = prepare(member, &decision, reader, steps, context);
        match prepared {
            Ok((prepared, written_bytes)) => {
                ready.push(prepared);
                written.push(written_bytes);
            }
            // As after a crash: whatever is there stays for the recovery.
            Err(error @ WorkspaceError::Fault { .. }) => return Err(error),
            Err(error) => {
                ready.into_iter().for_each(Prepared::drop_uncommitted);
                return Err(error);
            }
        }
    }
    let applied = commit_group(ready, &decision, steps, &context.cancel)?;
    let reports = members.iter().zip(written).zip(applied);
    Ok(reports
        .map(|((member, written_bytes), applied)| report_of(member.plan, written_bytes, applied))
        .collect())
}

fn prepare(
    member: &GroupMember<'_>,
    decision: &Decision,
    reader: &Reader,
    steps: &Steps,
    context: &RestoreContext,
) -> Result<(Prepared, u64)> {
    let options = ExecuteOptions {
        operation: member.operation.clone(),
        snapshot: member.snapshot.clone(),
        safety_snapshot: member.safety_snapshot.clone(),
        steps: steps.clone(),
    };
    let (set, written_bytes) = stage(member.plan, reader, member.lock, &options, context)?;
    Ok((set.prepare(serde_json::Value::Null, Some(decision.clone()))?, written_bytes))
}
