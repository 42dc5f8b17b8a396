//! States that are too large for the catalog: they lie in the repository.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::{ErrorKind, Rng, Role, SeededRng};
use backstay_service::view::{
    ChangedChannel, Checkpoint, ForkCheckpoint, NewCheckpoint, NewThreadCheckpoint, ThreadAnswer, ThreadKey,
    TypedValue, VerifyDepth, VerifyScope,
};
use backstay_service::{DEFAULT_PROJECT, Prune, Run, Service, State, Version};
use backstay_store::testing::{Fault, FaultStore};
use backstay_store::{ObjectName, Store, StoreErrorKind};

use crate::checkpoints::{keep_last, listed, new, save, tamper};
use crate::fixture::{Fixture, caller, repository_in, root_caller, service_at, settings};
use crate::on_both;

on_both!(
    a_step_costs_what_changed,
    what_is_removed_goes_from_the_repository_and_takes_nothing_else_with_it,
    a_save_that_did_not_get_to_its_commit_leaves_nothing_behind,
    what_is_refused_leaves_nothing_behind,
    a_flipped_byte_in_the_repository_costs_that_state_alone,
    a_repository_that_cannot_be_reached_is_no_damage,
    values_of_channels_are_kept_copied_and_removed,
    a_new_key_seals_new_references,
    states_are_found_again_from_the_repository_alone,
    a_collection_beside_saves_costs_nothing,
);

const DAY_S: i64 = 86_400;

/// Digits that do not compress to less than half.
fn noise(seed: u64, length: usize) -> String {
    let mut bytes = vec![0; length / 2];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// A state of items of 50 KiB.
struct Items(Vec<String>);

impl Items {
    fn new(count: usize) -> Self {
        Self((0..count).map(|item| noise(item as u64, 50 << 10)).collect())
    }

    fn change(&mut self, item: usize, seed: u64) {
        self.0[item] = noise(seed, 50 << 10);
    }

    fn text(&self) -> String {
        format!("{{\"items\":[\"{}\"]}}", self.0.join("\",\""))
    }
}

/// A state of `items` items of 50 KiB, of which those in `changed` are other ones.
fn state(items: usize, changed: &[(usize, u64)]) -> String {
    let mut state = Items::new(items);
    for (item, seed) in changed {
        state.change(*item, *seed);
    }
    state.text()
}

async fn create(service: &Service, new: NewCheckpoint) -> Checkpoint {
    service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new).await.unwrap()
}

async fn state_of(
    service: &Service,
    checkpoint: &Checkpoint,
) -> Result<String, backstay_service::ServiceError> {
    service.get_checkpoint(&caller(Role::Viewer), &checkpoint.checkpoint_id).await.map(|found| found.state)
}

fn manifests(fixture: &Fixture) -> usize {
    repository_in(&fixture.store).manifests().unwrap().len()
}

/// The objects below a folder of the store, with their sizes.
fn objects(fixture: &Fixture, folder: &str) -> BTreeSet<(String, u64)> {
    let mut found = BTreeSet::new();
    fixture
        .store
        .list(folder, &mut |meta| {
            found.insert((meta.name.to_string(), meta.size));
            true
        })
        .unwrap();
    found
}

fn stored_bytes(fixture: &Fixture) -> u64 {
    objects(fixture, "").iter().map(|(_, size)| size).sum()
}

async fn a_step_costs_what_changed(fixture: &Fixture) {
    let service = &fixture.service;
    let mut items = Items::new(100);
    let mut saved = vec![(create(service, new("j", "step", &items.text())).await, items.text())];
    let first = stored_bytes(fixture);
    for step in 0..20 {
        items.change(step * 37 % 100, 1000 + step as u64);
        saved.push((create(service, new("j", "step", &items.text())).await, items.text()));
    }
    let more = stored_bytes(fixture) - first;
    assert!(first > 2_000_000, "{first} bytes");
    assert!(more < 20 * 160_000, "{more} bytes for 20 steps of which each changes 50 KiB of 5 MiB");
    assert_eq!(manifests(fixture), saved.len());

    // Small ones stay in the catalog, also after a large one, and large ones after small ones.
    save(service, "j", 1).await;
    assert_eq!(manifests(fixture), saved.len());
    let other = fixture.again(2).await;
    for (checkpoint, text) in &saved {
        assert!(state_of(&other, checkpoint).await.unwrap() == *text, "another state");
        assert_eq!(checkpoint.size_bytes, text.len() as u64);
    }
    assert_eq!(listed(&other, "j").await.len(), saved.len() + 1);
    let report = service
        .verify_snapshots(&root_caller(), &VerifyScope::All, VerifyDepth::Full, &Run::default())
        .await
        .unwrap();
    assert!(report.healthy, "{report:?}");
    fixture.assert_audit().await;
}

