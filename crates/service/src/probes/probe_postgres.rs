//! The PostgreSQL server of the catalog.

use backstay_model::{Action, Caller, Subject};
use serde_json::json;
use tokio::time::Instant;

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Probe;

impl Service {
    /// Asks the PostgreSQL server of the catalog about itself. Disabled when the catalog is on SQLite.
    pub async fn probe_postgres(&self, caller: &Caller) -> Result<Probe> {
        self.permit(caller, None, Action::View, &Subject::new("service", "postgres")).await?;
        let now = self.now();
        if !self.catalog().is_postgres() {
            return Ok(Probe::disabled("PostgreSQL is not configured: the catalog is on SQLite", now));
        }
        let began = Instant::now();
        let answer = async { Ok::<_, ServiceError>(self.read().await?.server_facts().await?) };
        let facts = match answer.await {
            Ok(facts) => facts,
            Err(error) => {
                tracing::warn!(%error, "the PostgreSQL server could not be asked about itself");
                return Ok(Probe::down("The PostgreSQL server of the catalog does not answer", now));
            }
        };
        let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
        let mut probe = Probe::up("The PostgreSQL server of the catalog answers", now);
        if let Some(facts) = facts {
            probe.detail("version", json!(facts.version));
            probe.detail("database", json!(facts.database));
            probe.metric("latency_ms", json!(latency_ms));
            probe.metric("database_bytes", json!(facts.database_bytes));
            probe.metric("connections", json!(facts.connections));
            probe.metric("max_connections", json!(facts.max_connections));
            probe.metric("commits", json!(facts.commits));
            probe.metric("rollbacks", json!(facts.rollbacks));
            probe.metric("blocks_read", json!(facts.blocks_read));
            probe.metric("blocks_hit", json!(facts.blocks_hit));
            probe.metric("deadlocks", json!(facts.deadlocks));
        }
        Ok(probe)
    }
}
