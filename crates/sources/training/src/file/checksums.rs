//! SHA-256 of everything in a file.
//!
//! Of a dataset it is that of its data, little-endian, row by row; of a text that of its UTF-8 bytes. Of an attribute it
//! is that of its text, of the decimal digits of an integer (several with commas between them), or of the eight bytes of
//! a float. Beside each dataset `path#type` tells its type and shape in plain text.

use std::collections::BTreeMap;

use backstay_hdf5::read::{self, File, Object, Source, Value};
use backstay_hdf5::write::{Attribute, Content, Dataset, Group, Member};
use backstay_hdf5::{Datatype, Order};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::file::SnapshotError;
use crate::file::names::{CHECKSUMS, OWN};

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// SHA-256 of 32-bit floats as they stand in a dataset.
pub(super) fn of_f32s(values: &[f32]) -> String {
    let mut hash = Sha256::new();
    for value in values {
        hash.update(value.to_le_bytes());
    }
    HEXLOWER.encode(&hash.finalize())
}

/// The checksums of all that is to be written below `root`, with `own` as our own group in it.
pub(super) fn of_tree(root: &Group, own: &Group) -> Dataset {
    let mut sums = BTreeMap::new();
    add_group("", root, &mut sums);
    add_group(&format!("/{OWN}"), own, &mut sums);
    let text: serde_json::Map<_, _> = sums.into_iter().map(|(path, sum)| (path, sum.into())).collect();
    Dataset::text(serde_json::Value::Object(text).to_string())
}

fn add_group(path: &str, group: &Group, sums: &mut BTreeMap<String, String>) {
    add_attributes(path, group.attributes(), sums);
    for (name, member) in group.members() {
        let below = format!("{path}/{name}");
        match member {
            Member::Group(group) => add_group(&below, group, sums),
            Member::Dataset(dataset) => {
                add_attributes(&below, dataset.attributes(), sums);
                let sum = match dataset.content() {
                    Content::Bytes(bytes) => sha256(bytes),
                    Content::Text(text) => sha256(text.as_bytes()),
                    // Tensors from elsewhere come with their own checksums.
                    Content::Stream { .. } => continue,
                };
                sums.insert(format!("{below}#type"), kind(dataset.datatype(), dataset.shape()));
                sums.insert(below, sum);
            }
        }
    }
}

fn add_attributes(path: &str, attributes: &[(String, Attribute)], sums: &mut BTreeMap<String, String>) {
    for (name, value) in attributes {
        let value = match value {
            Attribute::Integer(number) => Value::Integer((*number).into()),
            Attribute::Float(number) => Value::Float(*number),
            Attribute::Text(text) => Value::Text(text.clone()),
            Attribute::Integers(numbers) => {
                Value::Several(numbers.iter().map(|number| Value::Integer((*number).into())).collect())
            }
        };
        sums.insert(format!("{path}@{name}"), of_value(&value));
    }
}

fn of_value(value: &Value) -> String {
    match value {
        Value::Integer(number) => sha256(number.to_string().as_bytes()),
        Value::Float(number) => sha256(&number.to_le_bytes()),
        Value::Text(text) => sha256(text.as_bytes()),
        Value::Boolean(flag) => sha256(flag.to_string().as_bytes()),
        Value::Several(values) => {
            let texts: Vec<String> = values
                .iter()
                .map(|value| match value {
                    Value::Integer(number) => number.to_string(),
                    other => of_value(other),
                })
                .collect();
            sha256(texts.join(",").as_bytes())
        }
        Value::Other => String::new(),
    }
}

/// Checks everything in a file against the checksums in it. Nothing may be missing, and nothing be there besides.
pub(super) fn verify<S: Source>(file: &File<S>) -> Result<(), SnapshotError> {
    let place = format!("/{OWN}/{CHECKSUMS}");
    let text = match file.dataset(&place)? {
        Some(dataset) => dataset.text()?,
        None => return Err(SnapshotError::invalid(place, "is missing")),
    };
    let mut wanted: BTreeMap<String, String> =
        serde_json::from_str(&text).map_err(|error| SnapshotError::invalid(place.clone(), error))?;
    file.walk(|object| {
        let (path, attributes) = match object {
            Object::Group(group) => (group.path(), group.attributes()?),
            Object::Dataset(dataset) if dataset.path() == place => return Ok::<_, SnapshotError>(()),
            Object::Dataset(dataset) => {
                let kind = kind(dataset.datatype(), dataset.shape());
                compare(&mut wanted, format!("{}#type", dataset.path()), &kind)?;
                let sum = of_dataset(dataset)?;
                compare(&mut wanted, dataset.path().to_owned(), &sum)?;
                (dataset.path(), dataset.attributes()?)
            }
        };
        for (name, value) in attributes {
            compare(&mut wanted, format!("{path}@{name}"), &of_value(&value))?;
        }
        Ok(())
    })?;
    match wanted.pop_first() {
        Some((path, _)) => Err(SnapshotError::Checksum { path }),
        None => Ok(()),
    }
}

/// What the bytes of a dataset mean: its type and its shape, for example `<f4 3,2`. Without it, a changed type would make
/// other numbers of the same bytes.
fn kind(datatype: Datatype, shape: &[u64]) -> String {
    let order = |order: Order| if order == Order::Little { '<' } else { '>' };
    let datatype = match datatype {
        Datatype::Float { bytes, order: of } => format!("{}f{bytes}", order(of)),
        Datatype::Integer { bytes, signed: true, order: of } => format!("{}i{bytes}", order(of)),
        Datatype::Integer { bytes, signed: false, order: of } => format!("{}u{bytes}", order(of)),
        Datatype::Text { .. } => "text".to_owned(),
        other => format!("{other:?}"),
    };
    let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
    format!("{datatype} {}", shape.join(","))
}

fn of_dataset<S: Source>(dataset: &read::Dataset<'_, S>) -> Result<String, SnapshotError> {
    if let Datatype::Text { .. } = dataset.datatype() {
        return Ok(sha256(dataset.text()?.as_bytes()));
    }
    let mut hash = Sha256::new();
    dataset.stream(|piece| hash.update(piece))?;
    Ok(HEXLOWER.encode(&hash.finalize()))
}

fn compare(wanted: &mut BTreeMap<String, String>, path: String, have: &str) -> Result<(), SnapshotError> {
    match wanted.remove(&path) {
        Some(sum) if sum == have => Ok(()),
        _ => Err(SnapshotError::Checksum { path }),
    }
}
