//! Saves the state of a run.

use std::sync::Arc;

use backstay_catalog::{CatalogError, Paging, SnapshotFilter, SnapshotRow, SourceRow, Total};
use backstay_model::{Action, Caller, ErrorKind, SnapshotId, SnapshotState, SourceId};
use backstay_repository::{Manifest, Receipt, Repository, WriterOptions};
use backstay_source::CaptureContext;
use backstay_source_training::stored::{StoredError, TrainingAttributes, capture, export};
use backstay_source_training::{Lineage, Snapshot};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::settings::{RunSettings, change_settings};
use super::view::{self, attributes_of};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::run::{Notice, Run};
use crate::service::{Service, blocking};
use crate::view::{NewSnapshot, NewTrainingSnapshot, SavedTraining, TrainingTrigger};

/// How many names without a label are tried.
const MOST_NAMES: u32 = 1000;

/// What stands where an id stands in a path, or in the place of one at the command line.
const ROUTE_WORDS: [&str; 4] = ["history", "import", "compare", "latest"];

/// The longest id that is made of a label.
const MOST_ID: usize = 100;

impl Service {
    /// Saves `snapshot` as the newest of a run. Its time, counter and lineage are set here, unless it is an import, which keeps those
    /// of its file.
    ///
    /// Commit point: the catalog transaction that sets `ready`; before it the content is durable and was read back and loaded.
    /// When it returns an error, the snapshot is `failed`, with the reason, and nothing else is changed. After the commit point the
    /// keep rules of the run are applied, unless it is a safety snapshot; if they cannot be, the run's notices tell of it.
    ///
    /// Errors: `Conflict` when the run has a snapshot of that label, `Busy` when another trainer saved since `new.after`.
    pub async fn save_training(
        &self,
        caller: &Caller,
        run_id: &SourceId,
        snapshot: Snapshot,
        new: &NewTrainingSnapshot,
        run: &Run,
    ) -> Result<SavedTraining> {
        let source = self.permitted_run(caller, run_id, Action::Capture).await?;
        let mut fields = Fields::default();
        fields.line("label", &new.label, 200);
        fields.text("description", &new.description, 2000);
        fields.finish()?;
        let settings = RunSettings::of(&source)?;
        let row = self.begin_training(caller, &source, new).await?;

        let saved = async {
            let counter = match &row.parent {
                Some(parent) => self.read().await?.snapshot(parent).await?,
                None => None,
            };
            let counter = counter.map_or(0, |newest| attributes_of(&newest).snapshot_counter);
            let snapshot = with_header(snapshot, &row, &settings, new, counter);
            let receipt = self.store_training(caller, &source, &row, snapshot, new, run).await?;
            self.commit_training(caller, &source, &row, &receipt, new).await
        };
        let (ready, serial) = match saved.await {
            Ok(committed) => committed,
            Err(error) => {
                self.fail_capture(caller, &row, &error).await;
                return Err(error);
            }
        };
        if new.trigger == TrainingTrigger::Safety {
            // What it is taken before may need what the rules would remove.
            return Ok(SavedTraining {
                snapshot: view::snapshot(ready, &source.name),
                serial,
                removed: Vec::new(),
            });
        }
        let removed = match self.cleanup_run(caller, &source, &settings.keep, false).await {
            Ok(cleanup) => {
                let gone = cleanup.decisions.into_iter().filter(|decision| !decision.keep);
                gone.map(|decision| decision.id).collect()
            }
            Err(error) => {
                run.notices.add(Notice {
                    code: "keep_failed".into(),
                    message: format!("the keep rules of `{}` were not applied: {error}", source.name),
                    hint: Some("`backstay training cleanup` applies them".to_owned()),
                });
                Vec::new()
            }
        };
        Ok(SavedTraining { snapshot: view::snapshot(ready, &source.name), serial, removed })
    }

