use std::io::Write;
use std::sync::{Arc, Mutex};

use backstay_model::retention::Rules;
use backstay_model::retention::training::{Best, Mode, TrainingReason, TrainingRules};
use backstay_model::{Action, ErrorKind, Role, SnapshotId, SnapshotState, SourceId, Timestamp, policy};
use backstay_service::view::{NewTrainingRun, NewTrainingSnapshot, TrainingSnapshot, TrainingTrigger};
use backstay_service::{PageRequest, Run};
use backstay_source_training::{Content, Header, Lineage, Snapshot};
use backstay_trainer::{Command, Generator, Parameters, Spiral, Trainer};

use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    a_state_is_saved_listed_loaded_and_exported,
    labels_are_unique_in_a_run,
    a_second_trainer_is_refused,
    the_keep_rules_leave_the_union_and_the_preview_says_the_same,
    the_origin_of_a_fork_is_not_removed,
    the_lineage_is_a_tree,
    what_a_role_may_not_do_is_refused,
    another_tenant_finds_nothing,
    a_damaged_block_is_not_loaded,
    a_rebuilt_catalog_knows_runs_and_forks,
    what_cannot_be_gone_on_from_is_kept_as_that,
);

pub(crate) fn trainer(epochs: u64) -> Trainer {
    let parameters = Parameters {
        output_epochs: 30,
        candidate_epochs: 40,
        candidate_pool_size: 20,
        threads: 1,
        ..Parameters::default()
    };
    let spiral = Spiral { n_per_spiral: 300, ..Spiral::default() };
    let mut trainer = Trainer::generated(parameters, Generator::Spiral(spiral)).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    trainer
}

pub(crate) fn snapshot_of(trainer: &Trainer) -> Snapshot {
    let header = Header {
        uuid: "6f3a1f0c-52c5-4c8e-9a6e-0d6ad1f5b0aa".to_owned(),
        created: Some(Timestamp::from_micros(0)),
        description: String::new(),
        snapshot_counter: 0,
        lineage: Lineage::default(),
    };
    let content =
        Content::Exact { state: Box::new(trainer.state().clone()), data: Arc::clone(trainer.data()) };
    Snapshot { header, content }
}

pub(crate) fn bytes_of(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot.group().write(&mut bytes).unwrap();
    bytes
}

pub(crate) async fn new_run(fixture: &Fixture, name: &str, keep: TrainingRules) -> SourceId {
    let new = NewTrainingRun { name: name.to_owned(), keep: Some(keep), ..NewTrainingRun::default() };
    fixture.service.create_training_run(&root_caller(), new).await.unwrap().id
}

pub(crate) fn everything() -> TrainingRules {
    TrainingRules { last: 1000, best: None, every: None, manual: false }
}

pub(crate) async fn save(
    fixture: &Fixture,
    run: &SourceId,
    epochs: u64,
    new: &NewTrainingSnapshot,
) -> TrainingSnapshot {
    fixture.clock.advance(60);
    let snapshot = snapshot_of(&trainer(epochs));
    let saved = fixture.service.save_training(&root_caller(), run, snapshot, new, &Run::default()).await;
    saved.unwrap().snapshot
}

pub(crate) fn scheduled() -> NewTrainingSnapshot {
    NewTrainingSnapshot { trigger: TrainingTrigger::Schedule, ..NewTrainingSnapshot::default() }
}

/// Where an export goes.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn export(fixture: &Fixture, id: &SnapshotId) -> Vec<u8> {
    let out = Shared::default();
    fixture.service.export_training(&root_caller(), id, out.clone()).await.unwrap();
    out.0.lock().unwrap().clone()
}

