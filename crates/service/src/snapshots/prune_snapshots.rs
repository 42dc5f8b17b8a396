//! Applies retention.

use std::collections::{BTreeMap, BTreeSet};

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, SourceRow, Total, Tx};
use backstay_model::retention::{Candidate, Decision, HoldOn, ReferenceTo, Rules, decide};
use backstay_model::{Action, Caller, SnapshotId, SnapshotState, SourceId, TaskId};
use serde_json::json;

use super::view::scope_of;
use crate::error::Result;
use crate::service::Service;
use crate::sources::rules_of;
use crate::tasks::Work;
use crate::view::PruneResult;

/// How many rows are read at once.
const BATCH: u32 = 1000;

impl Service {
    /// Decides about every snapshot of a source, with reasons; deletes what no rule keeps unless `dry_run`. Without `rules`
    /// those of the source; without those nothing is deleted.
    ///
    /// The decisions and the deletions are one transaction (**the commit point**), so no hold placed meanwhile is overlooked.
    pub async fn prune_snapshots(
        &self,
        caller: &Caller,
        source: &SourceId,
        rules: Option<Rules>,
        dry_run: bool,
    ) -> Result<PruneResult> {
        let source = self.permitted_source(caller, source, Action::Prune).await?;
        let rules = match rules {
            Some(rules) => Some(rules),
            None => rules_of(&source)?,
        };
        let mut tx = self.begin().await?;
        let rows = rows_to_decide(&mut tx, &source.id).await?;
        let decisions = match &rules {
            Some(rules) => self.decisions(&mut tx, &source, rules, &rows).await?,
            None => rows.values().rev().map(kept_without_rules).collect(),
        };
        let removed: Vec<&SnapshotRow> = decisions
            .iter()
            .filter(|decision| !decision.keep)
            .filter_map(|decision| rows.get(&decision.id))
            .collect();
        let result = PruneResult {
            dry_run,
            kept: (decisions.len() - removed.len()) as u64,
            removed: removed.len() as u64,
            task: None,
            decisions: decisions.clone(),
        };
        if dry_run || removed.is_empty() {
            tx.roll_back().await;
            return Ok(result);
        }
        let told = json!({"rules": rules, "kept": result.kept, "removed": result.removed});
        self.delete_decided(tx, caller, &source, &removed, "no retention rule keeps it", told).await?;
        Ok(result)
    }

    /// Queues the pruning of a source by its own rules.
    pub async fn queue_prune(&self, caller: &Caller, source: &SourceId) -> Result<TaskId> {
        let source = self.permitted_source(caller, source, Action::Prune).await?;
        let work = Work::Prune { source: source.id.clone() };
        self.enqueue(caller, Some(&source), source.id.to_string(), work).await
    }

    async fn decisions(
        &self,
        tx: &mut Tx,
        source: &SourceRow,
        rules: &Rules,
        rows: &BTreeMap<SnapshotId, SnapshotRow>,
    ) -> Result<Vec<Decision>> {
        let candidates: Vec<Candidate> = rows.values().map(candidate).collect();
        let mut holds = Vec::new();
        for row in rows.values().filter(|row| row.pinned) {
            for hold in tx.holds_of(&row.id).await? {
                holds.push(HoldOn { snapshot: row.id.clone(), reason: hold.reason, until: hold.until });
            }
        }
        let references = references(self, tx, source, rows).await?;
        let zone = &self.settings().time_zone;
        Ok(decide(rules, &candidates, &holds, &references, self.now(), zone))
    }
}

/// Every snapshot of a source that is ready, failed or being written.
async fn rows_to_decide(tx: &mut Tx, source: &SourceId) -> Result<BTreeMap<SnapshotId, SnapshotRow>> {
    let filter = SnapshotFilter {
        source: Some(source.clone()),
        states: vec![SnapshotState::Creating, SnapshotState::Ready, SnapshotState::Failed],
        ..SnapshotFilter::default()
    };
    let mut paging = Paging { limit: BATCH, total: Total::Skip, ..Paging::default() };
    let mut rows = BTreeMap::new();
    loop {
        let page = tx.list_snapshots(&filter, &paging).await?;
        rows.extend(page.items.into_iter().map(|row| (row.id.clone(), row)));
        match page.next {
            Some(next) => paging.after = Some(next),
            None => return Ok(rows),
        }
    }
}

/// What needs a snapshot: unfinished operations, forks, restores of its run, and groups with members in other sources.
async fn references(
    service: &Service,
    tx: &mut Tx,
    source: &SourceRow,
    rows: &BTreeMap<SnapshotId, SnapshotRow>,
) -> Result<Vec<ReferenceTo>> {
    let mut references = Vec::new();
    for operation in tx.open_operations(&source.id).await? {
        for snapshot in operation.snapshot.iter().chain(&operation.target) {
            references
                .push(ReferenceTo { snapshot: snapshot.clone(), by: format!("operation {}", operation.id) });
        }
    }
    for (snapshot, run) in Service::forks_of(tx, &source.tenant).await? {
        references.push(ReferenceTo { snapshot, by: format!("run {run}, which was forked from it") });
    }
    for (snapshot, by) in service.needed_by_run(source)? {
        references.push(ReferenceTo { snapshot, by: by.to_owned() });
    }
    let groups: BTreeSet<&String> = rows.values().filter_map(|row| row.group.as_ref()).collect();
    for group in groups {
        let members = tx.snapshots_of_group(group).await?;
        let elsewhere =
            members.iter().any(|member| member.source != source.id && member.state == SnapshotState::Ready);
        if elsewhere {
            let here = members.into_iter().filter(|member| member.source == source.id);
            references
                .extend(here.map(|member| ReferenceTo { snapshot: member.id, by: format!("group {group}") }));
        }
    }
    Ok(references)
}

fn candidate(row: &SnapshotRow) -> Candidate {
    Candidate {
        id: row.id.clone(),
        source: row.source.clone(),
        created_at: row.created_at,
        state: row.state,
        trigger: row.trigger,
        complete: !row.partial && row.damage.is_none(),
        whole: scope_of(row).is_empty(),
        group: row.group.clone(),
    }
}

fn kept_without_rules(row: &SnapshotRow) -> Decision {
    Decision {
        id: row.id.clone(),
        source: row.source.clone(),
        created_at: row.created_at,
        keep: true,
        reasons: vec![backstay_model::retention::Reason::NoRules],
    }
}
