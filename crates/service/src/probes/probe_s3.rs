//! The S3 bucket of the repository.

use backstay_model::{Action, Caller, Subject};
use serde_json::json;
use tokio::time::Instant;

use crate::error::Result;
use crate::service::{Service, blocking};
use crate::view::Probe;

/// How a location in a bucket begins.
const SCHEME: &str = "s3://";

impl Service {
    /// Reads the keys of the repository from its bucket. Disabled when the repository is on a disk of the server.
    pub async fn probe_s3(&self, caller: &Caller) -> Result<Probe> {
        self.permit(caller, None, Action::View, &Subject::new("service", "s3")).await?;
        let now = self.now();
        if self.repository_directory().is_some() {
            return Ok(Probe::disabled(
                "S3 is not configured: the repository is on a disk of the server",
                now,
            ));
        }
        let repository = match self.repository().await {
            Ok(repository) => repository,
            Err(error) => {
                tracing::warn!(%error, "the repository could not be opened");
                return Ok(Probe::down("The repository cannot be opened", now));
            }
        };
        let location = repository.store().location().to_owned();
        if !location.starts_with(SCHEME) {
            return Ok(Probe::disabled("S3 is not configured: the repository is elsewhere", now));
        }
        let began = Instant::now();
        let answer = blocking("look at the repository", move || Ok(repository.keys()?)).await;
        let keys = match answer {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(%error, "the bucket of the repository could not be read");
                return Ok(Probe::down("The bucket of the repository does not answer", now));
            }
        };
        let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
        let mut probe = Probe::up("The bucket of the repository answers", now);
        probe.detail("location", json!(location));
        probe.metric("latency_ms", json!(latency_ms));
        probe.metric("keys", json!(keys.len()));
        Ok(probe)
    }
}
