//! Puts a captured group back.

use backstay_catalog::{OperationRow, SnapshotRow};
use backstay_model::{Action, Caller, OperationId, SnapshotState, TaskId};
use serde_json::json;

use super::create_group_snapshot::LockedMember;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::tasks::Work;
use crate::view::GroupRestore;

impl Service {
    /// Restores every member under all locks. When one cannot be restored, those restored before it are undone.
    ///
    /// Each member has its own commit record: a crash between two of them leaves each as it was or as it is to be.
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
        Box::pin(self.restore_members(caller, &members, &targets, &rows, run)).await?;
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
        let mut rows = Vec::with_capacity(operations.len());
        for id in operations {
            rows.push(self.running_operation(id).await?);
        }
        let members =
            self.lock_members(caller, &group.members, Action::Restore, "group restore", run).await?;
        Box::pin(self.restore_members(caller, &members, &targets, &rows, run)).await?;
        Ok(json!({"operation_ids": operations}))
    }

    async fn restore_members(
        &self,
        caller: &Caller,
        members: &[LockedMember],
        targets: &[SnapshotRow],
        rows: &[OperationRow],
        run: &Run,
    ) -> Result<()> {
        let mut done: Vec<&OperationRow> = Vec::new();
        for (row, target) in rows.iter().zip(targets) {
            let member = member_of(members, target)?;
            match self.carry_out_whole(caller, &member.source, &member.lock, row, target, run).await {
                Ok(_) => done.push(row),
                Err(error) => {
                    self.take_back(caller, members, &done, &rows[done.len() + 1..], run).await;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Undoes the members that were restored and closes those that were not begun.
    async fn take_back(
        &self,
        caller: &Caller,
        members: &[LockedMember],
        done: &[&OperationRow],
        rest: &[OperationRow],
        run: &Run,
    ) {
        for row in done.iter().rev() {
            let Some(member) = members.iter().find(|member| member.source.id == row.source) else { continue };
            let undone = self.undo_locked(caller, &member.source, &row.id, true, &member.lock, run).await;
            if let Err(error) = undone {
                // An operation that changed nothing has nothing to undo.
                tracing::warn!(operation.id = %row.id, %error, "a member of a group could not be taken back");
            }
        }
        let ids: Vec<OperationId> = rest.iter().map(|row| row.id.clone()).collect();
        let closed = async {
            let mut tx = self.begin().await?;
            self.abandon_operations_in(&mut tx, caller, &ids, "another member of the group failed", false)
                .await?;
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the operations of a group could not be closed");
        }
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
