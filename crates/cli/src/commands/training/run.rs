//! `backstay training run`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstay_model::retention::training::TrainingRules;
use backstay_model::{ErrorKind, SnapshotId};
use backstay_repository::Cancel;
use backstay_service::view::{NewTrainingRun, NewTrainingSnapshot, OnBest, TrainingRun, TrainingSnapshot};
use backstay_service::{BestWatch, Resumed, Run, SavePlan, SaveSchedule, view};
use backstay_source_training::Header;
use backstay_source_training::data::{self, Targets};
use backstay_trainer::{Command, Generator, Parameters, Status, Trainer};
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::train::{Told, TrainPlan, train};
use super::{Runs, path_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;

/// Train a network with the built-in trainer, with snapshots from which training goes on bit for bit
///
/// The trainer is cascade correlation. A snapshot is saved when a hidden unit was added, every --every epochs or --every-seconds
/// seconds, with --on-best when a metric became better, and at the end; the next one as soon as the one before is written, beside the
/// training. The keep rules of the run apply after each. Ctrl-C saves and stops; --resume goes on from the newest snapshot, also after `kill -9`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training run spirals
  backstay training run spirals --resume --epochs 20000
  backstay training run spirals --resume --on-best accuracy --best-cooldown 500
  backstay training run mine --data samples.csv --set learning_rate=0.02 --threads 2
  backstay training run wide --data spiral --data-params '{\"n_per_spiral\": 200, \"noise\": 0.01}'")]
pub(crate) struct TrainingRunArgs {
    /// The name of the run
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Go on from the newest snapshot of the run, or the one that it was restored to or forked from
    #[arg(long, conflicts_with_all = ["data", "data_params"])]
    pub(crate) resume: bool,

    /// What is learned: `spiral`, `xor`, or a .csv, .npy or .h5 file
    #[arg(long, value_name = "DATA", default_value = "spiral")]
    pub(crate) data: String,

    /// Parameters of the generator, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) data_params: Option<String>,

    /// Set a parameter of the trainer; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Stop when the run has N epochs (default: when training is complete)
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<u64>,

    /// Train on N threads; 0 is one per processor. It changes no bit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: u64,

    /// Save every M epochs
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,

    /// Save every S seconds; 0 for never
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub(crate) every_seconds: u64,

    /// Do not save when a hidden unit was added
    #[arg(long)]
    pub(crate) no_rounds: bool,

    /// Save when METRIC is better than at the last such snapshot
    #[arg(long, value_name = "METRIC", value_parser = OnBest::METRICS)]
    pub(crate) on_best: Option<String>,

    /// With --on-best, by how much it must be better
    #[arg(long, value_name = "DELTA", default_value_t = 0.0, value_parser = delta, requires = "on_best")]
    pub(crate) best_delta: f64,

    /// With --on-best, how many epochs must lie between two such snapshots
    #[arg(long, value_name = "M", default_value_t = OnBest::default_cooldown(), requires = "on_best")]
    pub(crate) best_cooldown: u64,

    /// Keep the newest N snapshots, besides the best three by loss; holds for a new run
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) keep: Option<u32>,
}

/// Trains.
pub(crate) async fn run(cx: &Context, args: TrainingRunArgs) -> CommandResult {
    let changes = changes(&args)?;
    let runs = Runs::create(cx).await?;
    let (run, mut trainer, header) = if args.resume {
        resumed(cx, &runs, &args, &changes).await?
    } else {
        begun(cx, &runs, &args, &changes).await?
    };
    let began_at = trainer.state().epoch;
    if let Some(epochs) = args.epochs.filter(|epochs| *epochs <= began_at) {
        return Err(Failure::usage(format!(
            "run `{}` has {began_at} epochs already, not less than {epochs}",
            run.name
        ))
        .hint("--epochs counts those of the whole run"));
    }
    start(&mut trainer, &args.name)?;
    let plan = TrainPlan {
        until_epoch: args.epochs,
        schedule: SaveSchedule::new(SavePlan {
            each_round: !args.no_rounds,
            every_epochs: args.every,
            every: (args.every_seconds > 0).then(|| Duration::from_secs(args.every_seconds)),
            best: on_best(&args).map(BestWatch::new),
            at_end: true,
        }),
        header,
    };
    cx.output.event("started", &json!({"run_id": run.id, "run_name": run.name, "epoch": began_at}));
    let samples = trainer.data().training().len();
    cx.output.note(&format!(
        "training {} on {} from epoch {began_at}",
        run.name,
        human::count(samples as u64, "sample", "samples")
    ));
    let (state, saved) = trained(cx, &runs, &run, trainer, plan).await?;

    if cx.cancel.is_cancelled() {
        let at = saved.as_ref().map_or(state.epoch, |saved| saved.epoch);
        return Err(Failure::interrupted()
            .because(format!("the state at epoch {at} is saved"))
            .hint(format!("`backstay training run '{}' --resume` goes on", run.name)));
    }
    let completion = state.completion.map(backstay_trainer::Completion::parameter);
    let report = json!({
        "run_id": run.id,
        "run_name": run.name,
        "status": state.status.name(),
        "completed_by": completion,
        "epoch": state.epoch,
        "hidden_units": state.network.units.len(),
        "snapshot": saved,
    });
    cx.output.result(&report, |out, _| {
        let units = human::count(state.network.units.len() as u64, "hidden unit", "hidden units");
        let why = completion.map(|completion| format!(" by {completion}")).unwrap_or_default();
        writeln!(out, "{}: {}{why} at epoch {}, {units}", run.name, state.status.name(), state.epoch)?;
        let Some(saved) = &saved else { return Ok(()) };
        for (name, value) in &saved.metrics {
            writeln!(out, "{name}: {value:.6}")?;
        }
        writeln!(out, "saved as {}:{}", human::one_line(&saved.run_name), human::one_line(&saved.label))
    })?;
    Ok(if state.status == Status::Failed { Exit::Negative } else { Exit::Done })
}

