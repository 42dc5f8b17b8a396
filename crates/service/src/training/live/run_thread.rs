//! The thread that owns a trainer: it trains, and between two slices does what it is asked.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use backstay_api::telemetry::{ControlOutcome, TrainingState};
use backstay_model::{Clock, SnapshotId, SourceId};
use backstay_source_training::{Content, Header, Snapshot};
use backstay_trainer::{Command, Event, InvalidParameter, Status, Trainer};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use super::feed::Feed;
use super::moments::Moments;
use super::pictures;
use super::present::{Present, dataset_name};
use super::schedule::{SavePlan, SaveSchedule};
use super::shared::Shared;
use crate::view::TrainingTrigger;

/// The least time between two frames with a state or a row of metrics: 20 a second.
const PULSE: Duration = Duration::from_millis(50);

/// What looks at the trainer.
type Look = Box<dyn FnOnce(&Trainer, &Moments) + Send>;

/// What the thread is asked to do at the next epoch boundary.
pub(super) enum Request {
    /// Carry out a command.
    Command { command: Command, reply: oneshot::Sender<ControlOutcome> },
    /// Set parameters, all or none.
    SetParameters {
        changes: Map<String, Value>,
        actor: String,
        reply: oneshot::Sender<Result<TrainingState, Vec<InvalidParameter>>>,
    },
    /// Look at the trainer.
    Look(Look),
    /// Copy the state.
    Copy(oneshot::Sender<Copied>),
    /// Rest, whatever the status is, until [`Request::Release`].
    Hold,
    /// Rest no more.
    Release,
    /// Go on from another state.
    Replace(Box<Replacement>, oneshot::Sender<TrainingState>),
    /// Save by itself at other times.
    Reschedule(SavePlan),
    /// Tell who follows that a command was carried out.
    Acknowledge { command: &'static str, success: bool, message: String },
    /// End.
    Close(oneshot::Sender<()>),
}

/// A copy of the state.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) snapshot: Box<Snapshot>,
    pub(super) generation: u64,
}

/// A copy that is due to be saved.
pub(super) struct DueSave {
    pub(super) copied: Copied,
    pub(super) trigger: TrainingTrigger,
}

/// Another state of the run.
pub(super) struct Replacement {
    pub(super) trainer: Trainer,
    pub(super) header: Header,
    pub(super) moments: Moments,
    /// The snapshot that it is of.
    pub(super) snapshot: SnapshotId,
    /// What the frame `snapshot_restored` tells.
    pub(super) details: Value,
}

/// The thread's own.
pub(super) struct RunThread {
    pub(super) run: SourceId,
    pub(super) name: String,
    pub(super) dataset: Arc<str>,
    pub(super) trainer: Trainer,
    pub(super) header: Header,
    pub(super) requests: Receiver<Request>,
    pub(super) saves: UnboundedSender<DueSave>,
    pub(super) shared: Arc<Shared>,
    pub(super) feed: Arc<Feed>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) schedule: SaveSchedule,
    pub(super) moments: Moments,
    pub(super) generation: u64,
    pub(super) is_held: bool,
    pub(super) pulse: Pulse,
}

/// When the last state was told, and which row of metrics.
#[derive(Default)]
pub(super) struct Pulse {
    last: Option<Instant>,
    row_told: u64,
}