async fn what_is_removed_goes_from_the_repository_and_takes_nothing_else_with_it(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let mut saved = Vec::new();
    for step in 0..5 {
        let text = state(30, &[(step, 100 + step as u64)]);
        saved.push((create(service, new("j", "step", &text)).await, text));
    }
    let fork = ForkCheckpoint {
        checkpoint_id: saved[1].0.checkpoint_id.clone(),
        job_id: "fork".into(),
        step_name: None,
        patch: None,
        metadata: None,
    };
    let forked = service.fork_checkpoint(&operator, DEFAULT_PROJECT, fork).await.unwrap();
    assert_eq!(manifests(fixture), 6, "a fork has a state of its own");
    service.delete_checkpoint(&operator, &saved[1].0.checkpoint_id).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 5);
    let rules = keep_last(1);
    let shown = service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, true).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 5, "a preview removes nothing");
    let done = service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, false).await.unwrap();
    assert_eq!((&shown, done.deleted.len()), (&done, 3));
    service.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 2);

    let before = stored_bytes(fixture);
    for _ in 0..3 {
        fixture.clock.advance(2 * DAY_S);
        service.collect_garbage(&root_caller(), &Run::default()).await.unwrap();
    }
    assert!(stored_bytes(fixture) < before, "nothing was collected");
    let other = fixture.again(2).await;
    assert!(state_of(&other, &saved[4].0).await.unwrap() == saved[4].1);
    assert!(state_of(&other, &forked).await.unwrap() == saved[1].1);
    fixture.assert_audit().await;
}

async fn a_save_that_did_not_get_to_its_commit_leaves_nothing_behind(fixture: &Fixture) {
    let service = &fixture.service;
    let text = state(30, &[]);
    let kept = create(service, new("j", "kept", &text)).await;
    // As if the process had died between repository and catalog.
    tamper(fixture, "ALTER TABLE stored_contents RENAME TO away", &[]).await;
    let lost = new("j", "lost", &state(30, &[(3, 77)]));
    let error = service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, lost).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal, "{error}");
    tamper(fixture, "ALTER TABLE away RENAME TO stored_contents", &[]).await;
    assert_eq!(manifests(fixture), 2, "what was lost lies there");

    let other = fixture.again(2).await;
    let reconcile = || async { other.reconcile(&root_caller(), &Run::default()).await.unwrap() };
    assert_eq!(reconcile().await.removed_contents, 0, "it could still be under way");
    assert_eq!(manifests(fixture), 2);
    fixture.clock.advance(1200);
    assert_eq!(reconcile().await.removed_contents, 1);
    assert_eq!(manifests(fixture), 1);
    assert_eq!(reconcile().await.removed_contents, 0);
    assert!(state_of(&other, &kept).await.unwrap() == text);
    assert_eq!(listed(&other, "j").await.len(), 1);

    // Another catalog in the same repository removes nothing of this one.
    let database = fixture.database.another();
    let foreign = service_at(&database, &fixture.store, &fixture.clock, 7, settings()).await;
    save(&foreign, "own", 0).await;
    fixture.clock.advance(1200);
    foreign.reconcile(&root_caller(), &Run::default()).await.unwrap();
    foreign.collect_garbage(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(manifests(fixture), 1);
    fixture.assert_audit().await;
}

async fn what_is_refused_leaves_nothing_behind(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let unknown = NewCheckpoint { parent_id: Some("step_1_2_3".into()), ..new("j", "step", &state(30, &[])) };
    let error = service.create_checkpoint(&operator, DEFAULT_PROJECT, unknown.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    let batch = || vec![Ok(new("j", "step", &state(30, &[]))), Ok(unknown.clone())];
    let error = service.create_checkpoints(&operator, DEFAULT_PROJECT, batch(), true).await.unwrap_err();
    assert_eq!((error.kind, error.index), (ErrorKind::Invalid, Some(1)), "{error}");
    assert!(listed(service, "j").await.is_empty());
    let done = service.create_checkpoints(&operator, DEFAULT_PROJECT, batch(), false).await.unwrap();
    assert!(done[0].is_ok() && done[1].is_err());
    let settled = async {
        while manifests(fixture) != 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), settled).await.expect("what was refused goes by itself");
    assert!(state_of(&fixture.again(2).await, done[0].as_ref().unwrap()).await.unwrap() == state(30, &[]));
}

