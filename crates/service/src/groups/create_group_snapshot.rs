//! Captures every member of a group, all ready or none.

use std::sync::Arc;

use backstay_catalog::{SnapshotRow, SourceRow};
use backstay_model::{Action, Caller, SnapshotId, SourceId, TaskId, Trigger};
use backstay_repository::Receipt;
use backstay_source_workspace::WorkspaceLock;
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::hooks::{Hook, Hooks};
use crate::run::Run;
use crate::service::Service;
use crate::snapshots::{CaptureOf, check_new_snapshot};
use crate::tasks::Work;
use crate::view::{Group, GroupSnapshot, NewSnapshot};

/// How long the rows of a queued capture wait for their worker, in seconds.
const QUEUED_LEASE_S: i64 = 24 * 3600;

/// A member of a group whose workspace is locked.
pub(super) struct LockedMember {
    pub(super) source: SourceRow,
    pub(super) lock: Arc<WorkspaceLock>,
    pub(super) hooks: Hooks,
}

impl Service {
    /// Locks the members in sorted order, captures them under all locks, and makes all ready in one transaction (**the commit
    /// point**), or none.
    pub async fn create_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        label: &str,
        run: &Run,
    ) -> Result<GroupSnapshot> {
        let group = self.permitted_group(caller, group, Action::Capture).await?;
        let new = member_snapshot(label)?;
        let members = self.lock_members(caller, &group.members, Action::Capture, "group save", run).await?;
        self.run_before_hooks(caller, &members, Hook::BeforeSave, run).await?;

        let group_snapshot = self.new_group_snapshot_id();
        let mut tx = self.begin().await?;
        let mut rows = Vec::with_capacity(members.len());
        for member in &members {
            let of = self.member_capture(&group_snapshot, None);
            rows.push(self.begin_capture_in(&mut tx, caller, &member.source, &of, &new).await?);
        }
        tx.commit().await?;
        self.capture_members(caller, &members, &rows, &new, run).await?;
        self.run_after_save_hooks(caller, members, &rows, run).await;
        Ok(GroupSnapshot {
            group_snapshot,
            snapshots: rows.into_iter().map(|row| row.id).collect(),
            task: None,
        })
    }

    /// Queues the same for a worker. The snapshots exist at once, in state `creating`.
    pub async fn queue_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        label: &str,
    ) -> Result<GroupSnapshot> {
        let group = self.permitted_group(caller, group, Action::Capture).await?;
        let new = member_snapshot(label)?;
        let sources = self.member_sources(caller, &group, Action::Capture).await?;
        let id = TaskId::generate(self.now(), &**self.rng());
        let group_snapshot = self.new_group_snapshot_id();
        let captures: Vec<CaptureOf> =
            sources.iter().map(|_| self.member_capture(&group_snapshot, Some(&id))).collect();
        let snapshots: Vec<SnapshotId> = captures.iter().map(|of| of.id.clone()).collect();
        let work = Work::GroupCapture {
            group: group.id.clone(),
            group_snapshot: group_snapshot.clone(),
            snapshots: snapshots.clone(),
            label: label.to_owned(),
        };
        let payload = self.payload(group.id.clone(), caller, work);
        let queued = self.new_task(id, None, &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row();
        for (source, of) in sources.iter().zip(&captures) {
            self.begin_capture_in(&mut tx, caller, source, of, &new).await?;
        }
        tx.commit().await?;
        Ok(GroupSnapshot { group_snapshot, snapshots, task: Some(task.id) })
    }

    /// What a worker does with [`Work::GroupCapture`].
    pub(crate) async fn run_group_capture(
        &self,
        caller: &Caller,
        task: &TaskId,
        group: &str,
        label: &str,
        snapshots: &[SnapshotId],
        run: &Run,
    ) -> Result<serde_json::Value> {
        let group = self.permitted_group(caller, group, Action::Capture).await?;
        let new = member_snapshot(label)?;
        let mut rows = Vec::with_capacity(snapshots.len());
        for id in snapshots {
            let row =
                self.read().await?.snapshot(id).await?.ok_or_else(|| ServiceError::not_found("Snapshot"))?;
            rows.push(row);
        }
        // The worker before this one died after the commit point.
        if rows.iter().any(|row| row.state == backstay_model::SnapshotState::Ready) {
            return Ok(json!({"snapshot_ids": snapshots}));
        }
        for id in snapshots {
            self.extend_lease(id, task.as_str(), QUEUED_LEASE_S).await?;
        }
        let mut members =
            self.lock_members(caller, &group.members, Action::Capture, "group save", run).await?;
        members.retain(|member| rows.iter().any(|row| row.source == member.source.id));
        rows.sort_by(|a, b| a.source.cmp(&b.source));
        self.run_before_hooks(caller, &members, Hook::BeforeSave, run).await?;
        self.finish_members(caller, &members, &rows, &new, run).await?;
        self.run_after_save_hooks(caller, members, &rows, run).await;
        Ok(json!({"snapshot_ids": snapshots}))
    }

    /// Captures under all locks; when one fails, all are closed as failed.
    async fn capture_members(
        &self,
        caller: &Caller,
        members: &[LockedMember],
        rows: &[SnapshotRow],
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<()> {
        let done = self.finish_members(caller, members, rows, new, run).await;
        if let Err(error) = &done {
            for row in rows {
                self.fail_capture(caller, row, error).await;
            }
        }
        done
    }

    async fn finish_members(
        &self,
        caller: &Caller,
        members: &[LockedMember],
        rows: &[SnapshotRow],
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<()> {
        let mut receipts: Vec<Receipt> = Vec::with_capacity(rows.len());
        for (member, row) in members.iter().zip(rows) {
            // A long capture of one member must not cost another its lease.
            for other in rows {
                self.extend_lease(
                    &other.id,
                    other.lease_owner.as_deref().unwrap_or_default(),
                    QUEUED_LEASE_S,
                )
                .await?;
            }
            receipts.push(self.capture_content(caller, &member.source, row, new, run).await?);
        }
        let mut tx = self.begin().await?;
        for (row, receipt) in rows.iter().zip(&receipts) {
            self.finish_capture_in(&mut tx, caller, row, receipt, false).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Runs a hook of every member, under all locks. The first that fails refuses the operation.
    pub(super) async fn run_before_hooks(
        &self,
        caller: &Caller,
        members: &[LockedMember],
        hook: Hook,
        run: &Run,
    ) -> Result<()> {
        for member in members {
            self.run_before_hook(caller, &member.source, &member.hooks, hook, run).await?;
        }
        Ok(())
    }

    /// Gives the locks back and runs `after_save` of every member.
    async fn run_after_save_hooks(
        &self,
        caller: &Caller,
        members: Vec<LockedMember>,
        rows: &[SnapshotRow],
        run: &Run,
    ) {
        let unlocked: Vec<_> = members.into_iter().map(|member| (member.source, member.hooks)).collect();
        for ((source, hooks), row) in unlocked.iter().zip(rows) {
            let variables = [("BACKSTAY_SNAPSHOT", row.id.as_str())];
            self.run_after_hook(caller, source, hooks, Hook::AfterSave, &variables, run).await;
        }
    }

    /// Locks workspaces in sorted order, so that two groups with common members do not wait for each other.
    pub(super) async fn lock_members(
        &self,
        caller: &Caller,
        members: &[SourceId],
        action: Action,
        operation: &'static str,
        run: &Run,
    ) -> Result<Vec<LockedMember>> {
        let mut locked = Vec::with_capacity(members.len());
        for id in members {
            let source = self.permitted_source(caller, id, action).await?;
            let root = self.workspace_root(&source)?;
            let lock = self.lock_workspace(&root, operation, run).await?;
            self.recover_locked(caller, &source, &lock).await?;
            let hooks = self.load_hooks(&source, run).await?;
            locked.push(LockedMember { source, lock, hooks });
        }
        Ok(locked)
    }

    pub(super) async fn member_sources(
        &self,
        caller: &Caller,
        group: &Group,
        action: Action,
    ) -> Result<Vec<SourceRow>> {
        let mut sources = Vec::with_capacity(group.members.len());
        for id in &group.members {
            let source = self.permitted_source(caller, id, action).await?;
            self.workspace_root(&source)?;
            sources.push(source);
        }
        Ok(sources)
    }

    fn new_group_snapshot_id(&self) -> String {
        let suffix = backstay_model::id::random_suffix(&**self.rng(), 8);
        format!("groupsnap-{:016}-{suffix}", self.now().as_micros())
    }

    fn member_capture(&self, group_snapshot: &str, task: Option<&TaskId>) -> CaptureOf {
        let here = self.capture_here(Trigger::Group);
        CaptureOf {
            group: Some(group_snapshot.to_owned()),
            owner: task.map_or(here.owner, ToString::to_string),
            lease_seconds: task.map_or(here.lease_seconds, |_| QUEUED_LEASE_S),
            ..here
        }
    }
}

fn member_snapshot(label: &str) -> Result<NewSnapshot> {
    let new = NewSnapshot { label: label.to_owned(), ..NewSnapshot::default() };
    check_new_snapshot(&new)?;
    Ok(new)
}
