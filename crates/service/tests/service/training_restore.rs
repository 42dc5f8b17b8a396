//! Taking a run back to one of its snapshots.

use backstay_model::retention::Rules;
use backstay_model::retention::training::{TrainingReason, TrainingRules};
use backstay_model::{ErrorKind, Role, SnapshotState};
use backstay_service::view::{
    HistoryAction, HistoryFilter, NewTrainingRun, NewTrainingSnapshot, TrainingTrigger,
};
use backstay_service::{PageRequest, Run};
use backstay_source_training::{Content, Snapshot};
use backstay_trainer::{Command, Trainer};

use crate::fixture::{Fixture, caller, root_caller};
use crate::on_both;
use crate::training::{bytes_of, everything, export, new_run, save, scheduled, snapshot_of, trainer};

on_both!(
    a_restored_run_goes_on_from_there_and_can_be_taken_back,
    a_restore_that_cannot_be_changes_nothing,
    a_damaged_snapshot_is_not_restored_and_its_dataset_is_named,
    a_trainer_that_did_not_see_the_restore_is_refused,
    what_a_restore_left_and_what_it_went_to_are_kept,
    a_refused_save_leaves_no_manifest,
    the_history_of_a_run_survives_a_reopen,
);

fn gone_on(snapshot: Snapshot, epochs: u64) -> Trainer {
    let Content::Exact { state, data } = snapshot.content else { panic!("it is exact") };
    let mut trainer = Trainer::resume(*state, data).unwrap();
    if trainer.state().status != backstay_trainer::Status::Started {
        trainer.command(Command::Start).unwrap();
    }
    trainer.run(epochs);
    trainer
}

async fn a_restored_run_goes_on_from_there_and_can_be_taken_back(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let early = save(fixture, &run, 50, &scheduled()).await;
    let late = save(fixture, &run, 90, &scheduled()).await;
    fixture.clock.advance(60);

    let planned = service.restore_training(&root_caller(), &early.id, None, true).await.unwrap();
    assert!(planned.dry_run && planned.snapshot == early);
    let shown = service.show_training_run(&root_caller(), &run).await.unwrap();
    assert_eq!((shown.head, shown.serial), (Some(late.clone()), 0), "a dry run changes nothing");

    let done = service.restore_training(&root_caller(), &early.id, None, false).await.unwrap();
    assert_eq!((done.safety_snapshot_id.as_ref(), done.left_epoch), (Some(&late.id), Some(90)));
    let shown = service.show_training_run(&root_caller(), &run).await.unwrap();
    assert_eq!((shown.head.as_ref(), shown.newest.as_ref()), (Some(&early), Some(&late)));
    assert_eq!((shown.serial, done.serial), (1, 1));
    assert_eq!(service.resolve_training_snapshot(&root_caller(), "run").await.unwrap().id, early.id);

    // Going on from there gives the bits of a run that was never interrupted.
    let loaded = service.load_training(&root_caller(), &early.id).await.unwrap();
    assert!(bytes_of(&snapshot_of(&gone_on(loaded, 40))) == bytes_of(&snapshot_of(&trainer(90))));

    service.restore_training(&root_caller(), &late.id, None, false).await.unwrap();
    let shown = service.show_training_run(&root_caller(), &run).await.unwrap();
    assert_eq!((shown.head, shown.snapshots), (Some(late.clone()), 2), "nothing was copied");

    // The next save is where the run is then.
    service.restore_training(&root_caller(), &early.id, None, false).await.unwrap();
    let next = save(fixture, &run, 60, &scheduled()).await;
    let shown = service.show_training_run(&root_caller(), &run).await.unwrap();
    assert_eq!(shown.head.map(|head| head.id), Some(next.id));
    let actions = fixture.actions().await;
    assert_eq!(actions.iter().filter(|action| *action == "snapshot.restored").count(), 3);
    fixture.assert_audit().await;
}

