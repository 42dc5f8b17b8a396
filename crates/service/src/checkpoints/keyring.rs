//! The data keys, and the key of a job under them.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_catalog::{ContentKeyRow, JobRow};
use backstay_model::{ErrorKind, Timestamp};
use backstay_source_job::content::{ContentError, DataKey, JobKey, Place, key_number};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::error::{Result, ServiceError};
use crate::service::Service;

/// For how long opened keys are used before the catalog is asked for new ones, in seconds.
const FRESH_S: f64 = 60.0;
/// When after it was made a key begins to seal, in seconds: by then every server has opened it.
const USED_AFTER_S: f64 = 120.0;

/// The data keys of a catalog, opened.
pub(crate) type Keyring = Arc<DataKeys>;

/// Opened data keys, oldest first, at least one.
pub(crate) struct DataKeys {
    keys: Vec<DataKey>,
    /// Which of them seals.
    sealing: usize,
    loaded_at: Timestamp,
}

impl DataKeys {
    /// Tells this catalog from others that have the same repository. A backup of the catalog has the same.
    pub(crate) fn fingerprint(&self) -> String {
        let first = self.keys.first().expect("there is one key at least");
        first.fingerprint().iter().fold(String::with_capacity(32), |mut digits, byte| {
            write!(digits, "{byte:02x}").expect("a String takes everything");
            digits
        })
    }
}

/// A key of a job and the number of the data key that it comes from.
type Derived = (u16, Arc<JobKey>);

/// The keys of one job. Clones share what was derived.
#[derive(Clone)]
pub(crate) struct JobKeys {
    ring: Keyring,
    names: Arc<(String, String, String)>,
    derived: Arc<Mutex<Vec<Derived>>>,
}

impl JobKeys {
    pub(crate) fn new(ring: Keyring, tenant: &str, project: &str, job: &str) -> Self {
        let names = Arc::new((tenant.to_owned(), project.to_owned(), job.to_owned()));
        Self { ring, names, derived: Arc::default() }
    }

    pub(crate) fn of(ring: Keyring, job: &JobRow) -> Self {
        Self::new(ring, job.tenant.as_str(), &job.project, &job.name)
    }

    fn derive(&self, key: &DataKey) -> Arc<JobKey> {
        let mut derived = self.derived.lock();
        if let Some((_, found)) = derived.iter().find(|(number, _)| *number == key.number()) {
            return Arc::clone(found);
        }
        let (tenant, project, job) = &*self.names;
        let made = Arc::new(key.job(tenant, project, job));
        derived.push((key.number(), Arc::clone(&made)));
        made
    }

    /// The key for new content.
    pub(crate) fn newest(&self) -> Arc<JobKey> {
        self.derive(&self.ring.keys[self.ring.sealing])
    }

    /// The key of `sealed`, and what it opens to.
    pub(crate) fn open(&self, place: Place, sealed: Vec<u8>) -> Result<(Arc<JobKey>, Vec<u8>), ContentError> {
        let number = key_number(&sealed)?;
        let key =
            self.ring.keys.iter().find(|key| key.number() == number).ok_or(ContentError::NotAuthentic)?;
        let key = self.derive(key);
        let plain = key.open(place, sealed)?;
        Ok((key, plain))
    }
}

impl Service {
    /// The data keys; the first one is made when there is none.
    pub(crate) async fn keyring(&self) -> Result<Keyring> {
        let known = self.saving().keyring.read().clone();
        let now = self.now();
        // A clock that was set back tells nothing of how old they are.
        let is_fresh = |ring: &Keyring| (0.0..FRESH_S).contains(&now.seconds_since(ring.loaded_at));
        if let Some(ring) = known.as_ref().filter(|ring| is_fresh(ring)) {
            return Ok(Arc::clone(ring));
        }
        match (self.load_keyring().await, known) {
            (Ok(ring), _) => {
                *self.saving().keyring.write() = Some(Arc::clone(&ring));
                Ok(ring)
            }
            // Keys never go, so what is known is good while the catalog does not answer.
            (Err(_), Some(known)) => Ok(known),
            (Err(error), None) => Err(error),
        }
    }

    async fn load_keyring(&self) -> Result<Keyring> {
        let repository = self.repository().await.map_err(|error| {
            ServiceError::new(ErrorKind::Unavailable, "Checkpoint manager not initialized").because(error)
        })?;
        let wrapping = repository.catalog_key();
        let mut rows = self.read().await?.content_keys().await?;
        if rows.is_empty() {
            let mut tx = self.begin().await?;
            rows = tx.content_keys().await?;
            if rows.is_empty() {
                rows.push(self.new_content_key(1, &wrapping));
                tx.insert_content_key(&rows[0]).await?;
                tx.commit().await?;
            }
        }
        let opened = rows.iter().map(|row| {
            let number = u16::try_from(row.number).map_err(|_| ContentError::Damaged)?;
            DataKey::unwrap(number, &wrapping, &row.wrapped)
        });
        let keys = opened.collect::<Result<Vec<_>, _>>().map_err(|error| {
            let message = "The keys of the job content do not open with this repository";
            ServiceError::new(ErrorKind::Damaged, message)
                .hint("start the server with the repository that belongs to this catalog")
                .because(error)
        })?;
        let loaded_at = self.now();
        let is_used = |row: &ContentKeyRow| loaded_at.seconds_since(row.created_at) >= USED_AFTER_S;
        let sealing = rows.iter().rposition(is_used).unwrap_or(0);
        Ok(Arc::new(DataKeys { keys, sealing, loaded_at }))
    }

    pub(crate) fn new_content_key(&self, number: u16, wrapping: &[u8; 32]) -> ContentKeyRow {
        let mut secret = Zeroizing::new([0; 32]);
        self.rng().fill(&mut *secret);
        let wrapped = DataKey::new(number, secret).wrap(wrapping, self.nonce());
        ContentKeyRow { number: i64::from(number), wrapped, created_at: self.now() }
    }

    pub(crate) fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        self.rng().fill(&mut nonce);
        nonce
    }
}
