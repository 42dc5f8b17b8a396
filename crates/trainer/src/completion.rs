//! Why training is complete.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The limit or target that ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// `target_accuracy` was reached on the training data.
    TargetAccuracy,
    /// There are `max_hidden_units`.
    MaxHiddenUnits,
    /// `max_rounds` were made.
    MaxRounds,
    /// `max_epochs` were made.
    MaxEpochs,
    /// The loss did not fall for `patience` rounds.
    Patience,
    /// The best candidate is below `correlation_threshold`.
    CorrelationThreshold,
}

impl Completion {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::TargetAccuracy,
        Self::MaxHiddenUnits,
        Self::MaxRounds,
        Self::MaxEpochs,
        Self::Patience,
        Self::CorrelationThreshold,
    ];

    /// The name of the parameter that ended the run.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::TargetAccuracy => "target_accuracy",
            Self::MaxHiddenUnits => "max_hidden_units",
            Self::MaxRounds => "max_rounds",
            Self::MaxEpochs => "max_epochs",
            Self::Patience => "patience",
            Self::CorrelationThreshold => "correlation_threshold",
        }
    }

    /// The completion by the parameter of this name.
    pub fn by(parameter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|completion| completion.parameter() == parameter)
    }
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is reached", self.parameter())
    }
}
