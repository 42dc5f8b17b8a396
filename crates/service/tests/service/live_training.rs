//! Runs that are trained by this process.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{Caller, ErrorKind, Role, SnapshotId, SnapshotState, SourceId};
use backstay_service::view::{
    AutoSnapshot, NewBuiltinRun, NewTrainingData, NewTrainingRun, NewTrainingSnapshot, TrainingCommand,
    TrainingRun,
};
use backstay_service::{CommandChannel, Feed, PageRequest, Service};
use backstay_source_training::{Content, Snapshot};
use backstay_trainer::{Command, Generator, Parameters, Spiral, State, Trainer};
use serde_json::{Map, Value, json};

use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    a_run_goes_from_state_to_state,
    the_limit_of_hidden_units_holds_and_can_be_raised,
    frames_are_numbered_and_tell_what_happens,
    a_snapshot_is_taken_while_the_run_trains,
    a_restore_takes_the_run_back_and_is_taken_back,
    of_a_restore_and_a_start_one_wins,
    after_a_crash_training_goes_on_bit_for_bit,
    a_shutdown_saves,
    two_processes_do_not_train_one_run,
    parameters_are_set_all_or_none_and_recorded,
    a_reset_can_be_taken_back,
    a_fork_begins_with_its_own_parameters,
    who_may_not_control_may_look,
    a_run_is_removed_with_its_snapshots,
    without_a_run_there_is_nothing,
    samples_are_given_or_refused,
);

/// Parameters of a run that is over in a moment, or goes on for as long as the test wants.
fn small() -> Map<String, Value> {
    let params = json!({
        "output_epochs": 30, "candidate_epochs": 40, "candidate_pool_size": 8, "threads": 1,
        "max_hidden_units": 1000, "max_rounds": 1_000_000, "patience": 1_000_000, "correlation_threshold": 0,
        "target_accuracy": 1,
    });
    params.as_object().unwrap().clone()
}

fn data() -> NewTrainingData {
    let params = json!({"n_per_spiral": 60, "noise": 0.3});
    NewTrainingData::Generated { generator: "spiral".to_owned(), params: params.as_object().unwrap().clone() }
}

/// A run that saves nothing by itself.
async fn new_run(service: &Service, name: &str, params: &Value) -> TrainingRun {
    let quiet = AutoSnapshot { each_round: false, on_complete: false, ..AutoSnapshot::default() };
    new_run_with(service, name, params, Some(quiet)).await
}

async fn new_run_with(
    service: &Service,
    name: &str,
    params: &Value,
    auto: Option<AutoSnapshot>,
) -> TrainingRun {
    let mut all = small();
    all.extend(params.as_object().unwrap().clone());
    let new = NewBuiltinRun { name: name.to_owned(), data: data(), params: all, keep: None, auto };
    service.create_builtin_run(&root_caller(), new).await.unwrap()
}

const START: TrainingCommand = TrainingCommand::Start { reset: false };

/// Carries out a command; whether it changed anything, and the status since.
async fn command(service: &Service, command: TrainingCommand) -> (bool, String) {
    let outcome = service.control_training(&root_caller(), None, command, CommandChannel::Request).await;
    let outcome = outcome.unwrap();
    (outcome.changed, outcome.fsm_status)
}

async fn epoch(service: &Service) -> u64 {
    // The history is read at an epoch boundary.
    service.training_metrics_history(&root_caller(), None, 1).await.unwrap();
    service.training_metrics(&root_caller(), None).await.unwrap().current_epoch
}

async fn feed_of(service: &Service) -> Arc<Feed> {
    service.training_feed(&root_caller()).await.unwrap()
}

