//! Recreates catalog rows from the repository alone.

use std::collections::BTreeSet;

use backstay_catalog::{CatalogError, SnapshotRow, SourceRow, TenantRow, Tx};
use backstay_model::{Action, Actor, ActorKind, Caller, Kind, OperationId, SnapshotState, Subject, TenantId};
use backstay_repository::{Manifest, ManifestId};
use serde_json::json;

use crate::checkpoints::is_content;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::stored_content;
use crate::view::RebuildReport;

/// How many manifests are brought in by one transaction.
const BATCH: usize = 200;

/// What was made of one manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adopted {
    /// The catalog knows it.
    Known,
    /// It has a row now; with a new row of its source, or not.
    New { source: bool },
}

/// A manifest that was read, or why it could not be.
pub(crate) type ReadManifest = (ManifestId, Result<Box<Manifest>, String>);

impl Service {
    /// Creates a source and a snapshot row for every manifest that the catalog does not know, and a checkpoint for every state of a
    /// job that lies in the repository. For an empty catalog.
    ///
    /// Idempotent: what is interrupted is continued by a repetition. What only the catalog knew (holds, later labels, users, the
    /// event log before now) is gone.
    pub async fn rebuild_catalog(&self, caller: &Caller, run: &Run) -> Result<RebuildReport> {
        let subject = Subject::new("catalog", "all");
        self.permit(caller, None, Action::ManageTenants, &subject).await?;
        let mut report = RebuildReport::default();
        let ids = self.manifest_ids().await?;
        run.progress.expect(ids.len() as u64, 0);
        let mut contents = Vec::new();
        for batch in ids.chunks(BATCH) {
            run.cancel.check()?;
            let manifests = self.read_manifests(batch).await?;
            let mut tx = self.begin().await?;
            for (id, manifest) in manifests {
                report.manifests += 1;
                match manifest {
                    Err(reason) => report.unreadable.push(format!("{id}: {reason}")),
                    Ok(manifest) if is_content(&manifest) => contents.push((id, manifest)),
                    Ok(manifest) => {
                        if let Adopted::New { source } =
                            self.adopt_in(&mut tx, caller, &id, &manifest).await?
                        {
                            report.snapshots += 1;
                            report.sources += u64::from(source);
                        }
                    }
                }
            }
            tx.commit().await?;
            run.progress.advance(batch.len() as u64, 0);
        }
        self.adopt_contents(caller, contents, run, &mut report).await?;
        let event = self.event(caller, "repository.catalog_rebuilt", Subject::new("repository", "main"));
        self.commit_event(event.with(json!({
            "manifests": report.manifests, "sources": report.sources, "snapshots": report.snapshots,
            "checkpoints": report.checkpoints, "lone_values": report.lone_values,
            "unreadable": report.unreadable.len(),
        })))
        .await?;
        Ok(report)
    }

    /// The ids of every manifest in the repository.
    pub(crate) async fn manifest_ids(&self) -> Result<Vec<ManifestId>> {
        let repository = self.repository().await?;
        blocking("list the manifests", move || Ok(repository.manifests()?)).await
    }

    /// Reads manifests; one that is damaged does not keep the others from being read.
    pub(crate) async fn read_manifests(&self, ids: &[ManifestId]) -> Result<Vec<ReadManifest>> {
        let (repository, ids) = (self.repository().await?, ids.to_vec());
        blocking("read the manifests", move || {
            let read = |id: ManifestId| {
                let manifest = repository.read_manifest(&id).map(Box::new).map_err(|error| error.to_string());
                (id, manifest)
            };
            Ok(ids.into_iter().map(read).collect())
        })
        .await
    }

