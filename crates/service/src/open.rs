//! Opening a service: for one workspace without a server, and for a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_catalog::{Catalog, CatalogOptions};
use backstay_model::{Clock, ErrorKind, Rng};
use backstay_repository::{
    Credential, InitOptions, Repository, RepositoryError, Settings as RepositorySettings,
};
use backstay_store::{LocalStore, Store};

use crate::error::{Result, ServiceError};
use crate::key_file::{self, KEY_LABEL};
use crate::lazy_repository::LazyRepository;
use crate::service::{Parts, Service, blocking};
use crate::settings::Settings;

/// Backstay's own directory at the root of a workspace.
const OWN_DIRECTORY: &str = ".backstay";

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
    ///
    /// Errors: `NotFound` when nothing was ever saved there and `create` is not set.
    pub async fn open_local(options: LocalOptions) -> Result<Self> {
        let LocalOptions { root, create, repository, clock, rng, settings } = options;
        let own = root.join(OWN_DIRECTORY);
        let catalog = own.join("catalog.db");
        if create {
            prepare_own_directory(&own)?;
        } else if !catalog.is_file() {
            let error = ServiceError::new(
                ErrorKind::NotFound,
                format!("Nothing was saved in {} yet", root.display()),
            );
            return Err(if own.join("repository").is_dir() {
                error.hint("run `backstay repository rebuild-catalog`, because the catalog is missing")
            } else {
                error.hint("run `backstay save` to take the first snapshot")
            });
        }
        let options = CatalogOptions { readers: 2, ..CatalogOptions::default() };
        let catalog = Catalog::open(&path_text(&catalog)?, &options).await?;
        let (repository, repository_directory) = place_or_default(repository, &own, create, &clock, &rng);
        Ok(Self::new(Parts { catalog, repository, repository_directory, clock, rng, settings }))
    }

    /// Opens the service of a server, creating what is missing in the data directory.
    pub async fn open(options: ServerOptions) -> Result<Self> {
        let ServerOptions { data_directory, catalog, repository, clock, rng, settings } = options;
        let directory = data_directory.clone();
        blocking("create the data directory", move || create_private_directory(&directory)).await?;
        let location = match catalog {
            Some(location) => location,
            None => path_text(&data_directory.join("catalog.db"))?,
        };
        let catalog = Catalog::open(&location, &CatalogOptions::default()).await?;
        let (repository, repository_directory) =
            place_or_default(repository, &data_directory, true, &clock, &rng);
        Ok(Self::new(Parts { catalog, repository, repository_directory, clock, rng, settings }))
    }
}

/// The repository at `place`, or the one in `directory` with the key file beside it.
fn place_or_default(
    place: Option<RepositoryPlace>,
    directory: &Path,
    create: bool,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> (LazyRepository, Option<PathBuf>) {
    let (clock, rng) = (Arc::clone(clock), Arc::clone(rng));
    if let Some(place) = place {
        let local = PathBuf::from(place.store.location());
        let local = local.is_absolute().then_some(local);
        let lazy = LazyRepository::new(move || {
            let credential = (place.credential)()?;
            open_or_init(&place.store, &credential, place.create, &*clock, &rng)
        });
        return (lazy, local);
    }
    let (repository, key) = (directory.join("repository"), directory.join("key"));
    let local = repository.clone();
    let lazy = LazyRepository::new(move || {
        let store: Arc<dyn Store> = Arc::new(LocalStore::open(&repository).map_err(RepositoryError::from)?);
        let credential = key_file::read_or_create(&key, create, &*rng)?;
        open_or_init(&store, &credential, create, &*clock, &rng)
    });
    (lazy, Some(local))
}

fn open_or_init(
    store: &Arc<dyn Store>,
    credential: &Credential,
    create: bool,
    clock: &dyn Clock,
    rng: &Arc<dyn Rng>,
) -> Result<Repository> {
    match Repository::open(Arc::clone(store), credential, Arc::clone(rng)) {
        Err(RepositoryError::NotARepository { .. }) if create => {}
        opened => return Ok(opened?),
    }
    let options = InitOptions {
        credential: credential.clone(),
        key_label: KEY_LABEL.to_owned(),
        settings: RepositorySettings::default(),
        created_at: clock.now(),
    };
    match Repository::init(Arc::clone(store), &options, Arc::clone(rng)) {
        // Another process was faster.
        Err(RepositoryError::AlreadyExists { .. }) => {
            Ok(Repository::open(Arc::clone(store), credential, Arc::clone(rng))?)
        }
        created => Ok(created?),
    }
}

/// Creates `.backstay`, hidden from git, for its owner alone.
fn prepare_own_directory(own: &Path) -> Result<()> {
    if own.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
        return Err(ServiceError::conflict(format!("{} is there and is no directory", own.display())));
    }
    create_private_directory(own)?;
    Ok(backstay_source_workspace::hide_from_git(own)?)
}

fn create_private_directory(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| cannot("create the directory", path, error))
}

/// An error about a file of Backstay itself.
pub(crate) fn cannot(operation: &str, path: &Path, error: std::io::Error) -> ServiceError {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Internal,
    };
    ServiceError::new(kind, format!("Cannot {operation} {}", path.display())).because(error)
}

fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        ServiceError::invalid("root", format!("{} is not UTF-8, which the catalog needs", path.display()))
    })?;
    Ok(format!("sqlite:{text}"))
}
