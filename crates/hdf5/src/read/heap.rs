//! Heaps: names of groups (local) and texts of any length (global).

use crate::read::bytes::Bytes;
use crate::read::{File, ReadError, Source};

/// The most bytes of all names of a group.
const MAX_NAMES: u64 = 64 << 20;

/// The names of a group.
pub(crate) struct LocalHeap {
    segment: Vec<u8>,
    address: u64,
}

impl LocalHeap {
    pub(crate) fn read<S: Source>(file: &File<S>, address: u64) -> Result<Self, ReadError> {
        let head = file.metadata(address, 32)?;
        let mut bytes = Bytes::new(&head, address);
        bytes.expect(b"HEAP\0", "a heap of names does not begin as one")?;
        bytes.take(3)?;
        let length = bytes.u64()?;
        bytes.take(8)?;
        let segment_address = bytes.u64()?;
        if length > MAX_NAMES {
            return Err(ReadError::TooLarge {
                what: "a heap of names".into(),
                bytes: length,
                limit: MAX_NAMES,
            });
        }
        Ok(Self { segment: file.metadata(segment_address, length as usize)?, address })
    }

    /// The name at `offset`.
    pub(crate) fn name(&self, offset: u64) -> Result<&str, ReadError> {
        let text = usize::try_from(offset).ok().and_then(|offset| self.segment.get(offset..));
        let end = text.and_then(|text| text.iter().position(|byte| *byte == 0));
        let name = text.zip(end).and_then(|(text, end)| str::from_utf8(&text[..end]).ok());
        name.filter(|name| !name.is_empty() && !name.contains('/'))
            .ok_or(ReadError::damaged(self.address, "a name in a group is none"))
    }
}

/// Reads the object that a reference of 16 bytes leads to: its length, the address of its collection, its number.
pub(crate) fn global<S: Source>(file: &File<S>, reference: &mut Bytes<'_>) -> Result<Vec<u8>, ReadError> {
    let (length, address, wanted) = (reference.u32()?, reference.u64()?, reference.u32()?);
    if length == 0 {
        return Ok(Vec::new());
    }
    let text = file.metadata(address, 16)?;
    let mut head = Bytes::new(&text, address);
    head.expect(b"GCOL\x01", "a heap of texts does not begin as one")?;
    head.take(3)?;
    let total = head.u64()?;
    file.check(address, total)?;
    let mut at = address + 16;
    let end = address + total;
    while at + 16 <= end {
        let text = file.metadata(at, 16)?;
        let mut bytes = Bytes::new(&text, at);
        let number = bytes.u16()?;
        bytes.take(6)?;
        let have = bytes.u64()?;
        if number == 0 {
            break;
        }
        let padded = have.checked_next_multiple_of(8).filter(|padded| *padded <= end - at - 16);
        let Some(padded) = padded else {
            return Err(ReadError::damaged(at, "a text is longer than its heap"));
        };
        if u32::from(number) == wanted {
            if u64::from(length) > have {
                return Err(ReadError::damaged(at, "a text is shorter than its reference says"));
            }
            return file.metadata(at + 16, length as usize);
        }
        at += 16 + padded;
    }
    Err(ReadError::damaged(address, "a heap of texts lacks a text"))
}
