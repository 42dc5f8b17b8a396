//! Layouts of dashboards.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A layout to be saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NewLayout {
    /// Its name, unique per tenant.
    pub name: String,
    /// The description, at most 2000 characters.
    pub description: String,
    /// What the dashboard keeps in it.
    pub body: BTreeMap<String, Value>,
}

/// A layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// The description.
    pub description: String,
    /// What the dashboard keeps in it.
    pub body: BTreeMap<String, Value>,
    /// When it was saved.
    pub saved_at: Timestamp,
}