async fn a_flipped_byte_in_the_repository_costs_that_state_alone(fixture: &Fixture) {
    let service = &fixture.service;
    let texts: Vec<String> = (0..3).map(|n| format!("{{\"all\":\"{}\"}}", noise(n, 3 << 20))).collect();
    let good = create(service, new("j", "good", &texts[0])).await;
    let before = objects(fixture, "packs");
    let bad = create(service, new("j", "bad", &texts[1])).await;
    let packs: Vec<_> = objects(fixture, "packs").difference(&before).cloned().collect();
    let after = create(service, new("j", "after", &texts[2])).await;
    let (largest, size) = packs.iter().max_by_key(|(_, size)| *size).unwrap();
    let name = ObjectName::parse(largest).unwrap();
    let mut bytes = fixture.store.get(&name).unwrap().to_vec();
    bytes[*size as usize / 2] ^= 1;
    fixture.store.put(&name, &bytes).unwrap();

    let other = fixture.again(2).await;
    let report = other
        .verify_snapshots(&root_caller(), &VerifyScope::All, VerifyDepth::Full, &Run::default())
        .await
        .unwrap();
    assert!(!report.healthy, "{report:?}");
    let marked: Vec<_> = listed(&other, "j").await.iter().map(|item| item.damaged).collect();
    assert_eq!(marked, [false, true, false], "a verification tells it");
    let error = state_of(&other, &bad).await.unwrap_err();
    let message = format!("Invalid checkpoint data: content of {} is damaged", bad.checkpoint_id);
    assert_eq!((error.kind, &error.message), (ErrorKind::BadRequest, &message));
    assert!(state_of(&other, &good).await.unwrap() == texts[0]);
    assert!(state_of(&other, &after).await.unwrap() == texts[2]);
    let damaged: Vec<_> = listed(&other, "j").await.iter().map(|item| item.damaged).collect();
    assert_eq!(damaged, [false, true, false]);

    // A manifest that is gone is the same.
    let known: BTreeSet<_> = objects(fixture, "snapshots");
    let newest = create(service, new("j", "newest", &state(30, &[]))).await;
    for (name, _) in objects(fixture, "snapshots").difference(&known) {
        fixture.store.delete(&ObjectName::parse(name).unwrap()).unwrap();
    }
    let fresh = fixture.again(3).await;
    let done =
        fresh.clean_job(&caller(Role::Operator), DEFAULT_PROJECT, "j", &keep_last(1), false).await.unwrap();
    let kept: Vec<_> = done.kept.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(
        kept,
        [after.checkpoint_id.clone(), newest.checkpoint_id.clone()],
        "the newest good one stays"
    );
    assert!(state_of(&fresh, &newest).await.is_err());
    assert!(state_of(&fresh, &after).await.unwrap() == texts[2]);
}

async fn a_repository_that_cannot_be_reached_is_no_damage(fixture: &Fixture) {
    let text = state(30, &[]);
    let saved = create(&fixture.service, new("j", "step", &text)).await;
    let store = Arc::new(FaultStore::new(Arc::clone(&fixture.store)));
    let dynamic: Arc<dyn Store> = Arc::clone(&store) as _;
    let service = service_at(&fixture.database, &dynamic, &fixture.clock, 2, settings()).await;
    save(&service, "j", 1).await;
    store.fail(Fault::new(StoreErrorKind::Unavailable).forever());
    assert_eq!(state_of(&service, &saved).await.unwrap_err().kind, ErrorKind::Unavailable);
    let large = new("j", "step", &state(30, &[(1, 99)]));
    let error = service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, large).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    // Small ones do not need it.
    save(&service, "j", 2).await;
    store.heal();
    assert!(state_of(&service, &saved).await.unwrap() == text);
    assert!(listed(&service, "j").await.iter().all(|item| !item.damaged));
}

