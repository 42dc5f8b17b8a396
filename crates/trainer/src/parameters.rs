//! What can be set about a run, by name, with bounds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::Activation;
use crate::optimizer::OptimizerKind;

/// The parameters of a run. [`Parameters::default`] learns the two spirals.
///
/// All can be changed while a run is paused, and hold from the next epoch on; those of a pool of candidates
/// (`candidate_pool_size`, `activation`, `value_scale`, `seed`) from the next pool on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// The step size of the output weights; above 0, at most 10.
    pub learning_rate: f64,
    /// The step size of candidates; above 0, at most 10.
    pub candidate_learning_rate: f64,
    /// How output weights step; not `ascent`.
    pub optimizer: OptimizerKind,
    /// How candidates step.
    pub candidate_optimizer: OptimizerKind,
    /// Candidates per round; 1 to 4096.
    pub candidate_pool_size: u64,
    /// The most epochs of a candidate phase; 1 to 1e6.
    pub candidate_epochs: u64,
    /// Epochs without gain after which a candidate is done; 1 to 1e6.
    pub candidate_patience: u64,
    /// Epochs of an output phase; 1 to 1e6.
    pub output_epochs: u64,
    /// Rounds without a lower loss that end the run; 1 to 1e6.
    pub patience: u64,
    /// The most rounds; 1 to 1e6.
    pub max_rounds: u64,
    /// The most epochs; 1 to 1e9.
    pub max_epochs: u64,
    /// The most hidden units; 0 to 1000.
    pub max_hidden_units: u64,
    /// The correlation below which no candidate is worth adding; 0 to 1.
    pub correlation_threshold: f64,
    /// The accuracy on the training data that ends the run; 0 to 1.
    pub target_accuracy: f64,
    /// What new units apply.
    pub activation: Activation,
    /// The standard deviation of initial weights; above 0, at most 10.
    pub value_scale: f64,
    /// The key of all random numbers; 0 to 2^63 − 1.
    pub seed: u64,
    /// Threads that train; 0 means all of the machine, at most 256. Not part of a run's state: it changes no bit.
    pub threads: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            candidate_learning_rate: 0.01,
            optimizer: OptimizerKind::Adam,
            candidate_optimizer: OptimizerKind::Adam,
            candidate_pool_size: 50,
            candidate_epochs: 600,
            candidate_patience: 30,
            output_epochs: 1000,
            patience: 50,
            max_rounds: 1000,
            max_epochs: 1_000_000,
            max_hidden_units: 50,
            correlation_threshold: 0.0005,
            target_accuracy: 0.999,
            activation: Activation::Tanh,
            value_scale: 0.1,
            seed: 42,
            threads: 0,
        }
    }
}

/// A parameter that cannot be set so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {problem}")]
pub struct InvalidParameter {
    /// The name that was given.
    pub name: String,
    /// What is wrong, as the rest of a sentence.
    pub problem: String,
}

/// The largest seed.
const MAX_SEED: u64 = (1 << 63) - 1;

impl Parameters {
    /// The names of all parameters.
    pub const NAMES: [&'static str; 18] = [
        "learning_rate",
        "candidate_learning_rate",
        "optimizer",
        "candidate_optimizer",
        "candidate_pool_size",
        "candidate_epochs",
        "candidate_patience",
        "output_epochs",
        "patience",
        "max_rounds",
        "max_epochs",
        "max_hidden_units",
        "correlation_threshold",
        "target_accuracy",
        "activation",
        "value_scale",
        "seed",
        "threads",
    ];

    /// The value of a parameter; `None` when there is none of this name.
    pub fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "learning_rate" => self.learning_rate.into(),
            "candidate_learning_rate" => self.candidate_learning_rate.into(),
            "optimizer" => self.optimizer.name().into(),
            "candidate_optimizer" => self.candidate_optimizer.name().into(),
            "candidate_pool_size" => self.candidate_pool_size.into(),
            "candidate_epochs" => self.candidate_epochs.into(),
            "candidate_patience" => self.candidate_patience.into(),
            "output_epochs" => self.output_epochs.into(),
            "patience" => self.patience.into(),
            "max_rounds" => self.max_rounds.into(),
            "max_epochs" => self.max_epochs.into(),
            "max_hidden_units" => self.max_hidden_units.into(),
            "correlation_threshold" => self.correlation_threshold.into(),
            "target_accuracy" => self.target_accuracy.into(),
            "activation" => self.activation.name().into(),
            "value_scale" => self.value_scale.into(),
            "seed" => self.seed.into(),
            "threads" => self.threads.into(),
            _ => return None,
        })
    }

    /// Sets one parameter.
    ///
    /// # Errors
    /// When there is none of this name, the value has another type, or it is out of bounds. Nothing is changed then.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), InvalidParameter> {
        let outcome = match name {
            "learning_rate" => rate(value).map(|value| self.learning_rate = value),
            "candidate_learning_rate" => rate(value).map(|value| self.candidate_learning_rate = value),
            "optimizer" => optimizer(value, false).map(|value| self.optimizer = value),
            "candidate_optimizer" => optimizer(value, true).map(|value| self.candidate_optimizer = value),
            "candidate_pool_size" => whole(value, 1, 4096).map(|value| self.candidate_pool_size = value),
            "candidate_epochs" => whole(value, 1, 1_000_000).map(|value| self.candidate_epochs = value),
            "candidate_patience" => whole(value, 1, 1_000_000).map(|value| self.candidate_patience = value),
            "output_epochs" => whole(value, 1, 1_000_000).map(|value| self.output_epochs = value),
            "patience" => whole(value, 1, 1_000_000).map(|value| self.patience = value),
            "max_rounds" => whole(value, 1, 1_000_000).map(|value| self.max_rounds = value),
            "max_epochs" => whole(value, 1, 1_000_000_000).map(|value| self.max_epochs = value),
            "max_hidden_units" => whole(value, 0, 1000).map(|value| self.max_hidden_units = value),
            "correlation_threshold" => fraction(value).map(|value| self.correlation_threshold = value),
            "target_accuracy" => fraction(value).map(|value| self.target_accuracy = value),
            "activation" => activation(value).map(|value| self.activation = value),
            "value_scale" => rate(value).map(|value| self.value_scale = value),
            "seed" => whole(value, 0, MAX_SEED).map(|value| self.seed = value),
            "threads" => whole(value, 0, 256).map(|value| self.threads = value),
            _ => Err(format!("is not a parameter; there are {}", Self::NAMES.join(", "))),
        };
        outcome.map_err(|problem| InvalidParameter { name: name.to_owned(), problem })
    }

    /// Sets parameters by name, all or none.
    ///
    /// # Errors
    /// Every parameter that cannot be set so.
    pub fn with<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<Self, Vec<InvalidParameter>> {
        let mut changed = self.clone();
        let problems: Vec<_> =
            changes.into_iter().filter_map(|(name, value)| changed.set(name, value).err()).collect();
        if problems.is_empty() { Ok(changed) } else { Err(problems) }
    }

    /// Checks every value against its bounds, as after reading parameters from a file.
    ///
    /// # Errors
    /// Every parameter that is out of bounds.
    pub fn check(&self) -> Result<(), Vec<InvalidParameter>> {
        let values: Vec<_> = Self::NAMES.iter().filter_map(|name| Some((*name, self.get(name)?))).collect();
        self.with(values.iter().map(|(name, value)| (*name, value))).map(|_| ())
    }
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| "must be a number".to_owned())
}

