//! A repository that is opened when it is first needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use backstay_repository::Repository;

use crate::error::Result;

/// Opens, or creates, a repository; blocks.
pub type Opener = dyn Fn() -> Result<Repository> + Send + Sync;

/// A repository that is opened when it is first needed, so that what reads the catalog alone needs no key. Clones share it.
#[derive(Clone)]
pub struct LazyRepository {
    opener: Arc<Opener>,
    opened: Arc<OnceLock<Repository>>,
}

impl LazyRepository {
    /// A repository that `opener` opens. After an error it is asked again the next time.
    pub fn new(opener: impl Fn() -> Result<Repository> + Send + Sync + 'static) -> Self {
        Self { opener: Arc::new(opener), opened: Arc::new(OnceLock::new()) }
    }

    /// A repository that is open.
    pub fn opened(repository: Repository) -> Self {
        let reopened = repository.clone();
        Self { opener: Arc::new(move || Ok(reopened.clone())), opened: Arc::new(OnceLock::from(repository)) }
    }

    /// The repository when it is open already.
    pub fn if_opened(&self) -> Option<Repository> {
        self.opened.get().cloned()
    }

    /// The opened repository; blocks while it is being opened.
    pub fn get(&self) -> Result<Repository> {
        if let Some(repository) = self.opened.get() {
            return Ok(repository.clone());
        }
        let repository = (self.opener)()?;
        Ok(self.opened.get_or_init(|| repository).clone())
    }
}

impl fmt::Debug for LazyRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyRepository").field("opened", &self.opened.get().is_some()).finish_non_exhaustive()
    }
}
