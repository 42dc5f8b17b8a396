//! What the catalog keeps of a run beside its name.

use std::collections::BTreeMap;

use backstay_catalog::{SourceChange, SourceRow, Tx};
use backstay_model::retention::SAFETY_DAYS;
use backstay_model::retention::training::TrainingRules;
use backstay_model::{Kind, SnapshotId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{AutoSnapshot, OnBest};

/// How many states that restores left are kept in mind.
const MOST_LEFT: usize = 1000;

/// The settings of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RunSettings {
    /// What of its snapshots to keep.
    pub(super) keep: TrainingRules,
    /// When its trainer saves by itself.
    pub(super) auto: AutoSnapshot,
    /// The snapshot that it was forked from.
    pub(super) parent_snapshot_id: Option<SnapshotId>,
    /// The parameters with which a fork goes on, where they are others than those of its origin.
    pub(super) params: BTreeMap<String, Value>,
    /// The snapshot that it was restored to and goes on from, until the next save.
    pub(super) restored: Option<SnapshotId>,
    /// The states that restores left within the last week, the latest last.
    pub(super) left: Vec<LeftState>,
}

/// A state that a restore left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftState {
    /// The snapshot of it.
    pub(super) snapshot: SnapshotId,
    /// When the restore was.
    pub(super) at: Timestamp,
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

    /// From now on the run goes on from `snapshot`; it can come back to `left` for a week.
    pub(super) fn restore(&mut self, snapshot: &SnapshotId, left: Option<&SnapshotId>, now: Timestamp) {
        self.restored = Some(snapshot.clone());
        self.left.retain(|one| Some(&one.snapshot) != left && is_young(one.at, now));
        self.left.extend(left.map(|left| LeftState { snapshot: left.clone(), at: now }));
        let too_many = self.left.len().saturating_sub(MOST_LEFT);
        self.left.drain(..too_many);
    }

    /// When a restore left the state of `snapshot`.
    pub(super) fn left_at(&self, snapshot: &SnapshotId) -> Option<Timestamp> {
        self.left.iter().find(|one| one.snapshot == *snapshot).map(|one| one.at)
    }
}

/// Notes what is wrong with the times at which a trainer is to save.
pub(super) fn check_auto(fields: &mut Fields, auto: &AutoSnapshot) {
    fields.check(auto.every_epochs != Some(0), "auto.every_epochs", "it takes at least 1");
    fields.check(auto.every_s != Some(0), "auto.every_s", "it takes at least 1");
    if let Some(best) = &auto.on_best {
        let known = OnBest::METRICS.contains(&best.metric.as_str());
        fields.check(
            known,
            "auto.on_best.metric",
            "it is loss, accuracy, val_loss, val_accuracy or correlation",
        );
        let delta = best.min_delta.is_finite() && best.min_delta >= 0.0;
        fields.check(delta, "auto.on_best.min_delta", "it takes a number of at least 0");
    }
}

fn is_young(at: Timestamp, now: Timestamp) -> bool {
    now.seconds_since(at) < (SAFETY_DAYS * 86_400) as f64
}

/// Writes what `change` made of the settings, as they are in `tx`; `None` leaves them alone.
pub(super) async fn change_settings(
    tx: &mut Tx,
    run: &SourceId,
    now: Timestamp,
    change: impl FnOnce(&mut RunSettings) + Send,
) -> Result<SourceRow> {
    let row = tx.source(run).await?.ok_or_else(|| ServiceError::not_found("Run"))?;
    let before = RunSettings::of(&row)?;
    let mut settings = before.clone();
    change(&mut settings);
    if settings == before {
        return Ok(row);
    }
    let change = SourceChange { settings: Some(settings.to_json()), ..SourceChange::default() };
    Ok(tx.update_source(run, &change, now).await?)
}

impl Service {
    /// The snapshots by which a run goes on or is taken back, with the reason. None of a source of another kind.
    pub(crate) fn needed_by_run(&self, source: &SourceRow) -> Result<Vec<(SnapshotId, &'static str)>> {
        if source.kind != Kind::Training {
            return Ok(Vec::new());
        }
        let settings = RunSettings::of(source)?;
        let now = self.now();
        let left = settings.left.into_iter().filter(|one| is_young(one.at, now));
        let left = left.map(|one| (one.snapshot, "a restore of the run, which it takes back"));
        let restored = settings.restored.into_iter().map(|one| (one, "the run, which was restored to it"));
        Ok(restored.chain(left).collect())
    }
}
