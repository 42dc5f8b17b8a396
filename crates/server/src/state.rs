//! What every handler has at hand.

use std::sync::Arc;

use backstay_model::Rng;
use backstay_service::Service;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::denied::DeniedLimit;
use crate::settings::ServerSettings;
use crate::sockets::Sockets;

/// What every handler has at hand. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
    service: Service,
}

struct Inner {
    streams: Arc<Semaphore>,
    sockets: Sockets,
    denied: DeniedLimit,
    settings: ServerSettings,
    shutdown: CancellationToken,
}

impl AppState {
    /// The state of a server over `service`.
    pub fn new(service: Service, settings: ServerSettings) -> Self {
        Self {
            inner: Arc::new(Inner {
                streams: Arc::new(Semaphore::new(settings.max_streams)),
                sockets: Sockets::default(),
                denied: DeniedLimit::default(),
                settings,
                shutdown: CancellationToken::new(),
            }),
            service,
        }
    }

    /// The same state, whose use cases name `request_id` as the cause of their events.
    pub(crate) fn for_request(&self, request_id: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), service: self.service.for_request(request_id) }
    }

    /// The use cases.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// The randomness.
    pub(crate) fn rng(&self) -> &dyn Rng {
        &**self.service.rng()
    }

    /// The places for live streams.
    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.inner.streams
    }

    /// The open WebSockets.
    pub(crate) fn sockets(&self) -> &Sockets {
        &self.inner.sockets
    }

    /// How many refusals may still be noted.
    pub(crate) fn denied(&self) -> &DeniedLimit {
        &self.inner.denied
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &ServerSettings {
        &self.inner.settings
    }

    /// Cancelled when the server shuts down, so that live streams end.
    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.inner.shutdown
    }
}