/// The frames after `seq` up to the first for which `is_last` holds.
async fn frames_until(feed: &Feed, mut seq: u64, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut newest = feed.watch();
    let mut frames = Vec::new();
    let all = async {
        loop {
            let followed = feed.after(seq, 100);
            assert!(!followed.missed);
            for frame in followed.frames {
                seq = frame.seq;
                let frame: Value = serde_json::from_slice(&frame.text).unwrap();
                let last = is_last(&frame);
                frames.push(frame);
                if last {
                    return;
                }
            }
            newest.wait_for(|newest| *newest > seq).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("the frame comes");
    frames
}

fn is_event(frame: &Value, event_type: &str) -> bool {
    frame["type"] == "event" && frame["data"]["event_type"] == event_type
}

/// Trains until something of the state of the run is so.
async fn train_until(service: &Service, is_so: impl Fn(&Value) -> bool) {
    let feed = feed_of(service).await;
    let from = feed.newest();
    assert_eq!(command(service, START).await.1, "STARTED");
    frames_until(&feed, from, |frame| frame["type"] == "state" && is_so(&frame["data"])).await;
}

async fn save(service: &Service, label: &str) -> SnapshotId {
    let new = NewTrainingSnapshot { label: label.to_owned(), ..NewTrainingSnapshot::default() };
    service.snapshot_live_training(&root_caller(), None, new).await.unwrap().snapshot.id
}

async fn state_of(service: &Service, id: &SnapshotId) -> State {
    exact(service.load_training(&root_caller(), id).await.unwrap())
}

fn exact(snapshot: Snapshot) -> State {
    match snapshot.content {
        Content::Exact { state, .. } => *state,
        Content::Partial(partial) => panic!("something is missing: {:?}", partial.missing),
    }
}

/// Everything of a state that training computes, as bits.
fn bits(state: &State) -> (Vec<u32>, Vec<u32>, u64) {
    let network = &state.network;
    let units = network.units.iter().flat_map(|unit| unit.weights.iter().chain([&unit.bias]));
    let weights = units.chain(&network.output_weights).chain(&network.output_bias);
    let history = state.epochs.loss.iter().chain(&state.epochs.correlation);
    (weights.map(|w| w.to_bits()).collect(), history.map(|l| l.to_bits()).collect(), state.epoch)
}

async fn a_run_goes_from_state_to_state(fixture: &Fixture) {
    use TrainingCommand::{Pause, Resume, Stop};
    let service = &fixture.service;
    let run = new_run(service, "spirals", &json!({})).await;
    assert_eq!((run.snapshots, run.head.as_ref().unwrap().epoch), (1, 0), "it is there after a restart");
    let (id, state) = service.training_state(&root_caller(), None).await.unwrap();
    assert_eq!((&id, state.status.as_str(), state.phase.as_str()), (&run.id, "Stopped", "Idle"));
    assert_eq!((state.network_name.as_str(), state.dataset_name.as_str()), ("spirals", "spiral"));

    for (given, changed, status) in [
        (Pause, false, "STOPPED"),
        (Resume, false, "STOPPED"),
        (Stop, false, "STOPPED"),
        (START, true, "STARTED"),
        (START, false, "STARTED"),
        (Pause, true, "PAUSED"),
        (Pause, false, "PAUSED"),
        (Resume, true, "STARTED"),
        (Pause, true, "PAUSED"),
        (START, true, "STARTED"),
        (Stop, true, "STOPPED"),
        (START, true, "STARTED"),
    ] {
        assert_eq!(command(service, given).await, (changed, status.to_owned()), "{given:?}");
    }
    train_more(service).await;
    let stopped =
        service.control_training(&root_caller(), None, Stop, CommandChannel::Request).await.unwrap();
    assert_eq!((stopped.status.as_str(), stopped.numbers.is_running), ("stopped", false));
    for _ in 0..20 {
        assert_eq!(epoch(service).await, stopped.numbers.current_epoch, "no epoch comes after a stop");
    }
    let refused = service.control_training(&root_caller(), None, Resume, CommandChannel::Socket).await;
    assert_eq!(refused.unwrap().message, "Training is not paused; start it instead");
    fixture.assert_audit().await;
}

/// Waits for a state of some epochs later.
async fn train_more(service: &Service) {
    let feed = feed_of(service).await;
    let from = epoch(service).await;
    frames_until(&feed, feed.newest(), |frame| {
        frame["type"] == "state" && frame["data"]["current_epoch"].as_u64() > Some(from)
    })
    .await;
}

async fn the_limit_of_hidden_units_holds_and_can_be_raised(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(service, "limited", &json!({"max_hidden_units": 3})).await;
    let feed = feed_of(service).await;
    let from = feed.newest();
    command(service, START).await;
    let frames = frames_until(&feed, from, |frame| is_event(frame, "training_complete")).await;
    let added: Vec<_> = frames
        .iter()
        .filter(|frame| is_event(frame, "cascade_add"))
        .map(|frame| frame["data"]["details"]["total_hidden_units"].as_u64().unwrap())
        .collect();
    assert_eq!(added, [1, 2, 3]);
    let last = &frames.last().unwrap()["data"]["details"];
    assert_eq!((&last["reason"], &last["hidden_units"]), (&json!("max_hidden_units"), &json!(3)));
    assert_eq!(command(service, START).await, (false, "COMPLETED".to_owned()));
    assert_eq!(service.training_metrics(&root_caller(), None).await.unwrap().hidden_units, 3);

    let four = json!({"max_hidden_units": 4});
    service
        .set_training_parameters(&root_caller(), Some("limited"), four.as_object().unwrap().clone())
        .await
        .unwrap();
    let from = feed.newest();
    assert_eq!(command(service, START).await, (true, "STARTED".to_owned()));
    frames_until(&feed, from, |frame| is_event(frame, "training_complete")).await;
    let metrics = service.training_metrics(&root_caller(), Some(run.id.as_str())).await.unwrap();
    assert_eq!(metrics.hidden_units, 4);
}

async fn frames_are_numbered_and_tell_what_happens(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run_with(service, "told", &json!({"max_hidden_units": 2}), None).await;
    let follower = service.clone();
    let following = tokio::spawn(async move { follower.follow_training_snapshots().await });
    tokio::task::yield_now().await;
    let feed = feed_of(service).await;
    let from = feed.newest();
    command(service, START).await;
    let frames = frames_until(&feed, from, |frame| {
        is_event(frame, "snapshot_created") && frame["data"]["details"]["trigger"] == "shutdown"
    })
    .await;
    following.abort();
    for (frame, seq) in frames.iter().zip(from + 1..) {
        let mut keys: Vec<_> = frame.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["data", "timestamp", "type"], "{frame}");
        assert_eq!((&frame["data"]["run_id"], &frame["data"]["seq"]), (&json!(run.id), &json!(seq)));
        assert!(frame["timestamp"].is_f64(), "{frame}");
    }
    let kinds = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).count();
    assert!(kinds("state") >= 2 && kinds("metrics") >= 1 && kinds("control_ack") == 1, "{frames:?}");
    assert_eq!(kinds("topology"), 2);
    for event in ["status_change", "phase_change", "best_metric", "training_complete", "snapshot_created"] {
        assert!(frames.iter().any(|frame| is_event(frame, event)), "{event}");
    }
    let added = frames.iter().position(|frame| is_event(frame, "cascade_add")).unwrap();
    assert_eq!(frames[added + 1]["type"], "topology");
    assert_eq!(frames[added + 1]["data"]["hidden_units"], 1);
    let row = frames.iter().find(|frame| frame["type"] == "metrics").unwrap();
    assert!(row["data"]["metrics"]["loss"].is_f64() && row["data"]["metrics"]["val_loss"].is_null(), "{row}");
    let saved = frames.last().unwrap();
    assert_eq!(saved["data"]["details"]["epoch"], json!(epoch(service).await), "{saved}");
}

