//! Works directly on the workspace that the command stands in.

#![expect(clippy::unused_async, reason = "the same calls reach both backends")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backstay_api::change::ChangePage;
use backstay_api::entry::{Entry, EntryPage};
use backstay_api::hold::Hold;
use backstay_api::operation::{Operation, OperationPage};
use backstay_api::prune::PruneResult;
use backstay_api::restore::RestorePlan;
use backstay_api::snapshot::{Snapshot, SnapshotPage};
use backstay_api::statistics::Statistics;
use backstay_api::upgrade::{NewUpgradePlan, UpgradePlan, UpgradeReport};
use backstay_model::retention::Rules;
use backstay_model::{Caller, ErrorKind, HoldId, OperationId, SnapshotId, SnapshotState};
use backstay_service::view::{
    Against, DiffOptions, EntryOptions, NewHold, NewSnapshot, RecoverReport, RestoreRequest, SnapshotFilter,
    Source, VerifyDepth, VerifyReport, VerifyScope,
};
use backstay_service::{PageRequest, Run, Service, Watch};

use super::opening::{self, Create};
use super::wire;
use super::{OnUpgradeEvent, RestoredTo, Sink};
use crate::args::Changing;
use crate::context::Context;
use crate::discover::{self, Workspace};
use crate::failure::Failure;
use crate::inside;
use crate::progress::Shown;

/// The most changes or entries that one page holds.
const PAGE: u32 = 1000;

/// A workspace, and what is known of it when something was saved in it before.
#[derive(Debug)]
pub(crate) struct Local {
    workspace: Workspace,
    caller: Caller,
    opened: Option<Opened>,
}

#[derive(Debug, Clone)]
struct Opened {
    service: Service,
    source: Source,
}

impl Local {
    /// Finds the workspace; creates nothing.
    pub(crate) async fn open(cx: &Context) -> Result<Self, Failure> {
        let workspace = cx.workspace()?;
        let caller = opening::caller();
        let opened = match opening::service(cx, &workspace.root, Create::Never).await? {
            Some(service) => service
                .find_workspace(&caller, &workspace.root)
                .await?
                .map(|source| Opened { service, source }),
            None => None,
        };
        Ok(Self { workspace, caller, opened })
    }

    /// What was saved before, or the failure that nothing was.
    fn opened(&self) -> Result<&Opened, Failure> {
        self.opened.as_ref().ok_or_else(|| {
            Failure::new(
                ErrorKind::NotFound,
                format!("nothing was saved in {} yet", self.workspace.root.display()),
            )
            .hint("`backstay save` takes the first snapshot; -C names another directory")
        })
    }

    fn parse(id: &str) -> Result<SnapshotId, Failure> {
        SnapshotId::parse(id).map_err(|error| Failure::usage(error.to_string()))
    }

    /// Named paths relative to the root; empty for everything.
    pub(crate) async fn scope(&self, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
        inside::scope(&self.workspace, paths)?.iter().map(|path| super::text(path)).collect()
    }

    /// One path relative to the root.
    pub(crate) async fn one_path(&self, path: &Path) -> Result<String, Failure> {
        super::text(&inside::relative(&self.workspace, path)?)
    }

    /// The full id that `text` means.
    pub(crate) async fn resolve(&self, text: &str) -> Result<String, Failure> {
        let Opened { service, source } = self.opened()?;
        let snapshot = service.resolve_snapshot(&self.caller, Some(&source.id), text).await?;
        Ok(snapshot.id.to_string())
    }

