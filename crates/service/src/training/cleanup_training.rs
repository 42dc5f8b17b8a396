//! Applies the keep rules of a run.

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, SourceRow, Total};
use backstay_model::retention::training::{TrainingCandidate, TrainingRules, decide};
use backstay_model::{Action, Caller, SnapshotState, SourceId, Trigger};
use serde_json::json;

use super::settings::RunSettings;
use super::view::attributes_of;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::TrainingCleanup;

/// How many rows are read at once.
const BATCH: u32 = 1000;

impl Service {
    /// Decides about every ready snapshot of a run, with reasons; deletes what no rule keeps unless `dry_run`. Without `rules` those of
    /// the run.
    ///
    /// The decisions and the deletions are one transaction (**the commit point**), so no hold placed and no fork made meanwhile is
    /// overlooked.
    pub async fn cleanup_training(
        &self,
        caller: &Caller,
        run: &SourceId,
        rules: Option<TrainingRules>,
        dry_run: bool,
    ) -> Result<TrainingCleanup> {
        let source = self.permitted_run(caller, run, Action::Prune).await?;
        let rules = match rules {
            Some(rules) => rules,
            None => RunSettings::of(&source)?.keep,
        };
        let mut fields = Fields::default();
        rules.problems().into_iter().for_each(|(field, problem)| fields.check(false, field, problem));
        fields.finish()?;
        self.cleanup_run(caller, &source, &rules, dry_run).await
    }

    /// The same for a caller whose permission was checked.
    pub(super) async fn cleanup_run(
        &self,
        caller: &Caller,
        source: &SourceRow,
        rules: &TrainingRules,
        dry_run: bool,
    ) -> Result<TrainingCleanup> {
        let mut tx = self.begin().await?;
        let filter = SnapshotFilter {
            source: Some(source.id.clone()),
            states: vec![SnapshotState::Ready],
            ..SnapshotFilter::default()
        };
        let mut paging = Paging { limit: BATCH, total: Total::Skip, ..Paging::default() };
        let mut rows = Vec::new();
        loop {
            let page = tx.list_snapshots(&filter, &paging).await?;
            rows.extend(page.items);
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        let forks = Self::forks_of(&mut tx, &source.tenant).await?;
        let present = tx.source(&source.id).await?.ok_or_else(|| ServiceError::not_found("Run"))?;
        let settings = RunSettings::of(&present)?;
        let candidates: Vec<_> =
            rows.iter().map(|row| candidate(row, &settings, forks.get(&row.id).cloned())).collect();
        let decisions = decide(rules, &candidates, self.now());
        let removed: Vec<&SnapshotRow> = rows
            .iter()
            .filter(|row| decisions.iter().any(|decision| decision.id == row.id && !decision.keep))
            .collect();
        let result = TrainingCleanup {
            dry_run,
            rules: rules.clone(),
            kept: (rows.len() - removed.len()) as u64,
            removed: removed.len() as u64,
            decisions,
        };
        if dry_run || removed.is_empty() {
            tx.roll_back().await;
            return Ok(result);
        }
        let told = json!({"rules": rules, "kept": result.kept, "removed": result.removed});
        self.delete_decided(tx, caller, source, &removed, "no keep rule keeps it", told).await?;
        Ok(result)
    }
}

fn candidate(row: &SnapshotRow, settings: &RunSettings, parent_of: Option<String>) -> TrainingCandidate {
    let about = attributes_of(row);
    let taken_for_it = (row.trigger == Trigger::Safety).then_some(row.created_at);
    TrainingCandidate {
        id: row.id.clone(),
        created_at: row.created_at,
        epoch: about.epoch,
        metrics: about.metrics,
        manual: matches!(row.trigger, Trigger::Manual | Trigger::Import),
        safety_since: settings.left_at(&row.id).max(taken_for_it),
        restored: settings.restored.as_ref() == Some(&row.id),
        good: row.damage.is_none(),
        held: row.pinned,
        parent_of,
    }
}
