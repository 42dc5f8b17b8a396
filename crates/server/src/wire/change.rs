//! Changes.

use backstay_api::change::{Change, ChangeKind, ChangePage, ChangeSummary, EntryFacts};
use backstay_service::view;

use super::{entry_kind, path_text};

/// A change.
pub fn change(from: view::Change) -> Change {
    let (path, path_b64) = path_text(&from.path);
    Change {
        path,
        path_b64,
        change: match from.kind {
            view::ChangeKind::Added => ChangeKind::Added,
            view::ChangeKind::Deleted => ChangeKind::Deleted,
            view::ChangeKind::Modified => ChangeKind::Modified,
            view::ChangeKind::Type => ChangeKind::Type,
            view::ChangeKind::Metadata => ChangeKind::Metadata,
            view::ChangeKind::Renamed => ChangeKind::Renamed,
        },
        from_path: from.from_path.map(|path| path_text(&path).0),
        before: from.before.map(facts),
        after: from.after.map(facts),
    }
}

fn facts(from: view::EntryFacts) -> EntryFacts {
    EntryFacts {
        kind: entry_kind(from.kind),
        size_bytes: (from.kind == view::EntryKind::File).then_some(from.size),
        mode: format!("{:04o}", from.mode & 0o7777),
        mtime_ns: from.mtime_ns.to_string(),
        target: from.target.map(|target| String::from_utf8_lossy(&target).into_owned()),
    }
}

/// How many paths differ.
pub fn change_summary(from: view::ChangeSummary) -> ChangeSummary {
    ChangeSummary { added: from.added, modified: from.modified, deleted: from.deleted, bytes: from.bytes }
}

/// A page of changes.
pub fn change_page(from: view::ChangePage) -> ChangePage {
    ChangePage {
        changes: from.changes.into_iter().map(change).collect(),
        summary: change_summary(from.summary),
        total: from.total,
        next: from.next,
    }
}
