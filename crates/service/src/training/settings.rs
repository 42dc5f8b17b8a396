//! What the catalog keeps of a run beside its name.

use backstay_catalog::SourceRow;
use backstay_model::SnapshotId;
use backstay_model::retention::training::TrainingRules;
use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};

/// The settings of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RunSettings {
    /// What of its snapshots to keep.
    pub(super) keep: TrainingRules,
    /// The snapshot that it was forked from.
    pub(super) parent_snapshot_id: Option<SnapshotId>,
}

impl RunSettings {
    /// Those of a row.
    pub(super) fn of(row: &SourceRow) -> Result<Self> {
        serde_json::from_value(row.settings.clone()).map_err(|error| {
            ServiceError::internal(format!("The settings of run {} cannot be read", row.id), error)
        })
    }

    /// The same as a row keeps it.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("numbers and texts can be written as JSON")
    }
}
