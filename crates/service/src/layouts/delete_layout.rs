//! Deletes a layout.

use backstay_catalog::CatalogError;
use backstay_model::{Action, Caller, Kind, Subject};

use super::show_layout::not_found;
use crate::error::Result;
use crate::service::Service;

impl Service {
    /// Deletes a layout of the caller's tenant.
    pub async fn delete_layout(&self, caller: &Caller, name: &str) -> Result<()> {
        let subject = Subject::new("layout", name);
        self.permit(caller, Some(Kind::Training), Action::ManageSources, &subject).await?;
        let mut tx = self.begin().await?;
        tx.delete_layout(&caller.tenant, name).await.map_err(|error| match error {
            CatalogError::NotFound { .. } => not_found(name),
            error => error.into(),
        })?;
        tx.record(self.event(caller, "layout.deleted", subject));
        tx.commit().await?;
        Ok(())
    }
}