async fn a_snapshot_is_taken_while_the_run_trains(fixture: &Fixture) {
    let service = &fixture.service;
    new_run(service, "saved", &json!({})).await;
    train_until(service, |state| state["current_epoch"].as_u64() > Some(10)).await;
    let id = save(service, "while it trains").await;
    let shown = service.show_training_snapshot(&root_caller(), &id).await.unwrap();
    assert_eq!(
        (shown.state, shown.trigger.as_str(), shown.status.as_str()),
        (SnapshotState::Ready, "manual", "Started")
    );
    assert!(shown.epoch > 10 && shown.exact);
    train_more(service).await;
    let twice = NewTrainingSnapshot { label: "while it trains".to_owned(), ..NewTrainingSnapshot::default() };
    let refused = service.snapshot_live_training(&root_caller(), None, twice).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.message.as_str()),
        (ErrorKind::Conflict, "Snapshot 'while it trains' already exists")
    );
    let refused = service.restore_live_training(&root_caller(), &id, None, false).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(
        refused.message,
        "Cannot restore while training is running. Please pause or stop training first."
    );
}

async fn a_restore_takes_the_run_back_and_is_taken_back(fixture: &Fixture) {
    let service = &fixture.service;
    new_run(service, "back", &json!({})).await;
    train_until(service, |state| state["current_epoch"].as_u64() > Some(50)).await;
    command(service, TrainingCommand::Pause).await;
    let id = save(service, "here").await;
    let there = state_of(service, &id).await;
    command(service, TrainingCommand::Resume).await;
    train_more(service).await;
    command(service, TrainingCommand::Pause).await;
    let left = epoch(service).await;
    let planned = service.restore_live_training(&root_caller(), &id, None, true).await.unwrap();
    assert_eq!((planned.restored.dry_run, epoch(service).await), (true, left));

    let feed = feed_of(service).await;
    let from = feed.newest();
    let done = service.restore_live_training(&root_caller(), &id, None, false).await.unwrap();
    assert_eq!((done.status.as_str(), epoch(service).await), ("Paused", there.epoch));
    let frames = frames_until(&feed, from, |frame| frame["type"] == "topology").await;
    let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["event", "state", "topology"]);
    assert!(is_event(&frames[0], "snapshot_restored"));
    let state = &frames[1]["data"];
    assert_eq!((&state["action"], &state["snapshot_id"]), (&json!("snapshot_restored"), &json!(id)));
    assert_eq!(state["training_state"]["current_epoch"], json!(there.epoch));
    let again = save(service, "again").await;
    assert_eq!(bits(&state_of(service, &again).await), bits(&there));

    // Undo, which needs no other safety snapshot.
    let safety = done.restored.safety_snapshot_id.unwrap();
    let shown = service.show_training_snapshot(&root_caller(), &safety).await.unwrap();
    assert_eq!((shown.trigger.as_str(), shown.epoch), ("safety", left));
    let undone = service.restore_live_training(&root_caller(), &safety, None, false).await.unwrap();
    assert_eq!(epoch(service).await, left);
    assert_eq!(undone.restored.safety_snapshot_id.unwrap(), again);
    assert_eq!(command(service, TrainingCommand::Resume).await, (true, "STARTED".to_owned()));
    train_more(service).await;
    fixture.assert_audit().await;
}

