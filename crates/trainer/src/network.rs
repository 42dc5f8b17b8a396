//! The network: `y = [x, h1 … hk]·W + b`, `h_i = act(w·[x, h1 … h_{i−1}] + b)`.

use crate::fold::append;
use crate::kernel::{Activation, Columns, launch};
use crate::output::Outputs;

/// A hidden unit. It is frozen once it is part of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// One weight per input and per earlier unit.
    pub weights: Vec<f32>,
    /// What is added to the weighted sum.
    pub bias: f32,
    /// The correlation with the residual for which it was chosen; between 0 and 1.
    pub correlation: f64,
    /// What is applied to the sum.
    pub activation: Activation,
}

/// Inputs, hidden units in the order in which they were added, and output weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Inputs per sample.
    pub input_size: usize,
    /// Outputs per sample.
    pub output_size: usize,
    /// The hidden units.
    pub units: Vec<Unit>,
    /// `[inputs + units, outputs]`, row by row.
    pub output_weights: Vec<f32>,
    /// One per output.
    pub output_bias: Vec<f32>,
}

impl Network {
    /// What output weights see: the inputs and the units.
    pub fn features(&self) -> usize {
        self.input_size + self.units.len()
    }

    /// The outputs for samples given row by row. The bits are those that training computes.
    pub fn predict(&self, inputs: &[f32]) -> Vec<f32> {
        let mut features = Columns::from_rows(inputs, self.input_size.max(1));
        for unit in &self.units {
            append(&mut features, unit);
        }
        let mut outputs = Columns::new(features.samples());
        for _ in 0..self.output_size {
            outputs.push();
        }
        launch(Outputs { network: self, features: &features, columns: &mut outputs });
        outputs.to_rows()
    }

    /// Checks that all shapes fit each other and every weight is a number; tells what does not.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.input_size == 0 || self.output_size == 0 {
            return Err("a network needs inputs and outputs".to_owned());
        }
        for (index, unit) in self.units.iter().enumerate() {
            let wanted = self.input_size + index;
            if unit.weights.len() != wanted {
                return Err(format!("unit {index} has {} weights, not {wanted}", unit.weights.len()));
            }
            if !unit.weights.iter().chain([&unit.bias]).all(|weight| weight.is_finite()) {
                return Err(format!("unit {index} has a weight that is no number"));
            }
        }
        let wanted = self.features().checked_mul(self.output_size);
        if Some(self.output_weights.len()) != wanted || self.output_bias.len() != self.output_size {
            return Err(format!(
                "the output layer has {} weights and {} biases for {} features and {} outputs",
                self.output_weights.len(),
                self.output_bias.len(),
                self.features(),
                self.output_size
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_computes_its_formula() {
        let network = Network {
            input_size: 2,
            output_size: 1,
            units: vec![Unit {
                weights: vec![1.0, -1.0],
                bias: 0.5,
                correlation: 0.9,
                activation: Activation::Relu,
            }],
            output_weights: vec![2.0, 0.0, 3.0],
            output_bias: vec![-1.0],
        };
        network.check().unwrap();
        assert_eq!(network.predict(&[1.0, 0.0, 0.0, 4.0]), [5.5, -1.0]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let network = Network {
            input_size: 2,
            output_size: 1,
            units: vec![Unit {
                weights: vec![1.0],
                bias: 0.5,
                correlation: 0.9,
                activation: Activation::Tanh,
            }],
            output_weights: vec![0.0; 3],
            output_bias: vec![0.0],
        };
        assert_eq!(network.check().unwrap_err(), "unit 0 has 1 weights, not 2");
    }
}
