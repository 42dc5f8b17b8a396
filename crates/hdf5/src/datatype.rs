//! Types of elements, and how they are written down.

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

/// What fills a text of fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// A zero byte ends it.
    Terminated,
    /// Zero bytes fill it.
    Zeros,
    /// Spaces fill it.
    Spaces,
}

/// The type of the elements of a dataset or an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datatype {
    /// A whole number of 1, 2, 4 or 8 bytes.
    Integer {
        /// Bytes per element.
        bytes: u8,
        /// Whether it can be negative.
        signed: bool,
        /// The order of its bytes.
        order: Order,
    },
    /// An IEEE 754 number of 2, 4 or 8 bytes.
    Float {
        /// Bytes per element.
        bytes: u8,
        /// The order of its bytes.
        order: Order,
    },
    /// A text of a fixed number of bytes.
    FixedText {
        /// Bytes per element.
        bytes: u32,
        /// What fills it.
        padding: Padding,
        /// Whether it is UTF-8 rather than ASCII.
        utf8: bool,
    },
    /// A text of any length, kept in a heap.
    Text {
        /// Whether it is UTF-8 rather than ASCII.
        utf8: bool,
    },
    /// `FALSE` or `TRUE` in a byte, as h5py writes NumPy's booleans.
    Boolean,
    /// Any other type: it can be told from others, and not be read.
    Other {
        /// Its class in the specification.
        class: u8,
        /// Bytes per element.
        bytes: u32,
    },
}

impl Datatype {
    /// A 32-bit float, little-endian.
    pub const F32: Self = Self::Float { bytes: 4, order: Order::Little };
    /// A 64-bit float, little-endian.
    pub const F64: Self = Self::Float { bytes: 8, order: Order::Little };
    /// A signed 64-bit integer, little-endian.
    pub const I64: Self = Self::Integer { bytes: 8, signed: true, order: Order::Little };
    /// An unsigned 64-bit integer, little-endian.
    pub const U64: Self = Self::Integer { bytes: 8, signed: false, order: Order::Little };
    /// An unsigned 16-bit integer, little-endian.
    pub const U16: Self = Self::Integer { bytes: 2, signed: false, order: Order::Little };
    /// A byte.
    pub const U8: Self = Self::Integer { bytes: 1, signed: false, order: Order::Little };

