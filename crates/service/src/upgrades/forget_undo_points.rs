//! Forgets what undo will not need any more of upgrades and changes of dependencies.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{
    OperationFilter, OperationRow, OperationState as RowState, Paging, SnapshotRow, SourceRow, Total, Tx,
};
use backstay_model::{Caller, OperationId, SnapshotId, Trigger};
use backstay_source_workspace as workspace;

use crate::error::Result;
use crate::restore::{ChangedPaths, UpgradeDetail};
use crate::service::{Service, blocking};
use crate::snapshots::scope_of;

/// How many operations are looked at; what belongs to an older one is long past.
const MOST_OPERATIONS: u32 = 1000;

impl Service {
    /// After an upgrade or a change of dependencies: of failed upgrades the newest [`upgrade_keep`](crate::Settings::upgrade_keep), at least one, keep theirs;
    /// the undo points go when none of the newest [`undo_keep`](crate::Settings::undo_keep) operations needs them, with what those
    /// operations set aside. What is held, or the last good snapshot of the workspace, stays. Snapshots that a person asked for are not looked at.
    ///
    /// The operation is over by then, so a failure is logged and the next one tries again.
    pub(crate) async fn forget_undo_points(&self, source: &SourceRow) {
        if let Err(error) = self.try_to_forget(source).await {
            tracing::warn!(source.id = %source.id, %error, "what old operations left could not be removed");
        }
    }

    async fn try_to_forget(&self, source: &SourceRow) -> Result<()> {
        let caller = Caller::system("retention");
        let mut tx = self.begin().await?;
        let operations = operations_of(&mut tx, source).await?;
        let rows = tx.ready_snapshots(&source.id).await?;
        let settings = self.settings();
        let dropped = to_forget(&operations, &rows, settings.upgrade_keep, settings.undo_keep);
        let needed: HashSet<String> =
            needed(&operations, settings.undo_keep).map(|operation| operation.id.to_string()).collect();
        for row in &dropped {
            self.begin_delete_in(&mut tx, &caller, row, "it belongs to an operation that is long past")
                .await?;
        }
        if dropped.is_empty() {
            tx.roll_back().await;
        } else {
            tx.commit().await?;
        }
        for row in dropped {
            self.finish_delete(row).await?;
        }
        let root = self.workspace_root(source)?;
        blocking("forget what was set aside", move || {
            Ok(workspace::forget_kept(&root, |operation| needed.contains(operation))?)
        })
        .await?;
        Ok(())
    }
}

/// Newest first.
async fn operations_of(tx: &mut Tx, source: &SourceRow) -> Result<Vec<OperationRow>> {
    let filter = OperationFilter { source: Some(source.id.clone()), ..OperationFilter::default() };
    let paging = Paging { total: Total::Skip, ..Paging::first(MOST_OPERATIONS) };
    Ok(tx.list_operations(&filter, &paging).await?.items)
}

/// Which of `rows` go; both lists are newest first.
fn to_forget<'a>(
    operations: &[OperationRow],
    rows: &'a [SnapshotRow],
    upgrade_keep: u32,
    undo_keep: u32,
) -> Vec<&'a SnapshotRow> {
    let by_id: HashMap<&OperationId, &OperationRow> = operations.iter().map(|row| (&row.id, row)).collect();
    let needed: HashSet<&SnapshotId> =
        needed(operations, undo_keep).flat_map(|row| row.snapshot.iter().chain(&row.target)).collect();
    let failures = operations.iter().filter(|row| has_failed(row)).take(upgrade_keep.max(1) as usize);
    let kept_failures: HashSet<&OperationId> = failures.map(|row| &row.id).collect();
    let is_good = |row: &&SnapshotRow| !row.partial && row.damage.is_none() && scope_of(row).is_empty();
    let last_good = rows.iter().find(is_good).map(|row| &row.id);
    let is_free = |row: &&SnapshotRow| {
        let is_kept = row.pinned || row.group.is_some() || Some(&row.id) == last_good;
        !is_kept && !needed.contains(&row.id)
    };
    rows.iter()
        .filter(is_free)
        .filter(|row| {
            // Retention looks after what belongs to nothing that is known here.
            let Some(by) = row.operation.as_ref().and_then(|operation| by_id.get(operation)) else {
                return false;
            };
            if has_failed(by) {
                return !kept_failures.contains(&by.id);
            }
            by.state == RowState::Done && row.trigger == Trigger::Safety && is_of_dependencies(by, &by_id)
        })
        .collect()
}

/// Whether an operation moved dependencies, or undid that.
fn is_of_dependencies(row: &OperationRow, by_id: &HashMap<&OperationId, &OperationRow>) -> bool {
    let mut at = Some(row);
    while let Some(row) = at {
        if UpgradeDetail::of_row(row).is_some() || ChangedPaths::from_json(&row.changed_paths).git().is_some()
        {
            return true;
        }
        at = row.undoes.as_ref().and_then(|undone| by_id.get(undone)).copied();
    }
    false
}

/// The operations that can be undone, and those that are under way.
fn needed(operations: &[OperationRow], undo_keep: u32) -> impl Iterator<Item = &OperationRow> {
    let undoable = operations.iter().filter(|row| row.state == RowState::Done && row.snapshot.is_some());
    let open =
        operations.iter().filter(|row| matches!(row.state, RowState::Running | RowState::NeedsRecovery));
    undoable.take(undo_keep as usize).chain(open)
}

fn has_failed(row: &OperationRow) -> bool {
    row.kind == "upgrade" && matches!(row.state, RowState::Failed | RowState::RolledBack)
}
