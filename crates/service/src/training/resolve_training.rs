//! Finds runs and snapshots by what a person writes.

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, SourceRow, Total};
use backstay_model::{Action, Caller, ErrorKind, Kind, SnapshotState, SourceId, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{TrainingRun, TrainingSnapshot};

impl Service {
    /// The run that `text` names: by its name in the caller's tenant, or by its id.
    pub async fn resolve_training_run(&self, caller: &Caller, text: &str) -> Result<TrainingRun> {
        if let Some(row) = self.run_named(caller, text).await? {
            return view::run(&mut self.read().await?, row).await;
        }
        let shown: String = text.chars().take(60).collect();
        Err(ServiceError::new(ErrorKind::NotFound, format!("Run `{shown}` not found"))
            .hint("run `backstay training list` to see the runs"))
    }

    /// The snapshot that `text` names: a run (the one that it goes on from), `RUN:LABEL`, an id, or a prefix of one id.
    ///
    /// Errors: `NotFound`; `Invalid` when a prefix is ambiguous.
    pub async fn resolve_training_snapshot(&self, caller: &Caller, text: &str) -> Result<TrainingSnapshot> {
        let none = |run: &str| {
            ServiceError::new(ErrorKind::NotFound, format!("Run `{run}` has no such snapshot"))
                .hint("run `backstay training list` to see the snapshots")
        };
        if let Some(run) = self.run_named(caller, text).await? {
            let mut read = self.read().await?;
            let head = view::head(&mut read, &run).await?.ok_or_else(|| none(text))?;
            return view::named(&mut read, head).await;
        }
        if let Some((name, label)) = text.split_once(':')
            && let Some(run) = self.run_named(caller, name).await?
        {
            let row = self.labelled(&run.id, label).await?.ok_or_else(|| none(name))?;
            return Ok(view::snapshot(row, &run.name));
        }
        let found = self.resolve_snapshot(caller, None, text).await.map_err(|error| {
            if error.kind == ErrorKind::NotFound {
                error.hint("name a run, RUN:LABEL, an id or a file; `backstay training list` shows them")
            } else {
                error
            }
        })?;
        self.show_training_snapshot(caller, &found.id).await
    }

    /// The run of this name or id.
    pub(super) async fn run_named(&self, caller: &Caller, text: &str) -> Result<Option<SourceRow>> {
        let subject = Subject::new("sources", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        let mut read = self.read().await?;
        if let Some(row) = read.source_named(&caller.tenant, Kind::Training, text).await? {
            return Ok(Some(row));
        }
        let Ok(id) = SourceId::parse(text) else { return Ok(None) };
        let row = read.source(&id).await?;
        Ok(row
            .filter(|row| row.kind == Kind::Training && row.removed_at.is_none() && caller.sees(&row.tenant)))
    }

    /// The ready snapshot of a run with this label.
    async fn labelled(&self, run: &SourceId, label: &str) -> Result<Option<SnapshotRow>> {
        let filter = SnapshotFilter {
            source: Some(run.clone()),
            states: vec![SnapshotState::Ready],
            label: Some(label.to_owned()),
            ..SnapshotFilter::default()
        };
        let paging = Paging { limit: 1, total: Total::Skip, ..Paging::default() };
        Ok(self.read().await?.list_snapshots(&filter, &paging).await?.items.into_iter().next())
    }
}
