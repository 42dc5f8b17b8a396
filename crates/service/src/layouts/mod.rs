//! Layouts of dashboards: what a person looks at, by name.

mod delete_layout;
mod list_layouts;
mod save_layout;
mod show_layout;

use backstay_catalog::LayoutRow;

use crate::view::Layout;

/// How many layouts a tenant may have.
const MOST_LAYOUTS: u32 = 1000;

fn view(row: LayoutRow) -> Layout {
    Layout {
        name: row.name,
        description: row.description,
        body: serde_json::from_value(row.body).unwrap_or_default(),
        saved_at: row.saved_at,
    }
}
