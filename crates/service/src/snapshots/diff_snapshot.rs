//! What differs.

use backstay_model::{Action, Caller, SnapshotId};
use backstay_source::RestoreContext;
use backstay_source_workspace::{self as workspace, ContentCheck, Selection};

use super::stored::Stored;
use super::view::entry_kind;
use crate::error::{Result, ServiceError};
use crate::page::PageRequest;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{
    Against, Change, ChangeKind, ChangePage, ChangeSummary, DiffOptions, EntryFacts, EntryKind,
};

impl Service {
    /// Compares a snapshot with another one, or with the live tree, in the order of a walk. The changes lead from `id` to what
    /// it is compared with.
    ///
    /// The pages of one comparison with the live tree may disagree when the tree changes meanwhile.
    pub async fn diff_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        against: &Against,
        options: &DiffOptions,
        page: &PageRequest,
    ) -> Result<ChangePage> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        let before = Stored::of(&row, self.lazy_repository())?;
        let diff = workspace::DiffOptions {
            selection: Selection::of_patterns(&options.paths)?,
            content: if options.content { ContentCheck::Always } else { ContentCheck::WhenUnsure },
            renames: true,
            repository: self.repository_directory().cloned(),
        };
        let context = context_of(&Run::default());
        let changes = match against {
            Against::Snapshot(other) => {
                let other = self.permitted_snapshot(caller, other, Action::View).await?;
                if other.kind != row.kind {
                    return Err(ServiceError::invalid("against", "it is a snapshot of another kind"));
                }
                let after = Stored::of(&other, self.lazy_repository())?;
                blocking("compare the snapshots", move || {
                    let (before, after) = (before.open()?, after.open()?);
                    let (a, b) = (&before.manifest, &after.manifest);
                    Ok(workspace::diff_snapshots(&before.reader, a, b, &diff, &context)?)
                })
                .await?
            }
            Against::Live => {
                let source = self.permitted_source(caller, &row.source, Action::View).await?;
                let root = self.workspace_root(&source)?;
                blocking("compare with the workspace", move || {
                    let before = before.open()?;
                    Ok(workspace::diff_live(&before.reader, &before.manifest, &root, &diff, &context)?)
                })
                .await?
            }
        };
        let summary = summarize(&changes);
        let cut = page.cut(changes)?;
        Ok(ChangePage {
            changes: cut.items.into_iter().map(change).collect(),
            summary,
            total: cut.total,
            next: cut.next,
        })
    }
}

pub(crate) fn context_of(run: &Run) -> RestoreContext {
    RestoreContext {
        progress: run.progress.clone(),
        cancel: run.cancel.clone(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

pub(crate) fn summarize(changes: &[workspace::Change]) -> ChangeSummary {
    let mut summary = ChangeSummary::default();
    for change in changes {
        match change.kind {
            workspace::ChangeKind::Added => summary.added += 1,
            workspace::ChangeKind::Deleted => summary.deleted += 1,
            _ => summary.modified += 1,
        }
        let writes =
            !matches!(change.kind, workspace::ChangeKind::Properties | workspace::ChangeKind::Renamed);
        if writes && let Some(after) = &change.after {
            summary.bytes += if entry_kind(after.kind) == EntryKind::File { after.size } else { 0 };
        }
    }
    summary
}

pub(crate) fn change(change: workspace::Change) -> Change {
    Change {
        path: change.path,
        kind: match change.kind {
            workspace::ChangeKind::Added => ChangeKind::Added,
            workspace::ChangeKind::Deleted => ChangeKind::Deleted,
            workspace::ChangeKind::Modified => ChangeKind::Modified,
            workspace::ChangeKind::Type => ChangeKind::Type,
            workspace::ChangeKind::Properties => ChangeKind::Metadata,
            workspace::ChangeKind::Renamed => ChangeKind::Renamed,
        },
        from_path: change.renamed_from,
        before: change.before.map(change_of_states),
        after: change.after.map(change_of_states),
    }
}

pub(crate) fn change_of_states(state: workspace::EntryState) -> EntryFacts {
    EntryFacts {
        kind: entry_kind(state.kind),
        size: if state.kind == workspace::EntryKind::File { state.size } else { 0 },
        mode: state.mode,
        mtime_ns: i128::from(state.mtime_ns),
        target: state.target,
    }
}
