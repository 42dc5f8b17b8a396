//! The training itself, on a thread of its own: it copies the state when a snapshot is due and goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backstay_repository::Cancel;
use backstay_service::BestWatch;
use backstay_service::view::TrainingTrigger;
use backstay_source_training::stored::metrics;
use backstay_source_training::{Content, Header, Snapshot};
use backstay_trainer::{Command, Event, State, Status, Trainer};
use tokio::sync::mpsc::UnboundedSender;

/// When to stop and when to save.
pub(super) struct TrainPlan {
    /// The run is stopped when it has so many epochs.
    pub(super) until_epoch: Option<u64>,
    /// A snapshot is due after so many epochs.
    pub(super) every_epochs: Option<u64>,
    /// A snapshot is due after so much time.
    pub(super) every: Option<Duration>,
    /// A snapshot is due when a hidden unit was added.
    pub(super) each_round: bool,
    /// A snapshot is due when a metric is better than before.
    pub(super) best: Option<BestWatch>,
    /// What every snapshot says of itself.
    pub(super) header: Header,
}

/// What the thread tells.
pub(super) enum Told {
    /// A hidden unit was added.
    Unit { index: usize, epoch: u64, correlation: f64 },
    /// A copy of the state is to be saved.
    Save { snapshot: Box<Snapshot>, trigger: TrainingTrigger },
}

/// Trains until the plan, the trainer or `cancel` ends it; the last thing told is the state in which it ended.
///
/// While `saving` is set the copy before is still being written; the next one is taken as soon as it is not.
pub(super) fn train(
    mut trainer: Trainer,
    mut plan: TrainPlan,
    saving: &AtomicBool,
    tell: &UnboundedSender<Told>,
    cancel: &Cancel,
) -> Box<State> {
    let mut due = None;
    let mut last_save = Instant::now();
    while trainer.state().status == Status::Started && !cancel.is_cancelled() {
        let epoch = trainer.state().epoch;
        let left = plan.until_epoch.map_or(u64::MAX, |until| until.saturating_sub(epoch));
        if left == 0 {
            break;
        }
        let to_next = plan.every_epochs.map_or(u64::MAX, |every| every - epoch % every);
        let trained = trainer.advance(left.min(to_next));
        for event in trainer.take_events() {
            if let Event::UnitAdded { index, epoch, correlation } = event {
                // Nobody listens any more when the save before failed; the flag ends the loop then.
                drop(tell.send(Told::Unit { index, epoch, correlation }));
                if plan.each_round {
                    due = Some(TrainingTrigger::Round);
                }
            }
        }
        let epoch = trainer.state().epoch;
        let scheduled = trained > 0 && plan.every_epochs.is_some_and(|every| epoch.is_multiple_of(every));
        if scheduled || plan.every.is_some_and(|every| last_save.elapsed() >= every) {
            due = due.or(Some(TrainingTrigger::Schedule));
        }
        if let Some(best) = &mut plan.best
            && trained > 0
            && best.is_due(epoch, &metrics(trainer.state()))
        {
            due = due.or(Some(TrainingTrigger::Best));
        }
        let goes_on = trainer.state().status == Status::Started && Some(epoch) != plan.until_epoch;
        if let Some(trigger) = due.filter(|_| goes_on && !saving.load(Ordering::Acquire)) {
            saving.store(true, Ordering::Release);
            drop(tell.send(Told::Save { snapshot: copy(&trainer, &plan), trigger }));
            (due, last_save) = (None, Instant::now());
        }
    }
    if trainer.state().status == Status::Started {
        trainer.command(Command::Stop).expect("what is started can be stopped");
    }
    drop(tell.send(Told::Save { snapshot: copy(&trainer, &plan), trigger: TrainingTrigger::Shutdown }));
    Box::new(trainer.state().clone())
}

fn copy(trainer: &Trainer, plan: &TrainPlan) -> Box<Snapshot> {
    let content =
        Content::Exact { state: Box::new(trainer.state().clone()), data: Arc::clone(trainer.data()) };
    Box::new(Snapshot { header: plan.header.clone(), content })
}