/// Trains on a thread of its own and saves here what it copies. The state in which it ended, and the last snapshot.
async fn trained(
    cx: &Context,
    runs: &Runs,
    run: &TrainingRun,
    trainer: Trainer,
    plan: TrainPlan,
) -> Result<(Box<backstay_trainer::State>, Option<TrainingSnapshot>), Failure> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let saving = Arc::new(AtomicBool::new(false));
    // A signal stops the training and not the save of its last state, so that flag is another one.
    let (stop, interrupted) = (Cancel::new(), cx.cancel.clone());
    let thread = {
        let (saving, stop) = (Arc::clone(&saving), stop.clone());
        tokio::task::spawn_blocking(move || train(trainer, plan, &saving, &tell, &stop))
    };
    let (mut serial, mut last, mut failed) = (run.serial, None, None);
    let mut stopping = false;
    loop {
        let next = tokio::select! {
            () = crate::interrupt::requested(&interrupted), if !stopping => {
                stopping = true;
                stop.cancel();
                cx.output.note("stopping, and saving the state");
                continue;
            }
            next = told.recv() => next,
        };
        match next {
            None => break,
            Some(Told::Unit { index, epoch, correlation }) => {
                cx.output.event("unit", &json!({"index": index, "epoch": epoch, "correlation": correlation}));
                cx.output.note(&format!(
                    "epoch {epoch}: hidden unit {} added, correlation {correlation:.4}",
                    index + 1
                ));
            }
            // What cannot be saved once is not tried again: the thread was told to stop.
            Some(Told::Save { .. }) if failed.is_some() => {}
            Some(Told::Save { snapshot, trigger }) => {
                let new =
                    NewTrainingSnapshot { trigger, after: Some(serial), ..NewTrainingSnapshot::default() };
                let quiet = Run { notices: cx.notices.clone(), ..Run::default() };
                match runs.service.save_training(&runs.caller, &run.id, *snapshot, &new, &quiet).await {
                    Ok(saved) => {
                        serial = saved.serial;
                        tell_saved(cx, &saved);
                        last = Some(saved.snapshot);
                    }
                    Err(error) => {
                        stop.cancel();
                        failed = Some(error);
                    }
                }
                saving.store(false, Ordering::Release);
            }
        }
    }
    let state = thread.await.map_err(|error| {
        Failure::new(ErrorKind::Internal, "the training stopped unexpectedly").because(error.to_string())
    })?;
    match failed {
        None => Ok((state, last)),
        Some(error) => {
            let failure = Failure::from(error);
            match last {
                Some(last) => Err(failure.detail("last_saved_epoch", last.epoch)),
                None => Err(failure),
            }
        }
    }
}

fn tell_saved(cx: &Context, saved: &view::SavedTraining) {
    cx.output.event("saved", saved);
    let one = &saved.snapshot;
    let loss = one.metrics.get("loss").map(|loss| format!(", loss {loss:.6}")).unwrap_or_default();
    cx.output.note(&format!("epoch {}{loss}: saved as {}:{}", one.epoch, one.run_name, one.label));
}

