//! Saves a layout.

use backstay_catalog::LayoutRow;
use backstay_model::{Action, Caller, ErrorKind, Kind, Subject};
use serde_json::json;

use super::{MOST_LAYOUTS, view};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{Layout, NewLayout};

/// The longest body.
const MOST_BYTES: usize = 256 << 10;

impl Service {
    /// Saves a layout of the caller's tenant; one of the same name is replaced.
    ///
    /// Errors: `BadRequest` with `Layout name is required`, `Conflict` when there are too many.
    pub async fn save_layout(&self, caller: &Caller, new: NewLayout) -> Result<Layout> {
        let shown: String = new.name.trim().chars().take(200).collect();
        let subject = Subject::new("layout", &shown);
        self.permit(caller, Some(Kind::Training), Action::ManageSources, &subject).await?;
        let name = new.name.trim();
        if name.is_empty() {
            return Err(ServiceError::new(ErrorKind::BadRequest, "Layout name is required"));
        }
        let body = json!(new.body);
        let mut fields = Fields::default();
        fields.line("name", name, 200);
        fields.text("description", &new.description, 2000);
        fields.check(body.to_string().len() <= MOST_BYTES, "body", "it takes at most 256 KiB");
        fields.finish()?;
        let row = LayoutRow {
            tenant: caller.tenant.clone(),
            name: name.to_owned(),
            description: new.description,
            body,
            saved_at: self.now(),
        };
        let mut tx = self.begin().await?;
        let is_new = tx.layout(&row.tenant, &row.name).await?.is_none();
        if is_new && tx.count_layouts(&row.tenant).await? >= MOST_LAYOUTS.into() {
            return Err(ServiceError::conflict(format!("There are {MOST_LAYOUTS} layouts already"))
                .hint("delete some of them"));
        }
        tx.save_layout(&row).await?;
        tx.record(self.event(caller, "layout.saved", subject).with(json!({"replaced": !is_new})));
        tx.commit().await?;
        Ok(view(row))
    }
}
