//! The service: what every use case shares.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::{Actor, ActorKind, Caller, Clock, Rng, Role, TenantId};

use crate::lazy_repository::LazyRepository;
use crate::settings::Settings;

/// The use cases of Backstay. Clones are cheap and share everything.
///
/// Every use case takes the [`Caller`] first and checks its permission first: a refusal is an event, and what belongs to
/// another tenant is not found. Blocking work runs on blocking threads of the current tokio runtime.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

/// What a [`Service`] is made of.
pub struct Parts {
    /// The repository, opened when it is first needed.
    pub repository: LazyRepository,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and secrets.
    pub rng: Arc<dyn Rng>,
    /// What can be set.
    pub settings: Settings,
    /// For a workspace without a server: its `.backstay` directory. A repository elsewhere keeps it all the same.
    pub local: Option<PathBuf>,
}

struct Inner {
    parts: Parts,
}

impl Service {
    /// A service of these parts. Touches nothing.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts }))
    }

    /// The person at the command line, without a server: may do everything in the default tenant.
    pub fn local_caller(user: &str) -> Caller {
        Caller {
            actor: Actor { kind: ActorKind::Local, id: user.to_owned(), name: user.to_owned() },
            tenant: TenantId::default_tenant(),
            role: Role::Superadmin,
        }
    }

    /// What was set.
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    /// The clock that the use cases read.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// The randomness that the use cases draw from.
    pub fn rng(&self) -> &Arc<dyn Rng> {
        &self.0.parts.rng
    }

    pub(crate) fn lazy_repository(&self) -> &LazyRepository {
        &self.0.parts.repository
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
