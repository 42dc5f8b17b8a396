//! Committing the changes of several workspaces with one commit record.
//!
//! Every member has a stage and a journal of its own. Their intents name a *decision*: one file in the journal of the
//! first member. Until it is there, every member goes back; once it is there, every member goes forward, whichever of them
//! is recovered first. It stays until no member needs it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use backstay_model::OperationId;
use backstay_repository::Cancel;
use serde::{Deserialize, Serialize};

use super::builder::Applied;
use super::prepared::Prepared;
use super::steps::Steps;
use crate::error::{Result, WorkspaceError};

/// Where it is decided whether a member goes forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// The workspace whose journal holds the decision.
    root: PathBuf,
    /// Its name there: the operation of that workspace.
    operation: OperationId,
}

/// The text of a decision: who may still need it.
#[derive(Debug, Serialize, Deserialize)]
struct Members {
    members: Vec<Decision>,
}

/// Commits sets of changes whose intents name `decision`, and executes them: all or none.
///
/// **One commit record** decides for all of them. After an error before it every workspace is as it was. After it, an error
/// is [`WorkspaceError::Unfinished`], and [`super::recover`] in each workspace that did not get there finishes it.
pub(crate) fn commit_group(
    members: Vec<Prepared>,
    decision: &Decision,
    steps: &Steps,
    cancel: &Cancel,
) -> Result<Vec<Applied>> {
    steps.pass()?;
    let places = members.iter().map(Prepared::place).collect();
    let decided = cancel.check().map_err(WorkspaceError::from).and_then(|()| decision.make(places));
    if let Err(error) = decided {
        // Nothing may be dropped while a decision could be there: one member would go back and another forward.
        return match decision.take_back() {
            Ok(()) => {
                members.into_iter().for_each(Prepared::drop_uncommitted);
                Err(error)
            }
            Err(_) => Err(WorkspaceError::NeedsRecovery { operation: decision.operation.to_string() }),
        };
    }
    steps.pass()?;
    let mut applied = Vec::with_capacity(members.len());
    let mut failure = None;
    for member in members {
        let operation = member.place().operation;
        match member.record().and_then(|()| member.flip()) {
            Ok(done) => applied.push(done),
            Err(error @ WorkspaceError::Fault { .. }) => return Err(error),
            // The others go forward all the same.
            Err(error) => failure = failure.or(Some(unfinished(&operation, error))),
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    steps.pass()?;
    forget_decisions(&decision.root)?;
    Ok(applied)
}

impl Decision {
    /// The decision that the journal of the workspace `root` holds for its `operation`.
    pub(crate) fn at(root: &Path, operation: &OperationId) -> Self {
        Self { root: root.to_owned(), operation: operation.clone() }
    }

    /// Whether the group goes forward. The process that could still decide held the lock that the caller holds now, so the
    /// answer is final.
    ///
    /// Errors: when the journal that has to tell cannot be read; nothing can be decided then.
    pub(super) fn is_made(&self) -> Result<bool> {
        let path = self.path();
        match fs::symlink_metadata(&path) {
            Ok(found) => Ok(found.is_file()),
            // An absent journal is not the same as an absent decision: the workspace may only be somewhere else.
            Err(error) if error.kind() == io::ErrorKind::NotFound && journal_of(&self.root).is_dir() => {
                Ok(false)
            }
            Err(source) => Err(failed("read", &path, source)),
        }
    }

    /// Writes the decision: **the commit point** of the group.
    fn make(&self, members: Vec<Self>) -> Result<()> {
        let path = self.path();
        let unfinished = path.with_extension("decision-tmp");
        let write = || -> io::Result<()> {
            match fs::remove_file(&unfinished) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(&serde_json::to_vec(&Members { members })?)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(journal_of(&self.root))?.sync_all()
        };
        write().map_err(|source| failed("write", &path, source))
    }

    /// Makes sure that there is none.
    fn take_back(&self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(journal_of(&self.root))?.sync_all(),
        }
    }

    fn path(&self) -> PathBuf {
        journal_of(&self.root).join(format!("{}.decision", self.operation))
    }

    /// Whether this member has not come to its end.
    fn is_open(&self) -> bool {
        let journal = journal_of(&self.root);
        match fs::symlink_metadata(journal.join(format!("{}.intent", self.operation))) {
            Ok(_) => true,
            // A workspace that is elsewhere may come back.
            Err(error) => error.kind() != io::ErrorKind::NotFound || !journal.is_dir(),
        }
    }
}

/// Removes the decisions in the journal of `root` that no member needs any more.
pub(super) fn forget_decisions(root: &Path) -> Result<()> {
    let journal = journal_of(root);
    let entries = match fs::read_dir(&journal) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed("list", &journal, source)),
    };
    for entry in entries {
        let path = entry.map_err(|source| failed("list", &journal, source))?.path();
        if path.extension().is_none_or(|end| end != "decision") {
            continue;
        }
        let text = fs::read(&path).map_err(|source| failed("read", &path, source))?;
        // One that cannot be read still decides; it stays.
        let Ok(Members { members }) = serde_json::from_slice(&text) else { continue };
        if !members.iter().any(Decision::is_open) {
            fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
        }
    }
    Ok(())
}

fn journal_of(root: &Path) -> PathBuf {
    root.join(".backstay/journal")
}

/// A member of a decided group that failed goes on with the next recovery.
fn unfinished(operation: &OperationId, error: WorkspaceError) -> WorkspaceError {
    match error {
        WorkspaceError::Path { path, source, .. } => {
            WorkspaceError::Unfinished { operation: operation.to_string(), path, source }
        }
        error => error,
    }
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> WorkspaceError {
    WorkspaceError::Path { operation, path: path.display().to_string(), source }
}