    /// The row `creating` with a free label, and its event: one transaction.
    async fn begin_training(
        &self,
        caller: &Caller,
        source: &SourceRow,
        new: &NewTrainingSnapshot,
    ) -> Result<SnapshotRow> {
        let mut of = self.capture_here(new.trigger.of_snapshot());
        let mut tx = self.begin().await?;
        if let Some(expected) = new.after
            && tx.source(&source.id).await?.is_none_or(|now| now.state_serial != expected)
        {
            return Err(trained_elsewhere(source));
        }
        let label = if new.label.is_empty() {
            let moment = self.now().to_jiff().strftime("snapshot_%Y%m%d_%H%M%S").to_string();
            free_label(&mut tx, &source.id, &moment).await?
        } else if label_is_taken(&mut tx, &source.id, &new.label).await? {
            return Err(
                ServiceError::conflict(format!("Snapshot '{}' already exists", new.label)).code("name_taken")
            );
        } else {
            new.label.clone()
        };
        of.id = self.free_id(&mut tx, &label).await?;
        let asked = NewSnapshot { label, description: new.description.clone(), ..NewSnapshot::default() };
        let row = self.begin_capture_in(&mut tx, caller, source, &of, &asked).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// The id that `label` gives, or one with a random end when it is a word of a path or was ever an id.
    async fn free_id(&self, tx: &mut backstay_catalog::Tx, label: &str) -> Result<SnapshotId> {
        let plain = plain_id(label);
        if let Ok(id) = SnapshotId::parse(&plain)
            && !ROUTE_WORDS.contains(&plain.as_str())
            && tx.snapshot(&id).await?.is_none()
        {
            return Ok(id);
        }
        let suffix = backstay_model::id::random_suffix(&**self.rng(), 8);
        Ok(SnapshotId::parse(format!("{plain}-{suffix}").trim_start_matches('-'))?)
    }

    /// **The commit point**: `ready`, its event, and the count by which another trainer of the run is noticed.
    async fn commit_training(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &SnapshotRow,
        receipt: &Receipt,
        new: &NewTrainingSnapshot,
    ) -> Result<(SnapshotRow, u64)> {
        let mut tx = self.begin().await?;
        let serial = match new.after {
            Some(expected) => match tx.advance_source_from(&source.id, expected, self.now()).await {
                Err(CatalogError::Conflict { .. }) => {
                    tx.roll_back().await;
                    self.take_back(receipt).await;
                    return Err(trained_elsewhere(source));
                }
                advanced => advanced?,
            },
            None => source.state_serial,
        };
        let ready = self.finish_capture_in(&mut tx, caller, row, receipt, new.pin).await?;
        // From here on this is where the run is.
        change_settings(&mut tx, &source.id, self.now(), |settings| settings.restored = None).await?;
        tx.commit().await?;
        Ok((ready, serial))
    }

    /// Removes the manifest of a save that is not to be, so that nobody adopts it. What cannot be removed now, the next start of a
    /// server adopts as what it is: a state of the run.
    async fn take_back(&self, receipt: &Receipt) {
        let (lazy, id) = (self.lazy_repository().clone(), receipt.id);
        let removed = blocking("remove the manifest", move || Ok(lazy.get()?.delete_manifest(&id)?)).await;
        if let Err(error) = removed {
            tracing::warn!(manifest.id = %receipt.id, %error, "the manifest of a refused save could not be removed");
        }
    }

    /// Content, manifest, and the proof that it can be loaded.
    async fn store_training(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &SnapshotRow,
        snapshot: Snapshot,
        new: &NewTrainingSnapshot,
        run: &Run,
    ) -> Result<Receipt> {
        let (lazy, clock, inner) = (self.lazy_repository().clone(), Arc::clone(self.clock()), run.clone());
        let mut manifest = ManifestStart {
            row: row.clone(),
            source_name: source.name.clone(),
            host: self.settings().host.clone(),
            actor: caller.actor.name.clone(),
            trigger: new.trigger,
        };
        let work = blocking("save the state of the run", move || {
            let repository = lazy.get()?;
            let context = CaptureContext {
                clock,
                progress: inner.progress,
                cancel: inner.cancel,
                threads: std::thread::available_parallelism().map_or(1, usize::from),
            };
            store(&repository, &context, &snapshot, &mut manifest)
        });
        self.keep_lease(row, run, work).await
    }
}

/// What remains of a label in an id: other characters than `A-Za-z0-9._-` become `-`, and `.` and `-` around go.
fn plain_id(label: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let id: String = label.chars().map(plain).collect();
    let id: String = id.trim_matches(['.', '-']).chars().take(MOST_ID).collect();
    id.trim_end_matches(['.', '-']).to_owned()
}

pub(super) fn trained_elsewhere(source: &SourceRow) -> ServiceError {
    let message = format!("Run `{}` is trained by another process", source.name);
    ServiceError::new(ErrorKind::Busy, message)
        .code("run_busy")
        .hint("let one of them end; `backstay training fork` makes a run of its own")
}

/// The snapshot with what the catalog knows of it. An exact import stays the file that it was.
fn with_header(
    mut snapshot: Snapshot,
    row: &SnapshotRow,
    settings: &RunSettings,
    new: &NewTrainingSnapshot,
    counter: u64,
) -> Snapshot {
    if new.trigger != TrainingTrigger::Import {
        let header = &mut snapshot.header;
        header.created = Some(row.created_at);
        header.description.clone_from(&new.description);
        header.snapshot_counter = counter + 1;
        header.lineage = Lineage {
            run_id: Some(row.source.to_string()),
            snapshot_id: Some(row.id.to_string()),
            parent_snapshot_id: settings.parent_snapshot_id.as_ref().map(ToString::to_string),
            trigger: Some(new.trigger.as_str().to_owned()),
        };
    }
    snapshot
}

struct ManifestStart {
    row: SnapshotRow,
    source_name: String,
    host: String,
    actor: String,
    trigger: TrainingTrigger,
}

/// Stores and reads back; blocks.
fn store(
    repository: &Repository,
    context: &CaptureContext,
    snapshot: &Snapshot,
    start: &mut ManifestStart,
) -> Result<Receipt> {
    let (file_bytes, sha256) = digest(snapshot)?;
    let attributes = TrainingAttributes {
        trigger: start.trigger.as_str().to_owned(),
        file_bytes,
        sha256,
        ..TrainingAttributes::of(snapshot)
    };
    let writer = repository.writer(WriterOptions {
        threads: context.threads,
        progress: context.progress.clone(),
        cancel: context.cancel.clone(),
        ..WriterOptions::default()
    })?;
    let captured = capture(context, snapshot, &attributes, &writer)?;
    let row = &start.row;
    let manifest = Manifest {
        snapshot: row.id.clone(),
        source: row.source.clone(),
        source_name: std::mem::take(&mut start.source_name),
        kind: row.kind,
        tenant: row.tenant.clone(),
        created_at: row.created_at,
        trigger: row.trigger,
        label: row.label.clone(),
        description: row.description.clone(),
        host: std::mem::take(&mut start.host),
        actor: std::mem::take(&mut start.actor),
        parent: row.parent.clone(),
        root: captured.root,
        counts: captured.counts,
        logical_bytes: captured.logical_bytes,
        new_bytes: 0,
        stored_bytes: 0,
        partial: false,
        attributes: captured.attributes,
        warnings: captured.warnings,
    };
    context.cancel.check()?;
    let receipt = writer.finish(manifest)?;
    if let Err(error) = super::load_training::load_checked(&repository.reader(), &receipt.manifest) {
        // Nobody may find it: it cannot be loaded.
        repository.delete_manifest(&receipt.id)?;
        return Err(error);
    }
    Ok(receipt)
}

/// Length and SHA-256 of the file that an export gives.
fn digest(snapshot: &Snapshot) -> Result<(u64, String)> {
    let plan = snapshot.group().plan().map_err(StoredError::File)?;
    let bytes = plan.bytes();
    let mut hashed = Hashed { out: &mut std::io::sink(), hash: Sha256::new() };
    plan.write(&mut hashed).map_err(StoredError::File)?;
    Ok((bytes, HEXLOWER.encode(&hashed.hash.finalize())))
}

/// SHA-256 of the file that the repository gives, while it is written to `out`.
pub(super) fn export_hashed(
    reader: &backstay_repository::Reader,
    manifest: &Manifest,
    out: &mut impl std::io::Write,
) -> Result<String> {
    let mut hashed = Hashed { out, hash: Sha256::new() };
    export(reader, &manifest.root)?.write(&mut hashed).map_err(StoredError::File)?;
    Ok(HEXLOWER.encode(&hashed.hash.finalize()))
}

struct Hashed<'o, W> {
    out: &'o mut W,
    hash: Sha256,
}

