//! All that a run is.

use serde::{Deserialize, Serialize};

use crate::completion::Completion;
use crate::data::Generator;
use crate::history::{EpochHistory, ParameterChange, Round};
use crate::kernel::Activation;
use crate::network::Network;
use crate::optimizer::Moments;
use crate::parameters::Parameters;
use crate::status::{Phase, Status};

/// The state of a run at an epoch boundary. Nothing outside of it and of the data has a part in how training goes on.
#[derive(Debug, Clone)]
pub struct State {
    /// What was set.
    pub parameters: Parameters,
    /// Where the run stands.
    pub status: Status,
    /// Why it is complete, when it is.
    pub completion: Option<Completion>,
    /// Epochs so far.
    pub epoch: u64,
    /// Hidden units that this run has added.
    pub round: u64,
    /// The part of the round that is next.
    pub stage: Stage,
    /// Epochs of that part so far.
    pub stage_epoch: u64,
    /// The network.
    pub network: Network,
    /// The moments of the output weights, then those of the biases.
    pub output_moments: Moments,
    /// The candidates, in a candidate phase and until one of them is added.
    pub pool: Option<Pool>,
    /// The lowest loss of a round; on the validation data where there are any. Infinite before the first.
    pub best_loss: f64,
    /// Rounds since.
    pub stale_rounds: u64,
    /// One record per round.
    pub rounds: Vec<Round>,
    /// One row per epoch.
    pub epochs: EpochHistory,
    /// Every change of a parameter.
    pub parameter_changes: Vec<ParameterChange>,
    /// Where the data come from.
    pub origin: Origin,
}

/// The parts of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Output weights are trained.
    Output,
    /// The round was measured; a limit may keep the candidates from starting.
    Measured,
    /// Candidates are trained.
    Candidates,
    /// The candidates are done; the threshold may keep the best from being added.
    Ranked,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Output, Self::Measured, Self::Candidates, Self::Ranked];

    /// Its name, for example `output`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Measured => "measured",
            Self::Candidates => "candidates",
            Self::Ranked => "ranked",
        }
    }

    /// The stage of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// Where the data of a run come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// They are computed.
    Generated(Generator),
    /// They were given; the text tells a person from where, for example `data.csv`.
    Given(String),
}

/// Candidates in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// What they apply.
    pub activation: Activation,
    /// Outputs less targets of the network on the training data, row by row, as they are while the pool trains.
    pub residual: Vec<f32>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// A candidate for the next hidden unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// One weight per feature, then the bias.
    pub weights: Vec<f32>,
    /// Those that had the largest correlation.
    pub best_weights: Vec<f32>,
    /// The largest correlation so far, without its sign; −1 before the first epoch.
    pub best: f32,
    /// Epochs without a larger one.
    pub stale: u64,
    /// Epochs that it trained.
    pub epoch: u64,
    /// Whether its patience has run out.
    pub done: bool,
    /// What its optimizer remembers.
    pub moments: Moments,
}

/// A state that cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidState(pub String);

impl State {
    /// What the run does.
    pub fn phase(&self) -> Phase {
        match (self.status, self.stage) {
            (Status::Completed, _) => Phase::Inference,
            (_, Stage::Candidates | Stage::Ranked) => Phase::Candidate,
            _ if self.epoch == 0 && self.status != Status::Started => Phase::Idle,
            _ => Phase::Output,
        }
    }

    /// Checks that everything fits: shapes, counts and bounds, for `samples` training samples.
    pub(crate) fn check(&self, samples: usize) -> Result<(), InvalidState> {
        let require = |holds: bool, problem: &str| {
            if holds { Ok(()) } else { Err(InvalidState(problem.to_owned())) }
        };
        self.parameters.check().map_err(|problems| InvalidState(problems[0].to_string()))?;
        self.network.check().map_err(InvalidState)?;
        let outputs = self.network.output_size;
        let count = self.network.output_weights.len() + outputs;
        require(
            self.output_moments.first.len() == count && self.output_moments.second.len() == count,
            "the moments of the output layer have another shape than the output layer",
        )?;
        require(self.round <= self.network.units.len() as u64, "there are fewer hidden units than rounds")?;
        require(self.stage_epoch <= self.epoch, "a stage has more epochs than the run")?;
        require(self.epochs.fits(self.epoch), "the rows of the epochs do not end at the epoch of the run")?;
        require(self.epochs.phase.iter().all(|phase| *phase < 2), "a row has a phase that does not exist")?;
        require(!self.best_loss.is_nan(), "the best loss is no number")?;
        require(
            (self.status == Status::Completed) == self.completion.is_some(),
            "a run is complete for a reason, or it is not complete",
        )?;
        require(
            self.stage != Stage::Measured || !self.rounds.is_empty(),
            "a round was measured and is not there",
        )?;
        match (&self.pool, self.stage) {
            (Some(pool), Stage::Candidates | Stage::Ranked) => {
                self.check_pool(pool, samples.saturating_mul(outputs))
            }
            (None, Stage::Output | Stage::Measured) => Ok(()),
            (Some(_), _) => Err(InvalidState("there are candidates outside of a candidate phase".to_owned())),
            (None, _) => Err(InvalidState("a candidate phase has no candidates".to_owned())),
        }
    }

    fn check_pool(&self, pool: &Pool, residuals: usize) -> Result<(), InvalidState> {
        let count = self.network.features() + 1;
        if pool.residual.len() != residuals {
            return Err(InvalidState("the residual has another shape than the targets".to_owned()));
        }
        if pool.candidates.is_empty() || pool.candidates.len() > 4096 {
            return Err(InvalidState("a pool has 1 to 4096 candidates".to_owned()));
        }
        for (index, candidate) in pool.candidates.iter().enumerate() {
            let Candidate { weights, best_weights, moments, .. } = candidate;
            let lengths = [weights.len(), best_weights.len(), moments.first.len(), moments.second.len()];
            if lengths.iter().any(|length| *length != count) {
                return Err(InvalidState(format!("candidate {index} has not {count} weights")));
            }
            if candidate.best.is_nan() || candidate.best > 1.01 || candidate.epoch > self.stage_epoch {
                return Err(InvalidState(format!("candidate {index} tells what cannot be")));
            }
            if candidate.best >= 0.0 && !best_weights.iter().all(|weight| weight.is_finite()) {
                return Err(InvalidState(format!("candidate {index} has a weight that is no number")));
            }
        }
        Ok(())
    }
}
