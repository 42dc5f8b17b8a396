//! Data sets that are computed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::samples::{Dataset, InvalidData, Samples};
use crate::random::{Purpose, Stream};

/// The most targets of all samples that are generated.
const MAX_TARGETS: usize = 1 << 24;

/// A recipe for a data set. Equal recipes give equal bits.
///
/// In JSON it is `{"generator": NAME, "params": {…}}`; what is left out of the parameters, or all of them, has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Recipe", into = "Recipe")]
pub enum Generator {
    /// Intertwined spirals around the origin, one class each.
    Spiral(Spiral),
    /// Exclusive or: four points, two classes.
    Xor,
}

/// A generator as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    generator: String,
    #[serde(default)]
    params: Map<String, Value>,
}

impl TryFrom<Recipe> for Generator {
    type Error = InvalidData;

    fn try_from(recipe: Recipe) -> Result<Self, InvalidData> {
        match recipe.generator.as_str() {
            "spiral" => serde_json::from_value(Value::Object(recipe.params))
                .map(Self::Spiral)
                .map_err(InvalidData::new),
            "xor" if recipe.params.is_empty() => Ok(Self::Xor),
            "xor" => Err(InvalidData::new("`xor` has no parameters")),
            other => Err(InvalidData::new(format!("there is no generator `{other}`; there are spiral, xor"))),
        }
    }
}

impl From<Generator> for Recipe {
    fn from(generator: Generator) -> Self {
        match generator {
            Generator::Spiral(spiral) => {
                let params = match serde_json::to_value(spiral) {
                    Ok(Value::Object(params)) => params,
                    _ => Map::new(),
                };
                Self { generator: "spiral".to_owned(), params }
            }
            Generator::Xor => Self { generator: "xor".to_owned(), params: Map::new() },
        }
    }
}

/// The parameters of intertwined spirals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spiral {
    /// Points per spiral, from the origin outwards; at least 2.
    pub n_per_spiral: usize,
    /// Spirals, and so classes; 2 to 64.
    pub n_spirals: usize,
    /// The standard deviation of what is added to each coordinate; 0 to 10.
    pub noise: f64,
    /// Whether the samples come in random order instead of spiral by spiral.
    pub shuffle: bool,
    /// The part of the samples that validate, chosen at random; 0 to 0.9.
    pub validation: f64,
    /// The key of noise, order and choice.
    pub seed: u64,
}

impl Default for Spiral {
    fn default() -> Self {
        Self { n_per_spiral: 100, n_spirals: 2, noise: 0.0, shuffle: false, validation: 0.0, seed: 42 }
    }
}

impl Generator {
    /// Makes the data.
    ///
    /// # Errors
    /// When a parameter is out of bounds.
    pub fn generate(&self) -> Result<Dataset, InvalidData> {
        match self {
            Self::Spiral(spiral) => spiral.generate(),
            Self::Xor => {
                let inputs = vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
                let targets = vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
                Dataset::new(Samples::new(2, 2, inputs, targets)?, None)
            }
        }
    }
}

