//! Saves a directory twice and restores it, each step by itself, for measuring time and system calls:
//! `steps REPOSITORY first|again ROOT` and `steps REPOSITORY restore TARGET`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use backstay_model::{
    FakeClock, Kind, OperationId, Rng, SeededRng, SnapshotId, SourceId, TenantId, Timestamp, Trigger,
};
use backstay_repository::{
    Cancel, Credential, InitOptions, Manifest, NoProgress, Repository, Settings, WriterOptions,
};
use backstay_source::{CaptureContext, RestoreContext};
use backstay_source_workspace::{CaptureOptions, Selection, Steps, capture, restore_to};
use backstay_store::{LocalStore, Store};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, place, step, path] = arguments.as_slice() else { bail!("REPOSITORY first|again|restore PATH") };
    let store: Arc<dyn Store> = Arc::new(LocalStore::open(Path::new(place))?);
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(u64::from(std::process::id())));
    let credential = Credential::key_file([7; 32]);
    let repository = if step == "first" {
        let options = InitOptions {
            credential,
            key_label: "measure".to_owned(),
            settings: Settings::default(),
            created_at: Timestamp::EPOCH,
        };
        Repository::init(store, &options, Arc::clone(&rng))?
    } else {
        Repository::open(store, &credential, Arc::clone(&rng))?
    };
    let last = repository.manifests()?.first().copied();
    if step == "restore" {
        let manifest = repository.read_manifest(&last.context("nothing was saved")?)?;
        let context = RestoreContext { progress: Arc::new(NoProgress), cancel: Cancel::new(), threads: 2 };
        let operation = OperationId::generate(Timestamp::EPOCH, &*rng);
        let reader = repository.reader();
        let selection = Selection::all();
        let report = restore_to(
            Path::new(path),
            &manifest,
            &reader,
            &selection,
            &operation,
            &context,
            &Steps::unlimited(),
        )?;
        println!("{} entries, {} bytes", report.created, report.written_bytes);
        return Ok(());
    }
    let writer = repository.writer(WriterOptions { parent: last, ..WriterOptions::default() })?;
    let context = CaptureContext {
        clock: Arc::new(FakeClock::new(Timestamp::EPOCH)),
        progress: Arc::new(NoProgress),
        cancel: Cancel::new(),
        threads: 2,
    };
    let captured = capture(Path::new(path), &context, &CaptureOptions::default(), &writer)?;
    println!("{} files, {} read", captured.counts.files, captured.read_files);
    writer.finish(Manifest {
        snapshot: SnapshotId::generate(Timestamp::EPOCH, &*rng),
        source: SourceId::parse("src-measure")?,
        source_name: "measure".to_owned(),
        kind: Kind::Workspace,
        tenant: TenantId::default_tenant(),
        created_at: Timestamp::EPOCH,
        trigger: Trigger::Manual,
        label: None,
        description: None,
        host: String::new(),
        actor: String::new(),
        parent: None,
        root: captured.root,
        counts: captured.counts,
        logical_bytes: captured.logical_bytes,
        new_bytes: 0,
        stored_bytes: 0,
        partial: captured.partial,
        attributes: captured.attributes,
        warnings: captured.warnings,
    })?;
    Ok(())
}
