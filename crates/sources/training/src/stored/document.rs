//! The document of a stored snapshot: the tree of its HDF5 file without the bytes of larger tensors.

use std::collections::BTreeMap;

use backstay_hdf5::write::Attribute;
use backstay_hdf5::{Datatype, Order};
use serde::{Deserialize, Serialize};

/// The name of the form.
pub(super) const FORMAT: &str = "backstay.training";
/// Its version.
pub(super) const VERSION: u32 = 1;

/// The document.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) root: GroupNode,
}

/// A group.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct GroupNode {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<(String, AttributeNode)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) members: BTreeMap<String, MemberNode>,
}

/// A member of a group.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MemberNode {
    Group(GroupNode),
    Dataset(DatasetNode),
}

/// A dataset.
#[derive(Serialize, Deserialize)]
pub(super) struct DatasetNode {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<(String, AttributeNode)>,
    #[serde(flatten)]
    pub(super) content: ContentNode,
}

/// Where the data of a dataset are.
#[derive(Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "lowercase")]
pub(super) enum ContentNode {
    /// A text.
    Text { text: String },
    /// Numbers, here.
    Document {
        #[serde(rename = "type")]
        datatype: String,
        shape: Vec<u64>,
        base64: String,
    },
    /// Numbers, in the file of the same path below `tensors`.
    Tensor {
        #[serde(rename = "type")]
        datatype: String,
        shape: Vec<u64>,
    },
}

/// The value of an attribute. A float stands as the hexadecimal digits of its bits: JSON knows neither infinity nor NaN.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AttributeNode {
    Integer(i64),
    Float(String),
    Text(String),
    Integers(Vec<i64>),
}

impl From<&Attribute> for AttributeNode {
    fn from(value: &Attribute) -> Self {
        match value {
            Attribute::Integer(number) => Self::Integer(*number),
            Attribute::Float(number) => Self::Float(format!("{:016x}", number.to_bits())),
            Attribute::Text(text) => Self::Text(text.clone()),
            Attribute::Integers(numbers) => Self::Integers(numbers.clone()),
        }
    }
}

impl AttributeNode {
    /// The attribute; `None` when a float is none.
    pub(super) fn into_attribute(self) -> Option<Attribute> {
        Some(match self {
            Self::Integer(number) => Attribute::Integer(number),
            Self::Float(bits) => Attribute::Float(f64::from_bits(u64::from_str_radix(&bits, 16).ok()?)),
            Self::Text(text) => Attribute::Text(text),
            Self::Integers(numbers) => Attribute::Integers(numbers),
        })
    }
}

/// The name of a type of numbers, as NumPy writes it: `<f4`, `|u1`. Other types are never written.
pub(super) fn type_name(datatype: Datatype) -> Option<String> {
    let order = |bytes: u8, order: Order| match order {
        _ if bytes == 1 => '|',
        Order::Little => '<',
        Order::Big => '>',
    };
    match datatype {
        Datatype::Float { bytes, order: of } => Some(format!("{}f{bytes}", order(bytes, of))),
        Datatype::Integer { bytes, signed, order: of } => {
            Some(format!("{}{}{bytes}", order(bytes, of), if signed { 'i' } else { 'u' }))
        }
        _ => None,
    }
}

/// The type of a name.
pub(super) fn parse_type(name: &str) -> Option<Datatype> {
    let mut parts = name.chars();
    let order = match parts.next()? {
        '<' | '|' => Order::Little,
        '>' => Order::Big,
        _ => return None,
    };
    let class = parts.next()?;
    let bytes: u8 = parts.as_str().parse().ok().filter(|bytes| [1, 2, 4, 8].contains(bytes))?;
    match class {
        'f' if bytes > 1 => Some(Datatype::Float { bytes, order }),
        'i' | 'u' => Some(Datatype::Integer { bytes, signed: class == 'i', order }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back_what_they_write() {
        for name in ["<f4", "<f8", "|u1", "<u2", "<u8", "<i8", ">f4"] {
            assert_eq!(parse_type(name).and_then(type_name).as_deref(), Some(name));
        }
        for name in ["", "f4", "<f3", "<x4", "|f1", "<f", "<u16"] {
            assert!(parse_type(name).is_none(), "{name}");
        }
    }

    #[test]
    fn attributes_keep_every_bit() {
        for number in [0.1 + 0.2, f64::INFINITY, -0.0, f64::from_bits(0x7ff8_0000_0000_0001)] {
            let node = AttributeNode::from(&Attribute::Float(number));
            let text = serde_json::to_string(&node).unwrap();
            let back: AttributeNode = serde_json::from_str(&text).unwrap();
            let Some(Attribute::Float(back)) = back.into_attribute() else { panic!("no float") };
            assert_eq!(back.to_bits(), number.to_bits());
        }
    }
}
