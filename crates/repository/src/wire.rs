//! Bounded reading and writing of the binary forms: little-endian integers, LEB128 varints, byte strings.

/// Why stored bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Reads values from a byte string; never beyond its end, never allocating by an untrusted length.
#[derive(Debug, Clone)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that are left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// An unsigned LEB128 integer in its shortest form.
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("a number is too large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Malformed("a number is not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(Malformed("a number is too long"))
    }

    /// A varint of at most `limit`.
    pub(crate) fn bounded(&mut self, limit: u64, reason: &'static str) -> Result<u64, Malformed> {
        let value = self.varint()?;
        if value <= limit { Ok(value) } else { Err(Malformed(reason)) }
    }

    /// A signed integer, zigzag coded in a varint.
    pub(crate) fn zigzag(&mut self) -> Result<i64, Malformed> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A varint length of at most `limit`, then that many bytes.
    pub(crate) fn prefixed(&mut self, limit: usize, reason: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.bounded(limit as u64, reason)? as usize;
        self.bytes(length)
    }

    /// Succeeds when every byte has been read.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("there are bytes after its end")) }
    }
}

/// Appends `value` as an unsigned LEB128 integer.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` zigzag coded.
pub(crate) fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends the length of `bytes` as a varint, then the bytes.
pub(crate) fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, unsigned);
            put_zigzag(&mut bytes, signed);
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!(decoder.varint(), Ok(unsigned));
            prop_assert_eq!(decoder.zigzag(), Ok(signed));
            prop_assert_eq!(decoder.end(), Ok(()));
        }

        #[test]
        fn a_number_has_one_form_only(bytes in prop::collection::vec(any::<u8>(), 1..12)) {
            let mut decoder = Decoder::new(&bytes);
            if let Ok(value) = decoder.varint() {
                let mut again = Vec::new();
                put_varint(&mut again, value);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - decoder.remaining()]);
            }
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_without_allocating() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX / 2);
        assert!(Decoder::new(&bytes).prefixed(usize::MAX, "too long").is_err());
        assert!(Decoder::new(&bytes).prefixed(10, "too long").is_err());
    }
}
