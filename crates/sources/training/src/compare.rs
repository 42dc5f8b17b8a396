//! What two snapshots differ in, tensor by tensor.

use std::collections::{BTreeMap, BTreeSet};

use backstay_hdf5::write::{Content, Dataset, Group, Member};
use backstay_hdf5::{Datatype, Order};
use backstay_trainer::Parameters;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file::{Content as SnapshotContent, Snapshot};

/// What became of a tensor from the first snapshot to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorStatus {
    /// It is the same, bit for bit.
    Same,
    /// It has the same shape and other numbers.
    Changed,
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// It has another shape.
    Reshaped,
}

/// A tensor in both snapshots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorDifference {
    /// Its path in the file.
    pub path: String,
    /// What became of it.
    pub status: TensorStatus,
    /// Its dimensions in the first and in the second.
    pub shapes: [Option<Vec<u64>>; 2],
    /// Its Euclidean norm in the first and in the second, over the numbers that are finite.
    pub norms: [Option<f64>; 2],
    /// The largest difference of two numbers at the same place; `None` unless the shapes are the same.
    pub max_delta: Option<f64>,
    /// The cosine of the angle between the two; `None` unless the shapes are the same and neither is zero.
    pub cosine: Option<f64>,
    /// How many numbers of both are not finite.
    pub nan: u64,
}

/// What two snapshots differ in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Whether inputs, hidden units and outputs are as many.
    pub same_architecture: bool,
    /// Whether hidden units are as many.
    pub same_hidden_units: bool,
    /// Whether hidden units apply the same functions.
    pub same_activation: bool,
    /// Hidden units of the first and of the second.
    pub hidden_units: [u64; 2],
    /// Parameters that differ, with both values.
    pub params_diff: BTreeMap<String, [Value; 2]>,
    /// The tensors of both, in the order of their paths.
    pub tensors: Vec<TensorDifference>,
}

/// Compares two snapshots.
pub fn compare(first: &Snapshot, second: &Snapshot) -> Comparison {
    let (a, b) = (first.network(), second.network());
    let same_hidden_units = a.units.len() == b.units.len();
    let activations = |snapshot: &Snapshot| -> Vec<_> {
        let units = snapshot.network().units.iter().map(|unit| unit.activation);
        units.chain([parameters(snapshot).activation]).collect()
    };
    let common = a.units.len().min(b.units.len());
    let (left, right) = (activations(first), activations(second));
    Comparison {
        same_architecture: (a.input_size, a.output_size) == (b.input_size, b.output_size)
            && same_hidden_units,
        same_hidden_units,
        same_activation: left[..common] == right[..common] && left.last() == right.last(),
        hidden_units: [a.units.len() as u64, b.units.len() as u64],
        params_diff: parameters_that_differ(parameters(first), parameters(second)),
        tensors: tensors_that_differ(&tensors(&first.group()), &tensors(&second.group())),
    }
}

fn parameters(snapshot: &Snapshot) -> &Parameters {
    match &snapshot.content {
        SnapshotContent::Exact { state, .. } => &state.parameters,
        SnapshotContent::Partial(partial) => &partial.parameters,
    }
}

fn parameters_that_differ(first: &Parameters, second: &Parameters) -> BTreeMap<String, [Value; 2]> {
    let names = Parameters::NAMES.into_iter().filter(|name| *name != "threads");
    let both = names.filter_map(|name| Some((name.to_owned(), [first.get(name)?, second.get(name)?])));
    both.filter(|(_, [a, b])| a != b).collect()
}

struct Tensor {
    shape: Vec<u64>,
    bytes: Vec<u8>,
    numbers: Vec<f64>,
}

/// Everything in the tree that consists of numbers.
fn tensors(root: &Group) -> BTreeMap<String, Tensor> {
    let mut found = BTreeMap::new();
    add_tensors(root, "", &mut found);
    found
}

fn add_tensors(group: &Group, path: &str, found: &mut BTreeMap<String, Tensor>) {
    for (name, member) in group.members() {
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        match member {
            Member::Group(group) => add_tensors(group, &below, found),
            Member::Dataset(dataset) => {
                if let Some(tensor) = tensor(dataset) {
                    found.insert(below, tensor);
                }
            }
        }
    }
}

fn tensor(dataset: &Dataset) -> Option<Tensor> {
    let Content::Bytes(bytes) = dataset.content() else { return None };
    let numbers = match dataset.datatype() {
        Datatype::Float { bytes: 4, order: Order::Little } => {
            numbers(bytes, |b| f64::from(f32::from_le_bytes(b)))
        }
        Datatype::Float { bytes: 8, order: Order::Little } => numbers(bytes, f64::from_le_bytes),
        Datatype::Integer { bytes: 1, signed: false, .. } => numbers(bytes, |[b]| f64::from(b)),
        Datatype::Integer { bytes: 2, signed: false, order: Order::Little } => {
            numbers(bytes, |b| f64::from(u16::from_le_bytes(b)))
        }
        Datatype::Integer { bytes: 8, signed: false, order: Order::Little } => {
            numbers(bytes, |b| u64::from_le_bytes(b) as f64)
        }
        _ => return None,
    };
    Some(Tensor { shape: dataset.shape().to_vec(), bytes: bytes.clone(), numbers })
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (whole, _) = bytes.as_chunks::<N>();
    whole.iter().map(|one| read(*one)).collect()
}

