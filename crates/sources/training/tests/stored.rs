//! A snapshot in a repository: the same file comes out every time, and blocks that did not change are stored once.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use backstay_model::{FakeClock, Kind, SeededRng, SnapshotId, SourceId, TenantId, Timestamp, Trigger};
use backstay_repository::{
    Cancel, Credential, InitOptions, Manifest, NoProgress, Receipt, Repository, Settings, WriterOptions,
};
use backstay_source::CaptureContext;
use backstay_source_training::stored::{TrainingAttributes, capture, export, load, outline};
use backstay_source_training::{Content, Header, Lineage, Snapshot, TensorStatus, compare};
use backstay_store::MemoryStore;
use backstay_trainer::{Command, Dataset, Generator, Parameters, Samples, Spiral, Trainer};

fn repository() -> Repository {
    let options = InitOptions {
        credential: Credential::key_file([7; 32]),
        key_label: "test".to_owned(),
        settings: Settings::default(),
        created_at: Timestamp::from_micros(0),
    };
    Repository::init(Arc::new(MemoryStore::new()), &options, Arc::new(SeededRng::new(1))).unwrap()
}

fn store(repository: &Repository, snapshot: &Snapshot, seed: u64) -> Receipt {
    let (clock, rng) = (FakeClock::new(Timestamp::from_micros(0)), SeededRng::new(seed));
    let context = CaptureContext {
        clock: Arc::new(clock),
        progress: Arc::new(NoProgress),
        cancel: Cancel::new(),
        threads: 1,
    };
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let captured = capture(&context, snapshot, &TrainingAttributes::of(snapshot), &writer).unwrap();
    let now = Timestamp::from_micros(seed as i64);
    let manifest = Manifest {
        snapshot: SnapshotId::generate(now, &rng),
        source: SourceId::generate(now, &rng),
        source_name: "run".to_owned(),
        kind: Kind::Training,
        tenant: TenantId::default_tenant(),
        created_at: now,
        trigger: Trigger::Manual,
        label: None,
        description: None,
        host: "host".to_owned(),
        actor: "ada".to_owned(),
        parent: None,
        root: captured.root,
        counts: captured.counts,
        logical_bytes: captured.logical_bytes,
        new_bytes: 0,
        stored_bytes: 0,
        partial: captured.partial,
        attributes: captured.attributes,
        warnings: captured.warnings,
    };
    writer.finish(manifest).unwrap()
}

fn snapshot_of(trainer: &Trainer) -> Snapshot {
    let header = Header {
        uuid: "6f3a1f0c-52c5-4c8e-9a6e-0d6ad1f5b0aa".to_owned(),
        created: Some(Timestamp::from_micros(1_767_864_600_000_000)),
        description: "λ".to_owned(),
        snapshot_counter: 1,
        lineage: Lineage { trigger: Some("manual".to_owned()), ..Lineage::default() },
    };
    let content =
        Content::Exact { state: Box::new(trainer.state().clone()), data: Arc::clone(trainer.data()) };
    Snapshot { header, content }
}

fn file_of(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot.group().write(&mut bytes).unwrap();
    bytes
}

fn exported(repository: &Repository, receipt: &Receipt) -> Vec<u8> {
    let plan = export(&repository.reader(), &receipt.manifest.root).unwrap();
    let length = plan.bytes();
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, length, "the length is known before the first byte");
    bytes
}

fn started(mut trainer: Trainer, epochs: u64) -> Trainer {
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    trainer
}

fn parameters() -> Parameters {
    Parameters {
        output_epochs: 40,
        candidate_epochs: 60,
        candidate_pool_size: 20,
        threads: 1,
        ..Parameters::default()
    }
}

fn spirals(epochs: u64) -> Trainer {
    let spiral = Spiral { n_per_spiral: 300, ..Spiral::default() };
    started(Trainer::generated(parameters(), Generator::Spiral(spiral)).unwrap(), epochs)
}

#[test]
fn the_file_that_comes_out_is_the_file_that_was_never_written() {
    let repository = repository();
    for epochs in [0, 17, 40, 55, 130] {
        let snapshot = snapshot_of(&spirals(epochs));
        let receipt = store(&repository, &snapshot, epochs + 1);
        let first = exported(&repository, &receipt);
        assert!(first == file_of(&snapshot), "{epochs} epochs: other bytes");
        assert!(first == exported(&repository, &receipt), "{epochs} epochs: a second export differs");
        let loaded = load(&repository.reader(), &receipt.manifest.root).unwrap();
        assert_eq!(loaded.header, snapshot.header);
        assert!(file_of(&loaded) == first);
    }
}