/// A new run.
async fn begun(
    cx: &Context,
    runs: &Runs,
    args: &TrainingRunArgs,
    changes: &[(String, Value)],
) -> Result<(TrainingRun, Trainer, Header), Failure> {
    let parameters = Parameters { threads: args.threads, ..Parameters::default() };
    let parameters =
        parameters.with(changes.iter().map(|(name, value)| (name.as_str(), value))).map_err(invalid)?;
    let trainer = match args.data.as_str() {
        name @ ("spiral" | "xor") => {
            let params: Value = match &args.data_params {
                Some(text) => serde_json::from_str(text)
                    .map_err(|error| Failure::usage(format!("--data-params is not JSON: {error}")))?,
                None => json!({}),
            };
            let generator: Generator = serde_json::from_value(json!({"generator": name, "params": params}))
                .map_err(|error| Failure::usage(format!("--data-params: {error}")))?;
            Trainer::generated(parameters, generator)
        }
        _ if args.data_params.is_some() => {
            return Err(Failure::usage("--data-params are those of a generator, `spiral` or `xor`"));
        }
        name => {
            let path = path_of(cx, &PathBuf::from(name))?;
            let shown = path.display().to_string();
            let bytes =
                std::fs::read(&path).map_err(|error| Failure::io(format!("cannot read {shown}"), &error))?;
            let data = data::load(name, &bytes, &Targets::default()).map_err(|error| {
                Failure::new(ErrorKind::Invalid, format!("{shown} is no data set: {error}"))
            })?;
            let of = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Trainer::given(parameters, of, Arc::new(data))
        }
    };
    let trainer = trainer.map_err(|error| Failure::new(ErrorKind::Invalid, error.to_string()))?;
    let keep = args.keep.map(|last| TrainingRules { last, ..TrainingRules::default() });
    let new = NewTrainingRun { name: args.name.clone(), keep, ..NewTrainingRun::default() };
    let run = runs.service.create_training_run(&runs.caller, new).await.map_err(|error| {
        let taken = error.word() == "name_taken";
        let failure = Failure::from(error);
        if taken {
            failure.hint("--resume goes on with it; another name begins another run")
        } else {
            failure
        }
    })?;
    Ok((run, trainer, backstay_service::new_header(&*cx.rng)))
}

/// A run that goes on.
async fn resumed(
    cx: &Context,
    runs: &Runs,
    args: &TrainingRunArgs,
    changes: &[(String, Value)],
) -> Result<(TrainingRun, Trainer, Header), Failure> {
    let run = runs.service.resolve_training_run(&runs.caller, &args.name).await?;
    let head: Option<&SnapshotId> = run.head.as_ref().map(|head| &head.id);
    let from = head.or(run.parent_snapshot_id.as_ref()).ok_or_else(|| {
        Failure::new(ErrorKind::NotFound, format!("run `{}` has no snapshot to go on from", run.name))
            .hint("begin a run of another name")
    })?;
    let fork = Some(&run.params).filter(|_| head.is_none());
    let Resumed { mut trainer, header } =
        backstay_service::resumed(runs.load(from).await?, &run.name, fork, &*cx.rng)?;
    let threads = ("threads".to_owned(), Value::from(args.threads));
    let changes = changes.iter().chain([&threads]).map(|(name, value)| (name.as_str(), value));
    trainer.set_parameters(changes, Some(&runs.caller.actor.name)).map_err(invalid)?;
    Ok((run, trainer, header))
}

fn start(trainer: &mut Trainer, name: &str) -> Result<(), Failure> {
    trainer.command(Command::Start).map(drop).map_err(|refusal| {
        Failure::new(ErrorKind::Conflict, format!("run `{name}` cannot go on: {refusal}"))
            .hint("--set raises a limit, for example --set max_hidden_units=80")
    })
}

/// What --on-best says.
fn on_best(args: &TrainingRunArgs) -> Option<OnBest> {
    let metric = args.on_best.clone()?;
    Some(OnBest { metric, min_delta: args.best_delta, cooldown_epochs: args.best_cooldown })
}

/// A difference that is none below zero.
fn delta(text: &str) -> Result<f64, String> {
    let delta = text.parse::<f64>().ok().filter(|delta| delta.is_finite() && *delta >= 0.0);
    delta.ok_or_else(|| "it takes a number of at least 0".to_owned())
}

/// What --set says. A value is JSON where it can be, and a text otherwise.
fn changes(args: &TrainingRunArgs) -> Result<Vec<(String, Value)>, Failure> {
    let one = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set {}: write NAME=VALUE", human::one_line(text))))?;
        if name == "threads" {
            return Err(Failure::usage("the number of threads is no parameter; give --threads"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok((name.to_owned(), value))
    };
    args.set.iter().map(one).collect()
}

fn invalid(problems: Vec<backstay_trainer::InvalidParameter>) -> Failure {
    let problems: Vec<String> = problems.into_iter().map(|problem| problem.to_string()).collect();
    Failure::new(ErrorKind::Invalid, problems.join("; "))
}
