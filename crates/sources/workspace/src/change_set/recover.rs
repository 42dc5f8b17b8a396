//! Finishing or dropping what an interrupted operation left.

use std::path::Path;

use backstay_model::{OperationId, SnapshotId};
use backstay_source::CannotRestore;
use rustix::io::Errno;

use super::apply::{finish, release, unfinished};
use super::flip::flip;
use super::group::forget_decisions;
use super::journal::{Header, Journal, State};
use super::metadata::Rights;
use super::stage::{Stage, remove_stale};
use super::steps::Steps;
use crate::error::{Result, WorkspaceError};
use crate::fs::Dir;
use crate::lock::WorkspaceLock;

/// How an interrupted operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was committed, and now all of it has happened.
    RolledForward,
    /// It was not committed; nothing of it has happened.
    RolledBack,
}

/// An operation that was interrupted, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The operation.
    pub operation: OperationId,
    /// What it does, for example `restore`; empty when that is not known.
    pub kind: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The snapshot that was put back, when it is known.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot of the state before. Putting it back undoes the operation.
    pub safety_snapshot: Option<SnapshotId>,
    /// What whoever began it noted for this case.
    pub detail: serde_json::Value,
    /// What was left as it is, because someone changed it meanwhile.
    pub not_restored: Vec<CannotRestore>,
}

/// Finishes every interrupted operation of the workspace `root`, which the caller has locked: forward where there is a
/// commit record, back where there is none. Costs a few system calls when there is nothing to do; can be repeated.
///
/// Errors: that of a member of a group, when the workspace in which the group was decided cannot be read.
///
/// Finished operations are told again until [`acknowledge`]. To go back behind a commit record, put
/// [`Recovered::safety_snapshot`] back afterwards.
pub fn recover(root: &Path, _lock: &WorkspaceLock, steps: &Steps) -> Result<Vec<Recovered>> {
    let at_root = |errno: Errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: errno.into(),
    };
    let root_dir = Dir::open_root(root).map_err(at_root)?;
    let own = match root_dir.open_dir(c".backstay") {
        Ok(own) => own,
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(errno) => return Err(at_root(errno)),
    };
    let recovered = recover_in(&root_dir, &own, steps)?;
    forget_decisions(root)?;
    Ok(recovered)
}

pub(crate) fn recover_in(root: &Dir, own: &Dir, steps: &Steps) -> Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    if let Some(journal) = Journal::open(own)? {
        for (operation, state) in journal.list()? {
            recovered.push(recover_operation(root, own, &journal, operation, state, steps)?);
        }
    }
    remove_stale(own, &[])?;
    Ok(recovered)
}

fn recover_operation(
    root: &Dir,
    own: &Dir,
    journal: &Journal,
    operation: OperationId,
    state: State,
    steps: &Steps,
) -> Result<Recovered> {
    let mut not_restored = Vec::new();
    let state = match state {
        State::Intent => decided(journal, &operation)?,
        state => state,
    };
    let header = match state {
        State::Intent => {
            let intent = journal.read_intent(&operation).ok();
            if let Some(stage) = Stage::open(own, &operation)? {
                if let Some((_, operations)) = &intent {
                    release(root, &stage, operations)?;
                }
                stage.remove()?;
            }
            let header = intent.map(|(header, _)| header);
            journal.remove(&operation, "intent")?;
            header
        }
        State::Committed => {
            let (header, operations) = journal.read_intent(&operation)?;
            let staged = Stage::open(own, &operation)?;
            let rights = Rights::of_process();
            let dir = staged.as_ref().map(|stage| &stage.dir);
            flip(root, dir, &operations, &rights, steps, &mut not_restored)
                .map_err(|why| unfinished(&operation, why))?;
            match staged {
                Some(stage) => finish(root, own, journal, stage, &operation, &operations, steps)?,
                None => journal.finish(&operation, true)?,
            }
            not_restored.extend(rights.into_notes());
            Some(header)
        }
        State::Done => {
            journal.remove(&operation, "intent")?;
            journal.read_header(&operation, State::Done).ok()
        }
    };
    let outcome = if state == State::Intent { Outcome::RolledBack } else { Outcome::RolledForward };
    let header = header.unwrap_or_else(|| Header {
        operation: operation.clone(),
        kind: String::new(),
        snapshot: None,
        safety_snapshot: None,
        detail: serde_json::Value::Null,
        decision: None,
    });
    let Header { kind, snapshot, safety_snapshot, detail, .. } = header;
    Ok(Recovered { operation, kind, outcome, snapshot, safety_snapshot, detail, not_restored })
}

/// What the intent of a member of a group amounts to: the decision of the group is its commit record. An intent that is not
/// whole was never decided on.
fn decided(journal: &Journal, operation: &OperationId) -> Result<State> {
    let Ok((header, _)) = journal.read_intent(operation) else { return Ok(State::Intent) };
    match &header.decision {
        Some(decision) if decision.is_made()? => {
            journal.commit(&header, true)?;
            Ok(State::Committed)
        }
        _ => Ok(State::Intent),
    }
}

/// Forgets a finished operation, once its outcome is noted elsewhere. Can be repeated.
pub fn acknowledge(root: &Path, operation: &OperationId) -> Result<()> {
    let failed = |errno: Errno| WorkspaceError::path("open", b".backstay", errno);
    let own = match Dir::open_root(root).and_then(|root| root.open_dir(c".backstay")) {
        Ok(own) => own,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(failed(errno)),
    };
    match Journal::open(&own)? {
        Some(journal) => journal.remove(operation, "done"),
        None => Ok(()),
    }
}
