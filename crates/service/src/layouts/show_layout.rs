//! One layout.

use backstay_model::{Action, Caller, ErrorKind, Kind, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Layout;

impl Service {
    /// Shows a layout of the caller's tenant.
    pub async fn show_layout(&self, caller: &Caller, name: &str) -> Result<Layout> {
        self.permit(caller, Some(Kind::Training), Action::View, &Subject::new("layout", name)).await?;
        let row = self.read().await?.layout(&caller.tenant, name).await?;
        row.map(view).ok_or_else(|| not_found(name))
    }
}

pub(super) fn not_found(name: &str) -> ServiceError {
    let shown: String = name.chars().take(200).collect();
    ServiceError::new(ErrorKind::NotFound, format!("Layout '{shown}' not found"))
}
