//! Arrays of NumPy ("NEP 1, a simple file format for NumPy arrays", versions 1 to 3).
//!
//! The header is a Python literal; only the dictionary of its three known keys is understood. An array of objects would
//! be a pickle, and is refused.

use crate::data::{DataError, MAX_VALUES, Table};

/// The most bytes of a header.
const MAX_HEADER: usize = 65_536;

/// Reads a matrix of numbers; a vector is a matrix of one column.
pub(super) fn read(bytes: &[u8]) -> Result<Table, DataError> {
    let bad = |problem: &str| DataError::Format(format!("the .npy file {problem}"));
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| bad("does not begin as one"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| bad("ends in its header"))?;
    let (length, rest) = match version[0] {
        1 => rest.split_first_chunk::<2>().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest)),
        2 | 3 => {
            rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
        }
        _ => return Err(bad("has a version that is not read")),
    }
    .ok_or_else(|| bad("ends in its header"))?;
    if length > MAX_HEADER {
        return Err(bad("has a header that is too long"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(|| bad("ends in its header"))?;
    let header = str::from_utf8(header).map_err(|_| bad("has a header that is no text"))?;
    let Header { descr, fortran, shape } =
        Header::parse(header).ok_or_else(|| bad("has a header that is not read"))?;
    let (width, rows) = match shape.as_slice() {
        [rows] => (1, *rows),
        [rows, width] => (*width, *rows),
        _ => return Err(bad("is no matrix")),
    };
    let element = Element::parse(&descr)
        .ok_or_else(|| DataError::Format(format!("the .npy file holds `{descr}`, not numbers")))?;
    let count = rows.checked_mul(width).filter(|count| *count <= MAX_VALUES && *count > 0);
    let count = count.ok_or_else(|| bad("has no values, or too many"))?;
    if Some(data.len()) != count.checked_mul(element.bytes) {
        return Err(bad("has more or less data than its shape says"));
    }
    let mut values: Vec<f64> = data.chunks_exact(element.bytes).map(|bytes| element.value(bytes)).collect();
    if fortran && width > 1 {
        values = (0..count).map(|index| values[index % width * rows + index / width]).collect();
    }
    Ok(Table { width, values })
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`, the keys in any order.
    fn parse(text: &str) -> Option<Self> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => {
                    let (text, after) = quoted(value)?;
                    descr = Some(text.to_owned());
                    after
                }
                "fortran_order" => {
                    let (order, after) = if let Some(after) = value.strip_prefix("True") {
                        (true, after)
                    } else {
                        (false, value.strip_prefix("False")?)
                    };
                    fortran = Some(order);
                    after
                }
                "shape" => {
                    let (inside, after) = value.strip_prefix('(')?.split_once(')')?;
                    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
                    shape = Some(parts.map(|part| part.parse().ok()).collect::<Option<Vec<usize>>>()?);
                    after
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.is_empty() => rest,
                None => return None,
            };
        }
        Some(Self { descr: descr?, fortran: fortran?, shape: shape? })
    }
}

/// A text between quotes and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[derive(Clone, Copy)]
enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Float,
}

#[derive(Clone, Copy)]
struct Element {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

impl Element {
    /// Reads for example `<f4`.
    fn parse(descr: &str) -> Option<Self> {
        let big_endian = match descr.chars().next()? {
            '<' | '|' | '=' => false,
            '>' => true,
            _ => return None,
        };
        let (kind, bytes) = match &descr[1..] {
            "b1" => (Kind::Boolean, 1),
            "i1" => (Kind::Signed, 1),
            "i2" => (Kind::Signed, 2),
            "i4" => (Kind::Signed, 4),
            "i8" => (Kind::Signed, 8),
            "u1" => (Kind::Unsigned, 1),
            "u2" => (Kind::Unsigned, 2),
            "u4" => (Kind::Unsigned, 4),
            "u8" => (Kind::Unsigned, 8),
            "f4" => (Kind::Float, 4),
            "f8" => (Kind::Float, 8),
            _ => return None,
        };
        Some(Self { kind, bytes, big_endian })
    }

    fn value(self, bytes: &[u8]) -> f64 {
        let mut bits = 0_u64;
        for index in 0..self.bytes {
            let at = if self.big_endian { index } else { self.bytes - 1 - index };
            bits = bits << 8 | u64::from(bytes[at]);
        }
        let unused = 64 - 8 * self.bytes as u32;
        match self.kind {
            Kind::Boolean => f64::from(u8::from(bits != 0)),
            Kind::Signed => ((bits << unused).cast_signed() >> unused) as f64,
            Kind::Unsigned => bits as f64,
            Kind::Float if self.bytes == 4 => f32::from_bits(bits as u32).into(),
            Kind::Float => f64::from_bits(bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn matrices_are_read_in_both_orders() {
        let values: Vec<u8> =
            [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let rows = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", &values);
        assert_eq!(read(&rows).unwrap().values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let columns = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", &values);
        assert_eq!(read(&columns).unwrap().values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let big = npy("{'shape': (2,), 'fortran_order': False, 'descr': '>i2'}", &[0xff, 0xfe, 0, 7]);
        let table = read(&big).unwrap();
        assert_eq!((table.width, table.values), (1, vec![-2.0, 7.0]));
    }

    #[test]
    fn what_is_no_matrix_of_numbers_is_refused() {
        let header = |descr: &str, shape: &str| {
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
        };
        for (bytes, message) in [
            (b"PK\x03\x04".to_vec(), "does not begin as one"),
            (npy(&header("'|O'", "(1, 1)"), b"\x80\x04."), "holds `|O`, not numbers"),
            (npy(&header("[('a', '<f4')]", "(1, 1)"), &[0; 4]), "has a header that is not read"),
            (npy(&header("'<f4'", "(2, 2)"), &[0; 15]), "more or less data"),
            (npy(&header("'<f4'", "(2, 2, 2)"), &[0; 32]), "is no matrix"),
            (npy(&header("'<f4'", "(99999999999, 99999999999)"), &[]), "no values, or too many"),
            (npy(&header("'<f4'", "(0, 2)"), &[]), "no values, or too many"),
            (npy("{'descr': __import__('os'), 'shape': (1,)}", &[]), "has a header that is not read"),
            (b"\x93NUMPY\x01\0\xff".to_vec(), "ends in its header"),
        ] {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
