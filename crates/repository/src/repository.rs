//! A repository: creating, opening, its keys and its manifests.

use std::sync::Arc;

use backstay_model::{Rng, Timestamp};
use backstay_store::Store;

use crate::credential::Credential;
use crate::error::{RepositoryError, Result};
use crate::id::ManifestId;
use crate::manifest::Manifest;
use crate::reader::Reader;
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
    store: Arc<dyn Store>,
}

impl Repository {
    /// Creates a repository in an empty place. Writing `config` is the commit point: of two that try at once, one gets
    /// [`RepositoryError::AlreadyExists`].
    pub fn init(store: Arc<dyn Store>, options: &InitOptions, rng: Arc<dyn Rng>) -> Result<Self> {
        let _ = (options, rng);
        Err(RepositoryError::AlreadyExists { location: store.location().to_owned() })
    }

    /// Opens a repository. Reads `config` and the keys, nothing else; the index is loaded when first needed.
    ///
    /// Errors: [`RepositoryError::NotARepository`], [`RepositoryError::WrongCredential`],
    /// [`RepositoryError::NewerFormat`].
    pub fn open(store: Arc<dyn Store>, credential: &Credential, rng: Arc<dyn Rng>) -> Result<Self> {
        let _ = (credential, rng);
        Err(RepositoryError::NotARepository { location: store.location().to_owned() })
    }

    /// Whether there is a repository in `store`.
    pub fn exists(store: &dyn Store) -> Result<bool> {
        let _ = store;
        Ok(false)
    }

    /// The random id of the repository: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        ""
    }

    /// The settings it was created with.
    pub fn settings(&self) -> &Settings {
        const { &Settings { collect_grace_seconds: 0 } }
    }

    /// Where it is.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Begins a capture.
    pub fn writer(&self, options: WriterOptions) -> Result<Writer> {
        Writer::begin(self, options)
    }

    /// A reader; readers of one repository share its cache.
    pub fn reader(&self) -> Reader {
        Reader::new(self)
    }

    /// The ids of all root manifests, in no particular order.
    pub fn manifests(&self) -> Result<Vec<ManifestId>> {
        Ok(Vec::new())
    }

    /// Reads a root manifest; [`RepositoryError::NotFound`] when there is none.
    pub fn read_manifest(&self, id: &ManifestId) -> Result<Manifest> {
        Err(RepositoryError::NotFound { object: format!("snapshot {id}") })
    }

    /// Removes a root manifest; succeeds when there is none. Its content stays until a collection finds that nothing
    /// references it and the grace period has passed.
    pub fn delete_manifest(&self, id: &ManifestId) -> Result<()> {
        let _ = id;
        Ok(())
    }

    /// Every key of the repository.
    pub fn keys(&self) -> Result<Vec<KeyDescription>> {
        Ok(Vec::new())
    }

    /// Adds a key; returns its id.
    pub fn add_key(&self, credential: &Credential, label: &str, created_at: Timestamp) -> Result<String> {
        let _ = (credential, label, created_at);
        Ok(String::new())
    }

    /// Removes a key. [`RepositoryError::LastKey`] when it is the only one.
    pub fn remove_key(&self, id: &str) -> Result<()> {
        let _ = id;
        Ok(())
    }

    /// Replaces a key by one with another credential: the new one is durable before the old one is removed.
    pub fn change_key(&self, id: &str, credential: &Credential, created_at: Timestamp) -> Result<String> {
        let _ = (id, credential, created_at);
        Ok(String::new())
    }
}
