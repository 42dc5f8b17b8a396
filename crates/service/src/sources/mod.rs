//! What is captured.

mod ensure_workspace;
mod list_sources;
mod register_source;
mod remove_source;
mod show_source;
mod update_source;

use std::path::PathBuf;

use backstay_catalog::SourceRow;
use backstay_model::retention::Rules;

use crate::error::{Result, ServiceError};
use crate::view::Source;

/// A source as callers see it.
pub(crate) fn view(row: SourceRow) -> Result<Source> {
    let retention = rules_of(&row)?;
    Ok(Source {
        id: row.id,
        kind: row.kind,
        name: row.name,
        tenant: row.tenant,
        root: row.root.map(PathBuf::from).unwrap_or_default(),
        host: row.host,
        state_serial: row.state_serial,
        retention,
        created_at: row.created_at,
        snapshot_count: None,
    })
}

/// The retention rules of a source; `None` keeps all.
pub(crate) fn rules_of(row: &SourceRow) -> Result<Option<Rules>> {
    let Some(stored) = &row.retention else { return Ok(None) };
    serde_json::from_value(stored.clone()).map(Some).map_err(|error| {
        ServiceError::internal(format!("The retention rules of {} cannot be read", row.id), error)
    })
}

/// Rules as the catalog keeps them.
pub(crate) fn stored_rules(rules: &Rules) -> serde_json::Value {
    serde_json::to_value(rules).expect("numbers and a text can be written as JSON")
}
