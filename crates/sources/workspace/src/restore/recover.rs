//! Finishing or dropping what an interrupted restore left.

use std::path::Path;

use backstay_model::{OperationId, SnapshotId};
use backstay_source::CannotRestore;
use rustix::io::Errno;

use super::execute::{finish, unfinished};
use super::flip::flip;
use super::journal::{Journal, State};
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
    /// How it ended.
    pub outcome: Outcome,
    /// The snapshot that was put back, when it is known.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot of the state before. Putting it back undoes the operation.
    pub safety_snapshot: Option<SnapshotId>,
    /// What was left as it is, because someone changed it meanwhile.
    pub not_restored: Vec<CannotRestore>,
}

/// Finishes every interrupted operation of the workspace `root`, which the caller has locked: forward where there is a
/// commit record, back where there is none. Costs two system calls when there is nothing to do; can be repeated.
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
    recover_in(&root_dir, &own, steps)
}

pub(super) fn recover_in(root: &Dir, own: &Dir, steps: &Steps) -> Result<Vec<Recovered>> {
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
    let header = match state {
        State::Intent => {
            if let Some(stage) = Stage::open(own, &operation)? {
                stage.remove()?;
            }
            let header = journal.read_intent(&operation).ok().map(|(header, _)| header);
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
                Some(stage) => finish(root, journal, stage, &operation, &operations, steps)?,
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
    let (snapshot, safety_snapshot) =
        header.map_or((None, None), |header| (Some(header.snapshot), header.safety_snapshot));
    let outcome = if state == State::Intent { Outcome::RolledBack } else { Outcome::RolledForward };
    Ok(Recovered { operation, outcome, snapshot, safety_snapshot, not_restored })
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
