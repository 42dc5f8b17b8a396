//! Data sets in HDF5 files.

use backstay_hdf5::read::{File, Limits, Object};
use backstay_trainer::{Dataset, Samples};

use crate::data::{DataError, MAX_VALUES, Table, Targets};

/// The names of training inputs and targets, and of those that validate.
const NAMES: [[&str; 4]; 3] = [
    ["inputs", "targets", "validation_inputs", "validation_targets"],
    ["train_x", "train_y", "val_x", "val_y"],
    ["x", "y", "x_val", "y_val"],
];

/// Reads the first names that are there; else a lone matrix.
pub(super) fn read(bytes: &[u8], targets: &Targets) -> Result<Dataset, DataError> {
    let limits = Limits { dataset_bytes: (MAX_VALUES as u64) * 8, ..Limits::default() };
    let file = File::open(bytes, limits)?;
    for [inputs, outputs, validation_inputs, validation_outputs] in NAMES {
        let training = samples(&file, inputs, outputs)?;
        if let Some(training) = training {
            let validation = samples(&file, validation_inputs, validation_outputs)?;
            return Ok(Dataset::new(training, validation)?);
        }
    }
    let root = file.root()?;
    let names: Vec<_> = root.names().collect();
    if let [name] = names[..]
        && let Some(Object::Dataset(dataset)) = root.get(name)?
    {
        return matrix(&dataset)?.split(targets);
    }
    Err(DataError::Format("the HDF5 file has neither `inputs` and `targets` nor a lone matrix".to_owned()))
}

/// Samples from two datasets; `None` when both are missing.
fn samples(file: &File<&[u8]>, inputs: &str, targets: &str) -> Result<Option<Samples>, DataError> {
    let (left, right) = match (file.dataset(inputs)?, file.dataset(targets)?) {
        (Some(left), Some(right)) => (matrix(&left)?, matrix(&right)?),
        (None, None) => return Ok(None),
        _ => {
            return Err(DataError::Format(format!(
                "the HDF5 file has one of `{inputs}` and `{targets}`, not both"
            )));
        }
    };
    let (input_size, inputs) = (left.width, left.narrow());
    let (output_size, targets) = right.classes();
    Ok(Some(Samples::new(input_size, output_size, inputs, targets)?))
}

/// A matrix of numbers; a vector is a matrix of one column.
fn matrix(dataset: &backstay_hdf5::read::Dataset<'_, &[u8]>) -> Result<Table, DataError> {
    let width = match dataset.shape() {
        [_] => 1,
        [_, width] => usize::try_from(*width).unwrap_or(usize::MAX),
        _ => return Err(DataError::Format(format!("`{}` is no matrix", dataset.path()))),
    };
    if dataset.shape().iter().try_fold(1_u64, |n, d| n.checked_mul(*d)).is_none_or(|n| n > MAX_VALUES as u64)
    {
        return Err(DataError::Format(format!("`{}` has more than {MAX_VALUES} values", dataset.path())));
    }
    if width == 0 {
        return Err(DataError::Format(format!("`{}` has no columns", dataset.path())));
    }
    Ok(Table { width, values: dataset.f64s()? })
}

#[cfg(test)]
mod tests {
    use backstay_hdf5::write;

    use super::*;

    fn h5(datasets: Vec<(&str, write::Dataset)>) -> Vec<u8> {
        let (mut root, mut bytes) = (write::Group::new(), Vec::new());
        for (name, dataset) in datasets {
            root.dataset(name, dataset);
        }
        root.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn pairs_of_datasets_and_lone_matrices_are_read() {
        let inputs = || write::Dataset::f64s(&[2, 2], &[0.0, 1.0, 2.0, 3.0]);
        let classes = || write::Dataset::u64s(&[2], &[1, 0]);
        for names in NAMES {
            let bytes = h5(names.into_iter().zip([inputs(), classes(), inputs(), classes()]).collect());
            let data = read(&bytes, &Targets::LastColumn).unwrap();
            assert_eq!(data.training().targets(), [0.0, 1.0, 1.0, 0.0]);
            assert_eq!(data.validation().unwrap().len(), 2);
        }
        let data = read(&h5(vec![("table", inputs())]), &Targets::LastColumns(1)).unwrap();
        assert_eq!((data.training().inputs(), data.training().targets()), (&[0.0, 2.0][..], &[1.0, 3.0][..]));
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let inputs = || write::Dataset::f64s(&[2, 2], &[0.0, 1.0, 2.0, 3.0]);
        let message = |datasets| read(&h5(datasets), &Targets::LastColumn).unwrap_err().to_string();
        assert!(message(vec![("x", inputs())]).contains("not both"));
        assert!(message(vec![("a", inputs()), ("b", inputs())]).contains("neither"));
        assert!(
            message(vec![("x", inputs()), ("y", write::Dataset::f64s(&[3], &[0.0; 3]))])
                .contains("no whole samples")
        );
        assert!(message(vec![("a", write::Dataset::text("x"))]).contains("no matrix"));
    }
}
