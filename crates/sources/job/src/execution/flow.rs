//! The state machine of an execution and its open steps.

use std::collections::BTreeSet;

use backstay_model::execution::{ApprovalStatus, ExecutionState, OnDeny, PauseReason, StepState};

/// An execution with those of its steps that have not ended.
///
/// Every change either is refused and changes nothing, or returns what moved, in the order in which it moved. A step that
/// ends leaves [`Flow::open`]. An execution is paused exactly while there is a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// How far it is.
    pub state: ExecutionState,
    /// Why it is paused.
    pub reasons: BTreeSet<PauseReason>,
    /// The steps that have not ended, in the order in which they were made.
    pub open: Vec<OpenStep>,
}

/// A step that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStep {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// Whether its approval is pending.
    pub waits: bool,
}

/// Something that entered another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The step with this number.
    Step(i64, StepState),
    /// The approval of the step with this number.
    Approval(i64, ApprovalStatus),
    /// The execution.
    Execution(ExecutionState),
}

/// Why a change is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Ended executions do not change.
    #[error("The execution is {0} already")]
    Ended(ExecutionState),
    /// Nothing bypasses a pending approval.
    #[error("Checkpoint {0} is waiting for approval")]
    Waiting(String),
    /// It is paused.
    #[error("The execution is paused: {0}")]
    Paused(String),
    /// There is nothing to resume.
    #[error("The execution is {0}, not paused")]
    NotPaused(ExecutionState),
    /// It has open steps.
    #[error("Checkpoint {0} has not ended")]
    OpenStep(String),
    /// The step must not act yet.
    #[error("Checkpoint {name} is {state}")]
    Step {
        /// Its name.
        name: String,
        /// How far it is.
        state: StepState,
    },
    /// The step has ended, or is another execution's.
    #[error("The step has ended")]
    NoStep,
    /// The step does not wait for an approval.
    #[error("Checkpoint {0} does not wait for approval")]
    NotWaiting(String),
}

type Outcome = Result<Vec<Moved>, Refusal>;

impl Flow {
    /// An execution that begins.
    pub fn new() -> Self {
        Self { state: ExecutionState::Running, reasons: BTreeSet::new(), open: Vec::new() }
    }

    /// Adds a step, which waits when it asks for an approval.
    pub fn create(&mut self, number: i64, name: &str, asks: bool) -> Outcome {
        self.must_live()?;
        let state = match (asks, self.state) {
            (true, _) => StepState::Paused,
            (false, ExecutionState::Running) => StepState::Active,
            (false, _) => StepState::Pending,
        };
        self.open.push(OpenStep { number, name: name.to_owned(), state, waits: asks });
        let mut moved = vec![Moved::Step(number, state)];
        if asks {
            moved.push(Moved::Approval(number, ApprovalStatus::Pending));
            self.reasons.insert(PauseReason::Approval);
        }
        self.settle(&mut moved);
        Ok(moved)
    }

    /// Ends a step that may act, or that only a person's pause keeps from it. A step that failed fails the execution.
    pub fn complete_step(&mut self, number: i64, success: bool) -> Outcome {
        self.must_live()?;
        let index = self.index(number)?;
        let step = &self.open[index];
        if step.waits {
            return Err(Refusal::Waiting(step.name.clone()));
        }
        if step.state == StepState::Pending {
            return Err(Refusal::Step { name: step.name.clone(), state: step.state });
        }
        self.open.remove(index);
        let ended = if success { StepState::Completed } else { StepState::Failed };
        let mut moved = vec![Moved::Step(number, ended)];
        if !success {
            self.end(ExecutionState::Failed, &mut moved);
        }
        Ok(moved)
    }

    /// Lets a step go on that waited.
    pub fn approve(&mut self, number: i64) -> Outcome {
        let index = self.waiting(number)?;
        let step = &mut self.open[index];
        step.waits = false;
        let mut moved = vec![Moved::Approval(number, ApprovalStatus::Approved)];
        if !self.reasons.contains(&PauseReason::User) {
            step.state = StepState::Active;
            moved.push(Moved::Step(number, StepState::Active));
        }
        self.decided();
        self.settle(&mut moved);
        Ok(moved)
    }

    /// Ends a step that waited; what that does to the execution says `on_deny`.
    pub fn deny(&mut self, number: i64, on_deny: OnDeny) -> Outcome {
        let index = self.waiting(number)?;
        self.open.remove(index);
        let mut moved =
            vec![Moved::Approval(number, ApprovalStatus::Denied), Moved::Step(number, StepState::Skipped)];
        self.decided();
        match on_deny {
            OnDeny::Pause => {
                self.reasons.insert(PauseReason::Denied);
                self.settle(&mut moved);
            }
            OnDeny::Skip => self.settle(&mut moved),
            OnDeny::Fail => self.end(ExecutionState::Failed, &mut moved),
        }
        Ok(moved)
    }