fn rate(value: &Value) -> Result<f64, String> {
    let number = number(value)?;
    if number > 0.0 && number <= 10.0 {
        Ok(number)
    } else {
        Err(format!("must be above 0 and at most 10, not {number}"))
    }
}

fn fraction(value: &Value) -> Result<f64, String> {
    let number = number(value)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("must be between 0 and 1, not {number}"))
    }
}

/// Reads a whole number; `3.0` is one too.
fn whole(value: &Value, least: u64, most: u64) -> Result<u64, String> {
    let number = value.as_u64().or_else(|| {
        value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=1e15).contains(n)).map(|n| n as u64)
    });
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(number) => Err(format!("must be between {least} and {most}, not {number}")),
        None => Err(format!("must be a whole number between {least} and {most}")),
    }
}

fn optimizer(value: &Value, candidates: bool) -> Result<OptimizerKind, String> {
    let allowed = |kind: &OptimizerKind| candidates || *kind != OptimizerKind::Ascent;
    value.as_str().and_then(OptimizerKind::parse).filter(allowed).ok_or_else(|| {
        let names: Vec<_> =
            OptimizerKind::ALL.iter().filter(|kind| allowed(kind)).map(|k| k.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn activation(value: &Value) -> Result<Activation, String> {
    value.as_str().and_then(Activation::parse).ok_or_else(|| {
        let names: Vec<_> = Activation::ALL.iter().map(|activation| activation.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_parameter_can_be_read_and_set_by_name() {
        let mut parameters = Parameters::default();
        for name in Parameters::NAMES {
            let value = parameters.get(name).expect("each name has a value");
            parameters.set(name, &value).expect("a default is within bounds");
        }
        assert_eq!(parameters, Parameters::default());
        let fields = serde_json::to_value(&parameters).unwrap();
        assert_eq!(fields.as_object().unwrap().len(), Parameters::NAMES.len());
    }

    #[test]
    fn values_out_of_bounds_are_refused_and_named() {
        for (name, value, problem) in [
            ("learning_rate", json!(-5), "must be above 0 and at most 10, not -5"),
            ("learning_rate", json!("x"), "must be a number"),
            ("learning_rate", json!(null), "must be a number"),
            ("candidate_pool_size", json!(4097), "must be between 1 and 4096, not 4097"),
            ("candidate_pool_size", json!(1.5), "must be a whole number between 1 and 4096"),
            ("max_hidden_units", json!(-1), "must be a whole number between 0 and 1000"),
            ("optimizer", json!("ascent"), "must be one of adam, adamw, sgd, rmsprop"),
            ("activation", json!("softmax"), "must be one of tanh, sigmoid, relu, identity, elu, gelu"),
            ("seed", json!(u64::MAX), "must be between 0 and 9223372036854775807, not 18446744073709551615"),
        ] {
            let mut parameters = Parameters::default();
            let error = parameters.set(name, &value).unwrap_err();
            assert_eq!((error.name.as_str(), error.problem.as_str()), (name, problem));
            assert_eq!(parameters, Parameters::default());
        }
    }

    #[test]
    fn changes_are_made_all_or_none() {
        let (bad, good) = (json!(0), json!(7));
        let problems = Parameters::default()
            .with([("patience", &good), ("learning_rate", &bad), ("nothing", &good)])
            .unwrap_err();
        assert_eq!(
            problems.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            ["learning_rate", "nothing"]
        );
        let changed = Parameters::default().with([("patience", &good)]).unwrap();
        assert_eq!(changed.patience, 7);
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_fraction_of_zero() {
        let mut parameters = Parameters::default();
        parameters.set("max_epochs", &json!(1e6)).unwrap();
        assert_eq!(parameters.max_epochs, 1_000_000);
    }
}
