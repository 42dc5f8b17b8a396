//! Loads a run into this process.

use std::sync::{Arc, mpsc};

use backstay_catalog::{Paging, SnapshotRow, SourceFilter, SourceRow, Total};
use backstay_model::{Action, Caller, ErrorKind, Kind, Subject};
use backstay_trainer::Trainer;

use super::feed::Feed;
use super::live_run::LiveRun;
use super::moments::Moments;
use super::present::{Present, dataset_name};
use super::run_thread::{Pulse, RunThread};
use super::schedule::SaveSchedule;
use super::shared::Shared;
use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};
use crate::snapshots::Stored;
use crate::training::load_training::load_checked;
use crate::training::resumed::{Resumed, resumed};
use crate::training::settings::RunSettings;
use crate::training::view;

impl Service {
    /// The telemetry of the caller's tenant. What is committed about snapshots from here on is in it, where
    /// [`Service::follow_training_snapshots`] works.
    pub async fn training_feed(&self, caller: &Caller) -> Result<Arc<Feed>> {
        let subject = Subject::new("sources", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        let feed = self.live().feed(&caller.tenant, self.now());
        self.want_snapshots_followed().await;
        Ok(feed)
    }

    /// The run that `named` is the id or the name of, or the newest one of the tenant, in this process; loaded when it is not.
    ///
    /// Errors: `NotFound`; `Unavailable` when there is no run at all, or nothing of it was ever saved.
    pub(super) async fn open_live_run(
        &self,
        caller: &Caller,
        named: Option<&str>,
        action: Action,
    ) -> Result<Arc<LiveRun>> {
        let row = self.meant_run(caller, named, action).await?;
        self.open_live_row(&row).await
    }

    /// The row of the run that is meant, when the caller may do `action` to it.
    pub(super) async fn meant_run(
        &self,
        caller: &Caller,
        named: Option<&str>,
        action: Action,
    ) -> Result<SourceRow> {
        let row = if let Some(named) = named {
            self.run_named(caller, named).await?.ok_or_else(|| {
                let shown: String = named.chars().take(60).collect();
                ServiceError::new(ErrorKind::NotFound, format!("Run `{shown}` not found"))
            })?
        } else {
            let subject = Subject::new("sources", &caller.tenant);
            self.permit(caller, Some(Kind::Training), action, &subject).await?;
            self.default_run(caller).await?.ok_or_else(nothing_there)?
        };
        self.permitted_run(caller, &row.id, action).await
    }

    /// The newest run of the caller's tenant.
    async fn default_run(&self, caller: &Caller) -> Result<Option<SourceRow>> {
        let filter = SourceFilter {
            kind: Some(Kind::Training),
            tenant: Some(caller.tenant.clone()),
            ..SourceFilter::default()
        };
        let mut read = self.read().await?;
        // They are listed oldest first.
        let count = read.list_sources(&filter, &Paging { limit: 1, ..Paging::default() }).await?.total;
        let Some(offset) = count.checked_sub(1) else { return Ok(None) };
        let last = Paging { limit: 1, offset, total: Total::Skip, ..Paging::default() };
        Ok(read.list_sources(&filter, &last).await?.items.into_iter().next())
    }

    /// The run of a row in this process.
    pub(super) async fn open_live_row(&self, row: &SourceRow) -> Result<Arc<LiveRun>> {
        let slot = self.live().slot(&row.id);
        let mut slot = slot.lock().await;
        if self.live().is_closed() {
            return Err(ServiceError::new(ErrorKind::Unavailable, "The server is shutting down"));
        }
        if let Some(live) = slot.as_ref() {
            // Another process may have trained it on. One that saves just now counts its own save.
            let known = live.serial.try_lock().map_or(u64::MAX, |serial| *serial);
            if !live.has_ended() && (row.state_serial <= known || !live.is_idle()) {
                return Ok(Arc::clone(live));
            }
            live.close().await;
        }
        *slot = None;
        self.live().make_room();
        let live = self.load_live_run(row).await?;
        *slot = Some(Arc::clone(&live));
        Ok(live)
    }

    /// Loads a run from its last snapshot, or from the one that it was forked from, and starts its thread.
    async fn load_live_run(&self, row: &SourceRow) -> Result<Arc<LiveRun>> {
        let from = self.last_state_of(row).await?.ok_or_else(no_state)?;
        let settings = RunSettings::of(row)?;
        let is_fork = settings.parent_snapshot_id.as_ref() == Some(&from.id);
        let stored = Stored::of(&from, self.lazy_repository())?;
        let rng = Arc::clone(self.rng());
        let (name, params) = (row.name.clone(), settings.params);
        let Resumed { trainer, header } = blocking("load the run", move || {
            let opened = stored.open()?;
            let snapshot = load_checked(&opened.reader, &opened.manifest)?;
            resumed(snapshot, &name, is_fork.then_some(&params), &*rng)
        })
        .await?;
        let dataset = dataset_name(&trainer.state().origin);
        let shared = Arc::new(Shared::new(Present::of(&trainer, &dataset, 0)));
        if !is_fork {
            shared.note_saved(0, from.id.clone());
        }
        let moments = Moments::new(trainer.state().epoch, from.created_at);
        self.start_live_run(row, trainer, header, shared, moments)
    }

    fn start_live_run(
        &self,
        row: &SourceRow,
        trainer: Trainer,
        header: backstay_source_training::Header,
        shared: Arc<Shared>,
        moments: Moments,
    ) -> Result<Arc<LiveRun>> {
        let (requests, asked) = mpsc::channel();
        let (saves, due) = tokio::sync::mpsc::unbounded_channel();
        let feed = self.live().feed(&row.tenant, self.now());
        let thread = RunThread {
            run: row.id.clone(),
            name: row.name.clone(),
            dataset: dataset_name(&trainer.state().origin),
            trainer,
            header,
            requests: asked,
            saves,
            shared: Arc::clone(&shared),
            feed,
            clock: Arc::clone(self.clock()),
            schedule: SaveSchedule::new(RunSettings::of(row)?.auto.into()),
            moments,
            generation: 0,
            is_held: false,
            pulse: Pulse::default(),
        };
        let builder = std::thread::Builder::new().name("training".to_owned());
        builder.spawn(move || thread.work()).map_err(|error| {
            ServiceError::new(ErrorKind::Unavailable, "No thread can be started to train on").because(error)
        })?;
        let live = Arc::new(LiveRun {
            id: row.id.clone(),
            name: row.name.clone(),
            tenant: row.tenant.clone(),
            control: super::control_lock::ControlLock::default(),
            serial: tokio::sync::Mutex::new(row.state_serial),
            shared,
            requests,
        });
        self.follow_due_saves(&live, due);
        Ok(live)
    }

    /// The snapshot that a run goes on from.
    pub(super) async fn last_state_of(&self, row: &SourceRow) -> Result<Option<SnapshotRow>> {
        let mut read = self.read().await?;
        if let Some(head) = view::head(&mut read, row).await? {
            return Ok(Some(head));
        }
        match RunSettings::of(row)?.parent_snapshot_id {
            Some(parent) => Ok(read.snapshot(&parent).await?),
            None => Ok(None),
        }
    }
}

fn nothing_there() -> ServiceError {
    ServiceError::new(ErrorKind::Unavailable, "There is no run")
        .code("no_run")
        .hint("make one with POST /api/v1/training/runs")
}

fn no_state() -> ServiceError {
    ServiceError::new(ErrorKind::Unavailable, "Nothing of the run was saved yet")
        .code("no_state")
        .hint("a process may train it just now; else remove it")
}
