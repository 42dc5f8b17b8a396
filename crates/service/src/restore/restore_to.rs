//! Puts a snapshot into another, empty directory.

use std::path::Path;

use backstay_model::{Action, Caller, OperationId, SnapshotId, Subject};
use backstay_source_workspace::{self as workspace, Selection, Steps};
use serde_json::json;

use super::operation::cannot_restore;
use super::plan_restore::check_request;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::{Stored, context_of};
use crate::view::{ChangeSummary, RestoreReport, RestoreRequest};

impl Service {
    /// Restores into a directory that is empty or does not exist. No safety snapshot and no operation: nothing is replaced. After
    /// an error the directory is empty.
    pub async fn restore_to(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        request: RestoreRequest,
        target: &Path,
        run: &Run,
    ) -> Result<RestoreReport> {
        let row = self.permitted_snapshot(caller, id, Action::Restore).await?;
        check_request(&request)?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let selection = Selection::of_patterns(&request.paths)?;
        let operation = OperationId::generate(self.now(), &**self.rng());
        let (directory, context) = (target.to_owned(), context_of(run));
        let report = blocking("restore the snapshot", move || {
            let opened = stored.open()?;
            Ok(workspace::restore_to(
                &directory,
                &opened.manifest,
                &opened.reader,
                &selection,
                &operation,
                &context,
                &Steps::unlimited(),
            )?)
        })
        .await?;
        let event = self.event(caller, "snapshot.extracted", Subject::new("snapshot", id));
        self.commit_event(
            event.of_source(&row.tenant, row.kind, &row.source).with(json!({"bytes": report.written_bytes})),
        )
        .await?;
        Ok(RestoreReport {
            snapshot: row.id,
            target: target.to_owned(),
            written: ChangeSummary {
                added: report.created,
                bytes: report.written_bytes,
                ..ChangeSummary::default()
            },
            not_restored: cannot_restore(&report.not_restored),
        })
    }
}