    /// Pauses for a person; pausing twice changes nothing more. One that is paused for something else is paused again.
    pub fn pause(&mut self) -> Outcome {
        self.must_live()?;
        let mut moved = Vec::new();
        if self.reasons.insert(PauseReason::User) {
            self.move_steps(&[StepState::Active], StepState::Paused, &mut moved);
            self.state = ExecutionState::Paused;
            moved.push(Moved::Execution(self.state));
        }
        Ok(moved)
    }

    /// Goes on after a person's pause and after a denial, unless an approval is pending.
    pub fn resume(&mut self) -> Outcome {
        self.must_live()?;
        self.must_not_wait()?;
        if self.state != ExecutionState::Paused {
            return Err(Refusal::NotPaused(self.state));
        }
        self.reasons.clear();
        let mut moved = Vec::new();
        self.settle(&mut moved);
        self.move_steps(&[StepState::Paused, StepState::Pending], StepState::Active, &mut moved);
        Ok(moved)
    }

    /// Ends well, when every step has ended.
    pub fn complete(&mut self) -> Outcome {
        self.must_live()?;
        self.must_not_wait()?;
        if self.state == ExecutionState::Paused {
            let reasons: Vec<&str> = self.reasons.iter().map(|reason| reason.as_str()).collect();
            return Err(Refusal::Paused(reasons.join(", ")));
        }
        if let Some(step) = self.open.first() {
            return Err(Refusal::OpenStep(step.name.clone()));
        }
        let mut moved = Vec::new();
        self.end(ExecutionState::Completed, &mut moved);
        Ok(moved)
    }

    /// Ends with an error.
    pub fn fail(&mut self) -> Outcome {
        self.stop(ExecutionState::Failed)
    }

    /// Ends because somebody wants it.
    pub fn cancel(&mut self) -> Outcome {
        self.stop(ExecutionState::Cancelled)
    }

    /// The first step whose approval is pending.
    pub fn first_waiting(&self) -> Option<&OpenStep> {
        self.open.iter().find(|step| step.waits)
    }

    fn stop(&mut self, state: ExecutionState) -> Outcome {
        self.must_live()?;
        let mut moved = Vec::new();
        self.end(state, &mut moved);
        Ok(moved)
    }

    fn must_live(&self) -> Result<(), Refusal> {
        if self.state.is_final() { Err(Refusal::Ended(self.state)) } else { Ok(()) }
    }

    fn must_not_wait(&self) -> Result<(), Refusal> {
        self.first_waiting().map_or(Ok(()), |step| Err(Refusal::Waiting(step.name.clone())))
    }

    fn index(&self, number: i64) -> Result<usize, Refusal> {
        self.open.iter().position(|step| step.number == number).ok_or(Refusal::NoStep)
    }

    fn waiting(&self, number: i64) -> Result<usize, Refusal> {
        self.must_live()?;
        let index = self.index(number)?;
        let step = &self.open[index];
        if step.waits { Ok(index) } else { Err(Refusal::NotWaiting(step.name.clone())) }
    }

    /// One approval less is pending.
    fn decided(&mut self) {
        if self.first_waiting().is_none() {
            self.reasons.remove(&PauseReason::Approval);
        }
    }

    /// Brings the state in line with the reasons. Steps that were announced during the pause may act after it.
    fn settle(&mut self, moved: &mut Vec<Moved>) {
        let wanted = if self.reasons.is_empty() { ExecutionState::Running } else { ExecutionState::Paused };
        if self.state == wanted {
            return;
        }
        self.state = wanted;
        moved.push(Moved::Execution(wanted));
        if wanted == ExecutionState::Running {
            self.move_steps(&[StepState::Pending], StepState::Active, moved);
        }
    }

    fn move_steps(&mut self, from: &[StepState], to: StepState, moved: &mut Vec<Moved>) {
        for step in self.open.iter_mut().filter(|step| from.contains(&step.state) && !step.waits) {
            step.state = to;
            moved.push(Moved::Step(step.number, to));
        }
    }