fn typed(
    thread: &str,
    id: &str,
    parent: Option<&str>,
    changed: &[(&str, &str)],
    keep: &[&str],
) -> NewThreadCheckpoint {
    let value = |text: &str| TypedValue { value_type: "bytes".into(), data: text.as_bytes().to_vec() };
    NewThreadCheckpoint {
        key: ThreadKey { thread_id: thread.into(), namespace: String::new(), checkpoint_id: id.into() },
        parent: parent.map(str::to_owned),
        head: value("head"),
        metadata: "{}".into(),
        changed: changed
            .iter()
            .map(|(name, text)| ChangedChannel {
                name: (*name).into(),
                version: Version::Int(1),
                value: value(text),
                delta_snapshot: false,
            })
            .collect(),
        keep: keep.iter().map(|name| (*name).to_owned()).collect(),
    }
}

async fn channels_of(service: &Service, thread: &str, id: &str) -> Vec<(String, String)> {
    let viewer = caller(Role::Viewer);
    let found = service.get_tuple(&viewer, DEFAULT_PROJECT, thread, "", Some(id), |_| false).await.unwrap();
    let Some(ThreadAnswer::Found(tuple)) = found else { panic!("no checkpoint {id}") };
    tuple
        .channels
        .into_iter()
        .map(|channel| (channel.name, String::from_utf8(channel.value.data).unwrap()))
        .collect()
}

async fn values_of_channels_are_kept_copied_and_removed(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let (one, two, small) = (noise(1, 2 << 20), noise(2, 3 << 20), noise(3, 5000));
    let put = |new| service.put_thread_checkpoint(&operator, DEFAULT_PROJECT, new);
    put(typed("t", "1", None, &[("a", &one), ("b", &small)], &[])).await.unwrap();
    put(typed("t", "2", Some("1"), &[("b", &two)], &["a"])).await.unwrap();
    put(typed("t", "3", Some("2"), &[("b", &small)], &["a"])).await.unwrap();
    assert_eq!(manifests(fixture), 2, "a kept value is stored once");
    let other = fixture.again(2).await;
    let both = |b: &String| vec![("a".to_owned(), one.clone()), ("b".to_owned(), b.clone())];
    assert!(channels_of(&other, "t", "1").await == both(&small));
    assert!(channels_of(&other, "t", "2").await == both(&two));
    assert!(channels_of(&other, "t", "3").await == both(&small));

    let copied = other.copy_thread(&operator, DEFAULT_PROJECT, "t", "copy", false).await.unwrap();
    assert_eq!((copied.checkpoints, manifests(fixture)), (3, 4));
    // One that is replaced, first with a value in the catalog and then with one in the repository.
    put(typed("t", "3", Some("2"), &[("b", &noise(4, 5000))], &["a"])).await.unwrap();
    put(typed("t", "3", Some("2"), &[("b", &noise(5, 2 << 20))], &["a"])).await.unwrap();
    put(typed("t", "4", Some("3"), &[("b", &noise(6, 5000))], &["a"])).await.unwrap();
    assert!(channels_of(&other, "t", "4").await == both(&noise(6, 5000)));
    other
        .prune_threads(&operator, DEFAULT_PROJECT, &["t".into()], Prune::KeepLatest, false, false)
        .await
        .unwrap();
    other.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 3, "`a` of the thread and both values of the copy");
    assert!(channels_of(&other, "t", "4").await == both(&noise(6, 5000)));
    other.delete_thread(&operator, DEFAULT_PROJECT, "t", false).await.unwrap();
    other.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 2);
    for _ in 0..3 {
        fixture.clock.advance(2 * DAY_S);
        other.collect_garbage(&root_caller(), &Run::default()).await.unwrap();
    }
    let fresh = fixture.again(3).await;
    assert!(channels_of(&fresh, "copy", "1").await == both(&small));
    assert!(channels_of(&fresh, "copy", "2").await == both(&two));
    fixture.assert_audit().await;
}

async fn a_new_key_seals_new_references(fixture: &Fixture) {
    let service = &fixture.service;
    let (old, new_text) = (state(30, &[]), state(30, &[(2, 50)]));
    let first = create(service, new("j", "old", &old)).await;
    service.rotate_job_key(&root_caller()).await.unwrap();
    fixture.clock.advance(300);
    let second = create(service, new("j", "new", &new_text)).await;
    let other = fixture.again(2).await;
    assert!(state_of(&other, &first).await.unwrap() == old);
    assert!(state_of(&other, &second).await.unwrap() == new_text);
    fixture.clock.advance(1200);
    other.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(manifests(fixture), 2, "the catalog is the same one under every key");
    // A reference that is moved to another row opens nothing.
    tamper(
        fixture,
        "UPDATE checkpoints SET body = (SELECT body FROM checkpoints WHERE sequence = 1) WHERE sequence = 2",
        &[],
    )
    .await;
    let fresh = fixture.again(3).await;
    assert_eq!(state_of(&fresh, &second).await.unwrap_err().kind, ErrorKind::BadRequest);
    assert!(state_of(&fresh, &first).await.unwrap() == old);
}