impl<W: std::io::Write> std::io::Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Whether a run has a snapshot of this label, or is about to.
pub(crate) async fn label_is_taken(
    tx: &mut backstay_catalog::Tx,
    run: &SourceId,
    label: &str,
) -> Result<bool> {
    let filter = SnapshotFilter {
        source: Some(run.clone()),
        states: vec![SnapshotState::Creating, SnapshotState::Ready],
        label: Some(label.to_owned()),
        ..SnapshotFilter::default()
    };
    let paging = Paging { limit: 1, total: Total::Skip, ..Paging::default() };
    Ok(!tx.list_snapshots(&filter, &paging).await?.items.is_empty())
}

/// `base`, or `base-2` and so on.
async fn free_label(tx: &mut backstay_catalog::Tx, run: &SourceId, base: &str) -> Result<String> {
    for number in 1..=MOST_NAMES {
        let label = if number == 1 { base.to_owned() } else { format!("{base}-{number}") };
        if !label_is_taken(tx, run, &label).await? {
            return Ok(label);
        }
    }
    Err(ServiceError::conflict(format!("No free label like `{base}` was found")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_gives_a_plain_id() {
        for (label, id) in [
            ("best 1", "best-1"),
            ("../../x", "x"),
            ("a/b", "a-b"),
            ("..", ""),
            ("größe", "gr--e"),
            ("-.a.-", "a"),
            ("history", "history"),
        ] {
            assert_eq!(plain_id(label), id, "{label}");
        }
        assert_eq!(plain_id(&"x".repeat(200)).len(), 100);
        assert_eq!(plain_id(&format!("{}.{}", "x".repeat(99), "y".repeat(50))), "x".repeat(99));
    }
}