#[test]
fn blocks_that_did_not_change_are_stored_once() {
    // Three MiB of inputs that do not compress, and a network that trains on them.
    let (inputs, count) = (64, 12_288);
    let mut word = 1_u32;
    let mut noise = || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (word >> 8) as f32 / 16_777_216.0
    };
    let values: Vec<f32> = (0..inputs * count).map(|_| noise()).collect();
    let targets = (0..count).map(|index| (index % 2) as f32).collect();
    let data = Arc::new(Dataset::new(Samples::new(inputs, 1, values, targets).unwrap(), None).unwrap());
    let mut trainer = started(Trainer::given(parameters(), "noise", data).unwrap(), 1);

    let repository = repository();
    let first = store(&repository, &snapshot_of(&trainer), 1);
    trainer.run(1);
    let second = store(&repository, &snapshot_of(&trainer), 2);
    assert!(first.manifest.new_bytes > 3 << 20);
    assert!(second.manifest.new_bytes < 64 << 10, "{} bytes were new", second.manifest.new_bytes);
}

#[test]
fn another_tree_is_no_snapshot() {
    let repository = repository();
    let receipt = store(&repository, &snapshot_of(&spirals(60)), 1);
    let entry = repository.reader().lookup(&receipt.manifest.root, b"tensors").unwrap().unwrap();
    let error = load(&repository.reader(), &entry.directory().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "`state.json` in the stored snapshot is missing");
}

#[test]
fn a_comparison_tells_what_training_changed() {
    let (before, after) = (snapshot_of(&spirals(30)), snapshot_of(&spirals(60)));
    let found = compare(&before, &after);
    assert!(found.same_architecture && found.same_activation && found.params_diff.is_empty());
    let by_path: BTreeMap<_, _> = found.tensors.iter().map(|one| (one.path.as_str(), one)).collect();
    let weights = by_path["params/output_layer/weights"];
    assert_eq!(weights.status, TensorStatus::Changed);
    assert!(weights.max_delta.unwrap() > 0.0 && weights.cosine.unwrap() < 1.0);
    assert_eq!(by_path["backstay/candidates/weights"].status, TensorStatus::Added);
    assert_eq!(by_path["backstay/epochs/loss"].status, TensorStatus::Reshaped);
    let same = compare(&before, &before);
    assert!(same.tensors.iter().all(|one| one.status == TensorStatus::Same));
}

#[test]
fn a_network_alone_is_a_file_that_other_tools_read() {
    let mut bytes = Vec::new();
    snapshot_of(&spirals(130)).network_group().write(&mut bytes).unwrap();
    bytes.flush().unwrap();
    let read = Snapshot::read(bytes.as_slice()).unwrap();
    assert!(matches!(read.content, Content::Partial(_)));
    assert!(read.missing().iter().any(|missing| missing == "history"), "{:?}", read.missing());
    // What is imported is stored and comes out as what was read of it.
    let repository = repository();
    let receipt = store(&repository, &read, 9);
    let loaded = load(&repository.reader(), &receipt.manifest.root).unwrap();
    assert_eq!(loaded.network(), read.network());
}

#[test]
fn an_outline_tells_every_tensor_and_the_attributes_of_the_root() {
    let repository = repository();
    let mut trainer =
        Trainer::generated(Parameters::default(), Generator::Spiral(Spiral::default())).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(3);
    let snapshot = snapshot_of(&trainer);
    let receipt = store(&repository, &snapshot, 1);
    let outline = outline(&repository.reader(), &receipt.manifest.root).unwrap();
    assert_eq!(outline.attributes["format"], "juniper.cascor");
    assert_eq!(outline.attributes["description"], "λ");
    let weights = outline.tensors.iter().find(|one| one.path == "params/output_layer/weights").unwrap();
    assert_eq!((weights.dtype.as_str(), weights.shape.as_slice(), weights.bytes), ("<f4", &[2, 2][..], 16));
    let same: Vec<String> =
        compare(&snapshot, &snapshot).tensors.into_iter().map(|tensor| tensor.path).collect();
    let paths: Vec<String> = outline.tensors.into_iter().map(|tensor| tensor.path).collect();
    assert!(same.iter().all(|path| paths.contains(path)), "{paths:?}");
}
