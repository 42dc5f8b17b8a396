//! Layouts of dashboards: what a person looks at, by name.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A layout to be saved. In the query `zoom_ranges` and `hyperparameters` cannot stand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct NewLayout {
    /// The name; a layout of the same name is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    #[param(max_length = 200)]
    pub name: Option<String>,
    /// Any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    #[param(max_length = 2000)]
    pub description: Option<String>,
    /// Over how many epochs curves are smoothed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[param(minimum = 0, maximum = 1_000_000)]
    pub smoothing_window: Option<u32>,
    /// The metrics that are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    #[param(max_items = 1000)]
    pub selected_metrics: Option<Vec<String>>,
    /// Which part of each curve is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    #[param(ignore)]
    pub zoom_ranges: Option<BTreeMap<String, Value>>,
    /// What was set of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    #[param(ignore)]
    pub hyperparameters: Option<BTreeMap<String, Value>>,
}

/// A layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Layout {
    /// The name.
    pub name: String,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Any text.
    pub description: String,
    /// Over how many epochs curves are smoothed.
    pub smoothing_window: Option<u32>,
    /// The metrics that are shown.
    pub selected_metrics: Vec<String>,
    /// Which part of each curve is shown.
    #[schema(value_type = Object)]
    pub zoom_ranges: BTreeMap<String, Value>,
    /// What was set of the network.
    #[schema(value_type = Object)]
    pub hyperparameters: BTreeMap<String, Value>,
}

/// A layout in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedLayout {
    /// The name.
    pub name: String,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Any text.
    pub description: String,
}

/// The layouts of a tenant, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LayoutList {
    /// All of them.
    pub layouts: Vec<ListedLayout>,
    /// How many there are.
    pub total: u64,
}

/// That a layout was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LayoutDeleted {
    /// The name.
    pub name: String,
    /// A sentence for a person.
    pub message: String,
}
