//! The training itself, on a thread of its own: it copies the state when a snapshot is due and goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_repository::Cancel;
use backstay_service::SaveSchedule;
use backstay_service::view::TrainingTrigger;
use backstay_source_training::{Content, Header, Snapshot};
use backstay_trainer::{Command, Event, State, Status, Trainer};
use tokio::sync::mpsc::UnboundedSender;

/// When to stop and when to save.
pub(super) struct TrainPlan {
    /// The run is stopped when it has so many epochs.
    pub(super) until_epoch: Option<u64>,
    /// When a snapshot is due.
    pub(super) schedule: SaveSchedule,
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
    while trainer.state().status == Status::Started && !cancel.is_cancelled() {
        let epoch = trainer.state().epoch;
        let left = plan.until_epoch.map_or(u64::MAX, |until| until.saturating_sub(epoch));
        if left == 0 {
            break;
        }
        let trained = trainer.advance(left.min(plan.schedule.most_epochs(epoch)));
        for event in trainer.take_events() {
            if let Event::UnitAdded { index, epoch, correlation } = event {
                // Nobody listens any more when the save before failed; the flag ends the loop then.
                drop(tell.send(Told::Unit { index, epoch, correlation }));
                plan.schedule.unit_added();
            }
        }
        let epoch = trainer.state().epoch;
        plan.schedule.trained(trained, trainer.state());
        let goes_on = trainer.state().status == Status::Started && Some(epoch) != plan.until_epoch;
        if let Some(trigger) = plan.schedule.due().filter(|_| goes_on && !saving.load(Ordering::Acquire)) {
            saving.store(true, Ordering::Release);
            drop(tell.send(Told::Save { snapshot: copy(&trainer, &plan), trigger }));
            plan.schedule.saved();
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
