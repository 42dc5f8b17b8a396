//! What a stored snapshot tells without its tensors being read.

use std::collections::BTreeMap;

use backstay_repository::{DirectoryRef, Reader};
use serde::{Deserialize, Serialize};

use super::StoredError;
use super::document::{AttributeNode, ContentNode, GroupNode, MemberNode, parse_type};
use super::export::document;

/// What a stored snapshot tells without its tensors being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The attributes of the root of the HDF5 file, as texts.
    pub attributes: BTreeMap<String, String>,
    /// Its datasets of numbers, by path.
    pub tensors: Vec<TensorOutline>,
}

/// A dataset of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorOutline {
    /// Its path in the file.
    pub path: String,
    /// The type of its numbers, as NumPy names it, for example `<f4`.
    pub dtype: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// The length of its data.
    pub bytes: u64,
}

/// Reads the outline of the snapshot in the tree `root`.
///
/// # Errors
/// When the repository fails or the tree is none of a training snapshot.
pub fn outline(reader: &Reader, root: &DirectoryRef) -> Result<Outline, StoredError> {
    let document = document(reader, root)?;
    let mut tensors = Vec::new();
    add_tensors(&document.root, "", &mut tensors)?;
    let attributes = document.root.attributes.into_iter().map(|(name, value)| {
        let text = match value {
            AttributeNode::Integer(number) => number.to_string(),
            AttributeNode::Text(text) => text,
            AttributeNode::Integers(numbers) => format!("{numbers:?}"),
            AttributeNode::Float(bits) => {
                u64::from_str_radix(&bits, 16).map_or(bits, |bits| f64::from_bits(bits).to_string())
            }
        };
        (name, text)
    });
    Ok(Outline { attributes: attributes.collect(), tensors })
}

fn add_tensors(group: &GroupNode, path: &str, found: &mut Vec<TensorOutline>) -> Result<(), StoredError> {
    for (name, member) in &group.members {
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let (datatype, shape) = match member {
            MemberNode::Group(group) => {
                add_tensors(group, &below, found)?;
                continue;
            }
            MemberNode::Dataset(dataset) => match &dataset.content {
                ContentNode::Text { .. } => continue,
                ContentNode::Document { datatype, shape, .. } | ContentNode::Tensor { datatype, shape } => {
                    (datatype, shape)
                }
            },
        };
        let width = parse_type(datatype).and_then(|_| datatype.get(2..)?.parse::<u64>().ok());
        let bytes = width.and_then(|width| shape.iter().try_fold(width, |bytes, n| bytes.checked_mul(*n)));
        let bytes =
            bytes.ok_or_else(|| StoredError::tree(&*below, "has a shape or a type that cannot be"))?;
        found.push(TensorOutline { path: below, dtype: datatype.clone(), shape: shape.clone(), bytes });
    }
    Ok(())
}