async fn states_are_found_again_from_the_repository_alone(fixture: &Fixture) {
    let service = &fixture.service;
    let mut texts = Vec::new();
    for step in 0..3_usize {
        fixture.clock.advance(60);
        let text = state(30, &[(step, 300 + step as u64)]);
        let wanted = NewCheckpoint {
            metadata: Some(format!("{{\"n\":{step}}}")),
            workflow_name: Some("w".into()),
            ..new("j", &format!("step {step}"), &text)
        };
        create(service, wanted).await;
        texts.push(text);
    }
    save(service, "small", 0).await;
    let operator = caller(Role::Operator);
    let thread = typed("t", "1", None, &[("a", &noise(1, 2 << 20))], &[]);
    service.put_thread_checkpoint(&operator, DEFAULT_PROJECT, thread).await.unwrap();

    let database = fixture.database.another();
    let rebuilt = service_at(&database, &fixture.store, &fixture.clock, 7, settings()).await;
    let report = rebuilt.rebuild_catalog(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!((report.manifests, report.snapshots), (4, 0));
    assert_eq!((report.checkpoints, report.lone_values), (3, 1), "{report:?}");
    let again = rebuilt.rebuild_catalog(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!((again.checkpoints, again.unreadable.len()), (0, 0), "a repetition changes nothing");
    let found = listed(&rebuilt, "j").await;
    let names: Vec<_> = found.iter().map(|item| item.step_name.as_str()).collect();
    assert_eq!(names, ["step 0", "step 1", "step 2"]);
    assert_eq!(
        (found[1].metadata.as_deref(), found[1].workflow_name.as_deref()),
        (Some("{\"n\":1}"), Some("w"))
    );
    for (checkpoint, text) in found.iter().zip(&texts) {
        assert!(state_of(&rebuilt, checkpoint).await.unwrap() == *text);
    }
    fixture.clock.advance(1200);
    rebuilt.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(manifests(fixture), 4);
    rebuilt.delete_checkpoint(&operator, &found[0].checkpoint_id).await.unwrap();
    rebuilt.tidy().await.unwrap();
    assert_eq!(manifests(fixture), 3, "what was found again can be removed");
    assert!(State::parse(&state_of(&rebuilt, &found[2]).await.unwrap()).is_ok());
}

async fn a_collection_beside_saves_costs_nothing(fixture: &Fixture) {
    let (service, clock) = (fixture.service.clone(), Arc::clone(&fixture.clock));
    let saver = tokio::spawn(async move {
        let operator = caller(Role::Operator);
        let mut items = Items::new(24);
        let mut saved: Vec<(Checkpoint, String)> = Vec::new();
        for step in 0..12_usize {
            items.change(step % 4, 400 + step as u64);
            let text = items.text();
            saved.push((create(&service, new("j", "step", &text)).await, text));
            if step % 3 == 2 {
                let (gone, _) = saved.remove(0);
                service.delete_checkpoint(&operator, &gone.checkpoint_id).await.unwrap();
            }
            clock.advance(2 * DAY_S);
        }
        saved
    });
    let collector = fixture.again(2).await;
    while !saver.is_finished() {
        collector.tidy().await.unwrap();
        collector.collect_garbage(&root_caller(), &Run::default()).await.unwrap();
    }
    let saved = saver.await.unwrap();
    for _ in 0..3 {
        collector.tidy().await.unwrap();
        collector.collect_garbage(&root_caller(), &Run::default()).await.unwrap();
        fixture.clock.advance(2 * DAY_S);
    }
    assert_eq!(manifests(fixture), saved.len());
    let fresh = fixture.again(3).await;
    for (checkpoint, text) in &saved {
        assert!(state_of(&fresh, checkpoint).await.unwrap() == *text, "{}", checkpoint.checkpoint_id);
    }
    let report = fresh
        .verify_snapshots(&root_caller(), &VerifyScope::All, VerifyDepth::Full, &Run::default())
        .await
        .unwrap();
    assert!(report.healthy, "{report:?}");
}
