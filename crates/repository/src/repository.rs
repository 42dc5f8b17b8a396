//! A repository: creating, opening, its keys and its manifests.

use std::sync::{Arc, OnceLock};

use backstay_model::{Rng, Timestamp};
use backstay_store::{PutOutcome, Store, StoreErrorKind};
use zeroize::Zeroizing;

use crate::config::{self, Config};
use crate::credential::Credential;
use crate::crypto::{MasterKey, Subkeys};
use crate::error::{RepositoryError, Result};
use crate::id::encode_hex;
use crate::index::SharedIndex;
use crate::keys::{self, StoredKey};
use crate::reader::{BlockCache, Reader};
use crate::writer::{Writer, WriterOptions};

/// What is decided when a repository is created and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long, in seconds, the collector leaves what nothing references alone. A capture that takes longer than half
    /// of it does extra work to stay safe.
    pub collect_grace_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { collect_grace_seconds: 24 * 60 * 60 }
    }
}

/// What a new repository needs.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The first key.
    pub credential: Credential,
    /// The label of the first key, shown when keys are listed.
    pub key_label: String,
    /// What never changes.
    pub settings: Settings,
    /// When it is created, for the description of the first key.
    pub created_at: Timestamp,
}

/// How a key is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// By a password.
    Password,
    /// By a key file.
    KeyFile,
}

/// What is known of a key without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// The id: 16 hexadecimal digits.
    pub id: String,
    /// How it is opened.
    pub kind: KeyKind,
    /// The label it was given.
    pub label: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whether this is the key that opened the repository now.
    pub current: bool,
}

/// An opened repository. Clones share the index and the cache.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones, readers and writers of an opened repository share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: Config,
    pub(crate) keys: Arc<Subkeys>,
    pub(crate) index: SharedIndex,
    pub(crate) cache: BlockCache,
    settings: Settings,
    master: MasterKey,
    config_bytes: Vec<u8>,
    current_key: String,
    boundary_table: OnceLock<Box<[u64; 256]>>,
}

impl Shared {
    /// The secret table that decides where chunks end.
    pub(crate) fn boundary_table(&self) -> &[u64; 256] {
        self.boundary_table.get_or_init(|| self.keys.boundary_table())
    }

    /// Loads the index unless it was loaded before.
    pub(crate) fn load_index(&self) -> Result<()> {
        self.index.load(&*self.store, &self.keys)
    }

    /// Brings the index up to date with the store.
    pub(crate) fn refresh_index(&self) -> Result<()> {
        self.index.refresh(&*self.store, &self.keys)
    }
}

impl Repository {
    /// Creates a repository in an empty place. Writing `config` is the commit point: of two that try at once, one gets
    /// [`RepositoryError::AlreadyExists`].
    pub fn init(store: Arc<dyn Store>, options: &InitOptions, rng: Arc<dyn Rng>) -> Result<Self> {
        let already = || RepositoryError::AlreadyExists { location: store.location().to_owned() };
        if Self::exists(&*store)? {
            return Err(already());
        }
        let mut id = [0; 16];
        rng.fill(&mut id);
        let config = Config::new(encode_hex(&id), &options.settings);
        let config_bytes = config.encode();
        let mut master = MasterKey(Zeroizing::new([0; 32]));
        rng.fill(&mut *master.0);
        let key = StoredKey::wrap(
            &master,
            &options.credential,
            &options.key_label,
            options.created_at,
            &config_bytes,
            &*rng,
        )?;
        store.put(&key.object_name(), &key.encode())?;
        match store.put_new(&config::object_name(), &config_bytes) {
            Ok(PutOutcome::Created) => {}
            outcome => {
                // The key belongs to a configuration that was not written; nothing could use it.
                store.delete(&key.object_name())?;
                return Err(outcome.map_or_else(Into::into, |_| already()));
            }
        }
        Ok(Self::opened(store, rng, config, config_bytes, master, key.id))
    }