async fn of_a_restore_and_a_start_one_wins(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(service, "raced", &json!({})).await;
    train_until(service, |state| state["current_epoch"].as_u64() > Some(5)).await;
    command(service, TrainingCommand::Stop).await;
    let id = save(service, "goal").await;
    let caller = root_caller();
    for turn in 0..6 {
        let restore = service.restore_live_training(&caller, &id, None, false);
        let start = service.control_training(&caller, None, START, CommandChannel::Request);
        let (restored, started) = if turn % 2 == 0 {
            tokio::join!(restore, start)
        } else {
            let (started, restored) = tokio::join!(start, restore);
            (restored, started)
        };
        match (restored, started) {
            (Ok(_), Err(refused)) => {
                assert_eq!(refused.message, format!("A restore of run {} is in progress", run.id));
                assert!(!service.training_metrics(&caller, None).await.unwrap().is_running);
            }
            (Err(refused), Ok(started)) => {
                assert!(
                    refused.message.starts_with("Cannot restore while training is running."),
                    "{refused}"
                );
                assert!(started.changed);
            }
            // The start came when the restore was over: training goes on from the snapshot.
            (Ok(restored), Ok(started)) => {
                assert_eq!(started.numbers.current_epoch, restored.restored.snapshot.epoch, "{started:?}");
            }
            (restored, started) => panic!("{restored:?} and {started:?}"),
        }
        command(service, TrainingCommand::Stop).await;
    }
    let (one, other) = tokio::join!(
        service.restore_live_training(&caller, &id, None, false),
        service.restore_live_training(&caller, &id, None, false)
    );
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    for refused in [one, other].into_iter().filter_map(Result::err) {
        assert_eq!(refused.message, format!("A restore of run {} is in progress", run.id));
    }
}

