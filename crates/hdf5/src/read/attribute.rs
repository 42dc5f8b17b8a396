//! Attributes and their values.

use std::collections::BTreeMap;

use crate::read::bytes::Bytes;
use crate::read::dataset::shape;
use crate::read::header::Header;
use crate::read::{File, ReadError, Source, heap};
use crate::{Datatype, Order, message};

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i128),
    /// A number.
    Float(f64),
    /// A text. What is no UTF-8 in it is replaced.
    Text(String),
    /// `FALSE` or `TRUE`.
    Boolean(bool),
    /// Several values, row by row.
    Several(Vec<Value>),
    /// A value of a type that is not read.
    Other,
}

impl Value {
    /// The value as a whole number, when it is one that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Float(number) if number.fract() == 0.0 && (0.0..9e15).contains(number) => {
                Some(*number as u64)
            }
            _ => None,
        }
    }

    /// The value as a number, when it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as a text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// All attributes of an object by name.
pub(crate) fn read_all<S: Source>(
    file: &File<S>,
    header: &Header,
) -> Result<BTreeMap<String, Value>, ReadError> {
    let mut attributes = BTreeMap::new();
    for message in header.all(message::ATTRIBUTE) {
        if Header::is_shared(message) {
            return Err(ReadError::Unsupported { path: header.path.clone(), what: "a shared attribute" });
        }
        let (name, value) = read(file, message.bytes())?;
        attributes.insert(name, value);
    }
    Ok(attributes)
}

fn read<S: Source>(file: &File<S>, mut bytes: Bytes<'_>) -> Result<(String, Value), ReadError> {
    let start = bytes.offset();
    let version = bytes.u8()?;
    if !(1..=3).contains(&version) {
        return Err(ReadError::damaged(start, "an attribute has a version that does not exist"));
    }
    let flags = bytes.u8()?;
    let lengths = [bytes.u16()?, bytes.u16()?, bytes.u16()?].map(usize::from);
    if version == 3 {
        bytes.u8()?;
    }
    let mut part = |length: usize| {
        let offset = bytes.offset();
        let padded = if version == 1 { length.next_multiple_of(8) } else { length };
        bytes.take(padded).map(|text| (&text[..length], offset))
    };
    let (name, _) = part(lengths[0])?;
    let (datatype, datatype_offset) = part(lengths[1])?;
    let (space, space_offset) = part(lengths[2])?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name =
        str::from_utf8(name).map_err(|_| ReadError::damaged(start, "the name of an attribute is no text"))?;
    if version > 1 && flags & 3 != 0 {
        return Ok((name.to_owned(), Value::Other));
    }
    let datatype = Datatype::decode(datatype)
        .ok_or(ReadError::damaged(datatype_offset, "the type of an attribute is none"))?;
    let shape = shape(&mut Bytes::new(space, space_offset))?;
    let count = shape.iter().try_fold(1_u64, |count, dimension| count.checked_mul(*dimension));
    let fits = count
        .filter(|count| count.checked_mul(datatype.bytes()).is_some_and(|n| n <= bytes.rest().len() as u64));
    let Some(count) = fits else {
        return Err(ReadError::damaged(start, "an attribute is longer than its object header"));
    };
    let mut values = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let element = bytes.take(datatype.bytes() as usize)?;
        values.push(value(file, datatype, element, bytes.offset())?);
    }
    let value = if shape.is_empty() { values.pop().unwrap_or(Value::Other) } else { Value::Several(values) };
    Ok((name.to_owned(), value))
}

/// The value of one element.
pub(crate) fn value<S: Source>(
    file: &File<S>,
    datatype: Datatype,
    element: &[u8],
    offset: u64,
) -> Result<Value, ReadError> {
    Ok(match datatype {
        Datatype::Integer { signed, order, .. } => Value::Integer(integer(element, signed, order)),
        Datatype::Float { order, .. } => Value::Float(float(element, order)),
        Datatype::FixedText { .. } => Value::Text(fixed_text(element)),
        Datatype::Text { .. } => {
            let text = heap::global(file, &mut Bytes::new(element, offset))?;
            Value::Text(String::from_utf8_lossy(&text).into_owned())
        }
        Datatype::Boolean => Value::Boolean(element.first() == Some(&1)),
        Datatype::Other { .. } => Value::Other,
    })
}

/// A whole number of up to eight bytes.
pub(crate) fn integer(element: &[u8], signed: bool, order: Order) -> i128 {
    let mut bits = 0_u64;
    let mut add = |byte: &u8| bits = bits << 8 | u64::from(*byte);
    match order {
        Order::Little => element.iter().rev().for_each(&mut add),
        Order::Big => element.iter().for_each(&mut add),
    }
    let unused = 64_u32.saturating_sub(element.len() as u32 * 8);
    if signed { i128::from((bits << unused).cast_signed() >> unused) } else { i128::from(bits) }
}

/// A number of two, four or eight bytes.
pub(crate) fn float(element: &[u8], order: Order) -> f64 {
    let bits = integer(element, false, order) as u64;
    match element.len() {
        2 => half(bits as u16),
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

/// A number of two bytes: five bits of exponent, ten of mantissa.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa / f64::from(1 << 24),
        31 if mantissa > 0.0 => f64::NAN,
        31 => f64::INFINITY,
        _ => (1.0 + mantissa / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// A text up to its first zero, without spaces at its end.
fn fixed_text(element: &[u8]) -> String {
    let text = element.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_orders() {
        assert_eq!(integer(&[0xfe, 0xff], true, Order::Little), -2);
        assert_eq!(integer(&[0xff, 0xfe], true, Order::Big), -2);
        assert_eq!(integer(&[0xfe, 0xff], false, Order::Little), 0xfffe);
        assert_eq!(integer(&[0xff; 8], false, Order::Little), i128::from(u64::MAX));
        assert!((float(&1.5_f32.to_be_bytes(), Order::Big) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn halves_are_read() {
        for (bits, wanted) in [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 2_f64.powi(-24)), (0x7bff, 65504.0)] {
            assert!((half(bits) - wanted).abs() < 1e-12 * wanted.abs());
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }
}
