//! Executing a plan in the workspace.

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::Reader;
use backstay_source::{RestoreContext, RestoreReport};
use rustix::io::Errno;

use super::flip::{Stopped, conflicts, flip};
use super::journal::{Header, Journal, State};
use super::metadata::Rights;
use super::operations::{self, Operation};
use super::plan::{Action, RestorePlan};
use super::stage::{FEW, Stage, stage_plan};
use super::steps::Steps;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, c_name, display, split_parent};
use crate::lock::{WorkspaceLock, open_own_directory};

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
/// commit record is the commit point: an error before it leaves the workspace as it was; after it, [`super::recover`]
/// finishes what an interruption left. The journal keeps a note until [`super::acknowledge`].
pub fn execute(
    plan: &RestorePlan,
    reader: &Reader,
    _lock: &WorkspaceLock,
    options: &ExecuteOptions,
    context: &RestoreContext,
) -> Result<RestoreReport> {
    let own = open_own_directory(&plan.root)?;
    let root = Dir::open_root(&plan.root).map_err(|errno| WorkspaceError::Path {
        operation: "open",
        path: plan.root.display().to_string(),
        source: errno.into(),
    })?;
    let journal = Journal::create(&own)?;
    if let Some((operation, _)) = journal.list()?.into_iter().find(|(_, state)| *state != State::Done) {
        return Err(WorkspaceError::NeedsRecovery { operation: operation.to_string() });
    }
    context.progress.expect(plan.changes.len() as u64, plan.bytes());
    let header = Header {
        operation: options.operation.clone(),
        snapshot: options.snapshot.clone(),
        safety_snapshot: options.safety_snapshot.clone(),
    };
    let rights = Rights::of_process();
    options.steps.pass()?;
    let stage = Stage::create(&own, &options.operation)?;
    let prepared = prepare(plan, reader, &root, &stage, &journal, &header, &rights, options, context);
    let (operations, written_bytes) = match prepared {
        Ok(prepared) => prepared,
        // As after a crash: whatever is there stays for the recovery.
        Err(error @ WorkspaceError::Fault { .. }) => return Err(error),
        Err(error) => {
            // The first error is the one to tell; what cannot be removed now, the next recovery removes.
            let _ = stage.remove();
            let _ = journal.remove(&options.operation, "intent");
            return Err(error);
        }
    };
    let mut report = report_of(plan, written_bytes);
    let stopped =
        flip(&root, Some(&stage.dir), &operations, &rights, &options.steps, &mut report.not_restored);
    stopped.map_err(|stopped| unfinished(&options.operation, stopped))?;
    finish(&root, &journal, stage, &options.operation, &operations, &options.steps)?;
    report.not_restored.extend(rights.into_notes());
    Ok(report)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one execution, used nowhere else")]
fn prepare(
    plan: &RestorePlan,
    reader: &Reader,
    root: &Dir,
    stage: &Stage,
    journal: &Journal,
    header: &Header,
    rights: &Rights,
    options: &ExecuteOptions,
    context: &RestoreContext,
) -> Result<(Vec<Operation>, u64)> {
    options.steps.pass()?;
    let written = stage_plan(stage, root, plan, reader, rights, context)?;
    options.steps.pass()?;
    stage.sync()?;
    context.cancel.check()?;
    let operations = operations::of_plan(plan);
    journal.write_intent(header, &operations, true)?;
    options.steps.pass()?;
    let conflicts =
        conflicts(root, &operations).map_err(|errno| WorkspaceError::path("inspect", b"", errno))?;
    if !conflicts.is_empty() {
        return Err(WorkspaceError::Conflict { paths: conflicts });
    }
    journal.commit(header, true)?;
    Ok((operations, written))
}

pub(super) fn unfinished(operation: &OperationId, stopped: Stopped) -> WorkspaceError {
    match stopped {
        Stopped::At { path, errno } => WorkspaceError::Unfinished {
            operation: operation.to_string(),
            path: display(&path),
            source: errno.into(),
        },
        Stopped::ByTest(error) => error,
    }
}

/// Makes the flip durable, and only then forgets how to repeat it.
pub(super) fn finish(
    root: &Dir,
    journal: &Journal,
    stage: Stage,
    operation: &OperationId,
    operations: &[Operation],
    steps: &Steps,
) -> Result<()> {
    steps.pass()?;
    sync(root, operations).map_err(|errno| WorkspaceError::path("sync", b"", errno))?;
    steps.pass()?;
    journal.finish(operation, true)?;
    steps.pass()?;
    stage.remove()
}

/// Makes the directories and files durable that the operations changed: a few one by one, many with the rest.
fn sync(root: &Dir, operations: &[Operation]) -> Result<(), Errno> {
    let mut places: Vec<&[u8]> =
        operations.iter().map(|operation| split_parent(operation.path()).0).collect();
    let changed = operations.iter().filter(|operation| matches!(operation, Operation::SetMetadata { .. }));
    let entries: Vec<&[u8]> = changed.map(Operation::path).filter(|path| !path.is_empty()).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() + entries.len() > FEW {
        return rustix::fs::syncfs(root.fd());
    }
    for path in entries {
        let opened = root.open_parent(path).and_then(|(dir, name)| dir.open_file(&c_name(name)?));
        match opened {
            Ok(file) => rustix::fs::fsync(file)?,
            // Gone meanwhile, or a link, which goes with its directory.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(_) => return rustix::fs::syncfs(root.fd()),
        }
    }
    for path in places {
        match root.open_beneath(path) {
            Ok(dir) => rustix::fs::fsync(dir.fd())?,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(_) => return rustix::fs::syncfs(root.fd()),
        }
    }
    Ok(())
}

fn report_of(plan: &RestorePlan, written_bytes: u64) -> RestoreReport {
    RestoreReport {
        created: plan.count(Action::Create),
        replaced: plan.count(Action::Replace),
        deleted: plan.count(Action::Delete),
        metadata: plan.count(Action::Metadata),
        written_bytes,
        not_restored: plan.cannot_restore.clone(),
    }
}