async fn after_a_crash_training_goes_on_bit_for_bit(fixture: &Fixture) {
    let (first, second) = (fixture.again(21).await, fixture.again(22).await);
    // Large enough to be seen in the middle.
    let params = json!({"max_epochs": 600, "candidate_pool_size": 64});
    let recipe = json!({"n_per_spiral": 2000, "noise": 0.3});
    let mut all = small();
    all.extend(params.as_object().unwrap().clone());
    let data = NewTrainingData::Generated {
        generator: "spiral".to_owned(),
        params: recipe.as_object().unwrap().clone(),
    };
    let quiet = AutoSnapshot { each_round: false, on_complete: false, ..AutoSnapshot::default() };
    let new = NewBuiltinRun {
        name: "crashed".to_owned(),
        data,
        params: all.clone(),
        keep: None,
        auto: Some(quiet),
    };
    first.create_builtin_run(&root_caller(), new).await.unwrap();
    train_until(&first, |state| state["phase"] == "Candidate" && state["current_epoch"].as_u64() > Some(100))
        .await;
    let id = save(&first, "the last one").await;
    let saved = state_of(&first, &id).await.epoch;
    assert!(saved < 600, "the snapshot is of the middle");
    // Nothing else is saved, as after `kill -9`.
    drop(first);

    let (_, state) = second.training_state(&root_caller(), None).await.unwrap();
    assert_eq!((state.status.as_str(), state.current_epoch), ("Stopped", saved));
    let feed = feed_of(&second).await;
    let from = feed.newest();
    command(&second, START).await;
    frames_until(&feed, from, |frame| is_event(frame, "training_complete")).await;
    let end = state_of(&second, &save(&second, "the end").await).await;

    let parameters = Parameters::default().with(all.iter().map(|(name, value)| (name.as_str(), value)));
    let spiral = Spiral { n_per_spiral: 2000, noise: 0.3, ..Spiral::default() };
    let mut at_once = Trainer::generated(parameters.unwrap(), Generator::Spiral(spiral)).unwrap();
    at_once.command(Command::Start).unwrap();
    at_once.run(u64::MAX);
    assert_eq!(end.epoch, 600);
    assert_eq!(bits(&end), bits(at_once.state()));
}

async fn a_shutdown_saves(fixture: &Fixture) {
    let (first, second) = (fixture.again(31).await, fixture.again(32).await);
    new_run(&first, "shut", &json!({})).await;
    train_until(&first, |state| state["current_epoch"].as_u64() > Some(20)).await;
    first.close_training().await;
    let refused = first.training_metrics(&root_caller(), None).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    let run = second.resolve_training_run(&root_caller(), "shut").await.unwrap();
    let head = run.head.unwrap();
    assert_eq!((head.trigger.as_str(), head.status.as_str()), ("shutdown", "Stopped"));
    assert!(head.epoch > 20);
    assert_eq!(epoch(&second).await, head.epoch);
    // What is saved is not saved again.
    second.close_training().await;
    let again = second.resolve_training_run(&root_caller(), "shut").await.unwrap();
    assert_eq!(again.snapshots, run.snapshots);
}

async fn two_processes_do_not_train_one_run(fixture: &Fixture) {
    let (one, other) = (fixture.again(41).await, fixture.again(42).await);
    new_run(&one, "shared", &json!({})).await;
    assert_eq!((epoch(&one).await, epoch(&other).await), (0, 0));
    train_until(&one, |state| state["current_epoch"].as_u64() > Some(10)).await;
    assert_eq!(command(&other, START).await, (true, "STARTED".to_owned()));
    command(&one, TrainingCommand::Pause).await;
    let id = save(&one, "mine").await;
    let new = NewTrainingSnapshot { label: "theirs".to_owned(), ..NewTrainingSnapshot::default() };
    let refused = other.snapshot_live_training(&root_caller(), None, new).await.unwrap_err();
    assert_eq!((refused.kind, refused.word()), (ErrorKind::Busy, "run_busy"));
    // What the other one had is forgotten: it stands where the run is.
    let (_, state) = other.training_state(&root_caller(), None).await.unwrap();
    let saved = one.show_training_snapshot(&root_caller(), &id).await.unwrap().epoch;
    assert_eq!((state.status.as_str(), state.current_epoch), ("Stopped", saved));
}

