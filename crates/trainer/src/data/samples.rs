//! Samples with their targets, checked.

use std::fmt;

/// The most inputs or outputs of a sample.
const MAX_WIDTH: usize = 65_536;
/// The most values of a data set, inputs and targets together: 4 GiB of them.
const MAX_VALUES: usize = 1 << 30;

/// Data that nothing can be learned from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidData(pub String);

impl InvalidData {
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }
}

/// Inputs and targets, one row per sample.
#[derive(Clone, PartialEq)]
pub struct Samples {
    input_size: usize,
    output_size: usize,
    inputs: Vec<f32>,
    targets: Vec<f32>,
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples({} of {} → {})", self.len(), self.input_size, self.output_size)
    }
}

impl Samples {
    /// Samples of `inputs` and `targets`, given row by row.
    ///
    /// # Errors
    /// When the lengths do not fit each other, there is no sample, a value is no number, or there is too much.
    pub fn new(
        input_size: usize,
        output_size: usize,
        inputs: Vec<f32>,
        targets: Vec<f32>,
    ) -> Result<Self, InvalidData> {
        for (size, what) in [(input_size, "inputs"), (output_size, "outputs")] {
            if !(1..=MAX_WIDTH).contains(&size) {
                return Err(InvalidData::new(format!("a sample has 1 to {MAX_WIDTH} {what}, not {size}")));
            }
        }
        if inputs.len().saturating_add(targets.len()) > MAX_VALUES {
            return Err(InvalidData::new(format!("a data set has at most {MAX_VALUES} values")));
        }
        let samples = inputs.len() / input_size;
        if samples == 0 {
            return Err(InvalidData::new("there are no samples"));
        }
        if inputs.len() != samples * input_size || targets.len() != samples * output_size {
            return Err(InvalidData::new(format!(
                "{} inputs and {} targets are no whole samples of {input_size} and {output_size}",
                inputs.len(),
                targets.len()
            )));
        }
        for (values, size, what) in [(&inputs, input_size, "input"), (&targets, output_size, "target")] {
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                let (row, column) = (index / size, index % size);
                return Err(InvalidData::new(format!("{what} {column} of sample {row} is no number")));
            }
        }
        Ok(Self { input_size, output_size, inputs, targets })
    }

    /// How many samples there are; at least one.
    pub fn len(&self) -> usize {
        self.inputs.len() / self.input_size
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Inputs per sample.
    pub const fn input_size(&self) -> usize {
        self.input_size
    }

    /// Outputs per sample.
    pub const fn output_size(&self) -> usize {
        self.output_size
    }

    /// All inputs, row by row.
    pub fn inputs(&self) -> &[f32] {
        &self.inputs
    }

    /// All targets, row by row.
    pub fn targets(&self) -> &[f32] {
        &self.targets
    }

    /// The samples at `rows`.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let pick = |values: &[f32], size: usize| -> Vec<f32> {
            rows.iter().flat_map(|row| values[row * size..][..size].iter().copied()).collect()
        };
        Self {
            input_size: self.input_size,
            output_size: self.output_size,
            inputs: pick(&self.inputs, self.input_size),
            targets: pick(&self.targets, self.output_size),
        }
    }
}

/// Samples to train on, and maybe samples to validate with.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    training: Samples,
    validation: Option<Samples>,
}

impl Dataset {
    /// A data set.
    ///
    /// # Errors
    /// When the two have other widths.
    pub fn new(training: Samples, validation: Option<Samples>) -> Result<Self, InvalidData> {
        if let Some(validation) = &validation
            && (validation.input_size != training.input_size
                || validation.output_size != training.output_size)
        {
            return Err(InvalidData::new(format!(
                "validation samples are {} → {}, training samples {} → {}",
                validation.input_size, validation.output_size, training.input_size, training.output_size
            )));
        }
        Ok(Self { training, validation })
    }

    /// What is trained on.
    pub const fn training(&self) -> &Samples {
        &self.training
    }

    /// What validates.
    pub const fn validation(&self) -> Option<&Samples> {
        self.validation.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_learned_is_refused() {
        let refused =
            |inputs: Vec<f32>, targets: Vec<f32>| Samples::new(2, 1, inputs, targets).unwrap_err().0;
        assert_eq!(refused(vec![], vec![]), "there are no samples");
        assert_eq!(
            refused(vec![1.0, 2.0, 3.0], vec![0.0]),
            "3 inputs and 1 targets are no whole samples of 2 and 1"
        );
        assert_eq!(refused(vec![0.0, f32::NAN], vec![0.0]), "input 1 of sample 0 is no number");
        assert_eq!(refused(vec![0.0, 0.0], vec![f32::INFINITY]), "target 0 of sample 0 is no number");
        assert_eq!(
            Samples::new(0, 1, vec![], vec![]).unwrap_err().0,
            "a sample has 1 to 65536 inputs, not 0"
        );
    }

    #[test]
    fn both_parts_have_one_shape() {
        let one = Samples::new(1, 1, vec![0.0], vec![0.0]).unwrap();
        let other = Samples::new(2, 1, vec![0.0; 2], vec![0.0]).unwrap();
        let error = Dataset::new(one, Some(other)).unwrap_err();
        assert_eq!(error.0, "validation samples are 2 → 1, training samples 1 → 1");
    }
}
