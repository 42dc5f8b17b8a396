//! Layouts of dashboards.

use std::collections::BTreeMap;

use backstay_api::layout::{Layout, ListedLayout, NewLayout};
use backstay_service::view;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A layout to be saved.
pub fn new_layout(from: NewLayout) -> view::NewLayout {
    let body = [
        ("smoothing_window", json!(from.smoothing_window)),
        ("selected_metrics", json!(from.selected_metrics.unwrap_or_default())),
        ("zoom_ranges", json!(from.zoom_ranges.unwrap_or_default())),
        ("hyperparameters", json!(from.hyperparameters.unwrap_or_default())),
    ];
    view::NewLayout {
        name: from.name.unwrap_or_default(),
        description: from.description.unwrap_or_default(),
        body: body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// A layout.
pub fn layout(from: view::Layout) -> Layout {
    let mut body = from.body;
    Layout {
        name: from.name,
        created: from.saved_at,
        description: from.description,
        smoothing_window: taken(&mut body, "smoothing_window"),
        selected_metrics: taken(&mut body, "selected_metrics"),
        zoom_ranges: taken(&mut body, "zoom_ranges"),
        hyperparameters: taken(&mut body, "hyperparameters"),
    }
}

/// A layout in the list.
pub fn listed_layout(from: view::Layout) -> ListedLayout {
    ListedLayout { name: from.name, created: from.saved_at, description: from.description }
}

fn taken<T: DeserializeOwned + Default>(body: &mut BTreeMap<String, Value>, name: &str) -> T {
    body.remove(name).and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}
