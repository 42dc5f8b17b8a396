//! The trainer: rounds of output weights and candidates, one epoch after the other.

use std::sync::Arc;

use serde_json::Value;

use crate::candidate::{ClimbSettings, normalized};
use crate::completion::Completion;
use crate::data::{Dataset, Generator, InvalidData};
use crate::fold::Fold;
use crate::history::{EpochHistory, EpochRow, ParameterChange, Round};
use crate::kernel::{Columns, launch};
use crate::network::{Network, Unit};
use crate::optimizer::Moments;
use crate::output::{Evaluate, Measure, OutputEpoch, OutputScratch};
use crate::parameters::{InvalidParameter, Parameters};
use crate::random::{Purpose, Stream};
use crate::state::{Candidate, InvalidState, Origin, Pool, Stage, State};
use crate::status::{Command, Phase, Refusal, Status};
use crate::workers::Workers;

/// The most epochs between two looks at what else is to be done.
const MAX_SLICE: u64 = 64;
/// About how many lanes a thread computes in a slice: a millisecond's work.
const SLICE_LANES: u64 = 1_000_000;

/// A trainer that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The data cannot be learned from.
    #[error("the data cannot be used: {0}")]
    Data(#[from] InvalidData),
    /// Parameters are out of bounds.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Parameters(Vec<InvalidParameter>),
    /// The state contradicts itself.
    #[error("the state cannot be gone on from: {0}")]
    State(#[from] InvalidState),
    /// State and data are of different shapes.
    #[error("the network is {network}, the data are {data}")]
    Shape {
        /// Inputs and outputs of the network.
        network: String,
        /// Inputs and outputs of a sample.
        data: String,
    },
}

/// What happened in an epoch beside the epoch itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A hidden unit was added.
    UnitAdded {
        /// Its place among the hidden units.
        index: usize,
        /// The epoch after which it was.
        epoch: u64,
        /// The correlation for which it was chosen.
        correlation: f64,
    },
    /// Another phase begins.
    PhaseChanged(Phase),
    /// A round was measured.
    Measured {
        /// What came of it.
        round: Round,
        /// Whether no loss was lower before.
        best: bool,
    },
    /// Training is complete.
    Completed(Completion),
    /// The loss, or every candidate, is no number.
    Failed,
}

/// A run in this process.
///
/// It trains in [`Trainer::advance`] and nowhere else, on threads that wait otherwise. Between two calls the state is
/// that of an epoch boundary and can be copied.
pub struct Trainer {
    state: State,
    data: Arc<Dataset>,
    training: Fold,
    validation: Option<(Fold, OutputScratch)>,
    scratch: OutputScratch,
    /// The residual that candidates correlate with; follows from the pool.
    goal: Option<Columns>,
    workers: Workers,
    events: Vec<Event>,
}

impl Trainer {
    /// A run at epoch 0 on data that are generated.
    ///
    /// # Errors
    /// When parameters are out of bounds.
    pub fn generated(parameters: Parameters, generator: Generator) -> Result<Self, TrainerError> {
        let data = Arc::new(generator.generate()?);
        Self::fresh(parameters, Origin::Generated(generator), data)
    }

    /// A run at epoch 0 on data that were given; `origin` tells a person from where.
    ///
    /// # Errors
    /// When parameters are out of bounds.
    pub fn given(
        parameters: Parameters,
        origin: impl Into<String>,
        data: Arc<Dataset>,
    ) -> Result<Self, TrainerError> {
        Self::fresh(parameters, Origin::Given(origin.into()), data)
    }

    fn fresh(parameters: Parameters, origin: Origin, data: Arc<Dataset>) -> Result<Self, TrainerError> {
        parameters.check().map_err(TrainerError::Parameters)?;
        let state = fresh_state(parameters, origin, &data);
        Self::resume(state, data)
    }