async fn a_state_is_saved_listed_loaded_and_exported(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "spirals", everything()).await;
    let labelled = NewTrainingSnapshot { label: "best 1".to_owned(), ..NewTrainingSnapshot::default() };
    let first = save(fixture, &run, 50, &labelled).await;
    assert_eq!((first.state, first.label.as_str(), first.epoch), (SnapshotState::Ready, "best 1", 50));
    assert_eq!((first.phase.as_str(), first.trigger.as_str()), ("Candidate", "manual"));
    assert!(first.exact && first.missing.is_empty() && first.metrics.contains_key("loss"));
    let second = save(fixture, &run, 90, &scheduled()).await;
    assert!(second.label.starts_with("snapshot_20260615_"), "{}", second.label);

    let page = PageRequest::default();
    let list = service.list_training_snapshots(&caller(Role::Viewer), Some(&run), &page).await.unwrap();
    assert_eq!(list.items, [second.clone(), first.clone()]);
    assert_eq!(list.total, 2);
    let runs = service.list_training_runs(&caller(Role::Viewer), &page).await.unwrap();
    assert_eq!((runs.items[0].snapshots, runs.items[0].newest.as_ref()), (2, Some(&second)));

    let loaded = service.load_training(&root_caller(), &first.id).await.unwrap();
    assert_eq!(loaded.header.lineage.run_id.as_deref(), Some(run.as_str()));
    assert_eq!(loaded.header.snapshot_counter, 1);
    let file = export(fixture, &first.id).await;
    assert!(file == bytes_of(&loaded) && file == export(fixture, &first.id).await);
    assert_eq!(file.len() as u64, first.size_bytes);
    assert_eq!(service.load_training(&root_caller(), &second.id).await.unwrap().header.snapshot_counter, 2);

    for (text, wanted) in [("spirals", &second), ("spirals:best 1", &first), (first.id.as_str(), &first)] {
        let found = service.resolve_training_snapshot(&root_caller(), text).await.unwrap();
        assert_eq!(found.id, wanted.id, "{text}");
    }
    let report = service.verify_training(&root_caller(), &first.id, &Run::default()).await.unwrap();
    assert!(report.healthy, "{report:?}");
    let found = service.compare_training(&root_caller(), &first.id, &second.id).await.unwrap();
    assert!(!found.same_hidden_units && found.tensors.len() > 5);

    // What works on every kind works on this one.
    service.pin_snapshot(&root_caller(), &first.id).await.unwrap();
    let refused = service.delete_snapshot(&root_caller(), &first.id, "").await.unwrap_err();
    assert_eq!(refused.message, "Snapshot is pinned");
    service.delete_snapshot(&root_caller(), &second.id, "no longer needed").await.unwrap();
    let gone = service.load_training(&root_caller(), &second.id).await.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    let workspace = service.show_training_run(&root_caller(), fixture.source_id()).await.unwrap_err();
    assert_eq!((workspace.kind, workspace.message.as_str()), (ErrorKind::NotFound, "Run not found"));
    fixture.assert_audit().await;
}

async fn labels_are_unique_in_a_run(fixture: &Fixture) {
    let (run, other) = (new_run(fixture, "a", everything()).await, new_run(fixture, "b", everything()).await);
    let x = NewTrainingSnapshot { label: "../x".to_owned(), ..NewTrainingSnapshot::default() };
    save(fixture, &run, 1, &x).await;
    save(fixture, &other, 1, &x).await;
    let (caller, alone) = (root_caller(), Run::default());
    let state = || snapshot_of(&trainer(1));
    let refused = fixture.service.save_training(&caller, &run, state(), &x, &alone).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.message.as_str()),
        (ErrorKind::Conflict, "Snapshot '../x' already exists")
    );
    // Two without a name in one second.
    for label in ["snapshot_20260615_120200", "snapshot_20260615_120200-2"] {
        let saved = fixture.service.save_training(&caller, &run, state(), &scheduled(), &alone).await;
        assert_eq!(saved.unwrap().snapshot.label, label);
    }
    let twice = NewTrainingRun { name: "a".to_owned(), ..NewTrainingRun::default() };
    let refused = fixture.service.create_training_run(&root_caller(), twice).await.unwrap_err();
    assert_eq!((refused.kind, refused.word()), (ErrorKind::Conflict, "name_taken"));
}

async fn a_second_trainer_is_refused(fixture: &Fixture) {
    let run = new_run(fixture, "run", everything()).await;
    let other = fixture.again(7).await;
    let state = || snapshot_of(&trainer(3));
    let after = |serial| NewTrainingSnapshot { after: Some(serial), ..scheduled() };
    let one = Run::default();
    let first = fixture.service.save_training(&root_caller(), &run, state(), &after(0), &one).await.unwrap();
    assert_eq!(first.serial, 1);
    let refused = other.save_training(&root_caller(), &run, state(), &after(0), &one).await.unwrap_err();
    assert_eq!((refused.kind, refused.word()), (ErrorKind::Busy, "run_busy"));
    // Who only saves what lies there does not disturb the trainer.
    other.save_training(&root_caller(), &run, state(), &scheduled(), &one).await.unwrap();
    fixture.service.save_training(&root_caller(), &run, state(), &after(1), &one).await.unwrap();
}