fn tensors_that_differ(
    first: &BTreeMap<String, Tensor>,
    second: &BTreeMap<String, Tensor>,
) -> Vec<TensorDifference> {
    let paths: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    paths.into_iter().map(|path| difference(path, first.get(path), second.get(path))).collect()
}

fn difference(path: &str, first: Option<&Tensor>, second: Option<&Tensor>) -> TensorDifference {
    let status = match (first, second) {
        (Some(a), Some(b)) if a.shape != b.shape => TensorStatus::Reshaped,
        (Some(a), Some(b)) if a.bytes == b.bytes => TensorStatus::Same,
        (Some(_), Some(_)) => TensorStatus::Changed,
        (None, _) => TensorStatus::Added,
        (_, None) => TensorStatus::Removed,
    };
    let same_shape = matches!(status, TensorStatus::Same | TensorStatus::Changed);
    let both = first.zip(second).filter(|_| same_shape);
    let bad = |tensor: Option<&Tensor>| {
        tensor.map_or(0, |tensor| tensor.numbers.iter().filter(|number| !number.is_finite()).count() as u64)
    };
    TensorDifference {
        path: path.to_owned(),
        status,
        shapes: [first, second].map(|tensor| tensor.map(|tensor| tensor.shape.clone())),
        norms: [first, second].map(|tensor| tensor.map(|tensor| norm(&tensor.numbers))),
        max_delta: both.map(|(a, b)| max_delta(&a.numbers, &b.numbers)),
        cosine: both.and_then(|(a, b)| cosine(&a.numbers, &b.numbers)),
        nan: bad(first) + bad(second),
    }
}

fn norm(numbers: &[f64]) -> f64 {
    let squares = numbers.iter().filter(|number| number.is_finite()).map(|number| number * number);
    squares.fold(0.0, |sum, square| sum + square).sqrt()
}

fn finite_pairs<'n>(first: &'n [f64], second: &'n [f64]) -> impl Iterator<Item = (f64, f64)> + 'n {
    let pairs = first.iter().copied().zip(second.iter().copied());
    pairs.filter(|(a, b)| a.is_finite() && b.is_finite())
}

fn max_delta(first: &[f64], second: &[f64]) -> f64 {
    finite_pairs(first, second).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn cosine(first: &[f64], second: &[f64]) -> Option<f64> {
    let (mut dot, mut left, mut right) = (0.0, 0.0, 0.0);
    for (a, b) in finite_pairs(first, second) {
        dot += a * b;
        left += a * a;
        right += b * b;
    }
    let length = f64::sqrt(left) * f64::sqrt(right);
    (length > 0.0).then(|| (dot / length).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor_of(shape: &[u64], numbers: &[f32]) -> Tensor {
        tensor(&Dataset::f32s(shape, numbers)).unwrap()
    }

    #[test]
    fn a_difference_is_measured() {
        let (a, b) = (tensor_of(&[2], &[3.0, 4.0]), tensor_of(&[2], &[4.0, -3.0]));
        let found = difference("w", Some(&a), Some(&b));
        assert_eq!(found.status, TensorStatus::Changed);
        assert_eq!((found.norms, found.max_delta), ([Some(5.0), Some(5.0)], Some(7.0)));
        assert_eq!((found.cosine, found.nan), (Some(0.0), 0));
        assert_eq!(difference("w", Some(&a), Some(&a)).cosine, Some(1.0));
    }

    #[test]
    fn what_is_not_there_or_has_another_shape_is_told() {
        let (a, b) = (tensor_of(&[2], &[3.0, 4.0]), tensor_of(&[1, 2], &[3.0, 4.0]));
        assert_eq!(difference("w", Some(&a), Some(&b)).status, TensorStatus::Reshaped);
        assert_eq!(difference("w", Some(&a), Some(&b)).max_delta, None);
        assert_eq!(difference("w", None, Some(&b)).status, TensorStatus::Added);
        assert_eq!(difference("w", Some(&a), None).status, TensorStatus::Removed);
    }

    #[test]
    fn what_is_no_number_is_counted_and_left_out() {
        let (a, b) = (tensor_of(&[2], &[f32::NAN, 1.0]), tensor_of(&[2], &[0.0, 1.5]));
        let found = difference("w", Some(&a), Some(&b));
        assert_eq!((found.nan, found.max_delta, found.norms[0]), (1, Some(0.5), Some(1.0)));
        assert!(norm(&[f64::NAN]).is_sign_positive());
        // The same NaN is the same tensor; a zero has no direction.
        assert_eq!(difference("w", Some(&a), Some(&a)).status, TensorStatus::Same);
        let zero = tensor_of(&[2], &[0.0, 0.0]);
        assert_eq!(difference("w", Some(&zero), Some(&b)).cosine, None);
    }
}