impl Spiral {
    fn check(&self) -> Result<(), InvalidData> {
        let within = |name: &str, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(InvalidData::new(format!("`{name}` must be between {least} and {most}, not {value}")))
            }
        };
        within("n_spirals", self.n_spirals as f64, 2.0, 64.0)?;
        let most = MAX_TARGETS / (self.n_spirals * self.n_spirals);
        within("n_per_spiral", self.n_per_spiral as f64, 2.0, most as f64)?;
        within("noise", self.noise, 0.0, 10.0)?;
        within("validation", self.validation, 0.0, 0.9)
    }

    fn generate(&self) -> Result<Dataset, InvalidData> {
        const TURN: f64 = 4.0 * std::f64::consts::PI;
        self.check()?;
        let total = self.n_per_spiral * self.n_spirals;
        let (mut inputs, mut targets) = (Vec::with_capacity(2 * total), vec![0.0; total * self.n_spirals]);
        let mut noise = Stream::new(self.seed, Purpose::Noise, 0, 0);
        for spiral in 0..self.n_spirals {
            let offset = 2.0 * std::f64::consts::PI * spiral as f64 / self.n_spirals as f64;
            for point in 0..self.n_per_spiral {
                let t = TURN * point as f64 / (self.n_per_spiral - 1) as f64;
                let mut at = [t * libm::cos(t + offset) / TURN, t * libm::sin(t + offset) / TURN];
                if self.noise > 0.0 {
                    at = at.map(|coordinate| coordinate + noise.normal() * self.noise);
                }
                targets[(spiral * self.n_per_spiral + point) * self.n_spirals + spiral] = 1.0;
                inputs.extend(at.map(|coordinate| coordinate as f32));
            }
        }
        let all = Samples::new(2, self.n_spirals, inputs, targets)?;
        let mut order: Vec<usize> = (0..total).collect();
        if self.shuffle {
            Stream::new(self.seed, Purpose::Order, 0, 0).shuffle(&mut order);
        }
        let validating = (total as f64 * self.validation) as usize;
        if validating == 0 {
            return Dataset::new(all.select(&order), None);
        }
        let mut places: Vec<usize> = (0..total).collect();
        Stream::new(self.seed, Purpose::Validation, 0, 0).shuffle(&mut places);
        let mut validates = vec![false; total];
        for place in &places[..validating] {
            validates[*place] = true;
        }
        let (validation, training): (Vec<_>, Vec<_>) = order.into_iter().partition(|row| validates[*row]);
        Dataset::new(all.select(&training), Some(all.select(&validation)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spirals_start_at_one_point_and_end_opposite() {
        let data = Generator::Spiral(Spiral::default()).generate().unwrap();
        let samples = data.training();
        assert_eq!((samples.len(), samples.input_size(), samples.output_size()), (200, 2, 2));
        assert_eq!(samples.inputs()[..2], samples.inputs()[200..202]);
        let (first, second) = (&samples.inputs()[198..200], &samples.inputs()[398..400]);
        assert!((first[0] - 1.0).abs() < 1e-6 && (second[0] + 1.0).abs() < 1e-6);
        assert_eq!(samples.targets()[..2], [1.0, 0.0]);
        assert_eq!(samples.targets()[398..], [0.0, 1.0]);
        assert!(data.validation().is_none());
    }

    #[test]
    fn validation_takes_its_part_and_nothing_is_lost() {
        let spiral = Spiral { validation: 0.25, shuffle: true, noise: 0.1, ..Spiral::default() };
        let data = Generator::Spiral(spiral.clone()).generate().unwrap();
        let validation = data.validation().unwrap();
        assert_eq!((data.training().len(), validation.len()), (150, 50));
        assert_eq!(data, Generator::Spiral(spiral).generate().unwrap());
        let sum = |samples: &Samples| samples.targets().iter().sum::<f32>();
        assert!((sum(data.training()) + sum(validation) - 200.0).abs() < 0.5);
    }

    #[test]
    fn parameters_out_of_bounds_are_named() {
        for (spiral, name) in [
            (Spiral { n_spirals: 1, ..Spiral::default() }, "n_spirals"),
            (Spiral { n_per_spiral: 6_000_000, ..Spiral::default() }, "n_per_spiral"),
            (Spiral { noise: f64::NAN, ..Spiral::default() }, "noise"),
            (Spiral { validation: 1.0, ..Spiral::default() }, "validation"),
        ] {
            let error = Generator::Spiral(spiral).generate().unwrap_err();
            assert!(error.0.contains(name), "{error}");
        }
    }

    #[test]
    fn a_recipe_is_read_with_its_defaults() {
        let text = r#"{"generator": "spiral", "params": {"n_per_spiral": 50}}"#;
        let generator: Generator = serde_json::from_str(text).unwrap();
        assert_eq!(generator, Generator::Spiral(Spiral { n_per_spiral: 50, ..Spiral::default() }));
        let xor: Generator = serde_json::from_str(r#"{"generator": "xor"}"#).unwrap();
        assert_eq!(xor.generate().unwrap().training().len(), 4);
        for wrong in [r#"{"generator": "spiral", "params": {"n": 1}}"#, r#"{"generator": "circle"}"#] {
            assert!(serde_json::from_str::<Generator>(wrong).is_err());
        }
        for recipe in [generator, xor] {
            let written = serde_json::to_string(&recipe).unwrap();
            assert_eq!(serde_json::from_str::<Generator>(&written).unwrap(), recipe);
        }
    }
}
