//! The layouts of a tenant.

use backstay_model::{Action, Caller, Kind, Subject};

use super::{MOST_LAYOUTS, view};
use crate::error::Result;
use crate::service::Service;
use crate::view::Layout;

impl Service {
    /// Lists the layouts of the caller's tenant by name. There are never more than a thousand.
    pub async fn list_layouts(&self, caller: &Caller) -> Result<Vec<Layout>> {
        let subject = Subject::new("layouts", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        let rows = self.read().await?.list_layouts(&caller.tenant, MOST_LAYOUTS).await?;
        Ok(rows.into_iter().map(view).collect())
    }
}
