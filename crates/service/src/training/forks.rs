//! Which snapshots runs were forked from.

use std::collections::BTreeMap;

use backstay_catalog::{Paging, Session, SourceFilter, SourceRow};
use backstay_model::{Kind, SnapshotId, TenantId};

use super::settings::RunSettings;
use crate::error::Result;
use crate::service::Service;

/// How many rows are read at once.
const BATCH: u32 = 1000;

impl Service {
    /// The snapshots of a tenant that runs were forked from, with the name of one such run.
    pub(crate) async fn forks_of(
        read: &mut Session,
        tenant: &TenantId,
    ) -> Result<BTreeMap<SnapshotId, String>> {
        let mut found = BTreeMap::new();
        for row in training_rows(read, Some(tenant)).await? {
            if let Some(parent) = RunSettings::of(&row)?.parent_snapshot_id {
                found.entry(parent).or_insert(row.name);
            }
        }
        Ok(found)
    }
}

/// All runs of a tenant, or of all, oldest first.
pub(super) async fn training_rows(read: &mut Session, tenant: Option<&TenantId>) -> Result<Vec<SourceRow>> {
    let filter =
        SourceFilter { kind: Some(Kind::Training), tenant: tenant.cloned(), ..SourceFilter::default() };
    let mut paging = Paging { limit: BATCH, ..Paging::default() };
    let mut rows = Vec::new();
    loop {
        let page = read.list_sources(&filter, &paging).await?;
        rows.extend(page.items);
        match page.next {
            Some(next) => paging.after = Some(next),
            None => return Ok(rows),
        }
    }
}
