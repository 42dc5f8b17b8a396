//! The service: what every use case shares.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use backstay_catalog::{Catalog, Committed, Session, Tx};
use backstay_model::{
    Actor, ActorKind, Caller, Clock, EventData, EventDraft, Kind, Outcome, Rng, Role, SourceId, Subject,
    TenantId, Timestamp,
};
use backstay_repository::Repository;

use crate::auth::Tokens;
use crate::checkpoints::{Saving, SmallCheckpoints};
use crate::error::{Result, ServiceError};
use crate::lazy_repository::LazyRepository;
use crate::settings::Settings;
use crate::together::Together;
use crate::training::Live;

/// The use cases of Backstay. Clones are cheap and share everything.
///
/// Every use case takes the [`Caller`] first and checks its permission first: a refusal is an event, and what belongs to
/// another tenant is not found. Blocking work runs on blocking threads of the current tokio runtime.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    request_id: Option<Arc<str>>,
    lock_wait_s: Option<u32>,
}

/// What a [`Service`] is made of.
pub struct Parts {
    /// The opened catalog.
    pub catalog: Catalog,
    /// The repository, opened when it is first needed.
    pub repository: LazyRepository,
    /// Where the repository is when it is a local directory, so that a capture leaves it out.
    pub repository_directory: Option<PathBuf>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and secrets.
    pub rng: Arc<dyn Rng>,
    /// What can be set.
    pub settings: Settings,
}

struct Inner {
    parts: Parts,
    /// Names this process as the owner of leases.
    instance: String,
    /// Since when it is there.
    started_at: Timestamp,
    /// What saving checkpoints keeps at hand.
    saving: Saving,
    /// Who looks up API tokens.
    tokens: Together<Tokens>,
    /// Who reads checkpoints.
    checkpoints: Together<SmallCheckpoints>,
    /// The runs that this process trains.
    live: Live,
}

/// A service that may be gone.
pub(crate) struct WeakService(Weak<Inner>);

impl WeakService {
    /// The service, unless it is gone.
    pub(crate) fn upgrade(&self) -> Option<Service> {
        self.0.upgrade().map(|inner| Service { inner, request_id: None, lock_wait_s: None })
    }
}

impl Service {
    /// A service of these parts. Touches nothing.
    pub fn new(parts: Parts) -> Self {
        let suffix = backstay_model::id::random_suffix(&*parts.rng, 10);
        let instance = format!("{}-{}-{suffix}", parts.settings.host, std::process::id());
        let started_at = parts.clock.now();
        let inner = Inner {
            parts,
            instance,
            started_at,
            saving: Saving::default(),
            tokens: Together::default(),
            checkpoints: Together::default(),
            live: Live::default(),
        };
        Self { inner: Arc::new(inner), request_id: None, lock_wait_s: None }
    }

    /// The same service, which names `request_id` as the cause of its events.
    #[must_use]
    pub fn for_request(&self, request_id: &str) -> Self {
        Self { request_id: Some(request_id.into()), ..self.clone() }
    }

    /// The same service, whose queued work waits so many seconds for the lock of a workspace and is `Busy` then. Without it a worker
    /// waits for as long as it was told to.
    #[must_use]
    pub fn waiting_for_locks(&self, seconds: Option<u32>) -> Self {
        Self { lock_wait_s: seconds, ..self.clone() }
    }

    pub(crate) fn lock_wait_s(&self) -> Option<u32> {
        self.lock_wait_s
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
        &self.inner.parts.settings
    }

    /// The clock that the use cases read.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.parts.clock
    }

    /// The randomness that the use cases draw from.
    pub fn rng(&self) -> &Arc<dyn Rng> {
        &self.inner.parts.rng
    }

    /// The repository, opened now when it was not; blocks a thread of the runtime's pool meanwhile.
    pub async fn repository(&self) -> Result<Repository> {
        let lazy = self.inner.parts.repository.clone();
        match lazy.if_opened() {
            Some(repository) => Ok(repository),
            None => blocking("open the repository", move || lazy.get()).await,
        }
    }

    /// Closes the connections to the catalog. What was done needs no closing to be durable.
    pub async fn close(&self) {
        self.catalog().close().await;
    }

    pub(crate) fn downgrade(&self) -> WeakService {
        WeakService(Arc::downgrade(&self.inner))
    }

    pub(crate) fn saving(&self) -> &Saving {
        &self.inner.saving
    }

    pub(crate) fn tokens(&self) -> &Together<Tokens> {
        &self.inner.tokens
    }

    pub(crate) fn small_checkpoints(&self) -> &Together<SmallCheckpoints> {
        &self.inner.checkpoints
    }

    pub(crate) fn live(&self) -> &Live {
        &self.inner.live
    }

    /// The id of the request on whose behalf this service acts.
    pub(crate) fn request_id(&self) -> Option<Arc<str>> {
        self.request_id.clone()
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.parts.catalog
    }

    pub(crate) fn lazy_repository(&self) -> &LazyRepository {
        &self.inner.parts.repository
    }

    pub(crate) fn repository_directory(&self) -> Option<&PathBuf> {
        self.inner.parts.repository_directory.as_ref()
    }

    /// The name of this process as the owner of leases.
    pub(crate) fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Since when this process is there.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.inner.started_at
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Reads what is committed.
    pub(crate) async fn read(&self) -> Result<Session> {
        Ok(self.catalog().read().await?)
    }

    /// Begins a transaction, the only writer while it lives.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        Ok(self.catalog().begin().await?)
    }

    /// An event of something that `caller` did.
    pub(crate) fn event(&self, caller: &Caller, action: &str, subject: Subject) -> EventDraft {
        EventDraft {
            at: self.now(),
            tenant: caller.tenant.clone(),
            actor: caller.actor.clone(),
            action: action.to_owned(),
            kind: None,
            source: None,
            subject,
            outcome: Outcome::Ok,
            data: EventData::empty(),
            request_id: self.request_id.as_deref().map(str::to_owned),
        }
    }

    /// Commits one event that goes with no other change.
    pub(crate) async fn commit_event(&self, draft: EventDraft) -> Result<Committed> {
        let mut tx = self.begin().await?;
        tx.record(draft);
        Ok(tx.commit().await?)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("catalog", self.catalog()).finish_non_exhaustive()
    }
}

/// Fills in the rest of an event.
pub(crate) trait Describe {
    /// It is about this source, in the source's tenant.
    fn of_source(self, tenant: &TenantId, kind: Kind, source: &SourceId) -> Self;
    /// With these particulars.
    fn with(self, data: serde_json::Value) -> Self;
    /// It ended so.
    fn ended(self, outcome: Outcome) -> Self;
}

impl Describe for EventDraft {
    fn of_source(mut self, tenant: &TenantId, kind: Kind, source: &SourceId) -> Self {
        self.tenant = tenant.clone();
        self.kind = Some(kind);
        self.source = Some(source.clone());
        self
    }

    fn with(mut self, data: serde_json::Value) -> Self {
        self.data = EventData::from(data);
        self
    }

    fn ended(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// Runs blocking work on a thread of the runtime's pool. `what` completes "Could not …" when the work panicked.
pub(crate) async fn blocking<T, F>(what: &'static str, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(ServiceError::internal(format!("Could not {what}"), stopped)),
    }
}
