//! A set of changes for which only the commit record is missing.

use super::apply::Target;
use super::builder::{Applied, ChangeSet};
use super::group::Decision;
use super::journal::Header;
use super::operations::Operation;
use super::stage::Stage;
use crate::error::{Result, WorkspaceError};

/// A set of changes that is staged and durable, whose intent is written, and that nothing stands against.
#[derive(Debug)]
pub(crate) struct Prepared {
    set: ChangeSet,
    stage: Stage,
    header: Header,
    operations: Vec<Operation>,
}

impl ChangeSet {
    /// Does everything up to the commit record, which is that of a group when there is a `decision`. After an error nothing
    /// is left of the set.
    pub(crate) fn prepare(
        mut self,
        detail: serde_json::Value,
        decision: Option<Decision>,
    ) -> Result<Prepared> {
        let operations = self.operations();
        let header = self.header(detail, decision);
        let Some(stage) = self.stage.take() else { return Err(WorkspaceError::cancelled()) };
        let prepared = self.steps().pass().and_then(|()| {
            if self.conflicts.is_empty() {
                self.target.prepare(&stage, &header, &operations, self.steps())
            } else {
                Err(WorkspaceError::Conflict { paths: std::mem::take(&mut self.conflicts) })
            }
        });
        let ready = Prepared { set: self, stage, header, operations };
        match prepared {
            Ok(()) => Ok(ready),
            // As after a crash: whatever is there stays for the recovery.
            Err(error @ WorkspaceError::Fault { .. }) => Err(error),
            Err(error) => {
                ready.drop_uncommitted();
                Err(error)
            }
        }
    }
}

impl Prepared {
    /// Writes **the commit record** and flips. An error before the record leaves the workspace as it was.
    pub(super) fn commit(self) -> Result<Applied> {
        if let Err(error) = self.record() {
            self.drop_uncommitted();
            return Err(error);
        }
        self.flip()
    }

    /// Writes the commit record.
    pub(super) fn record(&self) -> Result<()> {
        self.target().journal.commit(&self.header, true)
    }

    /// Executes what is committed.
    pub(super) fn flip(mut self) -> Result<Applied> {
        let operation = &self.header.operation;
        let steps = self.set.steps();
        let mut not_applied =
            self.set.target.flip(self.stage, operation, &self.operations, &self.set.rights, steps)?;
        not_applied.extend(self.set.take_notes());
        Ok(Applied { changes: std::mem::take(&mut self.set.changes), not_applied })
    }

    /// Takes back what was prepared. The error that led here is the one to tell; what cannot be removed now, the next
    /// recovery removes.
    pub(crate) fn drop_uncommitted(self) {
        let _ = self.set.target.drop_uncommitted(self.stage, &self.header.operation, &self.operations);
    }

    /// Where this set of changes can be found.
    pub(super) fn place(&self) -> Decision {
        Decision::at(&self.set.root, &self.header.operation)
    }

    fn target(&self) -> &Target {
        &self.set.target
    }
}