    /// Goes on from `state`: the epochs that follow are, bit for bit, those that would have followed.
    ///
    /// `data` must be the data of the run: for a generated origin what the generator makes.
    ///
    /// # Errors
    /// When the state contradicts itself or the data.
    pub fn resume(state: State, data: Arc<Dataset>) -> Result<Self, TrainerError> {
        Self::check(&state, &data)?;
        let (network, samples) = (&state.network, data.training());
        let training = Fold::new(samples, &network.units);
        let validation = data.validation().map(|samples| {
            let fold = Fold::new(samples, &network.units);
            let scratch = OutputScratch::new(network, &fold);
            (fold, scratch)
        });
        let scratch = OutputScratch::new(network, &training);
        let goal = state.pool.as_ref().map(|pool| normalized(&pool.residual, network.output_size));
        let workers = Workers::new(state.parameters.threads);
        Ok(Self { state, data, training, validation, scratch, goal, workers, events: Vec::new() })
    }

    /// Checks that training can go on from `state` with `data`.
    ///
    /// # Errors
    /// When the state contradicts itself or the data.
    pub fn check(state: &State, data: &Dataset) -> Result<(), TrainerError> {
        let samples = data.training();
        state.check(samples.len())?;
        let (network, sizes) = (&state.network, (samples.input_size(), samples.output_size()));
        if (network.input_size, network.output_size) == sizes {
            return Ok(());
        }
        Err(TrainerError::Shape {
            network: format!("{} → {}", network.input_size, network.output_size),
            data: format!("{} → {}", sizes.0, sizes.1),
        })
    }

    /// The state at this epoch boundary. A clone of it is a snapshot.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What is learned.
    pub const fn data(&self) -> &Arc<Dataset> {
        &self.data
    }

    /// Takes what happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Carries out a command. Training itself happens in [`Trainer::advance`].
    ///
    /// # Errors
    /// Why it is impossible now; nothing is changed then.
    pub fn command(&mut self, command: Command) -> Result<Status, Refusal> {
        let status = self.state.status.after(command, self.completion())?;
        if command == Command::Reset {
            self.reset();
        }
        self.state.status = status;
        if status != Status::Completed {
            self.state.completion = None;
        }
        Ok(status)
    }