async fn a_restore_that_cannot_be_changes_nothing(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let other = new_run(fixture, "other", everything()).await;
    let mine = save(fixture, &run, 5, &scheduled()).await;
    let theirs = save(fixture, &other, 5, &scheduled()).await;
    let refused = service.restore_training(&root_caller(), &theirs.id, Some(&run), false).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let denied = service.restore_training(&caller(Role::Viewer), &mine.id, None, false).await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Forbidden);

    let mut network = Vec::new();
    snapshot_of(&trainer(50)).network_group().write(&mut network).unwrap();
    let import = NewTrainingSnapshot { trigger: TrainingTrigger::Import, ..NewTrainingSnapshot::default() };
    let read = Snapshot::read(network.as_slice()).unwrap();
    let partial =
        service.save_training(&root_caller(), &run, read, &import, &Run::default()).await.unwrap().snapshot;
    let refused = service.restore_training(&root_caller(), &partial.id, None, false).await.unwrap_err();
    assert_eq!((refused.kind, refused.word()), (ErrorKind::Conflict, "not_exact"));

    service.delete_snapshot(&root_caller(), &mine.id, "").await.unwrap();
    let gone = service.restore_training(&root_caller(), &mine.id, None, false).await.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    let shown = service.show_training_run(&root_caller(), &run).await.unwrap();
    assert_eq!((shown.serial, shown.head.map(|head| head.id)), (0, Some(partial.id)));

    // A fork can go back to where it came from.
    let new = NewTrainingRun { name: "fork".to_owned(), ..NewTrainingRun::default() };
    let fork = service.fork_training(&root_caller(), &theirs.id, new).await.unwrap();
    save(fixture, &fork.id, 8, &scheduled()).await;
    service.restore_training(&root_caller(), &theirs.id, Some(&fork.id), false).await.unwrap();
    let shown = service.show_training_run(&root_caller(), &fork.id).await.unwrap().head.unwrap();
    assert_eq!((shown.id, shown.run_name.as_str()), (theirs.id, "other"));
}

async fn a_damaged_snapshot_is_not_restored_and_its_dataset_is_named(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let early = save(fixture, &run, 50, &scheduled()).await;
    let packs = |fixture: &Fixture| {
        let mut names = Vec::new();
        let mut note = |found: backstay_store::ObjectMeta| {
            names.push(found.name);
            true
        };
        fixture.store.list("packs", &mut note).unwrap();
        names
    };
    let of_early = packs(fixture);
    save(fixture, &run, 90, &scheduled()).await;
    let before = service.show_training_run(&root_caller(), &run).await.unwrap();

    // One byte of each pack in turn; a byte that no read of the snapshot meets damages nothing of it.
    let mut named = 0;
    for pack in of_early {
        let whole = fixture.store.get(&pack).unwrap().to_vec();
        for part in 1..8 {
            let mut bytes = whole.clone();
            let at = bytes.len() * part / 8;
            bytes[at] ^= 1;
            fixture.store.delete(&pack).unwrap();
            fixture.store.put(&pack, &bytes).unwrap();
            // What no reader of the snapshot meets, such as the table of a pack, damages nothing of it.
            if service.restore_training(&root_caller(), &early.id, None, true).await.is_ok() {
                continue;
            }
            let refused = service.restore_training(&root_caller(), &early.id, None, false).await;
            let error = refused.expect_err("the dry run was refused");
            assert_eq!(error.kind, ErrorKind::Damaged, "{error}");
            named += usize::from(error.message.starts_with("Checksum mismatch in "));
            let after = service.show_training_run(&root_caller(), &run).await.unwrap();
            assert_eq!((after.head, after.serial), (before.head.clone(), before.serial));
        }
        fixture.store.delete(&pack).unwrap();
        fixture.store.put(&pack, &whole).unwrap();
    }
    assert!(named >= 3, "of only {named} a dataset was named");
    service.restore_training(&root_caller(), &early.id, None, false).await.unwrap();
}

async fn a_trainer_that_did_not_see_the_restore_is_refused(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let after = |serial| NewTrainingSnapshot { after: Some(serial), ..scheduled() };
    let state = || snapshot_of(&trainer(3));
    let quiet = Run::default();
    let first = service.save_training(&root_caller(), &run, state(), &after(0), &quiet).await.unwrap();
    let done = service.restore_training(&root_caller(), &first.snapshot.id, None, false).await.unwrap();
    let refused = service.save_training(&root_caller(), &run, state(), &after(1), &quiet).await.unwrap_err();
    assert_eq!((refused.kind, refused.word()), (ErrorKind::Busy, "run_busy"));
    service.save_training(&root_caller(), &run, state(), &after(done.serial), &quiet).await.unwrap();

    // Of a save and a restore at once one is refused, unless the later one saw what the other did.
    let other = fixture.again(7).await;
    let (caller, new) = (root_caller(), after(3));
    let save = service.save_training(&caller, &run, state(), &new, &quiet);
    let restore = other.restore_training(&caller, &first.snapshot.id, None, false);
    let (saved, restored) = tokio::join!(save, restore);
    match (saved, restored) {
        (Ok(saved), Ok(restored)) => assert_eq!(restored.safety_snapshot_id, Some(saved.snapshot.id)),
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => assert_eq!(error.word(), "run_busy"),
        (saved, restored) => panic!("{saved:?} {restored:?}"),
    }
}

