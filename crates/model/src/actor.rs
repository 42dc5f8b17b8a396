//! Who acts, in which tenant, with which role.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::TenantId;
use crate::snapshot::words;

words! {
    /// A tenant role; each includes what the one before may do.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Captures, verifies, pins.
        Operator = "operator",
        /// Restores, upgrades.
        Technical = "technical",
        /// Deletes, prunes, holds, manages users of the own tenant.
        Admin = "admin",
        /// Everything, in every tenant.
        Superadmin = "superadmin",
    }
}

words! {
    /// What kind of actor did something.
    ActorKind {
        /// A person with a session.
        User = "user",
        /// A client with an API token.
        Token = "token",
        /// The person at the command line, without a server.
        Local = "local",
        /// Backstay itself: a schedule, a deadline, recovery.
        System = "system",
        /// Nobody who could be identified.
        Anonymous = "anonymous",
    }
}

/// Who did something, as recorded in an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The id of the user or token, or a fixed word such as `recovery`.
    pub id: String,
    /// The name shown to people.
    pub name: String,
}

impl Actor {
    /// Backstay itself, acting as `what`, for example `recovery`.
    pub fn system(what: &str) -> Self {
        Self { kind: ActorKind::System, id: what.to_owned(), name: format!("system:{what}") }
    }
}

/// On whose behalf a use case runs: the actor, its tenant and its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// The tenant whose things the caller sees; a superadmin sees every tenant.
    pub tenant: TenantId,
    /// What the caller may do.
    pub role: Role,
}

impl Caller {
    /// Backstay itself, allowed everything.
    pub fn system(what: &str) -> Self {
        Self { actor: Actor::system(what), tenant: TenantId::default_tenant(), role: Role::Superadmin }
    }

    /// Whether the caller may see things of `tenant` at all.
    pub fn sees(&self, tenant: &TenantId) -> bool {
        self.role == Role::Superadmin || self.tenant == *tenant
    }
}