    /// Sets parameters by name, all or none; they hold from the next epoch on. Each change is recorded, but that of
    /// `threads`, which changes nothing.
    ///
    /// Another optimizer in the middle of a phase starts with fresh moments.
    ///
    /// # Errors
    /// Every parameter that cannot be set so.
    pub fn set_parameters<'a>(
        &mut self,
        changes: impl IntoIterator<Item = (&'a str, &'a Value)>,
        actor: Option<&str>,
    ) -> Result<(), Vec<InvalidParameter>> {
        let new = self.state.parameters.with(changes)?;
        let old = std::mem::replace(&mut self.state.parameters, new.clone());
        for name in Parameters::NAMES.into_iter().filter(|name| *name != "threads") {
            let (Some(before), Some(after)) = (old.get(name), new.get(name)) else { continue };
            if before != after {
                self.state.parameter_changes.push(ParameterChange {
                    epoch: self.state.epoch,
                    name: name.to_owned(),
                    old: before,
                    new: after,
                    actor: actor.map(str::to_owned),
                });
            }
        }
        if old.optimizer != new.optimizer {
            self.state.output_moments = fresh_moments(&self.state.network);
        }
        if old.candidate_optimizer != new.candidate_optimizer
            && let Some(pool) = &mut self.state.pool
        {
            for candidate in &mut pool.candidates {
                candidate.moments = Moments::fresh(candidate.weights.len());
            }
        }
        if old.threads != new.threads {
            self.workers = Workers::new(new.threads);
        }
        Ok(())
    }

    /// Trains up to `most` epochs and returns how many it did: none unless the status is `Started`, and at most a
    /// slice of a few milliseconds, so that the caller can look for commands in between.
    pub fn advance(&mut self, most: u64) -> u64 {
        self.settle();
        if self.state.status != Status::Started || most == 0 {
            return 0;
        }
        let most = most.min(self.state.parameters.max_epochs - self.state.epoch).min(self.slice());
        let trained = match self.state.stage {
            Stage::Candidates => self.candidate_epochs(most),
            _ => self.output_epochs(most),
        };
        self.settle();
        trained
    }

    /// Trains until `epochs` more are done or training ends, and returns how many were.
    pub fn run(&mut self, epochs: u64) -> u64 {
        let mut trained = 0;
        while trained < epochs && self.state.status == Status::Started {
            trained += self.advance(epochs - trained);
        }
        trained
    }

    /// What ends training now, if anything does.
    pub fn completion(&self) -> Option<Completion> {
        let State { parameters, network, .. } = &self.state;
        let full = network.units.len() as u64 >= parameters.max_hidden_units;
        match self.state.stage {
            Stage::Measured => {
                let accuracy = self.state.rounds.last().map_or(0.0, |round| round.train_accuracy);
                if accuracy >= parameters.target_accuracy {
                    return Some(Completion::TargetAccuracy);
                }
                if full {
                    return Some(Completion::MaxHiddenUnits);
                }
                if self.state.round >= parameters.max_rounds {
                    return Some(Completion::MaxRounds);
                }
                if self.state.stale_rounds >= parameters.patience {
                    return Some(Completion::Patience);
                }
            }
            Stage::Ranked => {
                if full {
                    return Some(Completion::MaxHiddenUnits);
                }
                if self.winner().is_some_and(|best| f64::from(best.best) < parameters.correlation_threshold) {
                    return Some(Completion::CorrelationThreshold);
                }
            }
            Stage::Output | Stage::Candidates => {}
        }
        (self.state.epoch >= parameters.max_epochs).then_some(Completion::MaxEpochs)
    }

    /// How many epochs a slice has. It changes no bit, only how often the caller gets a say.
    fn slice(&self) -> u64 {
        let features = self.state.network.features() as u64 + 16;
        let each = self.training.features.stride() as u64 * features;
        let parallel = match &self.state.pool {
            Some(pool) => (pool.candidates.len() as u64).div_ceil(self.workers.threads() as u64),
            None => self.state.network.output_size as u64,
        };
        (SLICE_LANES / (each * parallel).max(1)).clamp(1, MAX_SLICE)
    }

    /// Moves from stage to stage until an epoch is due or training ends.
    fn settle(&mut self) {
        while self.state.status == Status::Started {
            match self.state.stage {
                Stage::Output if self.state.stage_epoch >= self.state.parameters.output_epochs => {
                    self.measure_round();
                    continue;
                }
                Stage::Candidates if !self.pool_trains() => self.state.stage = Stage::Ranked,
                _ => {}
            }
            if let Some(completion) = self.completion() {
                self.state.status = Status::Completed;
                self.state.completion = Some(completion);
                self.events.push(Event::Completed(completion));
                return;
            }
            match self.state.stage {
                Stage::Output | Stage::Candidates => return,
                Stage::Measured => self.draw_pool(),
                Stage::Ranked => self.add_winner(),
            }
        }
    }

    fn pool_trains(&self) -> bool {
        self.state.stage_epoch < self.state.parameters.candidate_epochs
            && self.state.pool.as_ref().is_some_and(|pool| pool.candidates.iter().any(|one| !one.done))
    }

    fn fail(&mut self) {
        self.state.status = Status::Failed;
        self.events.push(Event::Failed);
    }

    /// Ends an output phase: how good is the network now?
    fn measure_round(&mut self) {
        let (training, validation) = self.measure();
        if !training.loss.is_finite() {
            self.fail();
            return;
        }
        let round = Round {
            train_loss: training.loss,
            train_accuracy: training.accuracy,
            value_loss: validation.map_or(f64::NAN, |measure| measure.loss),
            value_accuracy: validation.map_or(f64::NAN, |measure| measure.accuracy),
        };
        let loss = validation.map_or(training.loss, |measure| measure.loss);
        let best = loss < self.state.best_loss;
        if best {
            self.state.best_loss = loss;
            self.state.stale_rounds = 0;
        } else {
            self.state.stale_rounds += 1;
        }
        self.state.rounds.push(round);
        self.state.stage = Stage::Measured;
        self.events.push(Event::Measured { round, best });
    }

    fn measure(&mut self) -> (Measure, Option<Measure>) {
        let network = &self.state.network;
        let training = launch(Evaluate { network, fold: &self.training, scratch: &mut self.scratch });
        let validation =
            self.validation.as_mut().map(|(fold, scratch)| launch(Evaluate { network, fold, scratch }));
        (training, validation)
    }

    /// Begins a candidate phase. The residual is that of the measurement before.
    fn draw_pool(&mut self) {
        self.measure();
        let State { parameters, network, .. } = &self.state;
        let (outputs, features) = (network.output_size, network.features());
        let residual = self.scratch.residual.to_rows();
        let round = network.units.len() as u32;
        let candidates = (0..parameters.candidate_pool_size as u32)
            .map(|index| Candidate::draw(parameters.seed, round, index, features, parameters.value_scale))
            .collect();
        self.goal = Some(normalized(&residual, outputs));
        self.state.pool = Some(Pool { activation: parameters.activation, residual, candidates });
        self.state.stage = Stage::Candidates;
        self.state.stage_epoch = 0;
        self.events.push(Event::PhaseChanged(Phase::Candidate));
    }

    /// The candidate with the largest correlation; the first of equals.
    fn winner(&self) -> Option<&Candidate> {
        let mut candidates = self.state.pool.as_ref()?.candidates.iter();
        let first = candidates.next()?;
        Some(candidates.fold(first, |best, next| if next.best > best.best { next } else { best }))
    }

    /// Ends a candidate phase: the best becomes a hidden unit.
    fn add_winner(&mut self) {
        let Some(winner) = self.winner().filter(|winner| winner.best >= 0.0) else {
            self.fail();
            return;
        };
        let correlation = f64::from(winner.best).min(1.0);
        let mut weights = winner.best_weights.clone();
        let bias = weights.pop().unwrap_or(0.0);
        let activation =
            self.state.pool.take().map_or(self.state.parameters.activation, |pool| pool.activation);
        self.goal = None;
        let State { parameters, network, .. } = &mut self.state;
        let index = network.units.len();
        network.units.push(Unit { weights, bias, correlation, activation });
        let mut stream = Stream::new(parameters.seed, Purpose::Output, index as u32 + 1, 0);
        let row = (0..network.output_size).map(|_| (stream.normal() * parameters.value_scale) as f32);
        network.output_weights.extend(row);
        self.state.output_moments = fresh_moments(network);
        self.state.round += 1;
        self.state.stage = Stage::Output;
        self.state.stage_epoch = 0;
        let unit = &self.state.network.units[index];
        self.training.add(unit);
        if let Some((fold, scratch)) = &mut self.validation {
            fold.add(unit);
            *scratch = OutputScratch::new(&self.state.network, fold);
        }
        self.scratch = OutputScratch::new(&self.state.network, &self.training);
        self.events.push(Event::UnitAdded { index, epoch: self.state.epoch, correlation });
        self.events.push(Event::PhaseChanged(Phase::Output));
    }

    fn output_epochs(&mut self, most: u64) -> u64 {
        let left = self.state.parameters.output_epochs.saturating_sub(self.state.stage_epoch);
        let most = most.min(left);
        for done in 0..most {
            let validation = self
                .validation
                .as_mut()
                .map(|(fold, scratch)| launch(Evaluate { network: &self.state.network, fold, scratch }));
            let measure = launch(OutputEpoch {
                network: &mut self.state.network,
                moments: &mut self.state.output_moments,
                fold: &self.training,
                scratch: &mut self.scratch,
                optimizer: self.state.parameters.optimizer,
                rate: self.state.parameters.learning_rate,
            });
            if !measure.loss.is_finite() {
                self.fail();
                return done;
            }
            self.count(Phase::Output, measure, validation, f32::NAN);
        }
        most
    }

    fn candidate_epochs(&mut self, most: u64) -> u64 {
        let State { parameters, pool, stage_epoch, .. } = &mut self.state;
        let (Some(pool), Some(goal)) = (pool, &self.goal) else { return 0 };
        let left = parameters.candidate_epochs.saturating_sub(*stage_epoch);
        let most = most.min(left) as usize;
        let settings = ClimbSettings {
            activation: pool.activation,
            optimizer: parameters.candidate_optimizer,
            rate: parameters.candidate_learning_rate,
            patience: parameters.candidate_patience,
        };
        let trained = self.workers.climb(&self.training, goal, settings, &mut pool.candidates, most);
        // The network rests meanwhile, so its measure is that of the last round.
        let last = self.state.rounds.last().copied();
        let measure = |pick: fn(Round) -> (f64, f64)| {
            let (loss, accuracy) = last.map_or((f64::NAN, f64::NAN), pick);
            Measure { loss, accuracy }
        };
        let training = measure(|round| (round.train_loss, round.train_accuracy));
        let validation = measure(|round| (round.value_loss, round.value_accuracy));
        for index in 0..trained {
            let correlation = self.workers.best_after(index, most);
            self.count(Phase::Candidate, training, Some(validation), correlation);
        }
        trained as u64
    }

    /// Counts an epoch and notes its row.
    fn count(&mut self, phase: Phase, training: Measure, validation: Option<Measure>, correlation: f32) {
        self.state.epoch += 1;
        self.state.stage_epoch += 1;
        self.state.epochs.push(EpochRow {
            epoch: self.state.epoch,
            phase,
            hidden_units: self.state.network.units.len() as u16,
            loss: training.loss as f32,
            accuracy: training.accuracy as f32,
            validation_loss: validation.map_or(f32::NAN, |measure| measure.loss as f32),
            validation_accuracy: validation.map_or(f32::NAN, |measure| measure.accuracy as f32),
            correlation,
        });
    }

    /// Goes back to epoch 0 with the parameters of now. What was changed of them stays recorded.
    fn reset(&mut self) {
        let mut state = fresh_state(self.state.parameters.clone(), self.state.origin.clone(), &self.data);
        state.parameter_changes = std::mem::take(&mut self.state.parameter_changes);
        self.training = Fold::new(self.data.training(), &[]);
        self.validation = self.data.validation().map(|samples| {
            let fold = Fold::new(samples, &[]);
            let scratch = OutputScratch::new(&state.network, &fold);
            (fold, scratch)
        });
        self.scratch = OutputScratch::new(&state.network, &self.training);
        self.goal = None;
        self.state = state;
    }
}

fn fresh_moments(network: &Network) -> Moments {
    Moments::fresh(network.output_weights.len() + network.output_size)
}

fn fresh_state(parameters: Parameters, origin: Origin, data: &Dataset) -> State {
    let (inputs, outputs) = (data.training().input_size(), data.training().output_size());
    let mut stream = Stream::new(parameters.seed, Purpose::Output, 0, 0);
    let mut draw = |count: usize| -> Vec<f32> {
        (0..count).map(|_| (stream.normal() * parameters.value_scale) as f32).collect()
    };
    let network = Network {
        input_size: inputs,
        output_size: outputs,
        units: Vec::new(),
        output_weights: draw(inputs * outputs),
        output_bias: draw(outputs),
    };
    State {
        parameters,
        status: Status::Stopped,
        completion: None,
        epoch: 0,
        round: 0,
        stage: Stage::Output,
        stage_epoch: 0,
        output_moments: fresh_moments(&network),
        network,
        pool: None,
        best_loss: f64::INFINITY,
        stale_rounds: 0,
        rounds: Vec::new(),
        epochs: EpochHistory::default(),
        parameter_changes: Vec::new(),
        origin,
    }
}
