//! A piece of a file, read from front to back.

use crate::read::ReadError;

/// Bytes and where in the file they are from.
#[derive(Debug, Clone)]
pub(crate) struct Bytes<'a> {
    text: &'a [u8],
    offset: u64,
}

impl<'a> Bytes<'a> {
    pub(crate) const fn new(text: &'a [u8], offset: u64) -> Self {
        Self { text, offset }
    }

    /// Where the next byte is in the file.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.text
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self
            .text
            .split_at_checked(count)
            .ok_or(ReadError::damaged(self.offset, "something ends early"))?;
        self.text = rest;
        self.offset += count as u64;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ReadError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ReadError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Fails with `problem` unless the next bytes are `wanted`.
    pub(crate) fn expect(&mut self, wanted: &[u8], problem: &'static str) -> Result<(), ReadError> {
        let offset = self.offset;
        if self.take(wanted.len())? == wanted { Ok(()) } else { Err(ReadError::damaged(offset, problem)) }
    }
}