    fn end(&mut self, state: ExecutionState, moved: &mut Vec<Moved>) {
        for step in self.open.drain(..) {
            if step.waits {
                moved.push(Moved::Approval(step.number, ApprovalStatus::Withdrawn));
            }
            moved.push(Moved::Step(step.number, StepState::Skipped));
        }
        self.reasons.clear();
        self.state = state;
        moved.push(Moved::Execution(state));
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn states(flow: &Flow) -> Vec<(i64, StepState)> {
        flow.open.iter().map(|step| (step.number, step.state)).collect()
    }

    #[test]
    fn nothing_bypasses_a_pending_approval() {
        let mut flow = Flow::new();
        flow.create(1, "load", false).unwrap();
        flow.create(2, "send", true).unwrap();
        let before = flow.clone();
        let waiting = Err(Refusal::Waiting("send".to_owned()));
        assert_eq!(flow.resume(), waiting);
        assert_eq!(flow.complete(), waiting);
        assert_eq!(flow.complete_step(2, true), waiting);
        assert_eq!(flow.complete_step(2, false), waiting);
        assert_eq!(flow, before);
        flow.pause().unwrap();
        assert_eq!(flow.resume(), waiting);
        assert_eq!(flow.approve(2).unwrap(), [Moved::Approval(2, ApprovalStatus::Approved)]);
        assert_eq!(
            (flow.state, states(&flow)),
            (ExecutionState::Paused, vec![(1, StepState::Paused), (2, StepState::Paused)])
        );
        flow.resume().unwrap();
        assert_eq!(states(&flow), [(1, StepState::Active), (2, StepState::Active)]);
    }

    #[test]
    fn an_approval_pauses_the_execution_until_the_last_is_decided() {
        let mut flow = Flow::new();
        flow.create(1, "a", true).unwrap();
        flow.create(2, "b", true).unwrap();
        flow.create(3, "c", false).unwrap();
        assert_eq!(states(&flow)[2], (3, StepState::Pending));
        flow.approve(1).unwrap();
        assert_eq!(flow.state, ExecutionState::Paused);
        let moved = flow.approve(2).unwrap();
        assert!(moved.contains(&Moved::Execution(ExecutionState::Running)));
        assert!(moved.contains(&Moved::Step(3, StepState::Active)));
    }

    #[test]
    fn a_denial_does_what_was_asked_for() {
        for (on_deny, state, reasons) in [
            (OnDeny::Pause, ExecutionState::Paused, vec![PauseReason::Denied]),
            (OnDeny::Skip, ExecutionState::Running, vec![]),
            (OnDeny::Fail, ExecutionState::Failed, vec![]),
        ] {
            let mut flow = Flow::new();
            flow.create(1, "a", true).unwrap();
            let moved = flow.deny(1, on_deny).unwrap();
            assert_eq!(
                moved[..2],
                [Moved::Approval(1, ApprovalStatus::Denied), Moved::Step(1, StepState::Skipped)]
            );
            assert_eq!((flow.state, flow.reasons), (state, reasons.into_iter().collect()));
        }
    }

    #[test]
    fn a_failed_step_ends_the_execution_and_withdraws_what_waits() {
        let mut flow = Flow::new();
        flow.create(1, "a", false).unwrap();
        flow.create(2, "b", true).unwrap();
        let moved = flow.complete_step(1, false).unwrap();
        assert_eq!(
            moved,
            [
                Moved::Step(1, StepState::Failed),
                Moved::Approval(2, ApprovalStatus::Withdrawn),
                Moved::Step(2, StepState::Skipped),
                Moved::Execution(ExecutionState::Failed),
            ]
        );
        let ended = Err(Refusal::Ended(ExecutionState::Failed));
        for refused in [
            flow.create(3, "c", false),
            flow.pause(),
            flow.resume(),
            flow.complete(),
            flow.fail(),
            flow.cancel(),
            flow.approve(2),
        ] {
            assert_eq!(refused, ended);
        }
    }

    #[test]
    fn an_execution_ends_well_only_when_it_runs_and_no_step_is_open() {
        let mut flow = Flow::new();
        flow.create(1, "a", false).unwrap();
        assert_eq!(flow.complete(), Err(Refusal::OpenStep("a".to_owned())));
        flow.pause().unwrap();
        assert_eq!(flow.pause().unwrap(), []);
        assert_eq!(flow.complete(), Err(Refusal::Paused("user".to_owned())));
        flow.complete_step(1, true).unwrap();
        flow.resume().unwrap();
        assert_eq!(flow.resume(), Err(Refusal::NotPaused(ExecutionState::Running)));
        assert_eq!(flow.complete().unwrap(), [Moved::Execution(ExecutionState::Completed)]);
    }

    proptest! {
        /// Whatever is done in whatever order: paused exactly while there is a reason, the reason `approval` exactly while a
        /// step waits, a step that waits is paused, an ended execution has no open step, and a refusal changes nothing.
        #[test]
        fn the_invariants_hold(calls in proptest::collection::vec((0u8..10, 0i64..6), 0..40)) {
            let mut flow = Flow::new();
            let mut next = 0;
            for (call, number) in calls {
                let before = flow.clone();
                let outcome = match call {
                    0 | 1 => { next += 1; flow.create(next, "s", call == 1) }
                    2 => flow.complete_step(number, true),
                    3 => flow.complete_step(number, number != 1),
                    4 => flow.approve(number),
                    5 => flow.deny(number, [OnDeny::Pause, OnDeny::Skip, OnDeny::Fail][number as usize % 3]),
                    6 => flow.pause(),
                    7 => flow.resume(),
                    8 => flow.complete(),
                    _ => if number == 5 { flow.cancel() } else { flow.pause() },
                };
                if outcome.is_err() {
                    prop_assert_eq!(&flow, &before);
                }
                prop_assert_eq!(flow.state == ExecutionState::Paused, !flow.reasons.is_empty());
                prop_assert_eq!(flow.reasons.contains(&PauseReason::Approval), flow.first_waiting().is_some());
                prop_assert!(flow.open.iter().all(|step| !step.waits || step.state == StepState::Paused));
                prop_assert!(!flow.state.is_final() || flow.open.is_empty());
                prop_assert!(flow.state != ExecutionState::Running || flow.open.iter().all(|step| step.state != StepState::Pending));
            }
        }
    }
}
