//! One capture, step by step. The use cases that take snapshots (save, safety, group) put these steps together.
//!
//! 1. [`Service::begin_capture`]: a row `creating` with a lease, and its event.
//! 2. [`Service::capture_content`]: the content, durable in the repository, while the lease is kept alive.
//! 3. [`Service::commit_capture`]: the commit point, `ready`.
//!
//! After an error in 2, [`Service::fail_capture`] closes the row with the reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backstay_catalog::{HoldRow, NewSnapshot as NewRow, SnapshotContent, SnapshotRow, SourceRow, Tx};
use backstay_model::{
    Caller, ErrorKind, HoldId, Kind, OperationId, Outcome, SnapshotId, SnapshotState, Subject, Timestamp,
    Trigger,
};
use backstay_repository::{Manifest, ManifestId, Receipt, Repository, WriterOptions};
use backstay_source::CaptureContext;
use backstay_source_workspace::{CaptureOptions, ExcludeOptions, Selection, WorkspaceError, WorkspaceLock};
use serde_json::json;

use super::view::{counts, scope_of, shown_bytes};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::view::NewSnapshot;

/// How long one try to get a lock takes, between looks at whether the work was cancelled.
const LOCK_TURN: Duration = Duration::from_millis(200);

/// Among how many of the newest snapshots a whole one is looked for, to compare with.
const MOST_PARENTS: u32 = 20;

/// What a capture is part of, and who keeps it alive.
#[derive(Debug, Clone)]
pub(crate) struct CaptureOf {
    /// The snapshot.
    pub(crate) id: SnapshotId,
    /// Why it is taken.
    pub(crate) trigger: Trigger,
    /// The operation that takes it.
    pub(crate) operation: Option<OperationId>,
    /// The group capture that it is a member of.
    pub(crate) group: Option<String>,
    /// Who holds the lease: a process, or a task.
    pub(crate) owner: String,
    /// For how many seconds.
    pub(crate) lease_seconds: i64,
}

impl Service {
    /// A capture by this process for a person who waits for it.
    pub(crate) fn capture_here(&self, trigger: Trigger) -> CaptureOf {
        CaptureOf {
            id: SnapshotId::generate(self.now(), &**self.rng()),
            trigger,
            operation: None,
            group: None,
            owner: self.instance().to_owned(),
            lease_seconds: self.settings().lease_seconds,
        }
    }

    /// The directory of a workspace of this host, after a look at whether it is still the one that was registered.
    pub(crate) fn workspace_root(&self, source: &SourceRow) -> Result<PathBuf> {
        let root = match (&source.root, source.kind) {
            (Some(root), Kind::Workspace) => PathBuf::from(root),
            _ => return Err(ServiceError::conflict(format!("`{}` is no workspace", source.name))),
        };
        if source.host != self.settings().host {
            return Err(ServiceError::conflict(format!("Workspace lives on host {}", source.host)));
        }
        Ok(root)
    }

    /// Takes the lock of a workspace, waiting as long as the run allows and is not cancelled.
    pub(crate) async fn lock_workspace(
        &self,
        root: &Path,
        operation: &'static str,
        run: &Run,
    ) -> Result<Arc<WorkspaceLock>> {
        let (root, clock, run) = (root.to_owned(), self.clock().clone(), run.clone());
        blocking("lock the workspace", move || {
            check_root(&root)?;
            let mut left = run.wait;
            loop {
                let turn = left.min(LOCK_TURN);
                match WorkspaceLock::acquire(&root, operation, &*clock, turn) {
                    Ok(lock) => return Ok(Arc::new(lock)),
                    Err(WorkspaceError::Busy { .. }) if left > turn => run.cancel.check()?,
                    Err(error) => return Err(error.into()),
                }
                left -= turn;
            }
        })
        .await
    }