    /// The newest ready snapshot.
    pub(crate) async fn latest(&self) -> Result<Option<String>, Failure> {
        if self.opened.is_none() {
            return Ok(None);
        }
        match self.resolve("latest").await {
            Ok(id) => Ok(Some(id)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Captures.
    pub(crate) async fn save(&self, cx: &Context, new: NewSnapshot, wait: u64) -> Result<Snapshot, Failure> {
        let opened = self.opened_or_created(cx).await?;
        let (run, _shown) = run(cx, "Saving", wait);
        let snapshot = opened.service.create_snapshot(&self.caller, &opened.source.id, new, &run).await?;
        Ok(wire::snapshot(snapshot))
    }

    /// A page of snapshots, newest first; `all` adds undo points, failed and deleted ones.
    pub(crate) async fn list(&self, limit: u32, offset: u64, all: bool) -> Result<SnapshotPage, Failure> {
        let Some(Opened { service, source }) = &self.opened else {
            return Ok(SnapshotPage { snapshots: Vec::new(), total: 0, next: None, message: None });
        };
        let filter = SnapshotFilter {
            source: Some(source.id.clone()),
            states: if all {
                SnapshotState::ALL.to_vec()
            } else {
                vec![SnapshotState::Creating, SnapshotState::Ready]
            },
            triggers: if all { Vec::new() } else { super::listed_triggers() },
            ..SnapshotFilter::default()
        };
        let page = PageRequest { limit, offset, cursor: None };
        Ok(wire::snapshots(service.list_snapshots(&self.caller, &filter, &page).await?))
    }

    /// The ids of every ready snapshot, undo points too.
    pub(crate) async fn all_ready(&self) -> Result<Vec<String>, Failure> {
        let Opened { service, source } = self.opened()?;
        let filter = SnapshotFilter {
            source: Some(source.id.clone()),
            states: vec![SnapshotState::Ready],
            ..SnapshotFilter::default()
        };
        let mut request = PageRequest::first(PAGE);
        let mut ids = Vec::new();
        loop {
            let page = service.list_snapshots(&self.caller, &filter, &request).await?;
            ids.extend(page.items.into_iter().map(|snapshot| snapshot.id.to_string()));
            match page.next {
                Some(next) => request.cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }

    /// One snapshot with its warnings.
    pub(crate) async fn show(&self, id: &str) -> Result<Snapshot, Failure> {
        let Opened { service, .. } = self.opened()?;
        Ok(wire::snapshot(service.show_snapshot(&self.caller, &Self::parse(id)?).await?))
    }

    /// A page of entries below `path`.
    pub(crate) async fn entries(
        &self,
        id: &str,
        path: &str,
        recursive: bool,
        cursor: Option<String>,
    ) -> Result<EntryPage, Failure> {
        let Opened { service, .. } = self.opened()?;
        let options = EntryOptions { path: path.as_bytes().to_vec(), recursive };
        let page = PageRequest { limit: PAGE, offset: 0, cursor };
        Ok(wire::entries(service.list_entries(&self.caller, &Self::parse(id)?, &options, &page).await?))
    }

    /// The entry at `path`.
    pub(crate) async fn entry(&self, id: &str, path: &str) -> Result<Entry, Failure> {
        let Opened { service, .. } = self.opened()?;
        let entry = service.show_entry(&self.caller, &Self::parse(id)?, path.as_bytes()).await?;
        entry.map(wire::entry).ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, format!("{path} is not in {id}"))
                .hint(format!("`backstay show {id} --files` lists what is"))
        })
    }

    /// Gives the bytes of a file to `sink`, piece by piece.
    pub(crate) async fn content(
        &self,
        cx: &Context,
        id: &str,
        path: &str,
        mut sink: Sink,
    ) -> Result<(), Failure> {
        let Opened { service, .. } = self.opened()?;
        let content = service.open_content(&self.caller, &Self::parse(id)?, path.as_bytes()).await?;
        let what = format!("cannot read {path} of {id}");
        cx.blocking("Reading", move |_, cancel| {
            let mut reader = content.reader;
            let mut buffer = vec![0; 256 * 1024];
            loop {
                if cancel.is_cancelled() {
                    return Err(Failure::interrupted());
                }
                let length = reader.read(&mut buffer).map_err(|error| {
                    Failure::new(ErrorKind::Damaged, what.clone()).caused_by(Some(&error))
                })?;
                if length == 0 || !sink(&buffer[..length])? {
                    return Ok(());
                }
            }
        })
        .await
    }

    /// Where the file at `path` is now.
    pub(crate) async fn live_path(&self, path: &str) -> Option<PathBuf> {
        Some(self.workspace.root.join(path))
    }

    /// Every change from snapshot `a` to `b`, or to the files as they are.
    pub(crate) async fn diff(
        &self,
        _cx: &Context,
        a: &str,
        b: Option<&str>,
        paths: &[String],
    ) -> Result<ChangePage, Failure> {
        let Opened { service, .. } = self.opened()?;
        let against = match b {
            Some(b) => Against::Snapshot(Self::parse(b)?),
            None => Against::Live,
        };
        let options = DiffOptions { paths: paths.to_vec(), content: false };
        let mut request = PageRequest::first(PAGE);
        let mut all = Vec::new();
        let a = Self::parse(a)?;
        loop {
            let page = service.diff_snapshot(&self.caller, &a, &against, &options, &request).await?;
            let next = page.next.clone();
            let page = wire::changes(page);
            all.extend(page.changes);
            match next {
                Some(next) => request.cursor = Some(next),
                None => return Ok(ChangePage { changes: all, next: None, ..page }),
            }
        }
    }

    /// What a restore would do.
    pub(crate) async fn plan_restore(
        &self,
        _cx: &Context,
        id: &str,
        request: RestoreRequest,
    ) -> Result<RestorePlan, Failure> {
        let Opened { service, .. } = self.opened()?;
        Ok(wire::restore_plan(service.plan_restore(&self.caller, &Self::parse(id)?, request).await?))
    }

    /// Does what the plan says.
    pub(crate) async fn restore(
        &self,
        cx: &Context,
        plan: &RestorePlan,
        wait: u64,
    ) -> Result<Operation, Failure> {
        let Opened { service, .. } = self.opened()?;
        let (run, _shown) = run(cx, "Restoring", wait);
        Ok(wire::operation(service.restore_snapshot(&self.caller, &plan.plan_id, &run).await?))
    }

    /// Restores into an empty directory.
    pub(crate) async fn restore_to(
        &self,
        cx: &Context,
        id: &str,
        request: RestoreRequest,
        target: &Path,
    ) -> Result<RestoredTo, Failure> {
        let Opened { service, .. } = self.opened()?;
        let (run, _shown) = run(cx, "Restoring", 0);
        let report = service.restore_to(&self.caller, &Self::parse(id)?, request, target, &run).await?;
        Ok(RestoredTo::from(report))
    }

    /// Every operation that can be undone, newest first.
    pub(crate) async fn operations(&self) -> Result<OperationPage, Failure> {
        let Some(Opened { service, source }) = &self.opened else {
            return Ok(OperationPage { operations: Vec::new(), total: 0, next: None, message: None });
        };
        let page = service.list_operations(&self.caller, Some(&source.id), &PageRequest::first(100)).await?;
        Ok(wire::operations(page))
    }

    /// The operation that `undo` means when none is named.
    pub(crate) async fn last_operation(&self) -> Result<String, Failure> {
        super::last_done(&self.operations().await?)
    }

    /// What undoing would change, as far as the safety snapshot tells.
    pub(crate) async fn plan_undo(
        &self,
        cx: &Context,
        operation: &str,
        _force: bool,
    ) -> Result<RestorePlan, Failure> {
        let Opened { service, .. } = self.opened()?;
        let id = parse_operation(operation)?;
        let before = service.show_operation(&self.caller, &id).await?.snapshot;
        let before = before.ok_or_else(|| super::nothing_to_undo(operation))?;
        self.plan_restore(cx, before.as_str(), RestoreRequest::default()).await
    }

    /// Undoes an operation.
    pub(crate) async fn undo(
        &self,
        cx: &Context,
        operation: &str,
        force: bool,
        wait: u64,
    ) -> Result<Operation, Failure> {
        let Opened { service, .. } = self.opened()?;
        let (run, _shown) = run(cx, "Undoing", wait);
        let id = parse_operation(operation)?;
        Ok(wire::operation(Box::pin(service.undo_operation(&self.caller, &id, force, &run)).await?))
    }

    /// Plans an upgrade.
    pub(crate) async fn plan_upgrade(
        &self,
        cx: &Context,
        new: NewUpgradePlan,
    ) -> Result<UpgradePlan, Failure> {
        let Opened { service, source } = self.opened_or_created(cx).await?;
        let (run, _shown) = run(cx, "Planning", 0);
        let request = wire::upgrade_request(new);
        Ok(wire::upgrade_plan(service.plan_upgrade(&self.caller, &source.id, request, &run).await?))
    }

    /// Upgrades, or does what a plan says.
    pub(crate) async fn upgrade(
        &self,
        cx: &Context,
        new: NewUpgradePlan,
        plan: Option<&str>,
        on_event: OnUpgradeEvent,
        wait: u64,
    ) -> Result<UpgradeReport, Failure> {
        let Opened { service, source } = self.opened_or_created(cx).await?;
        // What the commands say is what there is to see.
        let run = Run {
            cancel: cx.cancel.clone(),
            wait: Duration::from_secs(wait),
            notices: cx.notices.clone(),
            ..Run::default()
        };
        let request = wire::upgrade_request(new);
        let watch = Watch::new(move |event| on_event(&wire::upgrade_event(event.clone())));
        let upgraded = service.upgrade_dependency(&self.caller, &source.id, request, plan, watch, &run);
        Ok(wire::upgrade_report(Box::pin(upgraded).await?))
    }

    /// What was saved before, or a place to save to. A command that was refused or killed may have left
    /// `.backstay` without one.
    async fn opened_or_created(&self, cx: &Context) -> Result<Opened, Failure> {
        let own = self.workspace.root.join(discover::OWN_DIRECTORY);
        let has_place = cx.globals.repository.is_some() || own.join("repository/config").is_file();
        if let Some(opened) = self.opened.as_ref().filter(|_| has_place) {
            return Ok(opened.clone());
        }
        let service = opening::service_created(cx, &self.workspace.root).await?;
        let name = opening::workspace_name(&self.workspace.root);
        let source = service.ensure_workspace(&self.caller, &self.workspace.root, &name).await?;
        Ok(Opened { service, source })
    }

    /// Deletes a snapshot.
    pub(crate) async fn delete(&self, id: &str, reason: &str) -> Result<(), Failure> {
        let Opened { service, .. } = self.opened()?;
        Ok(service.delete_snapshot(&self.caller, &Self::parse(id)?, reason).await?)
    }

    /// Pins or unpins.
    pub(crate) async fn set_pin(&self, id: &str, pinned: bool) -> Result<(), Failure> {
        let Opened { service, .. } = self.opened()?;
        let id = Self::parse(id)?;
        if pinned {
            service.pin_snapshot(&self.caller, &id).await?;
        } else {
            service.unpin_snapshot(&self.caller, &id).await?;
        }
        Ok(())
    }

    /// Places a hold.
    pub(crate) async fn hold(&self, id: &str, new: NewHold) -> Result<Hold, Failure> {
        let Opened { service, .. } = self.opened()?;
        Ok(wire::hold(service.hold_snapshot(&self.caller, &Self::parse(id)?, new).await?))
    }

    /// Releases a hold.
    pub(crate) async fn release_hold(&self, hold: &str) -> Result<(), Failure> {
        let Opened { service, .. } = self.opened()?;
        let hold = HoldId::parse(hold).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(service.release_hold(&self.caller, &hold).await?)
    }

    /// The holds of one snapshot, or of all that have any.
    pub(crate) async fn holds(&self, id: Option<&str>) -> Result<Vec<Hold>, Failure> {
        let ids = match id {
            Some(id) => vec![id.to_owned()],
            None if self.opened.is_none() => return Ok(Vec::new()),
            None => self.held().await?,
        };
        let Opened { service, .. } = self.opened()?;
        let mut holds = Vec::new();
        for id in ids {
            let page =
                service.list_holds(&self.caller, &Self::parse(&id)?, &PageRequest::first(PAGE)).await?;
            holds.extend(page.items.into_iter().map(wire::hold));
        }
        Ok(holds)
    }

    async fn held(&self) -> Result<Vec<String>, Failure> {
        let Opened { service, source } = self.opened()?;
        let filter = SnapshotFilter { source: Some(source.id.clone()), ..SnapshotFilter::default() };
        let mut request = PageRequest::first(PAGE);
        let mut ids = Vec::new();
        loop {
            let page = service.list_snapshots(&self.caller, &filter, &request).await?;
            ids.extend(page.items.iter().filter(|found| found.holds > 0).map(|found| found.id.to_string()));
            match page.next {
                Some(next) => request.cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }

    /// Applies retention.
    pub(crate) async fn prune(&self, rules: Rules, dry_run: bool) -> Result<PruneResult, Failure> {
        let Opened { service, source } = self.opened()?;
        Ok(wire::prune_result(service.prune_snapshots(&self.caller, &source.id, Some(rules), dry_run).await?))
    }

    /// Verifies snapshots.
    pub(crate) async fn verify(
        &self,
        cx: &Context,
        ids: &[String],
        depth: VerifyDepth,
        restore_test: bool,
    ) -> Result<VerifyReport, Failure> {
        let Opened { service, .. } = self.opened()?;
        let scope = VerifyScope::Snapshots(ids.iter().map(|id| Self::parse(id)).collect::<Result<_, _>>()?);
        let (run, _shown) = run(cx, "Verifying", 0);
        Ok(if restore_test {
            service.verify_and_test_restores(&self.caller, &scope, depth, &run).await?
        } else {
            service.verify_snapshots(&self.caller, &scope, depth, &run).await?
        })
    }

    /// Finishes or takes back an operation that was cut off.
    pub(crate) async fn recover(
        &self,
        cx: &Context,
        backward: bool,
        changing: Changing,
    ) -> Result<RecoverReport, Failure> {
        let Some(Opened { service, source }) = &self.opened else {
            // A first save may have been killed before there was anything but the directory.
            let own = self.workspace.root.join(discover::OWN_DIRECTORY);
            if own.is_dir() && !changing.dry_run {
                backstay_source_workspace::hide_from_git(&own)
                    .map_err(backstay_service::ServiceError::from)?;
            }
            return Ok(RecoverReport::default());
        };
        if changing.dry_run {
            return super::unfinished(&self.operations().await?);
        }
        let (run, _shown) = run(cx, "Recovering", changing.wait);
        Ok(service.recover(&self.caller, &source.id, backward, &run).await?)
    }

    /// How much is kept.
    pub(crate) async fn statistics(&self) -> Result<Statistics, Failure> {
        let Opened { service, source } = self.opened()?;
        Ok(wire::statistics(service.statistics(&self.caller, Some(&source.id)).await?))
    }
}

/// What accompanies a long use case, and what is shown meanwhile.
pub(crate) fn run(cx: &Context, verb: &'static str, wait: u64) -> (Run, Shown) {
    let shown = Shown::begin(&cx.globals, &cx.output, verb);
    let run = Run {
        progress: Arc::clone(&shown.receiver()),
        cancel: cx.cancel.clone(),
        wait: Duration::from_secs(wait),
        notices: cx.notices.clone(),
    };
    (run, shown)
}

fn parse_operation(text: &str) -> Result<OperationId, Failure> {
    OperationId::parse(text).map_err(|error| Failure::usage(error.to_string()))
}
