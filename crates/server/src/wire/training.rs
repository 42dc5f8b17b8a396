//! Runs of training and what their snapshots have beyond others.

use std::collections::BTreeMap;

use backstay_api::prune::{DecisionReason, PruneDecision, PruneResult};
use backstay_api::training_run::{
    AutoSnapshot, BestMode, BestRule, KeepRules, LineageNode, OnBest, ParameterChange, TrainingLineage,
    TrainingRun,
};
use backstay_api::training_snapshot::{
    ComparedTensor, RestoredTraining, Tensor, TensorChange, TrainingComparison,
};
use backstay_model::retention::training::{Best, Mode, TrainingDecision, TrainingRules};
use backstay_service::{
    Comparison, PresentRun, RestoredLive, TensorDifference, TensorOutline, TensorStatus, view,
};
use serde_json::{Value, json};

/// A run: where it is when it is in this process, else its last snapshot.
pub fn training_run(from: view::TrainingRun, present: Option<PresentRun>) -> TrainingRun {
    let present = present.unwrap_or_else(|| at_rest(&from));
    TrainingRun {
        run_id: from.id.into(),
        name: from.name,
        trainer: "builtin".to_owned(),
        status: present.status.clone(),
        phase: present.phase.clone(),
        step: present.step,
        round: present.round,
        created_at: from.created_at,
        parent_snapshot_id: from.parent_snapshot_id.map(Into::into),
        params: present.params,
        metrics: present.metrics,
        lost: false,
        keep: keep_rules(from.keep),
        auto: auto_snapshot(from.auto),
        snapshots: from.snapshots,
        epoch: present.epoch,
        head_snapshot_id: from.head.map(|head| head.id.into()),
    }
}

/// A run that no process trains.
fn at_rest(from: &view::TrainingRun) -> PresentRun {
    let head = from.head.as_ref();
    let status = match head.map_or("", |head| head.status.as_str()) {
        over @ ("Completed" | "Failed") => over,
        _ => "Stopped",
    };
    PresentRun {
        status: status.to_owned(),
        phase: head.map_or_else(|| "Idle".to_owned(), |head| head.phase.clone()),
        epoch: head.map(|head| head.epoch),
        step: None,
        round: None,
        params: from.params.clone(),
        metrics: head.map(|head| head.metrics.clone()).unwrap_or_default(),
    }
}

/// A change of a parameter.
pub fn parameter_change(from: view::ParameterChange) -> ParameterChange {
    ParameterChange { epoch: from.epoch, name: from.name, old: from.old, new: from.new, actor: from.actor }
}

/// Keep rules as they are sent.
pub fn keep_rules(from: TrainingRules) -> KeepRules {
    let best = from.best.map(|best| BestRule {
        k: best.k,
        metric: best.metric,
        mode: match best.mode {
            Mode::Min => BestMode::Min,
            Mode::Max => BestMode::Max,
        },
    });
    KeepRules { last: from.last, best, every: from.every, manual: from.manual }
}

/// Keep rules as they are applied.
pub fn training_rules(from: KeepRules) -> TrainingRules {
    let best = from.best.map(|best| Best {
        k: best.k,
        metric: best.metric,
        mode: match best.mode {
            BestMode::Min => Mode::Min,
            BestMode::Max => Mode::Max,
        },
    });
    TrainingRules { last: from.last, best, every: from.every, manual: from.manual }
}

/// When a trainer saves, as it is sent.
pub fn auto_snapshot(from: view::AutoSnapshot) -> AutoSnapshot {
    AutoSnapshot {
        each_round: from.each_round,
        on_best: from.on_best.map(|best| OnBest {
            metric: best.metric,
            min_delta: best.min_delta,
            cooldown_epochs: Some(best.cooldown_epochs),
        }),
        every_epochs: from.every_epochs,
        every_s: from.every_s,
        on_complete: from.on_complete,
    }
}

/// When a trainer is to save.
pub fn new_auto_snapshot(from: AutoSnapshot) -> view::AutoSnapshot {
    view::AutoSnapshot {
        each_round: from.each_round,
        on_best: from.on_best.map(|best| view::OnBest {
            metric: best.metric,
            min_delta: best.min_delta,
            cooldown_epochs: best.cooldown_epochs.unwrap_or(view::OnBest::default_cooldown()),
        }),
        every_epochs: from.every_epochs,
        every_s: from.every_s,
        on_complete: from.on_complete,
    }
}

