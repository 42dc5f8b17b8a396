//! What the use cases return, in the types of the API: the same JSON with a server and without.

use backstay_api::change::{ChangePage, ChangeSummary};
use backstay_api::entry::EntryPage;
use backstay_api::operation::OperationPage;
use backstay_api::restore::CannotRestore;
use backstay_api::snapshot::{Snapshot, SnapshotPage};
use backstay_service::{Page, view};
use backstay_source::RestoreReport;

pub(crate) use backstay_server::wire::{
    audit_verification, change_page, change_summary, command_list, command_plan, created_token,
    dependency_changes, dependency_list, dependency_tree, dependency_validation, entry, event, hold,
    operation, prune_result, restore_plan, shown_change, statistics, token, upgrade_event, upgrade_plan,
    upgrade_report, upgrade_request, user, validated,
};

/// A snapshot with all its details.
pub(super) fn snapshot(from: view::Snapshot) -> Snapshot {
    backstay_server::wire::snapshot(from, true)
}

/// A page of snapshots.
pub(super) fn snapshots(from: Page<view::Snapshot>) -> SnapshotPage {
    let snapshots = from.items.into_iter().map(|item| backstay_server::wire::snapshot(item, false)).collect();
    SnapshotPage { snapshots, total: from.total, next: from.next, message: None }
}

/// A page of entries.
pub(super) fn entries(from: Page<view::Entry>) -> EntryPage {
    let entries = from.items.into_iter().map(entry).collect();
    EntryPage { entries, total: from.total, next: from.next, message: None }
}

/// A page of changes.
pub(super) fn changes(from: view::ChangePage) -> ChangePage {
    change_page(from)
}

/// A page of operations.
pub(super) fn operations(from: Page<view::Operation>) -> OperationPage {
    let operations = from.items.into_iter().map(operation).collect();
    OperationPage { operations, total: from.total, next: from.next, message: None }
}

/// How much a restore into an empty directory wrote.
pub(super) fn written(report: &RestoreReport) -> ChangeSummary {
    ChangeSummary { added: report.created, bytes: report.written_bytes, ..ChangeSummary::default() }
}

/// What it could not put back.
pub(super) fn not_restored(report: &RestoreReport) -> Vec<CannotRestore> {
    let lost = report.not_restored.iter();
    lost.map(|lost| CannotRestore {
        path: String::from_utf8_lossy(&lost.path).into_owned(),
        reason: lost.reason.clone(),
    })
    .collect()
}

/// What could not be put back.
pub(super) fn cannot_restore(from: Vec<view::CannotRestore>) -> Vec<CannotRestore> {
    from.into_iter().map(|lost| CannotRestore { path: lost.path, reason: lost.reason }).collect()
}
