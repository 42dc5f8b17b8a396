//! Works on a workspace of a server, over its API.

#![expect(clippy::unused_async, reason = "the same calls reach both backends")]

mod content;
mod declared;
mod dependencies;
pub(crate) mod group;
mod restore_to;
pub(crate) mod select;
pub(crate) mod task;
mod upgrade;

use std::path::{Path, PathBuf};

use backstay_api::change::{Change, ChangePage, ChangeSummary, DiffQuery};
use backstay_api::entry::{Entry, EntryPage, EntryQuery};
use backstay_api::hold::{Hold, HoldQuery};
use backstay_api::operation::{Operation, OperationPage, OperationQuery, UndoRequest};
use backstay_api::prune::{PruneRequest, PruneResult, RetentionRules};
use backstay_api::restore::{NewRestorePlan, RecoverRequest, RestorePlan};
use backstay_api::snapshot::{Snapshot, SnapshotPage, SnapshotQuery, StateOrAll};
use backstay_api::statistics::{Statistics, StatisticsQuery};
use backstay_api::verify::{VerifyDepth as WireDepth, VerifyRequest};
use backstay_api::workspace::Workspace;
use backstay_client::Client;
use backstay_model::retention::Rules;
use backstay_model::{ErrorKind, SnapshotState, Trigger};
use backstay_service::view::{
    NewHold, NewSnapshot, RecoverReport, RestoreRequest, VerifyDepth, VerifyReport,
};
use tokio::sync::OnceCell;

use crate::args::Changing;
use crate::context::Context;
use crate::discover;
use crate::failure::Failure;
use crate::inside;

/// The most items that one page of any list of the API holds.
const PAGE: u32 = 500;

/// A server, and the workspace on it that the command means.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
    cx: Context,
    workspace: OnceCell<Workspace>,
}

impl Remote {
    /// A client of the server at `url`. Nothing is sent yet.
    pub(crate) async fn open(cx: &Context, url: &str) -> Result<Self, Failure> {
        Ok(Self { client: select::client(cx, url)?, cx: cx.clone(), workspace: OnceCell::new() })
    }

    /// The client whose work waits for a lock as `--wait` says.
    fn patient(&self, wait: u64) -> Client {
        self.client.waiting_for_locks(u32::try_from(wait).unwrap_or(u32::MAX))
    }

    /// The workspace that the command means.
    async fn workspace(&self) -> Result<&Workspace, Failure> {
        self.workspace.get_or_try_init(|| select::workspace(&self.client, &self.cx)).await
    }

    /// The server's workspace as one that paths are named in: relative to where the command stands when it is the same
    /// directory, else to its root.
    async fn place(&self) -> Result<discover::Workspace, Failure> {
        let root = PathBuf::from(&self.workspace().await?.root);
        let here = self.cx.workspace().ok().filter(|here| here.root == root);
        Ok(here.unwrap_or(discover::Workspace { root, prefix: PathBuf::new(), found: discover::Found::Here }))
    }

    /// Named paths relative to the root; empty for everything.
    pub(crate) async fn scope(&self, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        inside::scope(&self.place().await?, paths)?.iter().map(|path| super::text(path)).collect()
    }

    /// One path relative to the root.
    pub(crate) async fn one_path(&self, path: &Path) -> Result<String, Failure> {
        super::text(&inside::relative(&self.place().await?, path)?)
    }

    /// The full id that `text` means.
    pub(crate) async fn resolve(&self, text: &str) -> Result<String, Failure> {
        select::snapshot(self, text).await
    }

