//! Puts a captured group back.

use std::sync::Arc;

use backstay_catalog::{OperationRow, OperationState as RowState, SnapshotRow};
use backstay_model::{Action, Caller, Kind, OperationId, SnapshotState, TaskId};
use serde_json::json;

use super::create_group_snapshot::LockedMember;
use crate::error::{Result, ServiceError};
use crate::hooks::Hook;
use crate::run::Run;
use crate::service::Service;
use crate::tasks::Work;
use crate::view::GroupRestore;

impl Service {
    /// Restores every member under all locks, all or none: one commit record decides for all of them, also after a crash,
    /// whichever member is recovered first.
    ///
    /// Each member has its own operation and safety snapshot, and can be undone alone.
    pub async fn restore_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        group_snapshot: &str,
        run: &Run,
    ) -> Result<GroupRestore> {
        let group = self.permitted_group(caller, group, Action::Restore).await?;
        let targets = self.group_targets(caller, group_snapshot).await?;
        let members =
            self.lock_members(caller, &group.members, Action::Restore, "group restore", run).await?;
        let mut tx = self.begin().await?;
        let mut rows = Vec::with_capacity(targets.len());
        for target in &targets {
            let source = member_of(&members, target)?.source.clone();
            let id = OperationId::generate(self.now(), &**self.rng());
            rows.push(self.begin_member_restore_in(&mut tx, caller, &source, id, target, None).await?);
        }
        tx.commit().await?;
        Box::pin(self.restore_members(caller, members, &targets, &rows, run)).await?;
        Ok(GroupRestore { operations: rows.into_iter().map(|row| row.id).collect(), task: None })
    }

    /// Queues the same for a worker. The operations exist at once.
    pub async fn queue_group_restore(
        &self,
        caller: &Caller,
        group: &str,
        group_snapshot: &str,
    ) -> Result<GroupRestore> {
        let group = self.permitted_group(caller, group, Action::Restore).await?;
        let targets = self.group_targets(caller, group_snapshot).await?;
        let sources = self.member_sources(caller, &group, Action::Restore).await?;
        let operations: Vec<OperationId> =
            targets.iter().map(|_| OperationId::generate(self.now(), &**self.rng())).collect();
        let work = Work::GroupRestore {
            group: group.id.clone(),
            group_snapshot: group_snapshot.to_owned(),
            operations: operations.clone(),
        };
        let payload = self.payload(group.id, caller, work);
        let queued = self.new_task(TaskId::generate(self.now(), &**self.rng()), None, &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row().id;
        for (target, id) in targets.iter().zip(&operations) {
            let source = sources.iter().find(|source| source.id == target.source).ok_or_else(no_member)?;
            self.begin_member_restore_in(&mut tx, caller, source, id.clone(), target, Some(task.clone()))
                .await?;
        }
        tx.commit().await?;
        Ok(GroupRestore { operations, task: Some(task) })
    }

    /// What a worker does with [`Work::GroupRestore`].
    pub(crate) async fn run_group_restore(
        &self,
        caller: &Caller,
        group: &str,
        group_snapshot: &str,
        operations: &[OperationId],
        run: &Run,
    ) -> Result<serde_json::Value> {
        let group = self.permitted_group(caller, group, Action::Restore).await?;
        let targets = self.group_targets(caller, group_snapshot).await?;
        // Locking ends what an interrupted attempt left, so the operations may be over by then.
        let members =
            self.lock_members(caller, &group.members, Action::Restore, "group restore", run).await?;
        let mut rows = Vec::with_capacity(operations.len());
        for id in operations {
            rows.push(self.running_operation(id).await?);
        }
        Box::pin(self.restore_members(caller, members, &targets, &rows, run)).await?;
        Ok(json!({"operation_ids": operations}))
    }

    /// Plans and captures every member, then changes all of them behind one commit record, and ends all operations in one
    /// transaction.
    async fn restore_members(
        &self,
        caller: &Caller,
        members: Vec<LockedMember>,
        targets: &[SnapshotRow],
        rows: &[OperationRow],
        run: &Run,
    ) -> Result<()> {
        let restored = async {
            self.run_before_hooks(caller, &members, Hook::BeforeRestore, run).await?;
            let mut parts = Vec::with_capacity(rows.len());
            let mut locks = Vec::with_capacity(rows.len());
            for (row, target) in rows.iter().zip(targets) {
                let member = member_of(&members, target)?;
                locks.push(Arc::clone(&member.lock));
                parts.push(self.secure_member(caller, &member.source, row, target, run).await?);
            }
            self.execute_members(parts, locks, run).await
        };
        let restored = Box::pin(restored).await;
        let mut tx = self.begin().await?;
        match &restored {
            Ok(done) => {
                for (row, done) in rows.iter().zip(done) {
                    self.end_operation_in(&mut tx, caller, Kind::Workspace, row, done).await?;
                }
            }
            Err(error) => {
                let state = if error.is_unfinished() { RowState::NeedsRecovery } else { RowState::Failed };
                for row in rows {
                    self.fail_operation_in(&mut tx, caller, row, state, &error.message).await?;
                }
            }
        }
        tx.commit().await?;
        if restored.is_ok() {
            for (row, target) in rows.iter().zip(targets) {
                self.acknowledge(&member_of(&members, target)?.source, row).await;
            }
        }
        let unlocked: Vec<_> = members.into_iter().map(|member| (member.source, member.hooks)).collect();
        let restored = restored.map(drop);
        for (source, hooks) in &unlocked {
            if let Some(row) = rows.iter().find(|row| row.source == source.id) {
                self.run_hooks_after_restore(caller, source, hooks, row, restored.as_ref().err(), run).await;
            }
        }
        restored
    }

    /// The ready snapshots of a captured group, in the order of their sources.
    async fn group_targets(&self, caller: &Caller, group_snapshot: &str) -> Result<Vec<SnapshotRow>> {
        let mut targets = self.read().await?.snapshots_of_group(group_snapshot).await?;
        targets.retain(|row| row.state == SnapshotState::Ready && caller.sees(&row.tenant));
        if targets.is_empty() {
            return Err(ServiceError::not_found("Group snapshot"));
        }
        targets.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(targets)
    }
}

fn member_of<'m>(members: &'m [LockedMember], target: &SnapshotRow) -> Result<&'m LockedMember> {
    members.iter().find(|member| member.source.id == target.source).ok_or_else(no_member)
}

fn no_member() -> ServiceError {
    ServiceError::conflict("A captured workspace is no longer a member of the group")
}