impl RunThread {
    /// Works until it is asked to end, or nobody is left who could ask for anything.
    pub(super) fn work(mut self) {
        self.pulse.row_told = self.trainer.state().epoch;
        loop {
            let trains = self.trainer.state().status == Status::Started && !self.is_held;
            let request = if trains {
                match self.requests.try_recv() {
                    Ok(request) => Some(request),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match self.requests.recv() {
                    Ok(request) => Some(request),
                    Err(_) => return,
                }
            };
            match request {
                Some(request) => {
                    if self.answer(request).is_break() {
                        return;
                    }
                }
                None => self.train(),
            }
        }
    }

    /// A slice of training, and what there is to tell of it.
    fn train(&mut self) {
        let before = (self.trainer.state().status, self.trainer.state().phase());
        let trained = self.trainer.advance(self.schedule.most_epochs(self.trainer.state().epoch));
        let epoch = self.trainer.state().epoch;
        let events = self.trainer.take_events();
        if trained > 0 {
            self.moments.mark(epoch, self.clock.now());
        }
        if trained > 0 || !events.is_empty() {
            self.generation += 1;
        }
        let ended = self.trainer.state().status != Status::Started;
        let is_due = self.pulse.last.is_none_or(|last| last.elapsed() >= PULSE);
        self.present();
        if ended || is_due {
            self.tell_row();
        }
        for event in events {
            self.tell(&event);
        }
        self.tell_change(before);
        if ended || is_due {
            self.tell_state();
        }
        self.schedule.trained(trained, self.trainer.state());
        self.save_when_due(ended);
    }

    fn save_when_due(&mut self, ended: bool) {
        let at_end = ended && self.schedule.at_end();
        let due = self.schedule.due().filter(|_| !ended);
        let Some(trigger) = (if at_end { Some(TrainingTrigger::Shutdown) } else { due }) else { return };
        // The last state is saved whether or not the one before is still being written; anything else waits for that.
        if at_end || self.shared.begin_save() {
            self.schedule.saved();
            let copied = self.copy();
            drop(self.saves.send(DueSave { copied, trigger }));
        }
    }

    fn answer(&mut self, request: Request) -> ControlFlow<()> {
        // Who asked may be gone; what was asked for is done all the same.
        match request {
            Request::Command { command, reply } => drop(reply.send(self.command(command))),
            Request::SetParameters { changes, actor, reply } => {
                drop(reply.send(self.set_parameters(&changes, &actor)));
            }
            Request::Look(look) => look(&self.trainer, &self.moments),
            Request::Copy(reply) => drop(reply.send(self.copy())),
            Request::Hold => self.is_held = true,
            Request::Release => self.is_held = false,
            Request::Replace(other, reply) => drop(reply.send(self.replace(*other))),
            Request::Reschedule(plan) => self.schedule = SaveSchedule::new(plan),
            Request::Acknowledge { command, success, message } => {
                let ack = json!({"command": command, "success": success, "message": message});
                self.publish("control_ack", &ack);
            }
            Request::Close(reply) => {
                // Whoever waits hears of the end either way.
                let _ = reply.send(());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn command(&mut self, command: Command) -> ControlOutcome {
        let before = (self.trainer.state().status, self.trainer.state().phase());
        let epoch = self.trainer.state().epoch;
        let done = self.trainer.command(command);
        if done.is_ok() && command == Command::Start {
            // What has reached a limit already is complete at once.
            self.trainer.advance(0);
        }
        let state = self.trainer.state();
        let changed = done.is_ok() && (state.status != before.0 || epoch != state.epoch);
        let message = match done {
            Ok(_) => described(command, self.trainer.state().epoch),
            Err(refusal) => sentence(&refusal.to_string()),
        };
        if changed {
            self.generation += 1;
            if command == Command::Reset {
                self.moments = Moments::new(0, self.clock.now());
                self.pulse.row_told = 0;
            }
            self.present();
            self.tell_row();
            self.tell_change(before);
            for event in self.trainer.take_events() {
                self.tell(&event);
            }
            self.tell_state();
            if command == Command::Reset {
                self.tell_topology();
            }
        }
        let present = self.shared.present();
        ControlOutcome {
            status: word(command).to_owned(),
            changed,
            fsm_status: present.fsm_status(),
            message,
            numbers: present.numbers(),
        }
    }

    fn set_parameters(
        &mut self,
        changes: &Map<String, Value>,
        actor: &str,
    ) -> Result<TrainingState, Vec<InvalidParameter>> {
        let changes = changes.iter().map(|(name, value)| (name.as_str(), value));
        self.trainer.set_parameters(changes, Some(actor))?;
        self.generation += 1;
        self.present();
        let state = self.state();
        self.publish("state_change", &state);
        Ok(state)
    }

    fn copy(&self) -> Copied {
        let state = Box::new(self.trainer.state().clone());
        let content = Content::Exact { state, data: Arc::clone(self.trainer.data()) };
        let snapshot = Box::new(Snapshot { header: self.header.clone(), content });
        Copied { snapshot, generation: self.generation }
    }

    fn replace(&mut self, other: Replacement) -> TrainingState {
        let Replacement { trainer, header, moments, snapshot, details } = other;
        let before = (self.trainer.state().status, self.trainer.state().phase());
        self.dataset = dataset_name(&trainer.state().origin);
        (self.trainer, self.header, self.moments) = (trainer, header, moments);
        self.generation += 1;
        self.pulse.row_told = self.trainer.state().epoch;
        self.present();
        self.shared.note_saved(self.generation, snapshot.clone());
        self.publish("event", &json!({"event_type": "snapshot_restored", "details": details}));
        let state = self.state();
        let mut told = serde_json::to_value(&state).unwrap_or_default();
        told["action"] = "snapshot_restored".into();
        told["snapshot_id"] = snapshot.as_str().into();
        told["training_state"] = serde_json::to_value(&state).unwrap_or_default();
        self.publish("state", &told);
        self.tell_topology();
        self.tell_change(before);
        state
    }

    fn tell(&mut self, event: &Event) {
        let units = self.trainer.state().network.units.len();
        match event {
            Event::UnitAdded { index, epoch, correlation } => {
                self.schedule.unit_added();
                self.tell_event(
                    "cascade_add",
                    &json!({
                        "unit_index": index, "total_hidden_units": index + 1, "epoch": epoch, "correlation": correlation,
                    }),
                );
                self.tell_topology();
            }
            Event::Measured { round, best: true } => {
                let (metric, value) = if round.value_loss.is_finite() {
                    ("val_loss", round.value_loss)
                } else {
                    ("loss", round.train_loss)
                };
                let details = json!({
                    "metric": metric, "value": value, "accuracy": round.train_accuracy,
                    "epoch": self.trainer.state().epoch,
                });
                self.tell_event("best_metric", &details);
            }
            Event::Completed(completion) => {
                let details = json!({
                    "reason": completion.parameter(), "message": completion.to_string(),
                    "epoch": self.trainer.state().epoch, "hidden_units": units,
                });
                self.tell_event("training_complete", &details);
            }
            Event::PhaseChanged(phase) => {
                let details = json!({"new_phase": phase.name(), "epoch": self.trainer.state().epoch});
                self.tell_event("phase_change", &details);
            }
            Event::Measured { best: false, .. } | Event::Failed => {}
        }
    }

    /// Tells of another status; and of another phase where no event of the trainer does.
    fn tell_change(&self, (status, phase): (Status, backstay_trainer::Phase)) {
        use backstay_trainer::Phase::{Idle, Inference};
        let state = self.trainer.state();
        if state.status != status {
            let details = json!({
                "old_status": status.name(), "new_status": state.status.name(), "epoch": state.epoch,
            });
            self.tell_event("status_change", &details);
        }
        let now = state.phase();
        if now != phase && [phase, now].iter().any(|one| [Idle, Inference].contains(one)) {
            let details = json!({"old_phase": phase.name(), "new_phase": now.name(), "epoch": state.epoch});
            self.tell_event("phase_change", &details);
        }
    }

    fn tell_event(&self, event_type: &str, details: &Value) {
        self.publish("event", &json!({"event_type": event_type, "details": details}));
    }

    fn tell_row(&mut self) {
        let state = self.trainer.state();
        let last = state.epochs.len().checked_sub(1).and_then(|last| state.epochs.row(last));
        if let Some(row) = last.filter(|row| row.epoch != self.pulse.row_told) {
            self.pulse.row_told = row.epoch;
            self.publish("metrics", &pictures::metrics_row(&row, &state.network, &self.moments));
        }
    }

    fn tell_state(&mut self) {
        self.pulse.last = Some(Instant::now());
        self.publish("state", &self.state());
    }

    fn tell_topology(&self) {
        self.publish("topology", &pictures::topology(&self.trainer.state().network));
    }

    fn state(&self) -> TrainingState {
        self.shared.present().state(&self.name, self.clock.now())
    }

    fn present(&self) {
        self.shared.set_present(Present::of(&self.trainer, &self.dataset, self.generation));
    }

    fn publish(&self, kind: &str, data: &impl serde::Serialize) {
        self.feed.publish(kind, &self.run, self.clock.now(), data);
    }
}

/// What older clients expect a command to be answered with.
pub(super) const fn word(command: Command) -> &'static str {
    match command {
        Command::Start => "started",
        Command::Pause => "paused",
        Command::Resume => "running",
        Command::Stop => "stopped",
        Command::Reset => "reset",
    }
}

fn described(command: Command, epoch: u64) -> String {
    match command {
        Command::Start => format!("Training started at epoch {epoch}"),
        Command::Pause => format!("Training paused at epoch {epoch}"),
        Command::Resume => format!("Training goes on at epoch {epoch}"),
        Command::Stop => format!("Training stopped at epoch {epoch}"),
        Command::Reset => "The run is back at epoch 0".to_owned(),
    }
}

/// A message as a sentence begins.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
