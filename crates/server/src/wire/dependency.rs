//! Dependencies.

use backstay_api::dependency::{
    DeclaredChange, Dependency, DependencyAction, DependencyChanges, DependencyList, DependencyUpdates,
    NewDependencyChange,
};
use backstay_service::view;

/// The locked dependencies.
pub fn dependency_list(from: view::DependencyList) -> DependencyList {
    let dependency = |from: view::Dependency| Dependency {
        current_ref: from.current_ref,
        commit: from.commit,
        consumed_at: from.consumed_at,
        updates: from.updates.map(|updates| DependencyUpdates {
            has_update: updates.has_update,
            available: updates.available,
            pending_changes: updates.pending_changes,
        }),
    };
    let entries = from.dependencies.into_iter();
    DependencyList { dependencies: entries.map(|(name, found)| (name, dependency(found))).collect() }
}

/// The declared changes of a dependency.
pub fn dependency_changes(from: view::DependencyChanges) -> DependencyChanges {
    let change = |from: view::DeclaredChange| DeclaredChange {
        reference: from.reference,
        kind: from.kind,
        description: from.description,
        migration: from.migration,
        verify: from.verify,
    };
    DependencyChanges {
        dependency: from.dependency,
        from: from.from,
        to: from.to,
        changes: from.changes.into_iter().map(change).collect(),
    }
}

/// A change that was asked for.
pub(crate) fn dependency_change(new: NewDependencyChange) -> view::NewDependencyChange {
    view::NewDependencyChange {
        action: match new.action {
            DependencyAction::Resolve => view::DependencyAction::Resolve,
            DependencyAction::Fetch => view::DependencyAction::Fetch,
            DependencyAction::Sync => view::DependencyAction::Sync,
            DependencyAction::Apply => view::DependencyAction::Apply,
            DependencyAction::Add => view::DependencyAction::Add,
            DependencyAction::Remove => view::DependencyAction::Remove,
            DependencyAction::Fix => view::DependencyAction::Fix,
        },
        dependency: new.dependency,
        to: new.to,
        source: new.source,
        dry_run: new.dry_run,
        offline: new.offline,
        no_stage: new.no_stage,
        force: new.force,
        force_yaml: new.force_yaml,
        no_resolve: new.no_resolve,
        keep_files: new.keep_files,
    }
}