    /// Step 1 in a transaction of its caller: the row and its event.
    pub(crate) async fn begin_capture_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        of: &CaptureOf,
        new: &NewSnapshot,
    ) -> Result<SnapshotRow> {
        let now = self.now();
        // One that holds everything tells of more files that they need not be read.
        let newest = tx.newest_ready(&source.id, MOST_PARENTS).await?;
        let whole = newest.iter().find(|row| scope_of(row).is_empty());
        let parent = whole.or(newest.first()).map(|parent| parent.id.clone());
        let row = NewRow {
            id: of.id.clone(),
            created_at: now,
            tenant: source.tenant.clone(),
            source: source.id.clone(),
            kind: source.kind,
            trigger: of.trigger,
            name: None,
            label: Some(new.label.clone()).filter(|label| !label.is_empty()),
            description: Some(new.description.clone()).filter(|text| !text.is_empty()),
            parent,
            group: of.group.clone(),
            operation: of.operation.clone(),
            attributes: json!({}),
            created_by: caller.actor.clone(),
            lease_owner: of.owner.clone(),
            lease_expires_at: now.plus_seconds(of.lease_seconds),
        };
        let row = tx.insert_snapshot(&row).await?;
        let event = self.event(caller, "snapshot.started", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "trigger": row.trigger, "label": row.label, "source_name": source.name,
        })));
        Ok(row)
    }

    /// Step 1 alone.
    pub(crate) async fn begin_capture(
        &self,
        caller: &Caller,
        source: &SourceRow,
        of: &CaptureOf,
        new: &NewSnapshot,
    ) -> Result<SnapshotRow> {
        let mut tx = self.begin().await?;
        let row = self.begin_capture_in(&mut tx, caller, source, of, new).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Step 2: streams the workspace into the repository and makes it durable there.
    ///
    /// The caller holds the lock of the workspace. A lease that is lost meanwhile cancels the capture.
    pub(crate) async fn capture_content(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &SnapshotRow,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<Receipt> {
        self.capture_tree(caller, source, self.workspace_root(source)?, row, new, run).await
    }

    /// Step 2 for a tree that lies elsewhere: a copy of the workspace.
    async fn capture_tree(
        &self,
        caller: &Caller,
        source: &SourceRow,
        root: PathBuf,
        row: &SnapshotRow,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<Receipt> {
        let parent = match &row.parent {
            Some(parent) => self.read().await?.snapshot(parent).await?.and_then(|parent| parent.manifest_id),
            None => None,
        };
        let work = CaptureWork {
            options: capture_options(new, self.repository_directory().cloned())?,
            root,
            parent: parent.and_then(|id| ManifestId::parse(&id).ok()),
            manifest: ManifestStart {
                row: row.clone(),
                source_name: source.name.clone(),
                host: self.settings().host.clone(),
                actor: caller.actor.name.clone(),
            },
            clock: self.clock().clone(),
            run: run.clone(),
        };
        let lazy = self.lazy_repository().clone();
        let captured = blocking("capture the workspace", move || work.run(&lazy.get()?));
        self.keep_lease(row, run, captured).await
    }

    /// Runs `work` and meanwhile says, again and again, that the capture is alive.
    pub(crate) async fn keep_lease<T>(
        &self,
        row: &SnapshotRow,
        run: &Run,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let owner = row.lease_owner.as_deref().unwrap_or_default();
        let lease_s = row.lease_expires_at.map_or(60.0, |until| until.seconds_since(row.created_at)).max(3.0);
        let mut ticks = tokio::time::interval(Duration::from_secs_f64((lease_s / 3.0).min(20.0)));
        ticks.tick().await;
        tokio::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                _ = ticks.tick() => {
                    if let Err(error) = self.extend_lease(&row.id, owner, lease_s as i64).await {
                        if error.kind == ErrorKind::Conflict {
                            run.cancel.cancel();
                        }
                        tracing::warn!(snapshot.id = %row.id, %error, "the lease of a capture could not be kept");
                    }
                }
            }
        }
    }

    /// Says that the capture of `id` is alive for so many seconds more.
    pub(crate) async fn extend_lease(&self, id: &SnapshotId, owner: &str, seconds: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.extend_capture(id, owner, self.now().plus_seconds(seconds)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Step 3 in a transaction of its caller: `ready`, the pin when one was asked for, and the event.
    pub(crate) async fn finish_capture_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &SnapshotRow,
        receipt: &Receipt,
        pin: bool,
    ) -> Result<SnapshotRow> {
        let now = self.now();
        let owner = row.lease_owner.as_deref().unwrap_or_default();
        let ready = tx.ready_snapshot(&row.id, owner, &content_of(receipt), now).await?;
        if pin {
            tx.insert_hold(&self.pin_row(caller, &row.id, now)).await?;
        }
        let event = self.event(caller, "snapshot.created", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&ready.tenant, ready.kind, &ready.source).with(json!({
            "name": ready.label.as_deref().unwrap_or(row.id.as_str()),
            "trigger": ready.trigger,
            "size_bytes": shown_bytes(&ready),
            "added_bytes": ready.stored_bytes,
            "partial": ready.partial,
            "warnings": ready.warning_count,
            "pinned": pin,
        })));
        Ok(SnapshotRow { pinned: pin, ..ready })
    }

    /// Step 3 alone: **the commit point**.
    pub(crate) async fn commit_capture(
        &self,
        caller: &Caller,
        row: &SnapshotRow,
        receipt: &Receipt,
        pin: bool,
    ) -> Result<SnapshotRow> {
        let mut tx = self.begin().await?;
        let ready = self.finish_capture_in(&mut tx, caller, row, receipt, pin).await?;
        tx.commit().await?;
        Ok(ready)
    }

    /// Closes a capture that did not finish. What cannot be noted now is noted when the lease has run out.
    pub(crate) async fn fail_capture(&self, caller: &Caller, row: &SnapshotRow, cause: &ServiceError) {
        let noted = async {
            let mut tx = self.begin().await?;
            self.fail_capture_in(&mut tx, caller, row, &cause.message).await?;
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(snapshot.id = %row.id, %error, "a failed capture could not be closed");
        }
    }

    /// The same in a transaction of its caller.
    pub(crate) async fn fail_capture_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &SnapshotRow,
        reason: &str,
    ) -> Result<()> {
        tx.fail_snapshot(&row.id, reason, self.now()).await?;
        let event = self.event(caller, "snapshot.failed", Subject::new("snapshot", &row.id));
        let event = event.of_source(&row.tenant, row.kind, &row.source).ended(Outcome::Failed);
        tx.record(event.with(json!({"reason": reason, "trigger": row.trigger})));
        Ok(())
    }

    /// Steps 2 and 3, or the closing of the row.
    pub(crate) async fn complete_capture(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &SnapshotRow,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<SnapshotRow> {
        self.complete_capture_of(caller, source, self.workspace_root(source)?, row, new, run).await
    }

    /// The same for a tree that lies elsewhere: a copy of the workspace.
    pub(crate) async fn complete_capture_of(
        &self,
        caller: &Caller,
        source: &SourceRow,
        root: PathBuf,
        row: &SnapshotRow,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<SnapshotRow> {
        let captured = async {
            let receipt = self.capture_tree(caller, source, root, row, new, run).await?;
            self.commit_capture(caller, row, &receipt, new.pin).await
        };
        match captured.await {
            Ok(ready) => Ok(ready),
            Err(error) => {
                self.fail_capture(caller, row, &error).await;
                Err(error)
            }
        }
    }

    pub(crate) fn pin_row(&self, caller: &Caller, snapshot: &SnapshotId, now: Timestamp) -> HoldRow {
        HoldRow {
            id: HoldId::generate(now, &**self.rng()),
            snapshot: snapshot.clone(),
            reason: "pinned".to_owned(),
            until: None,
            pin: true,
            created_at: now,
            created_by: caller.actor.clone(),
        }
    }

    /// Whether the row is one of a capture that still runs, or waits to run, under `owner`.
    pub(crate) fn is_creating(row: &SnapshotRow) -> bool {
        row.state == SnapshotState::Creating
    }
}

/// Checks what a person may ask a capture for.
pub(crate) fn check_new_snapshot(new: &NewSnapshot) -> Result<()> {
    let mut fields = Fields::default();
    fields.line("label", &new.label, 200);
    fields.text("description", &new.description, 2000);
    fields.check(new.paths.len() <= 1000, "paths", "it takes at most 1000");
    fields.check(new.excludes.len() <= 1000, "excludes", "it takes at most 1000");
    let short = |text: &String| (1..=4096).contains(&text.len()) && !text.contains('\0');
    fields.check(new.paths.iter().all(short), "paths", "each takes 1 to 4096 bytes");
    fields.check(new.excludes.iter().all(short), "excludes", "each takes 1 to 4096 bytes");
    fields.finish()?;
    Selection::of_paths(&new.paths)?;
    Ok(())
}

fn capture_options(new: &NewSnapshot, repository: Option<PathBuf>) -> Result<CaptureOptions> {
    Ok(CaptureOptions {
        selection: Selection::of_paths(&new.paths)?,
        excludes: ExcludeOptions {
            patterns: new.excludes.clone(),
            respect_gitignore: new.respect_gitignore,
            with_git: new.with_git,
            cross_mounts: new.cross_mounts,
        },
        repository,
        allow_unreadable: new.allow_unreadable,
        allow_missing: new.allow_missing,
        strict: new.strict,
    })
}

/// The root must still be the directory that was registered: not moved, not replaced by a link that leads elsewhere.
fn check_root(root: &Path) -> Result<()> {
    match root.canonicalize() {
        Ok(resolved) if resolved == root && root.is_dir() => Ok(()),
        Ok(_) => Err(ServiceError::conflict(format!(
            "{} is not the directory that was registered",
            root.display()
        ))),
        Err(error) => Err(ServiceError::conflict(format!("{} is not there", root.display())).because(error)),
    }
}

/// Everything that a blocking thread needs to capture.
struct CaptureWork {
    root: PathBuf,
    options: CaptureOptions,
    parent: Option<ManifestId>,
    manifest: ManifestStart,
    clock: Arc<dyn backstay_model::Clock>,
    run: Run,
}

struct ManifestStart {
    row: SnapshotRow,
    source_name: String,
    host: String,
    actor: String,
}

impl CaptureWork {
    fn run(self, repository: &Repository) -> Result<Receipt> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let writer = repository.writer(WriterOptions {
            parent: self.parent,
            threads,
            progress: self.run.progress.clone(),
            cancel: self.run.cancel.clone(),
            ..WriterOptions::default()
        })?;
        let context = CaptureContext {
            clock: self.clock,
            progress: self.run.progress,
            cancel: self.run.cancel,
            threads,
        };
        let mut captured = backstay_source_workspace::capture(&self.root, &context, &self.options, &writer)?;
        // What a rebuilt catalog has to know besides.
        let more = [
            ("root", self.root.to_str().map(str::to_owned)),
            ("group", self.manifest.row.group.clone()),
            ("operation", self.manifest.row.operation.as_ref().map(ToString::to_string)),
        ];
        for (name, value) in more {
            captured.attributes.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let ManifestStart { row, source_name, host, actor } = self.manifest;
        let manifest = Manifest {
            snapshot: row.id,
            source: row.source,
            source_name,
            kind: row.kind,
            tenant: row.tenant,
            created_at: row.created_at,
            trigger: row.trigger,
            label: row.label,
            description: row.description,
            host,
            actor,
            parent: row.parent,
            root: captured.root,
            counts: captured.counts,
            logical_bytes: captured.logical_bytes,
            new_bytes: 0,
            stored_bytes: 0,
            partial: captured.partial,
            attributes: captured.attributes,
            warnings: captured.warnings,
        };
        context.cancel.check()?;
        Ok(writer.finish(manifest)?)
    }
}

/// What the catalog keeps of a manifest.
pub(crate) fn content_of(receipt: &Receipt) -> SnapshotContent {
    stored_content(&receipt.id, &receipt.manifest)
}

/// The same for any manifest.
pub(crate) fn stored_content(id: &ManifestId, manifest: &Manifest) -> SnapshotContent {
    SnapshotContent {
        manifest_id: id.to_string(),
        tree_id: Some(manifest.root.id().to_string()),
        logical_bytes: manifest.logical_bytes,
        added_bytes: manifest.new_bytes,
        stored_bytes: manifest.stored_bytes,
        counts: serde_json::to_value(counts(manifest.counts)).expect("numbers can be written as JSON"),
        warning_count: manifest.warnings.len() as u64,
        warnings: serde_json::to_value(&manifest.warnings).expect("texts can be written as JSON"),
        partial: manifest.partial,
        attributes: Some(
            serde_json::to_value(&manifest.attributes).expect("JSON values can be written as JSON"),
        ),
    }
}