    /// The newest ready snapshot.
    pub(crate) async fn latest(&self) -> Result<Option<String>, Failure> {
        match self.resolve("latest").await {
            Ok(id) => Ok(Some(id)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Captures on the server's machine.
    pub(crate) async fn save(&self, cx: &Context, new: NewSnapshot, wait: u64) -> Result<Snapshot, Failure> {
        let request = backstay_api::snapshot::NewSnapshot {
            label: new.label,
            description: new.description,
            paths: new.paths,
            excludes: new.excludes,
            pin: new.pin,
            respect_gitignore: new.respect_gitignore,
            with_git: new.with_git,
            cross_mounts: new.cross_mounts,
            allow_unreadable: new.allow_unreadable,
            strict: new.strict,
        };
        let client = self.patient(wait);
        let accepted = client.create_snapshot(&self.workspace().await?.id, &request, 0).await?;
        task::finish(&self.client, cx, "Saving", &accepted.task_id).await?;
        Ok(self.client.get_snapshot(&accepted.id).await?)
    }

    async fn query(&self) -> Result<SnapshotQuery, Failure> {
        let source = Some(self.workspace().await?.id.clone());
        Ok(SnapshotQuery { source, limit: Some(PAGE), ..SnapshotQuery::default() })
    }

    /// A page of snapshots, newest first; `all` adds undo points, failed and deleted ones.
    pub(crate) async fn list(&self, limit: u32, offset: u64, all: bool) -> Result<SnapshotPage, Failure> {
        let mut query = self.query().await?;
        if all {
            query.state = Some(StateOrAll::All);
            return self.pages(query, limit, offset).await;
        }
        query.state = Some(StateOrAll::One(SnapshotState::Ready));
        let undo_points = SnapshotQuery { trigger: Some(Trigger::Safety), limit: Some(1), ..query.clone() };
        let undo_points = self.client.list_snapshots(&undo_points).await?.total;
        let (mut snapshots, mut skip) = (Vec::new(), offset);
        loop {
            let page = self.client.list_snapshots(&query).await?;
            for snapshot in page.snapshots.into_iter().filter(|snapshot| snapshot.trigger != Trigger::Safety)
            {
                if skip > 0 {
                    skip -= 1;
                } else if snapshots.len() < limit as usize {
                    snapshots.push(snapshot);
                }
            }
            let enough = snapshots.len() == limit as usize;
            let Some(next) = page.next.filter(|_| !enough) else {
                let total = page.total.saturating_sub(undo_points);
                return Ok(SnapshotPage { snapshots, total, next: None, message: None });
            };
            query.cursor = Some(next);
        }
    }

    /// `limit` snapshots after the first `offset`, in as many pages as it takes.
    async fn pages(
        &self,
        mut query: SnapshotQuery,
        limit: u32,
        offset: u64,
    ) -> Result<SnapshotPage, Failure> {
        query.limit = Some(limit.min(PAGE));
        query.offset = Some(u32::try_from(offset).unwrap_or(u32::MAX).min(1_000_000_000));
        let mut all = self.client.list_snapshots(&query).await?;
        while let Some(next) = all.next.take().filter(|_| all.snapshots.len() < limit as usize) {
            query.offset = None;
            query.limit = Some((limit - all.snapshots.len() as u32).min(PAGE));
            query.cursor = Some(next);
            let page = self.client.list_snapshots(&query).await?;
            all.snapshots.extend(page.snapshots);
            all.next = page.next;
        }
        Ok(all)
    }

    /// The ids of every ready snapshot, undo points too.
    pub(crate) async fn all_ready(&self) -> Result<Vec<String>, Failure> {
        let mut query =
            SnapshotQuery { state: Some(StateOrAll::One(SnapshotState::Ready)), ..self.query().await? };
        let mut ids = Vec::new();
        loop {
            let page = self.client.list_snapshots(&query).await?;
            ids.extend(page.snapshots.into_iter().map(|snapshot| snapshot.id));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }

    /// One snapshot with its warnings.
    pub(crate) async fn show(&self, id: &str) -> Result<Snapshot, Failure> {
        Ok(self.client.get_snapshot(id).await?)
    }

    /// A page of entries below `path`.
    pub(crate) async fn entries(
        &self,
        id: &str,
        path: &str,
        recursive: bool,
        cursor: Option<String>,
    ) -> Result<EntryPage, Failure> {
        let query = EntryQuery {
            path: Some(path.to_owned()).filter(|path| !path.is_empty()),
            recursive: recursive.then_some(true),
            limit: Some(PAGE),
            offset: None,
            cursor,
        };
        Ok(self.client.list_entries(id, &query).await?)
    }

    /// The entry at `path`, found in the list of its directory.
    pub(crate) async fn entry(&self, id: &str, path: &str) -> Result<Entry, Failure> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut cursor = None;
        loop {
            let page = self.entries(id, parent, false, cursor).await?;
            if let Some(entry) = page.entries.into_iter().find(|entry| entry.path == path) {
                return Ok(entry);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Err(Failure::new(ErrorKind::NotFound, format!("{path} is not in {id}"))
                    .hint(format!("`backstay show {id} --files` lists what is")));
            }
        }
    }

    /// Where the file at `path` is now: on the server's machine.
    pub(crate) async fn live_path(&self, _path: &str) -> Option<PathBuf> {
        None
    }

    /// Every change from snapshot `a` to `b`, or to the files as they are.
    pub(crate) async fn diff(
        &self,
        _cx: &Context,
        a: &str,
        b: Option<&str>,
        paths: &[String],
    ) -> Result<ChangePage, Failure> {
        let mut all: Vec<Change> = Vec::new();
        let mut summary = ChangeSummary::default();
        let paths: Vec<_> =
            if paths.is_empty() { vec![None] } else { paths.iter().cloned().map(Some).collect() };
        for path in paths {
            let mut query = DiffQuery {
                against: Some(b.unwrap_or("live").to_owned()),
                path,
                limit: Some(PAGE),
                ..DiffQuery::default()
            };
            loop {
                let page = self.client.diff_snapshot(a, &query).await?;
                if query.cursor.is_none() {
                    add(&mut summary, &page.summary);
                }
                all.extend(page.changes);
                match page.next {
                    Some(next) => query.cursor = Some(next),
                    None => break,
                }
            }
        }
        let total = all.len() as u64;
        Ok(ChangePage { changes: all, summary, total, next: None })
    }

    /// What a restore would do.
    pub(crate) async fn plan_restore(
        &self,
        _cx: &Context,
        id: &str,
        request: RestoreRequest,
    ) -> Result<RestorePlan, Failure> {
        let new = NewRestorePlan { paths: request.paths, keep_new: request.keep_new };
        Ok(self.client.plan_restore(id, &new).await?)
    }

    /// Does what the plan says.
    pub(crate) async fn restore(
        &self,
        cx: &Context,
        plan: &RestorePlan,
        wait: u64,
    ) -> Result<Operation, Failure> {
        let accepted = self.patient(wait).restore(&plan.workspace_id, &plan.plan_id, 0).await?;
        task::finish(&self.client, cx, "Restoring", &accepted.task_id).await?;
        Ok(self.client.get_operation(&accepted.operation_id).await?)
    }

    /// Every operation that can be undone, newest first.
    pub(crate) async fn operations(&self) -> Result<OperationPage, Failure> {
        let query = OperationQuery { limit: Some(100), ..OperationQuery::default() };
        Ok(self.client.list_operations(&self.workspace().await?.id, &query).await?)
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
        let before = self.client.get_operation(operation).await?.snapshot_id;
        let before = before.ok_or_else(|| super::nothing_to_undo(operation))?;
        self.plan_restore(cx, &before, RestoreRequest::default()).await
    }

    /// Undoes an operation.
    pub(crate) async fn undo(
        &self,
        cx: &Context,
        operation: &str,
        force: bool,
        wait: u64,
    ) -> Result<Operation, Failure> {
        let accepted = self.patient(wait).undo_operation(operation, &UndoRequest { force }, 0).await?;
        task::finish(&self.client, cx, "Undoing", &accepted.task_id).await?;
        Ok(self.client.get_operation(&accepted.operation_id).await?)
    }

    /// Deletes a snapshot.
    pub(crate) async fn delete(&self, id: &str, reason: &str) -> Result<(), Failure> {
        Ok(self.client.delete_snapshot(id, reason).await?)
    }

    /// Pins or unpins.
    pub(crate) async fn set_pin(&self, id: &str, pinned: bool) -> Result<(), Failure> {
        if pinned {
            self.client.pin_snapshot(id).await?;
        } else {
            self.client.unpin_snapshot(id).await?;
        }
        Ok(())
    }

    /// Places a hold.
    pub(crate) async fn hold(&self, id: &str, new: NewHold) -> Result<Hold, Failure> {
        let new = backstay_api::hold::NewHold { reason: new.reason, expires_at: new.expires_at };
        Ok(self.client.create_hold(id, &new).await?)
    }

    /// Releases a hold.
    pub(crate) async fn release_hold(&self, hold: &str) -> Result<(), Failure> {
        Ok(self.client.release_hold(hold).await?)
    }

    /// The holds of one snapshot, or of all that have any.
    pub(crate) async fn holds(&self, id: Option<&str>) -> Result<Vec<Hold>, Failure> {
        let ids = if let Some(id) = id {
            vec![id.to_owned()]
        } else {
            let page = self.client.list_snapshots(&self.query().await?).await?;
            page.snapshots.into_iter().filter(|found| found.holds > 0).map(|found| found.id).collect()
        };
        let mut holds = Vec::new();
        for id in ids {
            let query = HoldQuery { limit: Some(PAGE), ..HoldQuery::default() };
            holds.extend(self.client.list_holds(&id, &query).await?.holds);
        }
        Ok(holds)
    }

    /// Applies retention.
    pub(crate) async fn prune(&self, rules: Rules, dry_run: bool) -> Result<PruneResult, Failure> {
        let rules = RetentionRules {
            keep_last: Some(rules.keep_last),
            keep_hourly: Some(rules.keep_hourly),
            keep_daily: Some(rules.keep_daily),
            keep_weekly: Some(rules.keep_weekly),
            keep_monthly: Some(rules.keep_monthly),
            keep_yearly: Some(rules.keep_yearly),
            keep_undo: Some(rules.keep_undo),
            keep_within: rules.keep_within.map(|within| within.to_string()),
        };
        let request = PruneRequest { rules: Some(rules), dry_run };
        Ok(self.client.prune_workspace(&self.workspace().await?.id, &request).await?)
    }

    /// Verifies snapshots.
    pub(crate) async fn verify(
        &self,
        cx: &Context,
        ids: &[String],
        depth: VerifyDepth,
        restore_test: bool,
    ) -> Result<VerifyReport, Failure> {
        let (depth, sample_percent) = match depth {
            VerifyDepth::Structure => (WireDepth::Structure, None),
            VerifyDepth::Sample(percent) => (WireDepth::Sample, Some(percent)),
            VerifyDepth::Full => (WireDepth::Full, None),
        };
        let request = VerifyRequest { depth, sample_percent, restore_test };
        let mut all = VerifyReport { healthy: true, ..VerifyReport::default() };
        for id in ids {
            let accepted = self.client.verify_snapshot(id, &request, 0).await?;
            let done = task::finish(&self.client, cx, "Verifying", &accepted.task_id).await?;
            let report: VerifyReport = task::report(done)?;
            all.healthy &= report.healthy;
            all.snapshots += report.snapshots;
            all.chunks += report.chunks;
            all.bytes_read += report.bytes_read;
            all.damage.extend(report.damage);
            all.restore_tests.extend(report.restore_tests);
        }
        Ok(all)
    }

    /// Finishes or takes back an operation that was cut off.
    pub(crate) async fn recover(
        &self,
        cx: &Context,
        backward: bool,
        changing: Changing,
    ) -> Result<RecoverReport, Failure> {
        if changing.dry_run {
            return super::unfinished(&self.operations().await?);
        }
        let client = self.patient(changing.wait);
        let request = RecoverRequest { backward };
        let accepted = client.recover_workspace(&self.workspace().await?.id, &request, 0).await?;
        task::report(task::finish(&self.client, cx, "Recovering", &accepted.task_id).await?)
    }

    /// How much is kept.
    pub(crate) async fn statistics(&self) -> Result<Statistics, Failure> {
        let query = StatisticsQuery { source: Some(self.workspace().await?.id.clone()) };
        Ok(self.client.statistics(&query).await?)
    }
}

fn add(sum: &mut ChangeSummary, part: &ChangeSummary) {
    sum.added += part.added;
    sum.modified += part.modified;
    sum.deleted += part.deleted;
    sum.bytes += part.bytes;
}
