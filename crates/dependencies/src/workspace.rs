//! A workspace as far as its dependencies go: its two files, its repository, the checkouts.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::declarations::{self, Declarations, Problem};
use crate::error::{DependencyError, Result};
use crate::git::{Git, Store, Superproject};
use crate::lock::{self, Lock, LockReading};
use crate::name::DependencyName;
use crate::submodule::Registry;
use crate::yaml;

/// A workspace. Opening it reads nothing.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    git: Git,
}

impl Workspace {
    /// The workspace at `root`, an absolute path without links.
    pub fn new(root: &Path, git: Git) -> Self {
        Self { root: root.to_path_buf(), git }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The git that is used.
    pub const fn git(&self) -> &Git {
        &self.git
    }

    /// The text of `graft.yaml`; `None` when there is none.
    pub fn yaml(&self) -> Result<Option<String>> {
        self.read(declarations::FILE_NAME)
    }

    /// The text of `graft.yaml`, which must be there.
    pub fn required_yaml(&self) -> Result<String> {
        self.yaml()?.ok_or_else(|| DependencyError::FileNotFound {
            file: declarations::FILE_NAME,
            directory: self.root.clone(),
        })
    }

    /// What `graft.yaml` says, and what should be looked at in it.
    pub fn declarations(&self) -> Result<(Declarations, Vec<Problem>)> {
        Declarations::parse_with_warnings(declarations::FILE_NAME, &self.required_yaml()?)
    }

    /// What `graft.lock` says; `None` when there is none.
    pub fn lock(&self) -> Result<Option<LockReading>> {
        self.read(lock::FILE_NAME)?.map(|text| Lock::parse(&text)).transpose()
    }

    /// What `graft.lock` says, which must be there.
    pub fn required_lock(&self) -> Result<LockReading> {
        self.lock()?.ok_or_else(|| DependencyError::FileNotFound {
            file: lock::FILE_NAME,
            directory: self.root.clone(),
        })
    }

    /// Where a dependency is checked out.
    pub fn checkout(&self, name: &DependencyName) -> PathBuf {
        self.root.join(name.checkout())
    }

    /// The store of a dependency: that of its checkout, else the one that git keeps for it. `None` when it was never cloned.
    pub fn store(&self, name: &DependencyName) -> Result<Option<Store>> {
        if let Some(store) = Store::of_checkout(&self.git, &self.checkout(name))? {
            return Ok(Some(store));
        }
        match Superproject::find(&self.git, &self.root) {
            Ok(project) => {
                let registry = Registry::read(&project)?;
                Ok(Store::at(&self.git, &project.modules().join(registry.module_of(name)?)))
            }
            Err(DependencyError::Git(crate::git::GitError::NoRepository { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same for a dependency that has to be there.
    pub fn required_store(&self, name: &DependencyName) -> Result<Store> {
        self.store(name)?.ok_or_else(|| DependencyError::NotCloned { name: name.to_string() })
    }

    /// The text of a file at the root, of at most [`yaml::MAX_BYTES`].
    pub(crate) fn read(&self, file: &'static str) -> Result<Option<String>> {
        let path = self.root.join(file);
        let malformed = |problem: &str| DependencyError::Malformed {
            file: file.to_owned(),
            line: 1,
            problem: problem.to_owned(),
        };
        match std::fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => return Err(malformed("it is no regular file")),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DependencyError::io("inspect", &path, error)),
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|opened| opened.take(yaml::MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| DependencyError::io("read", &path, error))?;
        if bytes.len() > yaml::MAX_BYTES {
            return Err(malformed("it is larger than 1 MiB"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| malformed("it is not UTF-8"))
    }
}