    /// Bytes per element in the file; for [`Datatype::Text`] those of the reference into the heap.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Integer { bytes, .. } | Self::Float { bytes, .. } => bytes as u64,
            Self::FixedText { bytes, .. } | Self::Other { bytes, .. } => bytes as u64,
            Self::Text { .. } => 16,
            Self::Boolean => 1,
        }
    }

    /// The message that describes the type; `None` for one that cannot be written.
    pub(crate) fn encode(self) -> Option<Vec<u8>> {
        let head = |class: u8, bits: [u8; 3], bytes: u64| -> Vec<u8> {
            let mut text = vec![0x10 | class, bits[0], bits[1], bits[2]];
            text.extend((bytes as u32).to_le_bytes());
            text
        };
        let of = |order: Order| u8::from(order == Order::Big);
        Some(match self {
            Self::Integer { bytes: bytes @ (1 | 2 | 4 | 8), signed, order } => {
                let mut text = head(0, [of(order) | u8::from(signed) << 3, 0, 0], bytes.into());
                text.extend([0, 0, bytes * 8, 0]);
                text
            }
            Self::Float { bytes: bytes @ (2 | 4 | 8), order } => {
                let (exponent_at, exponent, mantissa, bias) = float(bytes);
                let mut text = head(1, [0x20 | of(order), bytes * 8 - 1, 0], bytes.into());
                text.extend([0, 0, bytes * 8, 0, exponent_at, exponent, 0, mantissa]);
                text.extend(bias.to_le_bytes());
                text
            }
            Self::FixedText { bytes, padding, utf8 } if bytes > 0 => {
                let padding = match padding {
                    Padding::Terminated => 0,
                    Padding::Zeros => 1,
                    Padding::Spaces => 2,
                };
                head(3, [padding | u8::from(utf8) << 4, 0, 0], bytes.into())
            }
            Self::Text { utf8 } => {
                let mut text = head(9, [1, u8::from(utf8), 0], 16);
                text.extend(head(0, [0, 0, 0], 1));
                text.extend([0, 0, 8, 0]);
                text
            }
            _ => return None,
        })
    }

    /// Reads a description. What cannot be read as an element is [`Datatype::Other`]; `None` is a damaged description.
    pub(crate) fn decode(text: &[u8]) -> Option<Self> {
        let (&[version_class, bits, bits_1, _, a, b, c, d], rest) = text.split_first_chunk::<8>()?;
        let (version, class, size) =
            (version_class >> 4, version_class & 15, u32::from_le_bytes([a, b, c, d]));
        if !(1..=5).contains(&version) || size == 0 {
            return None;
        }
        let other = Self::Other { class, bytes: size };
        let order = if bits & 1 == 1 { Order::Big } else { Order::Little };
        Some(match class {
            0 => {
                let (properties, _) = rest.split_first_chunk::<4>()?;
                if matches!(size, 1 | 2 | 4 | 8) && *properties == [0, 0, size as u8 * 8, 0] && bits & 6 == 0
                {
                    Self::Integer { bytes: size as u8, signed: bits & 8 != 0, order }
                } else {
                    other
                }
            }
            1 => {
                let (properties, _) = rest.split_first_chunk::<12>()?;
                if !matches!(size, 2 | 4 | 8) {
                    return Some(other);
                }
                let (exponent_at, exponent, mantissa, bias) = float(size as u8);
                let mut ieee = [0, 0, size as u8 * 8, 0, exponent_at, exponent, 0, mantissa, 0, 0, 0, 0];
                ieee[8..].copy_from_slice(&bias.to_le_bytes());
                if *properties == ieee && bits & 0xfe == 0x20 && u32::from(bits_1) == size * 8 - 1 {
                    Self::Float { bytes: size as u8, order }
                } else {
                    other
                }
            }
            3 => {
                let padding = match bits & 15 {
                    0 => Padding::Terminated,
                    1 => Padding::Zeros,
                    2 => Padding::Spaces,
                    _ => return None,
                };
                Self::FixedText { bytes: size, padding, utf8: bits >> 4 == 1 }
            }
            8 if is_boolean(version, bits, rest) && size == 1 => Self::Boolean,
            9 if bits & 15 == 1 && size == 16 => Self::Text { utf8: bits_1 & 15 == 1 },
            _ => other,
        })
    }
}

/// Where the exponent of an IEEE 754 number begins, its bits, those of the mantissa, and the bias.
const fn float(bytes: u8) -> (u8, u8, u8, u32) {
    match bytes {
        2 => (10, 5, 10, 15),
        4 => (23, 8, 23, 127),
        _ => (52, 11, 52, 1023),
    }
}

/// Whether an enumeration of two members in a byte is `FALSE` and `TRUE`, 0 and 1.
fn is_boolean(version: u8, members: u8, properties: &[u8]) -> bool {
    const BASE: usize = 12;
    let names: &[u8] = if version < 3 { b"FALSE\0\0\0TRUE\0\0\0\0\0\x01" } else { b"FALSE\0TRUE\0\0\x01" };
    let base = properties.get(..BASE).and_then(Datatype::decode);
    members == 2
        && matches!(base, Some(Datatype::Integer { bytes: 1, .. }))
        && properties[BASE..].starts_with(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let fixed = |padding, utf8| Datatype::FixedText { bytes: 9, padding, utf8 };
        for datatype in [
            Datatype::F32,
            Datatype::F64,
            Datatype::Float { bytes: 2, order: Order::Big },
            Datatype::I64,
            Datatype::U8,
            Datatype::Integer { bytes: 4, signed: true, order: Order::Big },
            fixed(Padding::Zeros, false),
            fixed(Padding::Spaces, true),
            fixed(Padding::Terminated, true),
            Datatype::Text { utf8: true },
            Datatype::Text { utf8: false },
        ] {
            let text = datatype.encode().unwrap();
            assert_eq!(Datatype::decode(&text), Some(datatype));
            for end in 0..8 {
                assert_eq!(Datatype::decode(&text[..end]), None, "{end} bytes");
            }
        }
    }

    #[test]
    fn odd_types_are_other() {
        let mut odd = Datatype::F32.encode().unwrap();
        odd[12] = 20;
        assert_eq!(Datatype::decode(&odd), Some(Datatype::Other { class: 1, bytes: 4 }));
        let compound = [0x16, 0, 0, 0, 12, 0, 0, 0];
        assert_eq!(Datatype::decode(&compound), Some(Datatype::Other { class: 6, bytes: 12 }));
    }
}