async fn the_keep_rules_leave_the_union_and_the_preview_says_the_same(fixture: &Fixture) {
    let run = new_run(fixture, "run", everything()).await;
    let mut all = Vec::new();
    for epochs in [5, 10, 15, 20, 25] {
        all.push(save(fixture, &run, epochs, &scheduled()).await);
    }
    fixture.service.pin_snapshot(&root_caller(), &all[0].id).await.unwrap();
    let lowest = all.iter().min_by(|a, b| a.metrics["loss"].total_cmp(&b.metrics["loss"])).unwrap();
    let best = Best { k: 1, metric: "loss".to_owned(), mode: Mode::Min };
    let rules = TrainingRules { last: 2, best: Some(best), every: None, manual: false };
    let preview =
        fixture.service.cleanup_training(&root_caller(), &run, Some(rules.clone()), true).await.unwrap();
    let done = fixture.service.cleanup_training(&root_caller(), &run, Some(rules), false).await.unwrap();
    assert_eq!(preview.decisions, done.decisions);
    let list = fixture
        .service
        .list_training_snapshots(&root_caller(), Some(&run), &PageRequest::default())
        .await
        .unwrap();
    let mut left: Vec<_> = list.items.iter().map(|one| one.epoch).collect();
    left.sort_unstable();
    let mut wanted = vec![5, 20, 25, lowest.epoch];
    wanted.sort_unstable();
    wanted.dedup();
    assert_eq!(left, wanted);
    assert_eq!((done.kept, done.removed), (wanted.len() as u64, 5 - wanted.len() as u64));

    // A save applies the rules of its run.
    let short = TrainingRules { last: 1, best: None, every: None, manual: false };
    let run = new_run(fixture, "short", short).await;
    let first = save(fixture, &run, 1, &scheduled()).await;
    fixture.clock.advance(1);
    let second = fixture
        .service
        .save_training(&root_caller(), &run, snapshot_of(&trainer(2)), &scheduled(), &Run::default())
        .await
        .unwrap();
    assert_eq!(second.removed, [first.id]);
    fixture.assert_audit().await;
}

async fn the_origin_of_a_fork_is_not_removed(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let origin = save(fixture, &run, 5, &scheduled()).await;
    save(fixture, &run, 10, &scheduled()).await;
    let new = NewTrainingRun { name: "fork".to_owned(), ..NewTrainingRun::default() };
    let fork = service.fork_training(&root_caller(), &origin.id, new).await.unwrap();
    assert_eq!((fork.parent_snapshot_id.as_ref(), fork.snapshots), (Some(&origin.id), 0));
    let none = TrainingRules { last: 0, best: None, every: None, manual: true };
    let done = service.cleanup_training(&root_caller(), &run, Some(none), false).await.unwrap();
    assert_eq!(done.removed, 0);
    let needed = TrainingReason::ParentOf { run: "fork".to_owned() };
    assert_eq!(done.decisions.last().unwrap().reasons, [needed]);
    // Neither does the engine of all kinds remove it, nor a person.
    let pruned = service.prune_snapshots(&root_caller(), &run, Some(Rules::default()), false).await.unwrap();
    assert_eq!(pruned.removed, 0);
    let refused = service.delete_snapshot(&root_caller(), &origin.id, "").await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Conflict, "Snapshot is in use"));
    service.remove_source(&root_caller(), &fork.id).await.unwrap();
    service.delete_snapshot(&root_caller(), &origin.id, "").await.unwrap();
}

async fn the_lineage_is_a_tree(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "root", everything()).await;
    let origin = save(fixture, &run, 5, &scheduled()).await;
    fixture.clock.advance(60);
    let new = |name: &str| NewTrainingRun {
        name: name.to_owned(),
        keep: Some(everything()),
        ..NewTrainingRun::default()
    };
    let fork = service.fork_training(&root_caller(), &origin.id, new("child")).await.unwrap();
    let deeper = save(fixture, &fork.id, 8, &scheduled()).await;
    assert_eq!(
        service.load_training(&root_caller(), &deeper.id).await.unwrap().header.lineage.parent_snapshot_id,
        Some(origin.id.to_string())
    );
    fixture.clock.advance(60);
    service.fork_training(&root_caller(), &deeper.id, new("grandchild")).await.unwrap();
    new_run(fixture, "alone", everything()).await;
    let trees = service.training_lineage(&root_caller()).await.unwrap();
    let names: Vec<_> = trees.iter().map(|tree| tree.name.as_str()).collect();
    assert_eq!(names, ["root", "alone"]);
    let child = &trees[0].forks[0];
    assert_eq!((child.name.as_str(), child.parent_epoch, child.epoch), ("child", Some(5), Some(8)));
    assert_eq!(child.forks[0].name, "grandchild");
}

async fn what_a_role_may_not_do_is_refused(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let one = save(fixture, &run, 1, &scheduled()).await;
    let viewer = caller(Role::Viewer);
    let new = NewTrainingRun { name: "mine".to_owned(), ..NewTrainingRun::default() };
    let refusals = [
        service.create_training_run(&viewer, new.clone()).await.unwrap_err(),
        service.fork_training(&viewer, &one.id, new.clone()).await.unwrap_err(),
        service.load_training(&viewer, &one.id).await.unwrap_err(),
        service.cleanup_training(&viewer, &run, None, true).await.unwrap_err(),
        service
            .save_training(&viewer, &run, snapshot_of(&trainer(1)), &scheduled(), &Run::default())
            .await
            .unwrap_err(),
    ];
    assert!(refusals.iter().all(|refused| refused.kind == ErrorKind::Forbidden));
    let denied = fixture.actions().await.iter().filter(|action| *action == "access_denied").count();
    assert_eq!(denied, refusals.len());
    service.export_training(&viewer, &one.id, std::io::sink()).await.unwrap();
    let operator = caller(Role::Operator);
    service.fork_training(&operator, &one.id, new).await.unwrap();
    service.cleanup_training(&operator, &run, None, false).await.unwrap();
    assert!(!policy::allows(Role::Operator, None, Action::Prune));
}