    /// Opens a repository. Reads `config` and the keys, nothing else; the index is loaded when first needed.
    ///
    /// Errors: [`RepositoryError::NotARepository`], [`RepositoryError::WrongCredential`],
    /// [`RepositoryError::NewerFormat`].
    pub fn open(store: Arc<dyn Store>, credential: &Credential, rng: Arc<dyn Rng>) -> Result<Self> {
        let config_bytes = match store.get(&config::object_name()) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) if error.kind == StoreErrorKind::NotFound => {
                return Err(RepositoryError::NotARepository { location: store.location().to_owned() });
            }
            Err(error) => return Err(error.into()),
        };
        let config = Config::decode(&config_bytes)?;
        let (keys, trouble) = keys::read_all(&*store)?;
        for key in &keys {
            if let Some(master) = key.unwrap(credential, &config_bytes)? {
                let id = key.id.clone();
                return Ok(Self::opened(store, rng, config, config_bytes, master, id));
            }
        }
        Err(trouble
            .unwrap_or_else(|| RepositoryError::WrongCredential { location: store.location().to_owned() }))
    }

    fn opened(
        store: Arc<dyn Store>,
        rng: Arc<dyn Rng>,
        config: Config,
        config_bytes: Vec<u8>,
        master: MasterKey,
        current_key: String,
    ) -> Self {
        let keys = Arc::new(Subkeys::derive(&master));
        let settings = Settings { collect_grace_seconds: config.collect_grace_seconds };
        let shared = Shared {
            store,
            rng,
            config,
            keys,
            index: SharedIndex::default(),
            cache: BlockCache::default(),
            settings,
            master,
            config_bytes,
            current_key,
            boundary_table: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether there is a repository in `store`.
    pub fn exists(store: &dyn Store) -> Result<bool> {
        Ok(store.head(&config::object_name())?.is_some())
    }

    /// The random id of the repository: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.shared.config.repository
    }

    /// The settings it was created with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Where it is.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// The key under which a catalog seals its own keys. It changes only with the repository, not with its credentials.
    pub fn catalog_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key("backstay v1 catalog keys", &*self.shared.master.0))
    }

    /// Begins a capture.
    pub fn writer(&self, options: WriterOptions) -> Result<Writer> {
        Writer::begin(self, options)
    }

    /// A reader; readers of one repository share its cache.
    pub fn reader(&self) -> Reader {
        Reader::new(self)
    }

    /// Lets go of the blocks that readers keep in memory, so that what is read next comes from the store as it is now.
    pub fn forget_blocks(&self) {
        self.shared.cache.clear();
    }

    /// Every key of the repository that can be read, and is bound to it, in the order of their ids.
    pub fn keys(&self) -> Result<Vec<KeyDescription>> {
        let (keys, _) = keys::read_all(&*self.shared.store)?;
        Ok(keys
            .into_iter()
            .map(|key| KeyDescription {
                current: key.id == self.shared.current_key,
                kind: key.kind(),
                id: key.id,
                label: key.label,
                created_at: key.created_at,
            })
            .collect())
    }

    /// Adds a key; returns its id. No pack is touched.
    pub fn add_key(&self, credential: &Credential, label: &str, created_at: Timestamp) -> Result<String> {
        let shared = &self.shared;
        let key = StoredKey::wrap(
            &shared.master,
            credential,
            label,
            created_at,
            &shared.config_bytes,
            &*shared.rng,
        )?;
        shared.store.put(&key.object_name(), &key.encode())?;
        Ok(key.id)
    }

    /// Removes a key. [`RepositoryError::LastKey`] when it is the only one, [`RepositoryError::NotFound`] when there
    /// is none of that id.
    pub fn remove_key(&self, id: &str) -> Result<()> {
        let not_found = || RepositoryError::NotFound { object: format!("key {}", id.escape_debug()) };
        let name = keys::object_name(id).ok_or_else(not_found)?;
        let (keys, _) = keys::read_all(&*self.shared.store)?;
        if self.shared.store.head(&name)?.is_none() {
            return Err(not_found());
        }
        if keys.iter().all(|key| key.id == id) {
            return Err(RepositoryError::LastKey { key: id.to_owned() });
        }
        self.shared.store.delete(&name)?;
        Ok(())
    }

    /// Replaces a key by one with another credential and the same label: the new one is durable before the old one
    /// is removed. Returns the id of the new one.
    pub fn change_key(&self, id: &str, credential: &Credential, created_at: Timestamp) -> Result<String> {
        let (keys, _) = keys::read_all(&*self.shared.store)?;
        let Some(old) = keys.iter().find(|key| key.id == id) else {
            return Err(RepositoryError::NotFound { object: format!("key {}", id.escape_debug()) });
        };
        let new = self.add_key(credential, &old.label, created_at)?;
        self.remove_key(id)?;
        Ok(new)
    }
}