/// What keep rules decided.
pub fn training_cleanup(from: view::TrainingCleanup) -> PruneResult {
    let decision = |decision: TrainingDecision| PruneDecision {
        snapshot_id: decision.id.into(),
        keep: decision.keep,
        timestamp: decision.created_at,
        reasons: decision
            .reasons
            .iter()
            .map(|reason| DecisionReason { code: reason.code().to_owned(), text: reason.to_string() })
            .collect(),
    };
    PruneResult {
        dry_run: from.dry_run,
        decisions: from.decisions.into_iter().map(decision).collect(),
        kept: from.kept,
        removed: from.removed,
        task_id: None,
    }
}

/// The forest of runs.
pub fn training_lineage(from: Vec<view::LineageNode>) -> TrainingLineage {
    TrainingLineage { runs: from.into_iter().map(node).collect() }
}

fn node(from: view::LineageNode) -> LineageNode {
    LineageNode {
        run_id: from.run_id.into(),
        name: from.name,
        parent_snapshot_id: from.parent_snapshot_id.map(Into::into),
        parent_epoch: from.parent_epoch,
        snapshots: from.snapshots,
        epoch: from.epoch,
        forks: from.forks.into_iter().map(node).collect(),
    }
}

/// A tensor.
pub fn tensor(from: TensorOutline) -> Tensor {
    Tensor { path: from.path, dtype: from.dtype, shape: from.shape, bytes: from.bytes }
}

/// What two snapshots differ in.
pub fn training_comparison(from: Comparison) -> TrainingComparison {
    let tensor = |one: TensorDifference| ComparedTensor {
        path: one.path,
        status: match one.status {
            TensorStatus::Same => TensorChange::Same,
            TensorStatus::Changed => TensorChange::Changed,
            TensorStatus::Added => TensorChange::Added,
            TensorStatus::Removed => TensorChange::Removed,
            TensorStatus::Reshaped => TensorChange::Reshaped,
        },
        shapes: one.shapes,
        norms: one.norms,
        max_delta: one.max_delta,
        cosine: one.cosine,
        nan: one.nan,
    };
    TrainingComparison {
        same_architecture: from.same_architecture,
        same_hidden_units: from.same_hidden_units,
        same_activation: from.same_activation,
        hidden_units: from.hidden_units,
        params_diff: from.params_diff,
        tensors: from.tensors.into_iter().map(tensor).collect(),
    }
}

/// A run that was taken back, or would be.
pub fn restored_training(from: RestoredLive) -> RestoredTraining {
    let RestoredLive { restored: from, status: training_status, phase } = from;
    let (status, done) =
        if from.dry_run { ("planned", "Would be restored") } else { ("success", "Restored") };
    let snapshot = from.snapshot;
    RestoredTraining {
        status: status.to_owned(),
        message: format!("{done} from snapshot '{}'", snapshot.id),
        snapshot_id: snapshot.id.into(),
        run_id: from.run_id.into(),
        restored_at: (!from.dry_run).then_some(from.restored_at),
        mode: "real".to_owned(),
        current_epoch: snapshot.epoch,
        training_status,
        phase,
        hidden_units: snapshot.hidden_units,
        safety_snapshot_id: from.safety_snapshot_id.map(Into::into),
        exact: snapshot.exact,
        missing: snapshot.missing,
    }
}

/// What a snapshot of training has beside the fields of every kind.
pub(super) fn particulars(from: &view::TrainingSnapshot) -> BTreeMap<String, Value> {
    [
        ("run_id", json!(from.run_id)),
        ("run_name", json!(from.run_name)),
        ("epoch", json!(from.epoch)),
        ("phase", json!(from.phase)),
        ("hidden_units", json!(from.hidden_units)),
        ("metrics", json!(from.metrics)),
        ("exact", json!(from.exact)),
        ("missing", json!(from.missing)),
        ("sha256", json!(from.sha256)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