async fn parameters_are_set_all_or_none_and_recorded(fixture: &Fixture) {
    let service = &fixture.service;
    new_run(service, "set", &json!({})).await;
    let set = async |params: Value| {
        let params = params.as_object().unwrap().clone();
        service.set_training_parameters(&caller(Role::Operator), None, params).await
    };
    for bad in [json!(-5), json!("x"), json!("NaN"), json!(null)] {
        let refused = set(json!({"learning_rate": bad, "patience": 7})).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
        assert_eq!(refused.fields[0].field, "learning_rate");
    }
    assert_eq!(set(json!({"speed": 1})).await.unwrap_err().kind, ErrorKind::Invalid);
    let state = set(json!({"learning_rate": 0.5, "max_epochs": 77})).await.unwrap();
    assert_eq!((state.learning_rate, state.max_epochs), (0.5, 77));
    let history = service.training_parameter_history(&caller(Role::Viewer), "set").await.unwrap();
    let history: Vec<_> = history.iter().map(|change| (change.name.as_str(), change.new.clone())).collect();
    assert_eq!(history, [("learning_rate", json!(0.5)), ("max_epochs", json!(77))]);
    let change = &service.training_parameter_history(&caller(Role::Viewer), "set").await.unwrap()[0];
    assert_eq!((change.epoch, change.old.clone()), (0, json!(0.01)));
    assert_eq!(change.actor.as_deref(), Some(caller(Role::Operator).actor.name.as_str()));
}

async fn a_reset_can_be_taken_back(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(service, "reset", &json!({})).await;
    train_until(service, |state| state["current_epoch"].as_u64() > Some(40)).await;
    assert_eq!(command(service, TrainingCommand::Reset).await, (true, "STOPPED".to_owned()));
    assert_eq!(epoch(service).await, 0);
    let page = PageRequest::default();
    let list = service.list_training_snapshots(&root_caller(), Some(&run.id), &page).await.unwrap();
    let safety = list.items.iter().find(|one| one.trigger == "safety").unwrap();
    assert!(safety.epoch > 40);
    service.restore_live_training(&root_caller(), &safety.id, None, false).await.unwrap();
    assert_eq!(epoch(service).await, safety.epoch);
    let started = TrainingCommand::Start { reset: true };
    let feed = feed_of(service).await;
    let from = feed.newest();
    assert_eq!(command(service, started).await, (true, "STARTED".to_owned()));
    let frames = frames_until(&feed, from, |frame| frame["type"] == "topology").await;
    assert_eq!(frames.last().unwrap()["data"]["hidden_units"], 0);
}

async fn a_fork_begins_with_its_own_parameters(fixture: &Fixture) {
    let service = &fixture.service;
    new_run(service, "origin", &json!({})).await;
    train_until(service, |state| state["current_epoch"].as_u64() > Some(5)).await;
    command(service, TrainingCommand::Stop).await;
    let id = save(service, "origin").await;
    fixture.clock.advance(1);
    let params = [("learning_rate".to_owned(), json!(0.25))].into();
    let new = NewTrainingRun { name: "fork".to_owned(), params, ..NewTrainingRun::default() };
    let fork = service.fork_training(&root_caller(), &id, new).await.unwrap();
    // The newest run is the default one.
    let (run, state) = service.training_state(&root_caller(), None).await.unwrap();
    assert_eq!((run, state.learning_rate, state.network_name.as_str()), (fork.id, 0.25, "fork"));
    let origin = service.training_status(&root_caller(), Some("origin")).await.unwrap();
    assert_eq!((origin.learning_rate, origin.numbers.current_epoch), (0.01, state.current_epoch));
    let saved = save(service, "of the fork").await;
    let loaded = service.load_training(&root_caller(), &saved).await.unwrap();
    assert_eq!(loaded.header.lineage.parent_snapshot_id.as_deref(), Some(id.as_str()));
}

