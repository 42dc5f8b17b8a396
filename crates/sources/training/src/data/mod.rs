//! Data sets from files: bounded, checked, and never executed.

mod csv;
mod h5;
mod npy;

use backstay_hdf5::read::ReadError;
use backstay_trainer::{Dataset, InvalidData, Samples};

/// The most bytes of a file that is loaded.
pub const MAX_FILE_BYTES: u64 = 2 << 30;

/// The most values of a data set from a file: they are held as 64-bit floats while it is loaded.
const MAX_VALUES: usize = 1 << 28;

/// How the columns of a table become inputs and targets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Targets {
    /// The last column is the target: a number of a class becomes one output per class, anything else one output.
    #[default]
    LastColumn,
    /// The last so many columns are the outputs.
    LastColumns(usize),
}

/// A file that is no data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Its name ends in something else.
    #[error("data sets are read from .csv, .npy and .h5 files, not from `{name}`")]
    UnknownKind {
        /// The name.
        name: String,
    },
    /// It is too large.
    #[error("the file has {bytes} bytes; at most {MAX_FILE_BYTES} are read")]
    TooLarge {
        /// Its length.
        bytes: u64,
    },
    /// A line of a table cannot be read.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The file is not what its name says.
    #[error("{0}")]
    Format(String),
    /// The HDF5 file cannot be read.
    #[error("the HDF5 file cannot be read")]
    Hdf5(#[from] ReadError),
    /// The values are no data set.
    #[error("{0}")]
    Values(#[from] InvalidData),
}

/// Reads a data set from the bytes of a file; `name` tells its kind by its end.
///
/// - `.csv`: numbers with commas between them, one sample a line; a first line without numbers names the columns.
/// - `.npy`: a matrix of numbers, NumPy format 1 to 3, one sample a row. Objects, which would be pickled, are refused.
/// - `.h5`, `.hdf5`: the datasets `inputs` and `targets` (also `train_x` and `train_y`, `x` and `y`), and maybe
///   `validation_inputs` and `validation_targets` (also `val_x` and `val_y`); or a lone matrix.
///
/// # Errors
/// When the file is too large, damaged, or not a data set; the text tells where.
pub fn load(name: &str, bytes: &[u8], targets: &Targets) -> Result<Dataset, DataError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(DataError::TooLarge { bytes: bytes.len() as u64 });
    }
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    match end.as_deref() {
        Some("csv") => csv::read(bytes)?.split(targets),
        Some("npy") => npy::read(bytes)?.split(targets),
        Some("h5" | "hdf5") => h5::read(bytes, targets),
        _ => Err(DataError::UnknownKind { name: name.to_owned() }),
    }
}

/// Rows of numbers.
#[derive(Debug)]
struct Table {
    width: usize,
    values: Vec<f64>,
}

impl Table {
    /// Splits the columns into inputs and targets.
    fn split(self, targets: &Targets) -> Result<Dataset, DataError> {
        let outputs = match targets {
            Targets::LastColumn => 1,
            Targets::LastColumns(count) => *count,
        };
        if outputs == 0 || outputs >= self.width {
            return Err(DataError::Format(format!(
                "{} columns cannot be split into inputs and {outputs} targets",
                self.width
            )));
        }
        let inputs = self.width - outputs;
        let rows = self.values.chunks_exact(self.width);
        let left = rows.clone().flat_map(|row| &row[..inputs]).map(|value| *value as f32).collect();
        let right = Self { width: outputs, values: rows.flat_map(|row| &row[inputs..]).copied().collect() };
        let (width, right) =
            if *targets == Targets::LastColumn { right.classes() } else { (outputs, right.narrow()) };
        Ok(Dataset::new(Samples::new(inputs, width, left, right)?, None)?)
    }

    /// A lone column of class numbers 0, 1, … as one output per class; anything else as it is.
    fn classes(self) -> (usize, Vec<f32>) {
        const MOST: usize = 1024;
        let class = |value: f64| {
            (value.fract() == 0.0 && (0.0..MOST as f64).contains(&value)).then_some(value as usize)
        };
        let numbers: Option<Vec<usize>> = self.values.iter().map(|value| class(*value)).collect();
        let Some(numbers) = numbers.filter(|_| self.width == 1) else { return (self.width, self.narrow()) };
        let count = numbers.iter().max().map_or(0, |largest| largest + 1);
        // Each class must be there, else the numbers are amounts; and the outputs must stay in proportion.
        let mut seen = vec![false; count];
        for number in &numbers {
            seen[*number] = true;
        }
        if count < 2 || seen.contains(&false) || numbers.len().saturating_mul(count) > MAX_VALUES {
            return (1, self.narrow());
        }
        let mut outputs = vec![0.0; numbers.len() * count];
        for (row, number) in numbers.iter().enumerate() {
            outputs[row * count + number] = 1.0;
        }
        (count, outputs)
    }

    /// The values as 32-bit floats.
    fn narrow(&self) -> Vec<f32> {
        self.values.iter().map(|value| *value as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_classes_become_outputs_and_amounts_stay() {
        let table =
            |last: [f64; 3]| Table { width: 2, values: vec![0.5, last[0], 1.5, last[1], 2.5, last[2]] };
        let classes = table([0.0, 2.0, 1.0]).split(&Targets::LastColumn).unwrap();
        assert_eq!(classes.training().output_size(), 3);
        assert_eq!(classes.training().targets()[3..6], [0.0, 0.0, 1.0]);
        for amounts in [[0.0, 5.0, 1.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]] {
            let data = table(amounts).split(&Targets::LastColumn).unwrap();
            assert_eq!(data.training().output_size(), 1, "{amounts:?}");
        }
        let plain = table([0.0, 1.0, 0.0]).split(&Targets::LastColumns(1)).unwrap();
        assert_eq!(plain.training().targets(), [0.0, 1.0, 0.0]);
        assert!(table([0.0; 3]).split(&Targets::LastColumns(2)).is_err());
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let error = load("model.pkl", b"", &Targets::LastColumn).unwrap_err();
        assert_eq!(
            error.to_string(),
            "data sets are read from .csv, .npy and .h5 files, not from `model.pkl`"
        );
    }
}
