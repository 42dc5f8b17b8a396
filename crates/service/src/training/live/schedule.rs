//! When a trainer saves by itself.

use std::time::{Duration, Instant};

use backstay_source_training::stored::metrics;
use backstay_trainer::State;

use crate::training::BestWatch;
use crate::view::{AutoSnapshot, TrainingTrigger};

/// What makes a snapshot due.
#[derive(Debug, Clone)]
pub struct SavePlan {
    /// A hidden unit was added.
    pub each_round: bool,
    /// So many epochs are over.
    pub every_epochs: Option<u64>,
    /// So much time is over.
    pub every: Option<Duration>,
    /// A metric is better than it was.
    pub best: Option<BestWatch>,
    /// Training ended.
    pub at_end: bool,
}

impl From<AutoSnapshot> for SavePlan {
    fn from(auto: AutoSnapshot) -> Self {
        Self {
            each_round: auto.each_round,
            every_epochs: auto.every_epochs,
            every: auto.every_s.map(Duration::from_secs),
            best: auto.on_best.map(BestWatch::new),
            at_end: auto.on_complete,
        }
    }
}

/// Tells when a snapshot is due. What becomes due while another one is being written stays due.
#[derive(Debug)]
pub struct SaveSchedule {
    plan: SavePlan,
    due: Option<TrainingTrigger>,
    last: Instant,
}

impl SaveSchedule {
    /// Begins now.
    pub fn new(plan: SavePlan) -> Self {
        Self { plan, due: None, last: Instant::now() }
    }

    /// The most epochs that may be trained until the schedule must be asked again.
    pub fn most_epochs(&self, epoch: u64) -> u64 {
        self.plan.every_epochs.map_or(u64::MAX, |every| every - epoch % every)
    }

    /// A hidden unit was added.
    pub fn unit_added(&mut self) {
        if self.plan.each_round {
            self.due = Some(TrainingTrigger::Round);
        }
    }

    /// So many epochs were trained, up to `state`.
    pub fn trained(&mut self, epochs: u64, state: &State) {
        let reached =
            epochs > 0 && self.plan.every_epochs.is_some_and(|every| state.epoch.is_multiple_of(every));
        if reached || self.plan.every.is_some_and(|every| self.last.elapsed() >= every) {
            self.due = self.due.or(Some(TrainingTrigger::Schedule));
        }
        if let Some(best) = &mut self.plan.best
            && epochs > 0
            && best.is_due(state.epoch, &metrics(state))
        {
            self.due = self.due.or(Some(TrainingTrigger::Best));
        }
    }

    /// Why a snapshot is due, if one is.
    pub const fn due(&self) -> Option<TrainingTrigger> {
        self.due
    }

    /// Whether the state in which training ends is to be saved.
    pub const fn at_end(&self) -> bool {
        self.plan.at_end
    }

    /// The state of now is being saved.
    pub fn saved(&mut self) {
        (self.due, self.last) = (None, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use backstay_trainer::{Generator, Parameters, Trainer};

    use super::*;

    fn plan() -> SavePlan {
        SavePlan { each_round: false, every_epochs: None, every: None, best: None, at_end: true }
    }

    fn at(epoch: u64) -> State {
        let trainer = Trainer::generated(Parameters { threads: 1, ..Parameters::default() }, Generator::Xor);
        let mut state = trainer.unwrap().state().clone();
        state.epoch = epoch;
        state
    }

    #[test]
    fn a_round_is_a_better_reason_than_the_time_and_what_is_due_stays_due() {
        let mut schedule = SaveSchedule::new(SavePlan { each_round: true, every_epochs: Some(10), ..plan() });
        assert_eq!([0, 7, 10].map(|epoch| schedule.most_epochs(epoch)), [10, 3, 10]);
        schedule.trained(5, &at(5));
        assert_eq!(schedule.due(), None);
        schedule.trained(5, &at(10));
        assert_eq!(schedule.due(), Some(TrainingTrigger::Schedule));
        schedule.unit_added();
        schedule.trained(10, &at(20));
        assert_eq!(schedule.due(), Some(TrainingTrigger::Round));
        schedule.saved();
        schedule.trained(0, &at(20));
        assert_eq!(schedule.due(), None, "no epoch was trained");
    }

    #[test]
    fn time_makes_a_snapshot_due() {
        let every = |seconds| SavePlan { every: Some(Duration::from_secs(seconds)), ..plan() };
        let (mut at_once, mut later) = (SaveSchedule::new(every(0)), SaveSchedule::new(every(3600)));
        at_once.trained(1, &at(1));
        later.unit_added();
        later.trained(1, &at(1));
        assert_eq!((at_once.due(), later.due()), (Some(TrainingTrigger::Schedule), None));
    }
}
