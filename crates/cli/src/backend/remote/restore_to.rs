//! Restores into a directory of this machine what a server sends.

use std::path::Path;
use std::sync::Arc;

use backstay_api::content::ArchiveQuery;
use backstay_api::entry::EntryKind;
use backstay_api::restore::CannotRestore;
use backstay_model::{OperationId, SnapshotId};
use backstay_service::view::RestoreRequest;
use backstay_source::RestoreContext;
use backstay_source_workspace::{Selection, unpack_to};
use tokio_util::io::SyncIoBridge;

use super::Remote;
use crate::backend::{RestoredTo, wire};
use crate::context::Context;
use crate::failure::Failure;

impl Remote {
    /// Restores into an empty directory of this machine: downloads, stages beside the target, moves into place at the end.
    pub(crate) async fn restore_to(
        &self,
        cx: &Context,
        id: &str,
        request: RestoreRequest,
        target: &Path,
    ) -> Result<RestoredTo, Failure> {
        let snapshot = self.client.get_snapshot(id).await?;
        let selection = Selection::of_patterns(&request.paths)?;
        let lost = if snapshot.partial || snapshot.counts.skipped > 0 {
            self.only_noted(id, &selection).await?
        } else {
            Vec::new()
        };
        let query = ArchiveQuery { path: None, select: request.paths };
        let archive = self.client.read_archive(id, &query).await?.into_reader();
        // It reads on a blocking thread, where it waits for the runtime.
        let archive = SyncIoBridge::new(archive);
        let snapshot_id = SnapshotId::parse(id).map_err(|error| Failure::usage(error.to_string()))?;
        let operation = OperationId::generate(cx.clock.now(), &*cx.rng);
        let directory = target.to_owned();
        let report = cx
            .blocking("Restoring", move |progress, cancel| {
                if selection.is_all() {
                    progress.expect(snapshot.counts.files, snapshot.size_bytes);
                }
                let context = RestoreContext { progress: Arc::clone(&progress), cancel, threads: 1 };
                Ok(unpack_to(&directory, &snapshot_id, archive, &operation, &context)?)
            })
            .await?;
        let mut not_restored = wire::not_restored(&report);
        not_restored.extend(lost);
        Ok(RestoredTo {
            snapshot_id: id.to_owned(),
            target: target.to_owned(),
            written: wire::written(&report),
            not_restored,
        })
    }

    /// What the snapshot notes without holding it.
    async fn only_noted(&self, id: &str, selection: &Selection) -> Result<Vec<CannotRestore>, Failure> {
        let mut cursor = None;
        let mut lost = Vec::new();
        loop {
            let page = self.entries(id, "", true, cursor).await?;
            for entry in page.entries {
                let reason = match entry.kind {
                    EntryKind::File | EntryKind::Directory | EntryKind::Symlink => continue,
                    EntryKind::Unreadable => "it could not be read when it was captured",
                    _ => "it is noted in snapshots, not captured",
                };
                if selection.contains(entry.path.as_bytes()) {
                    lost.push(CannotRestore { path: entry.path, reason: reason.to_owned() });
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(lost),
            }
        }
    }
}
