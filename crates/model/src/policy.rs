//! Which role may do what: one table, evaluated in one place, deny by default.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::actor::Role;
use crate::kind::Kind;
use crate::snapshot::words;

words! {
    /// Something a caller may be allowed to do.
    Action {
        /// List and show sources, snapshots, content, tasks and operations.
        View = "view",
        /// Take a snapshot.
        Capture = "capture",
        /// Read a snapshot's data back to prove that it is there.
        Verify = "verify",
        /// Pin and unpin, which is a hold of the simplest form.
        Pin = "pin",
        /// Put a state back, undo.
        Restore = "restore",
        /// Let a job go on from a restored state.
        Resume = "resume",
        /// Delete a snapshot.
        Delete = "delete",
        /// Apply retention.
        Prune = "prune",
        /// Place and release holds with a reason and a date.
        Hold = "hold",
        /// Register and remove sources, change their retention.
        ManageSources = "manage_sources",
        /// Manage users, tokens and webhooks of the own tenant.
        ManageUsers = "manage_users",
        /// Read and export the audit trail.
        Audit = "audit",
        /// Manage tenants; act in every tenant.
        ManageTenants = "manage_tenants",
    }
}

/// The lowest role that may do `action` to sources of `kind`.
///
/// Where the kinds' contracts differ, the kind's contract holds.
pub const fn lowest_role(kind: Option<Kind>, action: Action) -> Role {
    match (kind, action) {
        (_, Action::View) | (Some(Kind::Job), Action::Restore) => Role::Viewer,
        (Some(Kind::Training), Action::Restore | Action::Delete | Action::Prune | Action::ManageSources)
        | (Some(Kind::Job), Action::Delete | Action::Prune)
        | (_, Action::Capture | Action::Verify | Action::Pin | Action::Resume) => Role::Operator,
        (_, Action::Restore) => Role::Technical,
        (
            _,
            Action::Delete
            | Action::Prune
            | Action::Hold
            | Action::ManageSources
            | Action::ManageUsers
            | Action::Audit,
        ) => Role::Admin,
        (_, Action::ManageTenants) => Role::Superadmin,
    }
}

/// Whether `role` may do `action` to sources of `kind` (`None`: not bound to a kind).
pub fn allows(role: Role, kind: Option<Kind>, action: Action) -> bool {
    role >= lowest_role(kind, action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_only_views() {
        for action in Action::ALL {
            assert_eq!(allows(Role::Viewer, Some(Kind::Workspace), *action), *action == Action::View);
        }
    }

    #[test]
    fn a_training_operator_deletes_but_a_workspace_operator_does_not() {
        assert!(allows(Role::Operator, Some(Kind::Training), Action::Delete));
        assert!(!allows(Role::Operator, Some(Kind::Workspace), Action::Delete));
        for action in [Action::Prune, Action::ManageSources] {
            assert!(allows(Role::Operator, Some(Kind::Training), action));
            assert!(!allows(Role::Viewer, Some(Kind::Training), action));
            assert!(!allows(Role::Operator, Some(Kind::Workspace), action));
        }
        assert!(!allows(Role::Operator, Some(Kind::Training), Action::Hold));
    }
}
