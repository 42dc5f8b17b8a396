//! Which run was forked from which.

use std::collections::BTreeMap;

use backstay_model::{Action, Caller, Kind, SourceId, Subject};

use super::forks::training_rows;
use super::view::{self, attributes_of};
use crate::error::Result;
use crate::service::Service;
use crate::view::LineageNode;

impl Service {
    /// The runs that the caller sees as a forest: runs that were not forked, or whose origin is gone, with their forks below them.
    pub async fn training_lineage(&self, caller: &Caller) -> Result<Vec<LineageNode>> {
        let subject = Subject::new("sources", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        let mut read = self.read().await?;
        let mut below: BTreeMap<Option<SourceId>, Vec<LineageNode>> = BTreeMap::new();
        let rows = training_rows(&mut read, Self::visible_tenant(caller).as_ref()).await?;
        let known: Vec<SourceId> = rows.iter().map(|row| row.id.clone()).collect();
        for row in rows {
            let run = view::run(&mut read, row).await?;
            let parent = match &run.parent_snapshot_id {
                Some(parent) => read.snapshot(parent).await?,
                None => None,
            };
            let origin = parent.as_ref().map(|parent| parent.source.clone());
            let node = LineageNode {
                run_id: run.id,
                name: run.name,
                parent_snapshot_id: run.parent_snapshot_id,
                parent_epoch: parent.as_ref().map(|parent| attributes_of(parent).epoch),
                snapshots: run.snapshots,
                epoch: run.head.map(|head| head.epoch),
                forks: Vec::new(),
            };
            below.entry(origin.filter(|origin| known.contains(origin))).or_default().push(node);
        }
        let mut roots = below.remove(&None).unwrap_or_default();
        for root in &mut roots {
            attach(root, &mut below);
        }
        Ok(roots)
    }
}

/// A fork is younger than its origin, so this ends.
fn attach(node: &mut LineageNode, below: &mut BTreeMap<Option<SourceId>, Vec<LineageNode>>) {
    node.forks = below.remove(&Some(node.run_id.clone())).unwrap_or_default();
    for fork in &mut node.forks {
        attach(fork, below);
    }
}
