//! Power cuts between any two steps of a disk: what was committed is whole afterwards, and work goes on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::sync::Arc;

use backstay_repository::{
    CollectOptions, ManifestId, Repository, VerifyDepth, VerifyOptions, WriterOptions,
};
use backstay_store::Store;
use backstay_store::testing::PowerCut;
use fixtures::snapshots::{Files, init, load, save, save_with};
use fixtures::{noise, reopen};

fn few_files(seed: u64) -> Files {
    let file = |name: &str, length| (name.to_owned(), noise(length, seed * 10 + length as u64));
    [file("a", 3_000), file("b/c", 70_000), file("b/d", 100), ("same".to_owned(), noise(20_000, 1))].into()
}

/// What was promised after each acknowledgement: the snapshots that must be there, and those that may be.
struct Promise {
    must: Vec<(ManifestId, Files)>,
    may: Vec<(ManifestId, Files)>,
}

fn check(image: &Arc<dyn Store>, promise: &Promise, next: &Promise, what: &str) {
    if promise.must.is_empty() && !Repository::exists(&**image).unwrap() {
        return;
    }
    let repository = reopen(image);
    for (id, files) in &promise.must {
        let is_still_promised = next.must.iter().any(|(other, _)| other == id);
        if is_still_promised || repository.manifests().unwrap().contains(id) {
            assert_eq!(load(&repository, id).unwrap(), *files, "{what}");
        }
    }
    for id in repository.manifests().unwrap() {
        let known = promise.must.iter().chain(&next.must).chain(&promise.may).chain(&next.may);
        if let Some((_, files)) = known.clone().find(|(other, _)| *other == id) {
            assert_eq!(load(&repository, &id).unwrap(), *files, "{what}");
        }
    }
    let report = repository
        .verify(&VerifyOptions { depth: VerifyDepth::Full, threads: 1, ..VerifyOptions::default() })
        .unwrap();
    assert!(report.is_ok(), "{what}: {report:#?}");
    let files = few_files(99);
    let new = save(&repository, "after", &files).unwrap();
    assert_eq!(load(&reopen(image), &new.id).unwrap(), files, "{what}");
}

#[test]
fn what_was_committed_survives_a_power_cut_at_any_step() {
    let cut = PowerCut::new();
    let store: Arc<dyn Store> = Arc::new(cut.store());
    let repository = init(&store, 0, 1);
    let mut promises = vec![Promise { must: Vec::new(), may: Vec::new() }];
    let mut saved: Vec<(ManifestId, Files)> = Vec::new();
    for seed in 1..4 {
        let options = WriterOptions { threads: 1, ..WriterOptions::default() };
        let receipt = save_with(&repository, &format!("s{seed}"), &few_files(seed), options).unwrap();
        saved.push((receipt.id, few_files(seed)));
        cut.acknowledge();
        promises.push(Promise { must: saved.clone(), may: Vec::new() });
    }
    let deleted = saved.remove(0);
    repository.delete_manifest(&deleted.0).unwrap();
    cut.acknowledge();
    promises.push(Promise { must: saved.clone(), may: Vec::new() });
    // The grace period of this repository is zero: each collection goes one step further.
    for _ in 0..3 {
        let report = repository.collect(&CollectOptions { threads: 1, ..CollectOptions::default() }).unwrap();
        assert!(report.marked_packs + report.removed_packs + report.unmarked_packs < 20);
        cut.acknowledge();
        promises.push(Promise { must: saved.clone(), may: Vec::new() });
    }
    let mut images = 0;
    for image in cut.images(5, 3) {
        let promise = &promises[image.acknowledged];
        let next = promises.get(image.acknowledged + 1).unwrap_or(promise);
        let what = format!("cut at step {}, choice {}", image.step, image.choice);
        let store: Arc<dyn Store> = Arc::new(image.store());
        check(&store, promise, next, &what);
        images += 1;
    }
    assert!(images > 500, "only {images} images");
}
