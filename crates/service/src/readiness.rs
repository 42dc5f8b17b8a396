//! Whether the service can do its work.

use crate::error::Result;
use crate::service::{Service, blocking};

impl Service {
    /// Checks that the catalog answers and the repository can be opened and reached.
    pub async fn readiness(&self) -> Result<()> {
        self.read().await?.event_head().await?;
        let repository = self.repository().await?;
        blocking("look at the repository", move || {
            repository.keys()?;
            Ok(())
        })
        .await
    }
}