async fn what_a_restore_left_and_what_it_went_to_are_kept(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(fixture, "run", everything()).await;
    let early = save(fixture, &run, 5, &scheduled()).await;
    let left = save(fixture, &run, 10, &scheduled()).await;
    let newest = save(fixture, &run, 15, &scheduled()).await;
    service.restore_training(&root_caller(), &left.id, None, false).await.unwrap();
    service.restore_training(&root_caller(), &early.id, None, false).await.unwrap();
    let none = TrainingRules { last: 0, best: None, every: None, manual: true };
    let run = &run;
    let reasons = |days: i64, none: TrainingRules| async move {
        fixture.clock.advance(days * 86_400);
        let plan = service.cleanup_training(&root_caller(), run, Some(none), true).await.unwrap();
        plan.decisions.into_iter().map(|decision| (decision.id, decision.reasons)).collect::<Vec<_>>()
    };
    let found = reasons(6, none.clone()).await;
    assert_eq!(found[0], (newest.id.clone(), vec![TrainingReason::LastGood, TrainingReason::Safety]));
    assert_eq!(found[1], (left.id.clone(), vec![TrainingReason::Safety]));
    assert_eq!(found[2], (early.id.clone(), vec![TrainingReason::Restored]));
    let found = reasons(2, none).await;
    assert_eq!(found[1], (left.id.clone(), vec![TrainingReason::NoRule]));
    assert_eq!(found[2], (early.id.clone(), vec![TrainingReason::Restored]));
    // The rules of all kinds keep it, too.
    service.prune_snapshots(&root_caller(), &early.run_id, Some(Rules::last(1)), false).await.unwrap();
    let shown = service.show_training_run(&root_caller(), &early.run_id).await.unwrap();
    assert_eq!(shown.head.map(|head| head.id), Some(early.id));
}

async fn a_refused_save_leaves_no_manifest(fixture: &Fixture) {
    let other = fixture.again(7).await;
    let (caller, quiet) = (root_caller(), Run::default());
    let state = || snapshot_of(&trainer(50));
    // The second to save may be refused before it has stored anything; then it is tried once more with another run.
    for attempt in 1.. {
        let run = new_run(fixture, &format!("run {attempt}"), everything()).await;
        let new =
            |label: &str| NewTrainingSnapshot { label: label.to_owned(), after: Some(0), ..scheduled() };
        let (a, b) = (new("a"), new("b"));
        let (one, two) = tokio::join!(
            fixture.service.save_training(&caller, &run, state(), &a, &quiet),
            other.save_training(&caller, &run, state(), &b, &quiet),
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let mut manifests = 0;
        let mut count = |_: backstay_store::ObjectMeta| {
            manifests += 1;
            true
        };
        fixture.store.list("snapshots", &mut count).unwrap();
        assert_eq!(manifests, attempt, "one for each save that was not refused");
        let page = PageRequest::default();
        let list = fixture.service.list_training_snapshots(&caller, Some(&run), &page).await.unwrap();
        let ready = list.items.iter().find(|one| one.state == SnapshotState::Ready).unwrap();
        assert!(!export(fixture, &ready.id).await.is_empty());
        if list.items.iter().any(|one| one.state == SnapshotState::Failed) {
            return;
        }
        assert!(attempt < 50, "the second to save was never refused at its commit");
    }
}

async fn the_history_of_a_run_survives_a_reopen(fixture: &Fixture) {
    let run = new_run(fixture, "run", everything()).await;
    let other = new_run(fixture, "other", everything()).await;
    save(fixture, &other, 1, &scheduled()).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(save(fixture, &run, 1, &scheduled()).await.id);
    }
    fixture.service.restore_training(&root_caller(), &ids[0], None, false).await.unwrap();
    fixture.service.delete_snapshot(&root_caller(), &ids[1], "").await.unwrap();
    let filter = HistoryFilter { source: Some(run.clone()), ..HistoryFilter::default() };
    let page = PageRequest::first(3);
    let before = fixture.service.snapshot_history(&root_caller(), &filter, &page).await.unwrap();
    assert_eq!((before.total, before.items.len()), (8, 3));
    let told: Vec<_> = before.items.iter().map(|entry| (entry.action, &entry.snapshot)).collect();
    let newest = [
        (HistoryAction::Delete, &ids[1]),
        (HistoryAction::Restore, &ids[0]),
        (HistoryAction::Create, &ids[5]),
    ];
    assert_eq!(told, newest);
    let created = &before.items[2].details;
    assert_eq!(
        (created["run_id"].as_str(), created["trigger"].as_str()),
        (Some(run.as_str()), Some("schedule"))
    );
    let again = fixture.again(5).await;
    assert_eq!(again.snapshot_history(&root_caller(), &filter, &page).await.unwrap(), before);
    let list = |service: backstay_service::Service| async move {
        service.list_training_snapshots(&root_caller(), None, &PageRequest::default()).await.unwrap()
    };
    assert_eq!(list(again).await, list(fixture.service.clone()).await);
}