async fn who_may_not_control_may_look(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(service, "seen", &json!({})).await;
    let viewer = caller(Role::Viewer);
    let run_id = Some(run.id.as_str());
    assert_eq!(service.training_topology(&viewer, run_id).await.unwrap().nodes.len(), 4);
    assert_eq!(service.training_data(&viewer, run_id).await.unwrap().num_samples, 120);
    let boundary = service.decision_boundary(&viewer, run_id, 5).await.unwrap();
    assert_eq!((boundary.z.len(), boundary.resolution), (5, 5));
    assert_eq!(service.network_statistics(&viewer, run_id).await.unwrap().total_edges, 4);
    let refused = [
        service.control_training(&viewer, run_id, START, CommandChannel::Request).await.map(drop),
        service.set_training_parameters(&viewer, run_id, small()).await.map(drop),
        service.snapshot_live_training(&viewer, run_id, NewTrainingSnapshot::default()).await.map(drop),
        service.restore_live_training(&viewer, &run.head.unwrap().id, Some(&run.id), false).await.map(drop),
        service.delete_training_run(&viewer, &run.id).await,
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Forbidden);
    }
    let other: Caller = caller_of("another", Role::Admin);
    assert_eq!(service.training_metrics(&other, run_id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(service.training_metrics(&other, None).await.unwrap_err().kind, ErrorKind::Unavailable);
}

async fn a_run_is_removed_with_its_snapshots(fixture: &Fixture) {
    let service = &fixture.service;
    let run = new_run(service, "gone", &json!({})).await;
    command(service, START).await;
    let refused = service.delete_training_run(&root_caller(), &run.id).await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Conflict, "`gone` trains"));
    command(service, TrainingCommand::Stop).await;
    let id = save(service, "pinned").await;
    service.pin_snapshot(&root_caller(), &id).await.unwrap();
    let refused = service.delete_training_run(&root_caller(), &run.id).await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Conflict, "Snapshot is pinned"));
    assert!(service.show_training_run(&root_caller(), &run.id).await.unwrap().snapshots >= 2);
    service.unpin_snapshot(&root_caller(), &id).await.unwrap();
    service.delete_training_run(&root_caller(), &run.id).await.unwrap();
    let gone: SourceId = run.id;
    assert_eq!(service.show_training_run(&root_caller(), &gone).await.unwrap_err().kind, ErrorKind::NotFound);
    new_run(service, "gone", &json!({})).await;
}

async fn without_a_run_there_is_nothing(fixture: &Fixture) {
    let nothing = fixture.service.training_metrics(&root_caller(), None).await.unwrap_err();
    assert_eq!((nothing.kind, nothing.word()), (ErrorKind::Unavailable, "no_run"));
    let new = NewTrainingRun { name: "empty".to_owned(), ..NewTrainingRun::default() };
    fixture.service.create_training_run(&root_caller(), new).await.unwrap();
    let nothing = fixture.service.training_metrics(&root_caller(), None).await.unwrap_err();
    assert_eq!((nothing.kind, nothing.word()), (ErrorKind::Unavailable, "no_state"));
}

async fn samples_are_given_or_refused(fixture: &Fixture) {
    let service = &fixture.service;
    let make = async |name: &str, training: (Vec<Vec<f32>>, Vec<Vec<f32>>)| {
        let data = NewTrainingData::Given { training, validation: None };
        let new = NewBuiltinRun { name: name.to_owned(), data, params: small(), ..NewBuiltinRun::default() };
        service.create_builtin_run(&root_caller(), new).await
    };
    make("and", (vec![vec![0.0, 1.0], vec![1.0, 1.0]], vec![vec![0.0], vec![1.0]])).await.unwrap();
    let data = service.training_data(&root_caller(), None).await.unwrap();
    assert_eq!((data.inputs[1].clone(), data.num_features, data.num_classes), (vec![1.0, 1.0], 2, 2));
    for bad in [
        (vec![], vec![]),
        (vec![vec![0.0]], vec![]),
        (vec![vec![0.0], vec![0.0, 1.0]], vec![vec![1.0], vec![1.0]]),
        (vec![vec![f32::INFINITY]], vec![vec![1.0]]),
    ] {
        assert_eq!(make("bad", bad).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    let unknown = NewTrainingData::Generated { generator: "moons".to_owned(), params: Map::new() };
    let new = NewBuiltinRun { name: "bad".to_owned(), data: unknown, ..NewBuiltinRun::default() };
    assert_eq!(service.create_builtin_run(&root_caller(), new).await.unwrap_err().kind, ErrorKind::Invalid);
    let left = service.list_training_runs(&root_caller(), &PageRequest::default()).await.unwrap();
    assert_eq!(left.total, 1, "nothing is left of runs that could not be made");
}
