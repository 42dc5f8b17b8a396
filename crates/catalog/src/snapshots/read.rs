//! Reading single snapshots and small sets of them.

use backstay_model::{SnapshotId, SnapshotState, SourceId, Timestamp};

use super::list::SnapshotFilter;
use super::row::{COLUMNS, SnapshotRow};
use crate::error::{CatalogError, Result};
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::{Fields, Value, sql};

impl Session {
    /// The snapshot with this id, also when it is deleted.
    pub async fn snapshot(&mut self, id: &SnapshotId) -> Result<Option<SnapshotRow>> {
        let text = format!("SELECT {COLUMNS} FROM snapshots WHERE id = $1");
        self.one(sql("read a snapshot", text).bind(id)).await
    }

    /// The snapshot that was committed with this manifest.
    pub async fn snapshot_of_manifest(&mut self, manifest_id: &str) -> Result<Option<SnapshotRow>> {
        let text = format!("SELECT {COLUMNS} FROM snapshots WHERE manifest_id = $1");
        self.one(sql("read a snapshot", text).bind(manifest_id)).await
    }

    /// Those of these manifests that a snapshot was committed with.
    pub async fn known_manifests(&mut self, ids: &[String]) -> Result<Vec<String>> {
        let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
        let text = format!("SELECT manifest_id FROM snapshots WHERE manifest_id IN ({})", places.join(", "));
        let statement = sql("look for manifests", text).bind_all(ids.iter().map(Value::from));
        self.raw(statement).await?.iter().map(|row| Fields::new("snapshots", row).text()).collect()
    }

    /// Up to `limit` snapshots whose id begins with `prefix`, by id; of one source, or of all.
    pub async fn snapshots_with_prefix(
        &mut self,
        source: Option<&SourceId>,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<SnapshotRow>> {
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            return Ok(Vec::new());
        }
        // Ids have only characters below `~`, so this is the range of all that begin with the prefix.
        let of_source = if source.is_some() { "AND source_id = $3" } else { "" };
        let text = format!(
            "SELECT {COLUMNS} FROM snapshots WHERE id >= $1 AND id < $2 {of_source}
             ORDER BY id LIMIT {limit}"
        );
        let mut statement = sql("find snapshots", text).bind(prefix).bind(format!("{prefix}~"));
        if let Some(source) = source {
            statement = statement.bind(source);
        }
        self.all(statement).await
    }

    /// The snapshots of a group capture, oldest first.
    pub async fn snapshots_of_group(&mut self, group: &str) -> Result<Vec<SnapshotRow>> {
        let text = format!("SELECT {COLUMNS} FROM snapshots WHERE group_id = $1 ORDER BY created_at");
        self.all(sql("list the snapshots of a group", text).bind(group)).await
    }

    /// The newest ready snapshot of a source.
    pub async fn latest_ready(&mut self, source: &SourceId) -> Result<Option<SnapshotRow>> {
        Ok(self.newest_ready(source, 1).await?.into_iter().next())
    }

    /// The `most` newest ready snapshots of a source, the newest first.
    pub async fn newest_ready(&mut self, source: &SourceId, most: u32) -> Result<Vec<SnapshotRow>> {
        let filter = SnapshotFilter {
            source: Some(source.clone()),
            states: vec![SnapshotState::Ready],
            ..SnapshotFilter::default()
        };
        let paging = Paging { total: Total::Skip, ..Paging::first(most) };
        Ok(self.list_snapshots(&filter, &paging).await?.items)
    }

    /// All snapshots of a source that retention looks at: those that are ready, newest first.
    pub async fn ready_snapshots(&mut self, source: &SourceId) -> Result<Vec<SnapshotRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM snapshots WHERE source_id = $1 AND state = 'ready' ORDER BY created_at DESC"
        );
        self.all(sql("list the snapshots of a source", text).bind(source)).await
    }

    /// The captures whose lease has run out: their process is dead.
    pub async fn expired_captures(&mut self, now: Timestamp) -> Result<Vec<SnapshotRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM snapshots WHERE state = 'creating' AND lease_expires_at <= $1
             ORDER BY lease_expires_at LIMIT 1000"
        );
        self.all(sql("list dead captures", text).bind(now)).await
    }

    /// Why a snapshot could not be changed: it does not exist, or it is in another state.
    pub(crate) async fn snapshot_conflict(&mut self, id: &SnapshotId) -> Result<CatalogError> {
        Ok(match self.snapshot(id).await? {
            None => CatalogError::not_found("snapshot", id),
            Some(row) => CatalogError::Conflict {
                what: "snapshot",
                id: id.to_string(),
                found: match (row.state, row.pinned) {
                    (SnapshotState::Ready | SnapshotState::Failed, true) => "pinned".to_owned(),
                    (state, _) => state.to_string(),
                },
            },
        })
    }
}