async fn another_tenant_finds_nothing(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let one = save(fixture, &run, 1, &scheduled()).await;
    let stranger = caller_of("other", Role::Admin);
    let errors = [
        service.load_training(&stranger, &one.id).await.unwrap_err(),
        service.show_training_run(&stranger, &run).await.unwrap_err(),
        service.resolve_training_run(&stranger, run.as_str()).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind == ErrorKind::NotFound));
    assert!(service.training_lineage(&stranger).await.unwrap().is_empty());
    let page = PageRequest::default();
    assert_eq!(service.list_training_snapshots(&stranger, None, &page).await.unwrap().total, 0);
}

async fn a_damaged_block_is_not_loaded(fixture: &Fixture) {
    let run = new_run(fixture, "run", everything()).await;
    let one = save(fixture, &run, 50, &scheduled()).await;
    let mut packs = Vec::new();
    let mut note = |found: backstay_store::ObjectMeta| {
        packs.push(found.name);
        true
    };
    fixture.store.list("packs", &mut note).unwrap();
    for pack in packs {
        let mut bytes = fixture.store.get(&pack).unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fixture.store.delete(&pack).unwrap();
        fixture.store.put(&pack, &bytes).unwrap();
    }
    // A service that has read nothing of it yet.
    let fresh = fixture.again(9).await;
    let error = fresh.load_training(&root_caller(), &one.id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged);
    let report = fresh.verify_training(&root_caller(), &one.id, &Run::default()).await.unwrap();
    assert!(!report.healthy && !report.damage.is_empty());
    assert!(fresh.show_training_snapshot(&root_caller(), &one.id).await.unwrap().damaged);
}

async fn a_rebuilt_catalog_knows_runs_and_forks(fixture: &Fixture) {
    let run = new_run(fixture, "root", everything()).await;
    let origin = save(fixture, &run, 5, &scheduled()).await;
    let new = NewTrainingRun { name: "fork".to_owned(), ..NewTrainingRun::default() };
    let fork = fixture.service.fork_training(&root_caller(), &origin.id, new).await.unwrap();
    let deeper = save(fixture, &fork.id, 8, &scheduled()).await;

    let database = fixture.database.another();
    let rebuilt =
        crate::fixture::service_at(&database, &fixture.store, &fixture.clock, 3, crate::fixture::settings())
            .await;
    rebuilt.rebuild_catalog(&root_caller(), &Run::default()).await.unwrap();
    let shown = rebuilt.show_training_snapshot(&root_caller(), &deeper.id).await.unwrap();
    assert_eq!((shown.epoch, &shown.sha256, shown.exact), (8, &deeper.sha256, true));
    let trees = rebuilt.training_lineage(&root_caller()).await.unwrap();
    assert_eq!((trees[0].name.as_str(), trees[0].forks[0].name.as_str()), ("root", "fork"));
    rebuilt.load_training(&root_caller(), &deeper.id).await.unwrap();
}

async fn what_cannot_be_gone_on_from_is_kept_as_that(fixture: &Fixture) {
    let run = new_run(fixture, "run", everything()).await;
    let mut network = Vec::new();
    snapshot_of(&trainer(50)).network_group().write(&mut network).unwrap();
    let read = Snapshot::read(network.as_slice()).unwrap();
    let import = NewTrainingSnapshot { trigger: TrainingTrigger::Import, ..NewTrainingSnapshot::default() };
    let saved = fixture
        .service
        .save_training(&root_caller(), &run, read, &import, &Run::default())
        .await
        .unwrap()
        .snapshot;
    assert!(!saved.exact && saved.missing.iter().any(|missing| missing == "optimizer moments"));
    let new = NewTrainingRun { name: "fork".to_owned(), ..NewTrainingRun::default() };
    let refused = fixture.service.fork_training(&root_caller(), &saved.id, new).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    // An exact file comes out as it went in.
    let exact = snapshot_of(&trainer(50));
    let file = bytes_of(&exact);
    let saved = fixture
        .service
        .save_training(&root_caller(), &run, exact, &import, &Run::default())
        .await
        .unwrap()
        .snapshot;
    assert_eq!(saved.trigger, "import");
    assert!(export(fixture, &saved.id).await == file);
}