    /// Makes a row of a manifest that the catalog does not know, and of its source and tenant when those are missing.
    pub(super) async fn adopt_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &ManifestId,
        manifest: &Manifest,
    ) -> Result<Adopted> {
        if tx.snapshot_of_manifest(&id.to_string()).await?.is_some()
            || tx.snapshot(&manifest.snapshot).await?.is_some()
        {
            return Ok(Adopted::Known);
        }
        self.ensure_tenant_in(tx, &manifest.tenant).await?;
        let source = self.ensure_source_in(tx, caller, manifest).await?;
        let row = tx.adopt_snapshot(row_of(id, manifest)).await?;
        let event = self.event(caller, "snapshot.adopted", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "name": row.label.as_deref().unwrap_or(row.id.as_str()), "created_at": row.created_at,
        })));
        Ok(Adopted::New { source })
    }

    pub(super) async fn ensure_tenant_in(&self, tx: &mut Tx, id: &TenantId) -> Result<()> {
        if tx.tenant(id).await?.is_none() {
            let row = TenantRow {
                id: id.clone(),
                name: id.to_string(),
                settings: json!({}),
                created_at: self.now(),
            };
            tx.insert_tenant(&row).await?;
        }
        Ok(())
    }

    /// Returns whether the source is new. Its root is not in the manifest: a workspace is found again when it is next saved.
    async fn ensure_source_in(&self, tx: &mut Tx, caller: &Caller, manifest: &Manifest) -> Result<bool> {
        if tx.source(&manifest.source).await?.is_some() {
            return Ok(false);
        }
        let taken: BTreeSet<String> =
            match tx.source_named(&manifest.tenant, manifest.kind, &manifest.source_name).await? {
                Some(other) => [other.name].into(),
                None => BTreeSet::new(),
            };
        let name = if taken.is_empty() {
            manifest.source_name.clone()
        } else {
            format!("{} ({})", manifest.source_name, manifest.source)
        };
        let now = self.now();
        let row = SourceRow {
            id: manifest.source.clone(),
            tenant: manifest.tenant.clone(),
            kind: manifest.kind,
            name,
            root: root_of(manifest),
            host: manifest.host.clone(),
            settings: settings_of(manifest),
            retention: None,
            state_serial: 0,
            created_at: manifest.created_at,
            updated_at: now,
            removed_at: None,
        };
        let free = match &row.root {
            Some(root) => tx.source_at(&row.host, root).await?.is_none(),
            None => true,
        };
        let row = if free { row } else { SourceRow { root: None, ..row } };
        tx.insert_source(&row).await?;
        let event = self.event(caller, "source.adopted", Subject::new("source", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.id).with(json!({"name": row.name})));
        Ok(true)
    }
}

/// The directory of a workspace, as the manifest tells it.
fn root_of(manifest: &Manifest) -> Option<String> {
    match manifest.kind {
        Kind::Workspace => manifest.attributes.get("root")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// What a manifest tells of the settings of its source: from which snapshot a run of training was forked.
fn settings_of(manifest: &Manifest) -> serde_json::Value {
    let parent = manifest.attributes.get("parent_snapshot_id").filter(|parent| parent.is_string());
    match (manifest.kind, parent) {
        (Kind::Training, Some(parent)) => json!({"parent_snapshot_id": parent}),
        _ => json!({}),
    }
}

/// The row that a manifest stands for.
fn row_of(id: &ManifestId, manifest: &Manifest) -> SnapshotRow {
    let content = stored_content(id, manifest);
    SnapshotRow {
        created_at: manifest.created_at,
        id: manifest.snapshot.clone(),
        tenant: manifest.tenant.clone(),
        source: manifest.source.clone(),
        kind: manifest.kind,
        state: SnapshotState::Ready,
        trigger: manifest.trigger,
        pinned: false,
        name: None,
        label: manifest.label.clone(),
        description: manifest.description.clone(),
        finished_at: Some(manifest.created_at),
        parent: manifest.parent.clone(),
        group: attribute(manifest, "group"),
        operation: attribute(manifest, "operation").and_then(|id| OperationId::parse(&id).ok()),
        manifest_id: Some(content.manifest_id),
        tree_id: content.tree_id,
        logical_bytes: content.logical_bytes,
        added_bytes: content.added_bytes,
        stored_bytes: content.stored_bytes,
        counts: content.counts,
        warning_count: content.warning_count,
        warnings: content.warnings,
        partial: content.partial,
        attributes: content.attributes.unwrap_or_else(|| json!({})),
        created_by: Actor {
            kind: ActorKind::Local,
            id: manifest.actor.clone(),
            name: manifest.actor.clone(),
        },
        failure: None,
        lease_owner: None,
        lease_expires_at: None,
        tombstone: None,
        verified_at: None,
        damage: None,
    }
}

fn attribute(manifest: &Manifest, name: &str) -> Option<String> {
    manifest.attributes.get(name)?.as_str().map(str::to_owned)
}

/// Whether an error says that somebody else did the same at the same time.
pub(super) fn was_raced(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Duplicate { .. } | CatalogError::Conflict { .. })
}
