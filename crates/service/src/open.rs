//! Opening a service: for one workspace without a server, and for a server.

use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::{Clock, Rng};
use backstay_repository::Credential;
use backstay_store::Store;

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::settings::Settings;

/// Gives the credential of a repository when it is needed, for example by asking for a password; blocks.
pub type CredentialSource = dyn Fn() -> Result<Credential> + Send + Sync;

/// How the service of one workspace is opened.
pub struct LocalOptions {
    /// The root of the workspace.
    pub root: PathBuf,
    /// Whether `.backstay` and what is in it is created when it is missing. Without it a workspace in which nothing was ever
    /// saved is `NotFound`.
    pub create: bool,
    /// A repository elsewhere; `None` for `.backstay/repository` with `.backstay/key`.
    pub repository: Option<RepositoryPlace>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// What can be set.
    pub settings: Settings,
}

/// Where a repository is and what opens it.
#[derive(Clone)]
pub struct RepositoryPlace {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What opens it.
    pub credential: Arc<CredentialSource>,
    /// Whether it is created when there is none.
    pub create: bool,
}

/// How the service of a server is opened.
pub struct ServerOptions {
    /// Where `catalog.db`, `repository/` and `key` are, unless said otherwise; created when missing.
    pub data_directory: PathBuf,
    /// The catalog; `None` for `catalog.db` in the data directory.
    pub catalog: Option<String>,
    /// The repository; `None` for `repository/` with `key` in the data directory.
    pub repository: Option<RepositoryPlace>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// What can be set.
    pub settings: Settings,
}

impl Service {
    /// Opens the service of one workspace without a server. Cheap: the repository is opened when it is first needed.
    pub async fn open_local(options: LocalOptions) -> Result<Self> {
        let _ = options;
        Err(ServiceError::unfinished("open_local"))
    }

    /// Opens the service of a server.
    pub async fn open(options: ServerOptions) -> Result<Self> {
        let _ = options;
        Err(ServiceError::unfinished("open"))
    }
}
